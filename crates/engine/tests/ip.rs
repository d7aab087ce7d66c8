//! Networks and client addresses: tables, properties, and the public vectors where they are present.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests"
)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use portcullis_engine::ip::{Network, NetworkError, parse_source_address, unmap};
use proptest::prelude::*;
use serde_json::Value;

fn check(network: &str, display: &str, holds: &str, lacks: &str) {
    let parsed = Network::parse(network).unwrap();
    assert_eq!(parsed.to_string(), display, "{network}");
    assert_eq!(Network::parse(display), Ok(parsed), "{network}");
    for (clients, expect) in [(holds, true), (lacks, false)] {
        for client in clients.split_whitespace() {
            assert_eq!(parsed.contains(client.parse().unwrap()), expect, "{client} in {network}");
        }
    }
}

#[test]
fn networks_hold_their_clients() {
    check("192.0.2.1", "192.0.2.1", "192.0.2.1 ::ffff:192.0.2.1", "192.0.2.2 ::192.0.2.1 ::1");
    check("192.0.2.1/32", "192.0.2.1", "192.0.2.1", "192.0.2.0");
    check("10.0.0.0/8", "10.0.0.0/8", "10.0.0.0 10.255.255.255 ::ffff:10.1.2.3", "9.255.255.255 11.0.0.0 ::a00:1");
    check("192.0.2.128/25", "192.0.2.128/25", "192.0.2.128 192.0.2.255", "192.0.2.127 192.0.3.128");
    check("0.0.0.0/0", "0.0.0.0/0", "0.0.0.0 255.255.255.255 ::ffff:1.2.3.4", ":: ::1 2001:db8::1");
    check("::/0", "::/0", ":: ::1 ffff::", "0.0.0.0 1.2.3.4 ::ffff:1.2.3.4");
    check("2001:DB8::/32", "2001:db8::/32", "2001:db8:: 2001:db8:ffff:ffff::1", "2001:db9:: 32.1.13.184");
    check("2001:db8::1/128", "2001:db8::1", "2001:db8::1", "2001:db8::2");
    check("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1 ::ffff:192.0.2.1", "192.0.2.2");
    check("::ffff:10.0.0.0/104", "10.0.0.0/8", "10.9.9.9 ::ffff:10.9.9.9", "11.0.0.0");
    check("::ffff:0:0/96", "0.0.0.0/0", "1.2.3.4 ::ffff:1.2.3.4", "::1");
    check("::/80", "::/80", "::1", "1.2.3.4 ::ffff:1.2.3.4");
}

#[test]
fn bad_networks_are_refused_with_a_hint() {
    let address = "is not an address; hint: write one such as `192.0.2.1` or `2001:db8::1`, without leading zeros";
    let prefix = "has no good prefix length; hint: write a plain number after the `/`, such as `/24`";
    let zone = "has a zone id, which means nothing to another machine; hint: leave out the `%` and what follows";
    for (network, message) in [
        ("", address),
        ("localhost", address),
        ("*", address),
        ("10.0.0", address),
        ("10.0.0.1 ", address),
        (" 10.0.0.1", address),
        ("010.0.0.1", address),
        ("10.0.0.1:80", address),
        ("[::1]", address),
        ("0x0a000001", address),
        ("167772161", address),
        ("10.0.0.256/8", address),
        ("/8", address),
        ("fe80::1%eth0", zone),
        ("fe80::%eth0/10", zone),
        ("10.0.0.0/", prefix),
        ("10.0.0.0/08", prefix),
        ("10.0.0.0/00", prefix),
        ("10.0.0.0/+8", prefix),
        ("10.0.0.0/-8", prefix),
        ("10.0.0.0/8/8", prefix),
        ("10.0.0.0/8 ", prefix),
        ("10.0.0.0/99999999999", prefix),
    ] {
        check_refused(network, &format!("`{network}` {message}"));
    }
    for (network, message) in [
        ("10.0.0.0/33", "prefix length 33 is too long; hint: write at most 32"),
        ("10.0.0.0/256", "prefix length 256 is too long; hint: write at most 32"),
        ("::/129", "prefix length 129 is too long; hint: write at most 128"),
        ("10.0.0.0/255.0.0.0", "`10.0.0.0/255.0.0.0` has a netmask; hint: write `10.0.0.0/8`"),
        (
            "10.0.0.0/0.255.255.255",
            "`10.0.0.0/0.255.255.255` has a netmask; hint: write a prefix length, such as `/24`",
        ),
        (
            "10.1.2.3/8",
            "`10.1.2.3/8` has bits set beyond its prefix; hint: write `10.0.0.0/8` for the network or `10.1.2.3` for the address",
        ),
        (
            "1.2.3.4/0",
            "`1.2.3.4/0` has bits set beyond its prefix; hint: write `0.0.0.0/0` for the network or `1.2.3.4` for the address",
        ),
        (
            "2001:db8::1/32",
            "`2001:db8::1/32` has bits set beyond its prefix; hint: write `2001:db8::/32` for the network or `2001:db8::1` for the address",
        ),
        (
            "::ffff:10.0.0.1/104",
            "`::ffff:10.0.0.1/104` has bits set beyond its prefix; hint: write `10.0.0.0/8` for the network or `10.0.0.1` for the address",
        ),
        (
            "::ffff:10.0.0.0/90",
            "`::ffff:10.0.0.0/90` has bits set beyond its prefix; hint: write `::ffc0:0:0/90` for the network or `10.0.0.0` for the address",
        ),
    ] {
        check_refused(network, message);
    }
}

fn check_refused(network: &str, message: &str) {
    assert_eq!(Network::parse(network).unwrap_err().to_string(), message);
}

#[test]
fn source_addresses_are_read() {
    for (text, expect) in [
        ("192.0.2.1:443", Some("192.0.2.1")),
        ("192.0.2.1", Some("192.0.2.1")),
        ("[2001:db8::1]:443", Some("2001:db8::1")),
        ("2001:db8::1", Some("2001:db8::1")),
        ("::1", Some("::1")),
        ("[::ffff:192.0.2.1]:0", Some("192.0.2.1")),
        ("::ffff:192.0.2.1", Some("192.0.2.1")),
        ("[fe80::1%2]:443", Some("fe80::1")),
        ("fe80::1%eth0", Some("fe80::1")),
        ("", None),
        (":443", None),
        ("192.0.2.1:", None),
        ("192.0.2.1:x", None),
        ("192.0.2.1:+1", None),
        ("192.0.2.1:65536", None),
        ("192.0.2.1%2:443", None),
        ("010.0.2.1:443", None),
        ("[192.0.2.1]:443", None),
        ("[::1]", None),
        ("[::1]443", None),
        ("[::1", None),
        ("[::1%]:443", None),
        ("/run/envoy.sock", None),
        ("@envoy/internal", None),
        ("192.0.2.1, 10.0.0.1", None),
    ] {
        let expect = expect.map(|address| address.parse::<IpAddr>().unwrap());
        assert_eq!(parse_source_address(text.as_bytes()), expect, "{text}");
    }
    assert_eq!(parse_source_address(b"\xff"), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn containment_is_bit_by_bit(a in any::<u32>(), b in any::<u32>(), prefix in 0..=32_u8, flip in 0..32_u8) {
        let near = a ^ 1_u32.rotate_right(u32::from(flip) + 1);
        for (client, expect) in [(near, flip >= prefix), (b, prefix == 0 || (a ^ b).leading_zeros() >= prefix.into())] {
            let network = Network::V4 { address: Ipv4Addr::from_bits(a), prefix };
            let client = Ipv4Addr::from_bits(client);
            prop_assert_eq!(network.contains(client.into()), expect);
            prop_assert_eq!(network.contains(client.to_ipv6_mapped().into()), expect);
        }
    }

    #[test]
    fn containment_is_bit_by_bit_in_v6(a in any::<u128>(), prefix in 0..=128_u8, flip in 0..128_u8) {
        let client = Ipv6Addr::from_bits(a ^ 1_u128.rotate_right(u32::from(flip) + 1));
        let network = Network::V6 { address: Ipv6Addr::from_bits(a), prefix };
        prop_assert_eq!(network.contains(client.into()), flip >= prefix && client.to_ipv4_mapped().is_none());
    }

    #[test]
    fn the_suggested_network_is_right(address in any::<IpAddr>(), prefix in 0..=128_u8) {
        match Network::parse(&format!("{address}/{prefix}")) {
            Ok(network) => prop_assert!(network.contains(address)),
            Err(NetworkError::HostBits { network, .. }) => {
                prop_assert!(network.contains(address) || unmap(address) != address);
                prop_assert_eq!(Network::parse(&network.to_string()), Ok(network));
            }
            Err(error) => prop_assert_eq!(error, NetworkError::PrefixTooLong { prefix: prefix.into(), longest: 32 }),
        }
    }

    #[test]
    fn no_bytes_panic(text in "[0-9a-f:./%\\[\\]x-]{0,24}") {
        if let Ok(network) = Network::parse(&text) {
            prop_assert_eq!(Network::parse(&network.to_string()), Ok(network));
        }
        let _ = parse_source_address(text.as_bytes());
    }
}

/// The cases of a public vector file, or none, said plainly.
fn vectors(name: &str) -> Vec<Value> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    let folder = std::env::var_os("PORTCULLIS_VECTORS").map_or_else(beside, PathBuf::from);
    let file = folder.join("ip").join(name);
    match std::fs::read_to_string(&file) {
        Ok(text) => serde_json::from_str::<Value>(&text).unwrap()["cases"].as_array().unwrap().clone(),
        Err(error) => {
            println!("public vectors absent, nothing checked: {}: {error}", file.display());
            Vec::new()
        }
    }
}

/// Where both accept, both mean the same; where only they accept, the difference is one that we document.
fn check_vector(case: &Value, valid: bool) {
    let text = case["in"].as_str().unwrap();
    match Network::parse(text) {
        Ok(ours) => {
            // Go's `ParsePrefix` wants a `/`; for us an address is a range of one.
            assert!(valid || case["expect"]["error"] == "no '/'", "{} accepts {text}", case["id"]);
            if let Some(canonical) = case["expect"]["canonical"].as_str() {
                assert_eq!(Network::parse(canonical), Ok(ours), "{}", case["id"]);
            }
        }
        Err(error) if valid => match error {
            NetworkError::Zone(_) => assert!(text.contains('%'), "{}", case["id"]),
            NetworkError::Netmask { .. } => assert!(text.rsplit('/').next().unwrap().contains('.'), "{}", case["id"]),
            NetworkError::HostBits { .. } => {
                assert_ne!(case["strict_host_bits"], true, "{}", case["id"])
            }
            NetworkError::Prefix(_) => {
                assert!(text.contains("/0"), "{} leading zeros: {text}", case["id"])
            }
            other => panic!("{} refuses {text}: {other}", case["id"]),
        },
        Err(_) => {}
    }
}

#[test]
fn cpython_vectors_hold() {
    let cases = vectors("cpython_ipaddress.json");
    for case in &cases {
        check_vector(case, case["expect"]["any_family_valid"].as_bool().unwrap());
    }
    println!("{} cases of CPython checked", cases.len());
}

#[test]
fn go_vectors_hold() {
    let cases = vectors("go_netip_parse.json");
    for case in &cases {
        match case["kind"].as_str().unwrap() {
            "unmap" => {
                let ours = parse_source_address(case["in"].as_str().unwrap().as_bytes()).unwrap();
                assert_eq!(ours.to_string(), case["expect"]["unmapped"].as_str().unwrap(), "{}", case["id"]);
            }
            _ => check_vector(case, case["expect"]["valid"].as_bool().unwrap()),
        }
    }
    println!("{} cases of Go checked", cases.len());
}

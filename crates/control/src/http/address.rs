//! Where a request comes from: the peer, or, if that is a proxy of ours, whom the proxy names.
//!
//! Invariant: nobody but a trusted proxy has a say in it, so an address in the log was not made up by a client.

use std::net::IpAddr;

use axum::http::{Extensions, HeaderMap};
use portcullis_engine::ip::{Network, parse_source_address, unmap};

const FORWARDED: &str = "x-forwarded-for";

/// The other end of the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The client's address: the last one on the way here that is not a trusted proxy's.
pub(super) fn client(extensions: &Extensions, headers: &HeaderMap, trusted: &[Network]) -> Option<IpAddr> {
    let Peer(peer) = *extensions.get::<Peer>()?;
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(*address));
    let mut client = unmap(peer);
    let lines: Vec<_> = headers.get_all(FORWARDED).iter().collect();
    let mut hops = lines.iter().rev().flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    while is_trusted(&client) {
        // What a proxy did not understand or make up is the end of what is known.
        let Some(next) = hops.next().and_then(|hop| parse_source_address(hop.trim_ascii())) else { break };
        client = next;
    }
    Some(client)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_name_others() {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|text| Network::parse(text).unwrap());
        for (peer, lines, expected) in [
            ("192.0.2.1", vec![], "192.0.2.1"),
            ("192.0.2.1", vec!["203.0.113.9"], "192.0.2.1"),
            ("10.0.0.1", vec!["203.0.113.9"], "203.0.113.9"),
            ("::ffff:10.0.0.1", vec!["203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", vec!["198.51.100.7, 203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", vec!["198.51.100.7, 203.0.113.9, 10.2.3.4"], "203.0.113.9"),
            ("10.0.0.1", vec!["198.51.100.7", "203.0.113.9,10.2.3.4"], "203.0.113.9"),
            ("fd00::1", vec!["[2001:db8::5]:4711"], "2001:db8::5"),
            ("10.0.0.1", vec![], "10.0.0.1"),
            ("10.0.0.1", vec!["10.9.9.9"], "10.9.9.9"),
            ("10.0.0.1", vec!["203.0.113.9, nonsense"], "10.0.0.1"),
            ("10.0.0.1", vec!["203.0.113.9, , 10.2.3.4"], "10.2.3.4"),
        ] {
            let mut extensions = Extensions::new();
            extensions.insert(Peer(peer.parse().unwrap()));
            let mut headers = HeaderMap::new();
            for line in &lines {
                headers.append(FORWARDED, line.parse().unwrap());
            }
            let found = client(&extensions, &headers, &trusted).unwrap();
            assert_eq!(found.to_string(), expected, "{peer} {lines:?}");
        }
        assert_eq!(client(&Extensions::new(), &HeaderMap::new(), &trusted), None);
    }
}

//! Buffers and how bytes get into the guest.

use portcullis_host_tests::{Config, Process, Request};

use super::script::{check, module, notes};

fn configured(script: &str, configuration: &str) -> Vec<String> {
    let config = Config {
        workers: 1,
        plugin_configuration: configuration.into(),
        vm_configuration: b"vm".to_vec(),
        ..Config::default()
    };
    notes(&mut Process::start(&module(script), config).unwrap())
}

#[test]
fn configuration_is_readable_while_configuring() {
    let cases: [(&str, &str, &[&str]); 5] = [
        ("whole", "get_buffer_bytes 7 0 99 ->bytes", &["00 abcdef"]),
        ("in parts", "get_buffer_bytes 7 2 3 ->bytes", &["00 cde"]),
        ("clamped at the end", "get_buffer_bytes 7 4 9 ->bytes", &["00 ef"]),
        ("past the end is empty, at address 0", "get_buffer_bytes 7 7 9 ->u32 ->u32", &["00 0"]),
        ("as much as there is", "get_buffer_bytes 7 1 -1 ->bytes", &["00 bcdef"]),
    ];
    for (why, call, expected) in cases {
        assert_eq!(configured(&format!("configure:\n {call}"), "abcdef"), expected, "{why}");
    }
    assert_eq!(configured("configure:\n get_buffer_status 7 ->u32 ->u32", "abcdef"), ["00 6"]);
    assert_eq!(configured("configure:\n get_buffer_bytes 7 0 9 ->u32 ->u32", ""), ["00 0"], "empty");
    assert_eq!(configured("vm_start:\n get_buffer_bytes 6 0 9 ->bytes", "abcdef"), ["00 vm"]);
}

#[test]
fn other_buffers_are_not_there() {
    let calls = "get_buffer_bytes 7 0 9 ->bytes\n get_buffer_bytes 0 0 9 ->bytes\n get_buffer_bytes 4 0 9 ->bytes\n \
                 get_buffer_status 1 ->u32 ->u32\n get_buffer_bytes 9 0 9 ->bytes";
    let script = format!("request_headers:\n {calls}");
    check("in a request", &script, Request::get("/"), &["01", "01", "01", "01", "02"]);
}

#[test]
fn bytes_come_through_the_guests_own_allocator() {
    let script = "malloc:\n log 0 \"!! allocating\"\nrequest_headers:\n get_header_map_value 0 \":path\" ->bytes";
    let expected = ["!! allocating", "00 /a"];
    check("once per answer that has bytes", script, Request::get("/a"), &expected);
}

#[test]
fn while_starting_and_while_allocating_a_guest_may_only_log() {
    let config = || Config { workers: 1, ..Config::default() };
    let forbidden =
        ["get_current_time_nanoseconds ->u64", "get_property \"plugin_name\" ->bytes", "get_log_level ->u32"];
    for call in forbidden {
        let refused = Process::start(&module(&format!("initialize:\n {call}")), config());
        let error = format!("{:#}", refused.err().expect(call));
        assert!(error.contains("restricted_callback"), "{call}: {error}");

        let script = format!("malloc:\n {call}\nrequest_headers:\n get_header_map_value 0 \":path\" ->bytes");
        let outcome = Process::start(&module(&script), config()).unwrap().request(0, Request::get("/"));
        assert_eq!(outcome.status(), Some(503), "{call}");
    }
    let logs = module("initialize:\n log 0 \"hello\"");
    assert!(Process::start(&logs, config()).is_ok(), "logging is allowed");
}

//! Properties, contexts, foreign functions.

use portcullis_host_tests::{Config, Module, Process, Request};

use super::script::{check, module, notes, process};

#[test]
fn properties_are_there_where_envoy_has_them() {
    let cases: [(&str, &str); 16] = [
        ("source\\00address", "00 127.0.0.9:50000"),
        ("request\\00path", "00 /a?b=c"),
        ("request\\00url_path", "00 /a"),
        ("request\\00query", "00 b=c"),
        ("request\\00method", "00 GET"),
        ("request\\00host", "00 api.example.com"),
        ("request\\00id", "00 00000000-0000-4000-8000-000000000001"),
        ("request\\00headers\\00x-api-key", "00 a,b"),
        ("request\\00headers\\00x-none", "01"),
        ("connection_id", "00 \u{1}\0\0\0\0\0\0\0"),
        ("plugin_name", "00 portcullis"),
        ("plugin_root_id", "00 portcullis"),
        ("plugin_vm_id", "00 portcullis"),
        ("route_name", "01"),
        ("response\\00code", "01"),
        ("\\ff", "01"),
    ];
    for (path, expected) in cases {
        let script = format!("request_headers:\n get_property \"{path}\" ->bytes");
        let request = Request::get("/a?b=c").header("x-api-key", "a").header("x-api-key", "b");
        check(path, &script, request.from("127.0.0.9".parse().unwrap()), &[expected]);
    }
}

#[test]
fn a_root_context_has_no_stream_to_read_or_write() {
    let calls = "get_property \"plugin_name\" ->bytes\n get_property \"request\\00path\" ->bytes\n set_property \"k\" \"v\"\n \
                 get_header_map_value 0 \":path\" ->bytes\n replace_header_map_value 0 \"x\" \"y\"\n \
                 send_local_response 403 \"\" \"\" \"\" -1";
    let mut process = process(&format!("configure:\n set_tick_period_milliseconds 100\ntick:\n {calls}"));
    notes(&mut process);
    process.tick_all();
    assert_eq!(notes(&mut process), ["00 portcullis", "01", "01", "02", "02", "00"]);
}

#[test]
fn set_property_is_kept_for_the_access_log() {
    let mut process =
        process("request_headers:\n set_property \"apikey_id\" \"key_1\"\n get_property \"apikey_id\" ->bytes");
    notes(&mut process);
    process.request(0, Request::get("/"));
    assert_eq!(notes(&mut process), ["00", "00 key_1"]);
    assert_eq!(process.exchange(0).filter_state["apikey_id"], b"key_1");
}

#[test]
fn the_effective_context_must_exist() {
    // The root context is 1, the first request 2.
    let calls = "set_effective_context 9\n set_effective_context 1\n get_header_map_value 0 \":path\" ->bytes\n \
                 set_effective_context 2\n get_header_map_value 0 \":path\" ->bytes\n done";
    let expected = ["02", "00", "02", "00", "00 /a", "01"];
    check("set_effective_context", &format!("request_headers:\n {calls}"), Request::get("/a"), &expected);
}

#[test]
fn foreign_functions_are_not_found() {
    let calls = "call_foreign_function \"verify_signature\" \"x\" ->u32 ->u32\n \
                 call_foreign_function \"clear_route_cache\" \"\" ->u32 ->u32\n \
                 call_foreign_function \"clear_route_cache\" \"\" 0 0";
    check("but one", &format!("request_headers:\n {calls}"), Request::get("/"), &["01", "00 0", "00"]);
}

#[test]
fn a_module_that_asks_for_more_does_not_load() {
    let cases = [
        ("an import no proxy has", "request_headers:\n telepathy 1", "unknown import"),
        ("a log level that aborts Envoy", "initialize:\n log 6 \"x\"", "would abort Envoy"),
    ];
    for (why, script, message) in cases {
        let refused = Process::start(&module(script), Config::default());
        let error = format!("{:#}", refused.err().expect(why));
        assert!(error.contains(message), "{why}: {error}");
    }
    let grpc = "request_headers:\n get_header_map_value 0 \":path\" ->bytes\n grpc_cancel 1";
    let outcome = process(grpc).request(0, Request::get("/"));
    assert_eq!(outcome.status(), Some(503), "what Envoy has and this host has not can be imported, not called");
    let silent = Module::from_bytes(b"(module (memory (export \"memory\") 1))");
    assert!(format!("{:#}", silent.err().unwrap()).contains("ABI version"));
}

#[test]
fn calls_and_instructions_are_counted_per_request() {
    let mut process =
        process("request_headers:\n get_header_map_value 0 \":path\" ->bytes\n get_header_map_value 0 \"x\" ->bytes");
    process.request(0, Request::get("/"));
    let first = process.exchange(0).clone();
    assert_eq!(first.host_calls["proxy_get_header_map_value"], 2);
    assert_eq!(first.host_calls["proxy_log"], 2);
    process.request(0, Request::get("/"));
    assert_eq!(process.exchange(0).host_calls, first.host_calls);
    assert!(first.fuel > 20, "{}", first.fuel);
    assert_eq!(process.exchange(0).fuel, first.fuel, "the same request costs the same");
}

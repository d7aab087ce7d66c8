//! Header maps: which are there when, what reading and writing them does.

use portcullis_host_tests::{Outcome, Request, Upstream};

use super::script::{check, notes, process};

const REQUEST: &str = "request_headers:\n";

/// A script for the request phase alone.
#[track_caller]
fn in_request(why: &str, calls: &str, request: Request, expected: &[&str]) -> Outcome {
    check(why, &format!("{REQUEST}{calls}"), request, expected)
}

#[test]
fn a_map_is_there_only_in_its_phase() {
    let cases: [(&str, &str, &[&str]); 7] = [
        (
            "request headers, while requesting",
            "request_headers:\n get_header_map_value 0 \":path\" ->bytes",
            &["00 /a"],
        ),
        (
            "an absent header is NOT_FOUND, an absent map BAD_ARGUMENT",
            "request_headers:\n get_header_map_value 0 \"x\" ->bytes\n get_header_map_value 2 \"x\" ->bytes",
            &["01", "02"],
        ),
        (
            "all pairs of an absent map are an empty list at address 0",
            "request_headers:\n get_header_map_pairs 2 ->u32 ->u32\n get_header_map_pairs 6 ->u32 ->u32",
            &["00 0", "00 0"],
        ),
        (
            "request headers are gone while responding, response headers are there",
            "response_headers:\n get_header_map_value 0 \":path\" ->bytes\n get_header_map_value 2 \":status\" ->bytes",
            &["02", "00 200"],
        ),
        (
            "unless the request phase was stopped, as by a local reply",
            "request_headers:\n send_local_response 418 \"\" \"\" \"\" -1\nresponse_headers:\n get_header_map_value 0 \":path\" ->bytes",
            &["00", "00 /a"],
        ),
        (
            "both can be read in the log phase, and neither written",
            "log:\n get_header_map_value 0 \":path\" ->bytes\n get_header_map_value 2 \":status\" ->bytes\n \
             replace_header_map_value 0 \"x\" \"y\"\n add_header_map_value 2 \"x\" \"y\"",
            &["00 /a", "00 200", "02", "02"],
        ),
        (
            "no map at all on creation and deletion; the log phase says NOT_FOUND for a missing one",
            "context_create:\n get_header_map_size 0 ->u32\ndone:\n get_header_map_size 2 ->u32\n\
             log:\n get_header_map_value 6 \"x\" ->bytes",
            &["02", "01", "02"],
        ),
    ];
    for (why, script, expected) in cases {
        check(why, script, Request::get("/a"), expected);
    }
}

#[test]
fn unknown_map_numbers_are_refused() {
    let calls =
        "get_header_map_value 8 \"x\" ->bytes\n get_header_map_pairs 9 ->u32 ->u32\n remove_header_map_value 8 \"x\"";
    in_request("8 and up", calls, Request::get("/"), &["02", "02", "02"]);
}

#[test]
fn duplicates_arrive_as_envoy_hands_them_over() {
    let request = Request::get("/")
        .header("authorization", "Bearer a")
        .header("x-api-key", "a")
        .header("Cookie", "a=1")
        .header("authorization", "Bearer b")
        .header("x-api-key", "b")
        .header("cookie", "b=2")
        .header("x-empty", "");
    let calls = "get_header_map_value 0 \"Authorization\" ->bytes\n get_header_map_value 0 \"cookie\" ->bytes\n \
                 get_header_map_value 0 \"x-api-key\" ->bytes\n get_header_map_value 0 \"x-empty\" ->u32 ->u32";
    let expected = ["00 Bearer a,Bearer b", "00 a=1; b=2", "00 a", "00 0"];
    let outcome = in_request("inline headers join, others show the first entry only", calls, request, &expected);
    let upstream = outcome.upstream().unwrap();
    assert_eq!(upstream.all("x-api-key").collect::<Vec<_>>(), [b"a", b"b"], "upstream gets both copies");
}

#[test]
fn writes_reach_the_upstream_and_choose_the_route_again() {
    let cases: [(&str, &str, &[&str], bool); 5] = [
        ("replace", "replace_header_map_value 0 \"X-A\" \"3\"", &["3"], true),
        ("add", "add_header_map_value 0 \"x-a\" \"3\"", &["1", "2", "3"], true),
        ("remove", "remove_header_map_value 0 \"x-a\"", &[], true),
        ("reading changes nothing", "get_header_map_value 0 \"x-a\" ->bytes", &["1", "2"], false),
        ("the foreign function", "call_foreign_function \"clear_route_cache\" \"\" ->u32 ->u32", &["1", "2"], true),
    ];
    for (why, call, expected, cleared) in cases {
        let mut process = process(&format!("{REQUEST}{call}"));
        let outcome = process.request(0, Request::get("/").header("x-a", "1").header("x-a", "2"));
        let values: Vec<_> = outcome.upstream().unwrap().all("x-a").map(String::from_utf8_lossy).collect();
        assert_eq!(values, expected, "{why}");
        assert_eq!(process.exchange(0).route_cleared, cleared, "{why}");
    }
}

#[test]
fn all_pairs_can_be_replaced_and_a_malformed_list_is_an_empty_one() {
    let pairs = r#"\01\00\00\00\01\00\00\00\01\00\00\00a\00b\00"#;
    for (list, expected) in [(pairs, 1), (pairs.strip_suffix(r"\00").unwrap(), 0)] {
        let script = format!("{REQUEST} set_header_map_pairs 0 \"{list}\"");
        let outcome = process(&script).request(0, Request::get("/"));
        assert_eq!(outcome.upstream().unwrap().len(), expected, "{list}");
    }
}

#[test]
fn the_router_refuses_values_that_would_end_the_line() {
    let calls = r#"replace_header_map_value 0 "x-a" "1\0d\0ax-admin: 1""#;
    let outcome = in_request("CR LF", calls, Request::get("/"), &["00"]);
    assert_eq!((outcome.status(), outcome.details()), (Some(503), "invalid_header_value"));
}

#[test]
fn bytes_outside_the_guests_memory_are_refused() {
    let cases = [
        ("a name", "get_header_map_value 0 2147483647 9 ->bytes"),
        ("a value", "add_header_map_value 0 \"x\" 262140 5"),
        ("an answer", "get_header_map_value 0 \":path\" -4 -8"),
    ];
    for (why, call) in cases {
        in_request(why, call, Request::get("/"), &["06"]);
    }
}

#[test]
fn trailers_are_there_in_their_phase_alone_and_what_is_changed_reaches_the_client() {
    let mut process = process(
        "response_headers:\n get_header_map_value 3 \"x-a\" ->bytes\n add_header_map_value 3 \"x-b\" \"2\"\n\
         response_trailers:\n get_header_map_value 3 \"x-a\" ->bytes\n get_header_map_value 2 \":status\" ->bytes\n \
         remove_header_map_value 3 \"x-a\"\n add_header_map_value 3 \"x-b\" \"2\"",
    );
    let sent = process.send(0, Request::get("/a")).unwrap();
    assert_eq!(sent.headers.text(":path").as_deref(), Some("/a"));
    let outcome = process.receive(&sent, &Upstream::default().trailer("x-a", "1"));
    assert_eq!(notes(&mut process), ["02", "02", "00 1", "00 200", "00", "00"]);
    let Outcome::Forwarded { trailers, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(trailers, [("x-b", "2")].into_iter().collect());
    let sent = process.send(0, Request::get("/a")).unwrap();
    process.receive(&sent, &Upstream::default());
    assert_eq!(notes(&mut process), ["02", "02"], "without trailers nobody is asked about them");
}

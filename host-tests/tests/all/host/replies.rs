//! Local replies, pauses and closes.

use portcullis_host_tests::{Outcome, Request};

use super::script::process;

fn outcome(script: &str, request: Request) -> Outcome {
    process(script).request(0, request)
}

fn replied(script: &str, request: Request) -> (u32, String, Vec<u8>, Option<u32>) {
    match outcome(script, request) {
        Outcome::Replied { status, details, body, grpc_status, .. } => (status, details, body, grpc_status),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reply_is_sent_after_the_callback_and_the_first_one_wins() {
    let script = "request_headers:\n send_local_response 401 \"a b\" \"one\" \"\" -1\n \
                  send_local_response 403 \"c\" \"two\" \"\" -1\n get_header_map_value 0 \":path\" ->bytes\n return 0";
    let expected = (401, "a_b".to_owned(), b"one".to_vec(), None);
    assert_eq!(replied(script, Request::get("/")), expected, "though it returned continue; spaces of details become _");
}

#[test]
fn the_clients_headers() {
    let list =
        r"\02\00\00\00\10\00\00\00\01\00\00\00\10\00\00\00\01\00\00\00www-authenticate\00a\00www-authenticate\00b\00";
    let script = format!(
        "request_headers:\n send_local_response 401 \"\" \"body\" \"{list}\" -1\n\
         response_headers:\n add_header_map_value 2 \"x-seen\" \"yes\""
    );
    let Outcome::Replied { headers, .. } = outcome(&script, Request::get("/")) else { panic!() };
    assert_eq!(headers.all("www-authenticate").collect::<Vec<_>>(), [b"a", b"b"], "duplicates stay apart");
    for (name, value) in
        [(":status", "401"), ("content-length", "4"), ("content-type", "text/plain"), ("x-seen", "yes")]
    {
        assert_eq!(headers.text(name).as_deref(), Some(value), "{name}");
    }
}

#[test]
fn grpc_clients_get_a_grpc_status_instead() {
    let cases = [
        // (HTTP status, status the filter passed, request's content type, what the client sees)
        (401, -1, "application/grpc", (200, Some(16))),
        (429, -1, "application/grpc+proto", (200, Some(14))),
        (429, 8, "application/grpc", (200, Some(8))),
        (403, -1, "application/grpc", (200, Some(7))),
        (429, 8, "application/json", (429, None)),
        (401, -1, "application/grpc-web", (401, None)),
    ];
    for (status, passed, content_type, expected) in cases {
        let script = format!("request_headers:\n send_local_response {status} \"\" \"no\" \"\" {passed}");
        let (status, _, _, grpc) = replied(&script, Request::new("POST", "/").header("content-type", content_type));
        assert_eq!((status, grpc), expected, "{content_type} {passed}");
    }
}

#[test]
fn grpc_headers_lie_over_the_filters() {
    let list = r"\01\00\00\00\0c\00\00\00\10\00\00\00content-type\00application/json\00";
    let script = format!("request_headers:\n send_local_response 401 \"\" \"50% off\" \"{list}\" -1");
    let request = Request::new("POST", "/").header("content-type", "application/grpc");
    let Outcome::Replied { headers, .. } = outcome(&script, request) else { panic!() };
    let expected = [
        (":status", "200"),
        ("content-type", "application/grpc"),
        ("grpc-status", "16"),
        ("grpc-message", "50%25 off"),
    ];
    assert_eq!(headers, expected.into_iter().collect());
}

#[test]
fn a_reply_in_the_response_phase_replaces_the_upstreams() {
    let script = "response_headers:\n send_local_response 418 \"late\" \"\" \"\" -1";
    assert_eq!(replied(script, Request::get("/")), (418, "late".to_owned(), vec![], None));
}

#[test]
fn pausing_hangs_unless_something_wakes_the_stream() {
    let cases = [
        ("request_headers:\n return 1", Outcome::Waits),
        ("request_headers:\n return 4", Outcome::Waits),
        ("response_headers:\n return 1", Outcome::Waits),
        ("request_headers:\n close_stream 0\n return 1", Outcome::Closed),
        ("request_headers:\n trap", Outcome::Failed503),
        ("response_headers:\n trap", Outcome::Failed503),
    ];
    for (script, expected) in cases {
        assert_eq!(outcome(script, Request::get("/")), expected, "{script}");
    }
    let woken = outcome("request_headers:\n continue_stream 0\n return 1", Request::get("/"));
    assert_eq!(woken.status(), Some(200));
}

#[test]
fn a_trap_beats_a_reply_sent_just_before() {
    let script = "request_headers:\n send_local_response 200 \"\" \"welcome\" \"\" -1\n trap";
    assert_eq!(outcome(script, Request::get("/")), Outcome::Failed503);
}

//! HTTP callouts: what may be called, and how answers arrive.

use portcullis_host_tests::{Answer, Cluster, Process, Request, VmId};

use super::script::{notes, process};

const HEADERS: &str = r"\03\00\00\00\07\00\00\00\03\00\00\00\05\00\00\00\02\00\00\00\0a\00\00\00\01\00\00\00:method\00GET\00:path\00/m\00:authority\00c\00";
const TOO_FEW: &str = r"\01\00\00\00\07\00\00\00\03\00\00\00:method\00GET\00";

fn dispatching(callback: &str, headers: &str) -> Process {
    let script = format!(
        "configure:\n set_tick_period_milliseconds 100\n\
         {callback}:\n http_call \"portcullis_control\" \"{headers}\" \"body\" \"\" 1500 ->u32\n\
         http_call_response:\n get_header_map_value 6 \":status\" ->bytes\n get_buffer_bytes 4 0 99 ->bytes\n \
         get_header_map_pairs 7 ->u32 ->u32\n get_header_map_value 0 \":path\" ->bytes"
    );
    let mut process = process(&script);
    notes(&mut process);
    process
}

#[test]
fn dispatch_checks_the_cluster_and_the_headers() {
    let cases = [
        ("known and healthy", Some(Cluster::Healthy), HEADERS, "00 4"),
        ("no such cluster", None, HEADERS, "02"),
        ("a cluster without hosts", Some(Cluster::Empty), HEADERS, "10"),
        (":path and :authority are missing", Some(Cluster::Healthy), TOO_FEW, "02"),
        ("a malformed list is an empty one", Some(Cluster::Healthy), "nonsense", "02"),
    ];
    for (why, cluster, headers, expected) in cases {
        let mut process = dispatching("tick", headers);
        match cluster {
            Some(cluster) => process.set_cluster("portcullis_control", cluster),
            None => process.remove_cluster("portcullis_control"),
        }
        process.tick(VmId::Worker(0));
        assert_eq!(notes(&mut process), [expected], "{why}");
        assert_eq!(process.callouts().len(), usize::from(expected == "00 4"), "{why}");
    }
}

#[test]
fn answers_come_to_the_root_context_with_their_token() {
    let mut process = dispatching("tick", HEADERS);
    process.tick(VmId::Worker(0));
    process.tick(VmId::Worker(0));
    assert_eq!(notes(&mut process), ["00 4", "00 8"], "tokens begin at 4 and step by 4");
    let first = process.callouts().remove(0);
    assert_eq!((first.line().as_str(), &first.body[..], first.timeout.as_millis()), ("GET /m", &b"body"[..], 1500));

    let response = Answer::Response { status: 200, headers: vec![], body: b"hello".to_vec() };
    assert!(process.answer(&first, response.clone()));
    assert_eq!(notes(&mut process), ["00 200", "00 hello", "00 0", "02"]);
    assert!(!process.answer(&first, response), "only once");
    assert_eq!(process.callouts().len(), 1);
}

#[test]
fn failures_look_as_they_do_in_envoy() {
    let huge = Answer::Response { status: 200, headers: vec![], body: vec![0; 32 * 1024 * 1024 + 1] };
    let cases: [(&str, Answer, &[&str]); 4] = [
        ("cut off: no headers, no body", Answer::Reset, &["02", "01", "00 0", "02"]),
        ("too large a body: the same", huge, &["02", "01", "00 0", "02"]),
        (
            "could not connect",
            Answer::Synthetic(503),
            &["00 503", "00 upstream connect error or disconnect", "00 0", "02"],
        ),
        ("timed out", Answer::Synthetic(504), &["00 504", "00 upstream request timeout", "00 0", "02"]),
    ];
    for (why, answer, expected) in cases {
        let mut process = dispatching("tick", HEADERS);
        process.tick(VmId::Worker(0));
        notes(&mut process);
        let callout = process.callouts().remove(0);
        assert!(process.answer(&callout, answer));
        assert_eq!(notes(&mut process), expected, "{why}");
    }
}

#[test]
fn an_answer_is_readable_only_while_it_is_delivered() {
    let script = format!(
        "configure:\n set_tick_period_milliseconds 100\n\
         tick:\n http_call \"portcullis_control\" \"{HEADERS}\" \"\" \"\" 0 ->u32\n\
         get_header_map_value 6 \":status\" ->bytes\n get_buffer_bytes 4 0 99 ->bytes\n\
         http_call_response:"
    );
    let mut process = process(&script);
    notes(&mut process);
    for token in ["00 4", "00 8"] {
        process.tick(VmId::Worker(0));
        assert_eq!(notes(&mut process), [token, "02", "01"]);
        let callout = process.callouts().remove(0);
        process.answer(&callout, Answer::Response { status: 200, headers: vec![], body: b"hello".to_vec() });
    }
}

#[test]
fn a_request_that_calls_out_is_over_before_its_answer() {
    let mut process = dispatching("request_headers", HEADERS);
    assert_eq!(process.request(0, Request::get("/")).status(), Some(200));
    let callout = process.callouts().remove(0);
    assert!(process.answer(&callout, Answer::Synthetic(503)), "the root context gets it");
}

#[test]
fn a_dead_vms_callouts_are_gone() {
    let script = format!(
        "configure:\n set_tick_period_milliseconds 100\ntick:\n \
         http_call \"portcullis_control\" \"{HEADERS}\" \"\" \"\" 0 ->u32\nrequest_headers:\n trap\nhttp_call_response:"
    );
    let mut process = process(&script);
    process.tick_all();
    let [main, worker] = &process.callouts()[..] else { panic!() };
    process.request(0, Request::get("/"));
    assert!(!process.answer(worker, Answer::Reset));
    assert!(process.answer(main, Answer::Reset));
}

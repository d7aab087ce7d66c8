//! What VMs share: data, metrics, clock. And what each has to itself.

use portcullis_host_tests::{Config, Process, Request};

use super::script::{check, module, notes};

#[test]
fn shared_data_keeps_envoys_cas_rules() {
    let cases: [(&str, &str, &[&str]); 4] = [
        (
            "a missing key is created whatever the CAS, an existing one only overwritten with CAS 0",
            "set_shared_data \"k\" \"a\" -1\n set_shared_data \"k\" \"b\" -1\n set_shared_data \"k\" \"c\" 0\n \
             get_shared_data \"k\" ->bytes ->u32",
            &["00", "08", "00", "00 c"],
        ),
        ("what is not there", "get_shared_data \"k\" ->bytes ->u32", &["01"]),
        (
            "an empty value reads back as address 0",
            "set_shared_data \"k\" \"\" 0\n get_shared_data \"k\" ->u32 ->u32 ->u32",
            &["00", "00 0"],
        ),
        (
            "bytes are bytes",
            "set_shared_data \"a\\00b\" \"\\ff\" 0\n get_shared_data \"a\" ->bytes ->u32",
            &["00", "01"],
        ),
    ];
    for (why, calls, expected) in cases {
        check(why, &format!("request_headers:\n {calls}"), Request::get("/"), expected);
    }
}

#[test]
fn workers_share_data_and_stats_but_not_metric_ids() {
    let script = "configure:\n define_metric 0 \"hits\" ->u32\n\
                  request_headers:\n set_shared_data \"k\" \"v\" -1\n define_metric 0 \"hits\" ->u32\n increment_metric 8 3L\n get_metric 8 ->u64";
    let mut process = Process::start(&module(script), Config { workers: 2, ..Config::default() }).unwrap();
    assert_eq!(notes(&mut process), ["00 4", "00 4"], "each worker's first id is the same");
    process.request(0, Request::get("/"));
    process.request(1, Request::get("/"));
    let expected = ["00", "00 8", "00", "00 3", "08", "00 8", "00", "00 6"];
    assert_eq!(notes(&mut process), expected, "the second worker finds the key and the count");
    assert_eq!((process.metric("hits"), process.metric("misses")), (Some(6), None));
    assert_eq!(process.shared_data().len(), 1);
}

#[test]
fn metrics_refuse_what_envoy_refuses() {
    let calls = "define_metric 0 \"c\" ->u32\n define_metric 1 \"g\" ->u32\n define_metric 2 \"h\" ->u32\n \
                 define_metric 3 \"x\" ->u32\n increment_metric 4 0L\n increment_metric 4 -1L\n increment_metric 5 4L\n \
                 increment_metric 5 -1L\n get_metric 5 ->u64\n record_metric 6 99L\n get_metric 6 ->u64\n increment_metric 40 1L";
    let expected = ["00 4", "00 5", "00 6", "02", "02", "02", "00", "00", "00 3", "00", "02", "01"];
    check("by kind", &format!("request_headers:\n {calls}"), Request::get("/"), &expected);
}

#[test]
fn the_clock_moves_by_a_nanosecond_with_each_reading_and_when_the_test_moves_it() {
    let script = module("request_headers:\n get_current_time_nanoseconds ->u64\n get_log_level ->u32");
    let config = Config { workers: 1, now: 5, log_level: 3, ..Config::default() };
    let mut process = Process::start(&script, config).unwrap();
    process.request(0, Request::get("/"));
    process.request(0, Request::get("/"));
    process.advance(std::time::Duration::from_nanos(2));
    process.request(0, Request::get("/"));
    assert_eq!(notes(&mut process), ["00 6", "00 3", "00 7", "00 3", "00 10", "00 3"]);
}

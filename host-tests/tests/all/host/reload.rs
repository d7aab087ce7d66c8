//! A trap poisons the VM; FAIL_RELOAD replaces a worker's on a later request, never the main thread's.

use std::time::Duration;

use portcullis_host_tests::{Config, Outcome, Process, Reloads, Request, VmId};

use super::script::{module, notes};

/// Traps at the end of every request and on every tick.
const FRAGILE: &str = "configure:\n set_tick_period_milliseconds 100\n log 0 \"configured\"\nlog:\n trap\ntick:\n trap";

fn start(script: &str) -> Process {
    Process::start(&module(script), Config { workers: 2, ..Config::default() }).unwrap()
}

#[test]
fn a_dead_worker_answers_503_until_it_may_be_reloaded() {
    let mut process = start(FRAGILE);
    let second = Duration::from_secs(1);
    notes(&mut process);
    assert_eq!(process.request(0, Request::get("/")).status(), Some(200), "it died after the response");
    assert_eq!(process.request(0, Request::get("/")), Outcome::Failed503, "too soon");
    assert!(process.is_dead(VmId::Worker(0)) && !process.is_dead(VmId::Worker(1)), "the other worker lives");
    process.advance(second);
    process.tick_all();
    assert!(notes(&mut process).iter().all(|line| line != "configured"), "only a request reloads");
    assert_eq!(process.request(0, Request::get("/")).status(), Some(200));
    assert_eq!(
        notes(&mut process).iter().filter(|line| *line == "configured").count(),
        1,
        "a fresh VM, configured anew"
    );
    assert_eq!(process.reloads(), Reloads { success: 1, failure: 0, backoff: 1 });
}

#[test]
fn a_dead_main_thread_vm_stays_dead() {
    let mut process = start(FRAGILE);
    process.tick(VmId::Main);
    process.advance(Duration::from_secs(60));
    process.request(0, Request::get("/"));
    process.advance(Duration::from_secs(60));
    process.request(1, Request::get("/"));
    assert!(process.is_dead(VmId::Main));
}

#[test]
fn a_replacement_that_does_not_start_is_a_failure() {
    let script = "request_headers:\n set_shared_data \"dead\" \"1\" 0\n trap\n\
                  configure:\n get_shared_data \"dead\" ->bytes ->u32\n trap_unless 1";
    let mut process = start(script);
    assert_eq!(process.request(0, Request::get("/")), Outcome::Failed503);
    process.advance(Duration::from_secs(1));
    assert_eq!(process.request(0, Request::get("/")), Outcome::Failed503);
    assert_eq!(process.reloads(), Reloads { success: 0, failure: 1, backoff: 0 });
    assert_eq!(process.request(0, Request::get("/")), Outcome::Failed503);
    assert_eq!(
        process.reloads(),
        Reloads { success: 0, failure: 1, backoff: 1 },
        "and the clock of the backoff restarts"
    );
}

#[test]
fn shared_data_survives_a_reload_and_memory_does_not() {
    let script = "request_headers:\n set_shared_data \"k\" \"kept\" -1\n define_metric 0 \"m\" ->u32\n trap\n\
                  configure:\n get_shared_data \"k\" ->bytes ->u32";
    let mut process = start(script);
    process.request(0, Request::get("/"));
    notes(&mut process);
    process.advance(Duration::from_secs(1));
    process.request(0, Request::get("/"));
    assert_eq!(notes(&mut process), ["00 kept", "08", "00 4"], "metric ids begin again");
}

#[test]
fn an_endless_loop_is_found_out() {
    let mut process = start("request_headers:\n spin");
    assert_eq!(process.request(0, Request::get("/")), Outcome::Failed503);
}

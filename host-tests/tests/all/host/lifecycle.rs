//! Which VMs run, and the order in which their callbacks are called.

use portcullis_host_tests::{Config, Process, Request, VmId};

use super::script::{module, notes, process};

const EVERYTHING: &str =
    "context_create:\nvm_start:\nconfigure:\ntick:\nrequest_headers:\nresponse_headers:\nlog:\ndone:\ndelete:";

#[test]
fn a_request_is_created_requested_answered_logged_done_deleted() {
    let cases: [(&str, &str, &[&str]); 4] = [
        ("forwarded", "", &["context_create", "request_headers", "response_headers", "log", "done", "delete"]),
        (
            "answered locally: the reply passes the response phase too",
            "\n send_local_response 401 \"\" \"\" \"\" -1",
            &["context_create", "request_headers", "response_headers", "log", "done", "delete"],
        ),
        ("closed", "\n close_stream 0", &["context_create", "request_headers", "log", "done", "delete"]),
        ("trapped: nothing enters again", "\n trap", &["context_create", "request_headers"]),
    ];
    for (why, calls, expected) in cases {
        let script = EVERYTHING.replace("request_headers:", &format!("request_headers:{calls}"));
        let mut process = process(&script);
        process.request(0, Request::get("/"));
        assert_eq!(process.exchange(0).callbacks, expected, "{why}");
    }
}

#[test]
fn a_callback_that_is_not_exported_costs_nothing() {
    let mut process = process("request_headers:");
    let outcome = process.request(0, Request::get("/"));
    assert_eq!(process.exchange(0).callbacks, ["request_headers"]);
    assert_eq!(outcome.status(), Some(200));
}

#[test]
fn a_canary_is_configured_and_dropped_before_the_others() {
    let script = "vm_start:\n log 1 \"start\"\nconfigure:\n log 1 \"configure\"\n set_tick_period_milliseconds 100\n \
                  http_call \"portcullis_control\" \"\\03\\00\\00\\00\\07\\00\\00\\00\\03\\00\\00\\00\\05\\00\\00\\00\\01\\00\\00\\00\
                  \\0a\\00\\00\\00\\01\\00\\00\\00:method\\00GET\\00:path\\00/\\00:authority\\00a\\00\" \"\" \"\" 0 ->u32\n\
                  tick:\n log 1 \"tick\"\ndone:\n log 1 \"done\"\ndelete:\n log 1 \"delete\"";
    let mut process = Process::start(&module(script), Config { workers: 2, ..Config::default() }).unwrap();
    process.tick_all();
    let lines: Vec<_> =
        process.logs().into_iter().filter(|line| line.level == 1).map(|line| (line.vm, line.text)).collect();
    let vms = [VmId::Canary, VmId::Main, VmId::Worker(0), VmId::Worker(1)];
    let mut expected: Vec<_> =
        vms.iter().flat_map(|vm| [(*vm, "start".to_owned()), (*vm, "configure".to_owned())]).collect();
    expected.extend(vms[1..].iter().map(|vm| (*vm, "tick".to_owned())));
    assert_eq!(lines, expected);
    let callers: Vec<_> = process.callouts().iter().map(|callout| callout.vm).collect();
    assert_eq!(callers, vms[1..], "the canary's callout is cancelled with it");
}

#[test]
fn a_refused_configuration_is_refused_whole() {
    for script in ["configure:\n return 0", "vm_start:\n return 0", "configure:\n trap"] {
        assert!(Process::start(&module(script), Config::default()).is_err(), "{script}");
    }
}

#[test]
fn no_timer_no_tick() {
    let mut process = process("tick:\n log 0 \"tick\"");
    process.tick_all();
    assert!(notes(&mut process).is_empty());
}

#[test]
fn an_update_adds_a_root_context_that_starts_anew_and_the_old_one_drains() {
    let script = "vm_start:\n log 0 \"start\"\nconfigure:\n set_tick_period_milliseconds 100\n get_buffer_bytes 7 0 99 ->bytes\n\
                  tick:\n log 0 \"tick\"\ncontext_create:\ndone:\n log 0 \"done\"\ndelete:\n log 0 \"delete\"";
    let config = Config { workers: 1, plugin_configuration: b"one".to_vec(), ..Config::default() };
    let mut process = Process::start(&module(script), config).unwrap();
    let log = |process: &mut Process| {
        let mut lines = notes(process);
        lines.retain(|line| line != "00");
        lines
    };
    assert_eq!(log(&mut process), ["start", "00 one"]);
    process.update(b"two".to_vec()).unwrap();
    assert_eq!(log(&mut process), ["start", "00 two"], "started once per root context");
    process.tick(VmId::Worker(0));
    assert_eq!(log(&mut process), ["tick", "tick"], "the old one goes on ticking");
    process.drain();
    assert_eq!(log(&mut process), ["done", "delete"]);
    process.tick(VmId::Worker(0));
    assert_eq!(log(&mut process), ["tick"]);
}

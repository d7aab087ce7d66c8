//! Usage is told exactly once, to the unit: while the control plane is away, when answers get lost, when a VM dies.

use std::time::Duration;

use portcullis_host_tests::{Answer, Module, Outcome, Request, VmId};
use serde_json::Value;

use super::edge::{Edge, READER, configuration, corpus};

const SECOND: Duration = Duration::from_secs(1);

/// Allowed and refused requests in all reports so far, as usage tells them.
pub(super) fn told(edge: &Edge) -> (u64, u64) {
    let reports = edge.plane.take_reports();
    let rows: Vec<Value> = reports.iter().flat_map(|it| it["usage"].as_array().cloned().unwrap_or_default()).collect();
    let denied = |row: &Value| row["denied"].as_object().map_or(0, |it| it.values().filter_map(Value::as_u64).sum());
    (rows.iter().filter_map(|row| row["allowed"].as_u64()).sum(), rows.iter().map(denied).sum())
}

/// One request that passes and one that is refused, on each worker.
fn serve(edge: &mut Edge) {
    let writing = Request::new("POST", "/api/v1/skills").bearer(&edge.key(READER));
    assert_eq!(edge.statuses(), [Some(200), Some(200)]);
    (0..2).for_each(|worker| assert_eq!(edge.process.request(worker, writing.clone()).status(), Some(403)));
}

#[test]
fn usage_names_key_rule_hour_cost_and_reason() {
    let mut edge = Edge::synced();
    serve(&mut edge);
    edge.run(6 * SECOND);
    let reports = edge.plane.take_reports();
    let rows: Vec<Value> = reports.iter().flat_map(|it| it["usage"].as_array().cloned().unwrap_or_default()).collect();
    let reading: Vec<_> = rows.iter().filter(|row| row["allowed"] == 1).collect();
    assert_eq!(reading.len(), 2, "{rows:?}");
    for row in reading {
        assert_eq!((&row["cost"], row["route"].as_str().unwrap().contains("/api/v1/")), (&1.into(), true), "{row}");
        assert_eq!(
            (row["hour"].as_u64().unwrap() % 3600, row["key"].as_str()),
            (0, Some(&*edge.corpus.keys[READER].id.to_string()))
        );
    }
    assert_eq!(rows.iter().filter(|row| row["denied"]["insufficient_scope"] == 1).count(), 2, "{rows:?}");
}

#[test]
fn an_outage_and_lost_answers_lose_and_double_nothing() {
    type End = fn() -> Answer;
    let ends: [(&str, End); 3] = [
        ("no connection", || Answer::Synthetic(503)),
        ("every answer lost", || Answer::Reset),
        ("too slow", || Answer::Synthetic(504)),
    ];
    for (why, end) in ends {
        let mut edge = Edge::synced();
        edge.plane.lie(move |call, answer| if call.line().contains("report") { end() } else { answer });
        for _ in 0..60 {
            serve(&mut edge);
            edge.run(SECOND);
        }
        edge.plane.repent();
        serve(&mut edge);
        edge.run(20 * SECOND);
        assert_eq!(told(&edge), (122, 122), "{why}");
    }
}

#[test]
fn what_a_dead_vm_had_counted_is_told_by_another() {
    let mut edge = Edge::of(corpus("systemprompt"), Module::trapping().unwrap(), &configuration("")).with_bundle();
    edge.plane.lie(|call, answer| if call.line().contains("report") { Answer::Synthetic(503) } else { answer });
    serve(&mut edge);
    edge.run(7 * SECOND);
    serve(&mut edge);
    edge.run(2 * SECOND);
    let trap = edge.reading().header("x-portcullis-trap", "1");
    assert_eq!(edge.process.request(1, trap), Outcome::Failed503);
    assert!(edge.process.is_dead(VmId::Worker(1)));
    edge.run(15 * SECOND);
    edge.plane.repent();
    edge.run(20 * SECOND);
    assert_eq!(told(&edge), (4, 4), "sealed batches and what was not sealed yet");
    edge.run(20 * SECOND);
    assert_eq!(told(&edge), (0, 0), "once");
}

#[test]
fn a_vm_that_was_taken_for_dead_tells_nothing_twice() {
    let mut edge = Edge::synced();
    edge.plane.lie(|call, answer| if call.line().contains("report") { Answer::Synthetic(503) } else { answer });
    serve(&mut edge);
    edge.run(7 * SECOND);
    // Worker 1 stands still while the others go on.
    for _ in 0..200 {
        edge.process.advance(Duration::from_millis(100));
        [VmId::Main, VmId::Worker(0)].into_iter().for_each(|vm| edge.process.tick(vm));
        while edge.process.deliver(&edge.plane) {}
    }
    serve(&mut edge);
    edge.plane.repent();
    edge.run(30 * SECOND);
    assert_eq!(told(&edge), (4, 4));
}

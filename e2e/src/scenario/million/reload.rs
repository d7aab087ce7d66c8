//! What requests notice of versions that replace everything: the first one divides keys anew, since they became too many
//! for their shards, the others change every shard.
//!
//! The control plane builds a version while the gate keeps Envoy from hearing of it, then Envoy applies it: so what either
//! costs requests is told apart, on a machine where all of them share the CPUs.

use std::time::{Duration, Instant};

use super::loops::Loops;
use super::traffic::{Record, Traffic, Waits};
use super::{Edge, Goals, Key, LIMIT, WORKERS, await_status};
use crate::control::{BATCH, Control};
use crate::report::{Report, rounded};
use crate::{wait, workers};

/// Connections to each worker.
const CONNECTIONS: usize = 2;
/// How long requests are measured before and after.
const STEADY: Duration = Duration::from_secs(15);
const RELOADS: usize = 3;
/// Requests of a thousand keys each, at once: enough to change every shard.
const BATCHES: usize = 4;
/// Replaced parts stay for a second, and then it takes a moment to clear them away.
const CLEARING: Duration = Duration::from_secs(3);

type Span = (Instant, Instant);

/// When what happened.
#[derive(Default)]
struct Spans {
    steady: Vec<Span>,
    building: Vec<Span>,
    applying: Vec<Span>,
}

pub(super) async fn run(edge: &mut Edge, goals: &Goals, report: &mut Report) -> anyhow::Result<()> {
    fill_up(edge).await?;
    edge.start().await?;
    let traffic = Traffic::start(connections(edge).await?, &edge.keys);
    let mut spans = Spans::default();
    let before = Loops::so_far(edge.stack.admin()).await?;
    spans.steady.push(steady().await);
    let start = Loops::so_far(edge.stack.admin()).await?;
    let mut seconds = Vec::new();
    for _ in 0..RELOADS {
        seconds.push(reload(edge, &mut spans).await?);
    }
    let end = Loops::so_far(edge.stack.admin()).await?;
    spans.steady.push(steady().await);
    let record = traffic.finish().await?;
    report.equal("good requests refused while versions were applied", record.refused(), 0);
    report.figure("reload_seconds_max", rounded(seconds.into_iter().fold(0.0, f64::max)));
    tell_loops("steady", &start.since(&before), report);
    tell_loops("reloads", &end.since(&start), report);
    tell(&record, &spans, goals, report);
    Ok(())
}

/// So many keys that the next ones are too many for as many shards.
async fn fill_up(edge: &mut Edge) -> anyhow::Result<()> {
    edge.control()?.fill(edge.room().await?.saturating_sub(BATCHES * 500)).await?;
    Ok(())
}

async fn connections(edge: &Edge) -> anyhow::Result<Vec<crate::http::Connection>> {
    let mut all = Vec::new();
    for _ in 0..CONNECTIONS {
        all.extend(workers::one_each(edge.stack.edge(), edge.stack.admin(), WORKERS).await?);
    }
    Ok(all)
}

/// Some time in which nothing happens.
async fn steady() -> Span {
    let from = Instant::now();
    tokio::time::sleep(STEADY).await;
    (from, Instant::now())
}

/// One version that changes everything. Seconds from when Envoy may hear of it to when every worker enforces it.
async fn reload(edge: &mut Edge, spans: &mut Spans) -> anyhow::Result<f64> {
    edge.gate.shut();
    let from = Instant::now();
    let new = create(&edge.control()?).await?;
    let built = Instant::now();
    spans.building.push((from, built));
    edge.gate.open();
    for key in new.iter().step_by(500) {
        await_status(&mut edge.probes, key, 200).await?;
    }
    let seconds = built.elapsed().as_secs_f64();
    tokio::time::sleep(CLEARING).await;
    spans.applying.push((built, Instant::now()));
    Ok(seconds)
}

async fn create(control: &Control) -> anyhow::Result<Vec<Key>> {
    let keys = control.fill(BATCHES * BATCH).await?;
    wait::until("the version", LIMIT, async || {
        let status = control.ok("GET", "/v1/status", None).await?;
        Ok(status["pending_version"].is_null().then_some(()))
    })
    .await?;
    Ok(keys)
}

fn tell_loops(when: &str, loops: &Loops, report: &mut Report) {
    for (name, turns) in [("worker", &loops.workers), ("main", &loops.main)] {
        for millis in [1, 5, 10] {
            report.figure(&format!("{when}_{name}_turns_above_{millis}_ms"), turns.above(millis * 1000));
        }
    }
}

fn tell(record: &Record, spans: &Spans, goals: &Goals, report: &mut Report) {
    let phases = [("steady", &spans.steady), ("building", &spans.building), ("applying", &spans.applying)];
    let mut tails = [0.0; 3];
    for ((name, spans), tail) in phases.into_iter().zip(&mut tails) {
        let waits = record.within(spans);
        report.figure(&format!("{name}_requests"), waits.since_due.len());
        for (clock, of) in [("due", &waits.since_due), ("sent", &waits.since_sent)] {
            let summary = Waits::summary(of).map(rounded);
            report.figure(&format!("{name}_ms_since_{clock}_p50_p99_p999_max"), summary.to_vec());
        }
        *tail = Waits::summary(&waits.since_due)[2];
    }
    let [steady, _, applying] = tails;
    report.at_most("applying_added_ms_p999", applying - steady, goals.added_ms);
}

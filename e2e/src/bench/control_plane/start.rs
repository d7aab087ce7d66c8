//! How long a control plane takes to start on a database that is full.
//!
//! From the start of its process until edges are given the bundle of all keys, until it says that it is ready, and until
//! a list of keys is answered, which wants every key in memory once more. What the kernel read of the files before stays in
//! its memory: this is no cold disk.

use std::time::{Duration, Instant};

use super::{Bench, Findings, GOAL_SECONDS};
use crate::bench::cpu;
use crate::edge;
use crate::http::{self, Request};
use crate::process::memory_of;
use crate::report::percentile;
use crate::wait;

const STARTS: usize = 3;
const LIMIT: Duration = Duration::from_secs(300);

/// Seconds since the process was started.
#[derive(Default)]
struct Start {
    bundle: Vec<f64>,
    ready: Vec<f64>,
    listed: Vec<f64>,
    cpu: Vec<f64>,
}

pub(super) async fn measure(bench: &mut Bench, findings: &mut Findings<'_>) -> anyhow::Result<()> {
    let (mut start, mut peak) = (Start::default(), 0.0_f64);
    for _ in 0..STARTS {
        bench.stack.stop_control();
        one(bench, &mut start, findings).await?;
        peak = peak.max(memory_of(bench.process()?)?.peak_mb);
    }
    findings.goal("seconds_to_bundle", percentile(&start.bundle, 0.5), GOAL_SECONDS);
    findings.figure("seconds_to_bundle_max", percentile(&start.bundle, 1.0));
    findings.figure("seconds_to_ready", percentile(&start.ready, 0.5));
    findings.figure("seconds_to_list", percentile(&start.listed, 0.5));
    findings.figure("cpu_seconds_to_list", percentile(&start.cpu, 0.5));
    findings.memory("rss_mb_peak_of_start", peak);
    Ok(())
}

async fn one(bench: &mut Bench, start: &mut Start, findings: &mut Findings<'_>) -> anyhow::Result<()> {
    let since = Instant::now();
    bench.stack.spawn_control()?;
    let manifest = answered(bench, &Request::get("/edge/v1/manifest").bearer(&bench.edge_token)).await?;
    start.bundle.push(since.elapsed().as_secs_f64());
    answered(bench, &Request::get("/readyz")).await?;
    start.ready.push(since.elapsed().as_secs_f64());
    answered(bench, &Request::get("/v1/keys?limit=1").bearer(&bench.control.token)).await?;
    start.listed.push(since.elapsed().as_secs_f64());
    start.cpu.push(cpu::time_with_ended(bench.process()?)?.as_secs_f64());
    let keys = edge::manifest(&manifest)?["key_count"].as_u64();
    findings.check("all keys are in the first bundle", keys == u64::try_from(bench.sizes.keys).ok());
    Ok(())
}

/// Asks until it is answered well.
async fn answered(bench: &Bench, request: &Request) -> anyhow::Result<Vec<u8>> {
    wait::until("the control plane's start", LIMIT, async || {
        let answer = http::once(bench.control.address, request).await.ok();
        Ok(answer.filter(|it| it.status == 200).map(|it| it.body))
    })
    .await
}

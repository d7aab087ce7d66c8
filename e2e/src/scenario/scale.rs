//! `scale`: a hundred thousand keys. How soon every worker enforces them, and what Envoy needs to hold them.
//!
//! Memory is compared with the same set-up and the same requests over ten keys.

use std::time::{Duration, Instant};

use crate::control::Key;
use crate::http::{Connection, Request};
use crate::report::{Report, percentile, rounded};
use crate::stack::{Setup, Stack};
use crate::{wait, workers};

const WORKERS: u32 = 2;
const KEYS: usize = 100_000;
const PATH: &str = "/api/v1/skills";
/// Requests to each worker before memory is read.
const REQUESTS: usize = 2000;

pub(super) async fn run(report: &mut Report) -> anyhow::Result<()> {
    let few = measure(10, report).await?;
    let many = measure(KEYS, report).await?;
    report.figure("rss_mb_10_keys", rounded(few.rss_mb));
    report.figure("rss_mb_100000_keys", rounded(many.rss_mb));
    report.figure("seconds_to_enforcing_10_keys", rounded(few.seconds));
    report.at_most("seconds_to_enforcing", many.seconds, 5.0);
    report.at_most("rss_growth_mb", many.rss_mb - few.rss_mb, 20.0);
    Ok(())
}

struct Measured {
    seconds: f64,
    rss_mb: f64,
}

/// A control plane that already has that many keys starts while Envoy waits for it.
async fn measure(count: usize, report: &mut Report) -> anyhow::Result<Measured> {
    let mut stack = Stack::new(Setup::preset("systemprompt")?.workers(WORKERS))?;
    stack.start_control().await?;
    let since = Instant::now();
    let keys = stack.control()?.fill(count).await?;
    report.figure(&format!("seconds_to_create_{count}_keys"), rounded(since.elapsed().as_secs_f64()));
    stack.stop_control();
    stack.start_upstreams().await?;
    stack.start_envoy().await?;
    let mut probes = workers::one_each(stack.edge(), stack.admin(), WORKERS).await?;
    let start = Instant::now();
    stack.spawn_control()?;
    for probe in &mut probes {
        for key in [keys.first(), keys.last()].into_iter().flatten() {
            wait::until("enforcement", Duration::from_secs(60), async || {
                Ok((status(probe, key).await? == 200).then_some(()))
            })
            .await?;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let step = (keys.len() / REQUESTS).max(1);
    let mut refused = 0;
    for probe in &mut probes {
        for key in keys.iter().step_by(step).cycle().take(REQUESTS) {
            refused += u32::from(status(probe, key).await? != 200);
        }
    }
    report.equal(format!("of {count} keys, good ones refused"), refused, 0);
    let rss_mb = resident_mb(stack.envoy_id().unwrap_or_default())?;
    if count == KEYS {
        revoke_some(&stack, &mut probes, &keys, report).await?;
    }
    Ok(Measured { seconds, rss_mb })
}

/// One key among many goes as fast as one among few.
async fn revoke_some(
    stack: &Stack,
    probes: &mut [Connection],
    keys: &[Key],
    report: &mut Report,
) -> anyhow::Result<()> {
    let control = stack.control()?;
    let mut delays = Vec::new();
    for key in keys.iter().step_by(keys.len() / 10) {
        control.revoke(&key.id).await?;
        let answered = Instant::now();
        for probe in probes.iter_mut() {
            wait::until("the revocation", Duration::from_secs(30), async || {
                Ok((status(probe, key).await? == 401).then_some(()))
            })
            .await?;
        }
        delays.push(answered.elapsed().as_secs_f64() * 1000.0);
    }
    report.figure("revocation_ms_p50", rounded(percentile(&delays, 0.5)));
    report.at_most("revocation_ms_max", percentile(&delays, 1.0), 1000.0);
    Ok(())
}

async fn status(probe: &mut Connection, key: &Key) -> anyhow::Result<u16> {
    Ok(probe.send(&Request::get(PATH).bearer(&key.text)).await?.status)
}

fn resident_mb(pid: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kilobytes =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    kilobytes.map(|it| it / 1024.0).ok_or_else(|| anyhow::anyhow!("no VmRSS of process {pid}"))
}

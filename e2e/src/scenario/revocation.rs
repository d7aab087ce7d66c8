//! `revocation`: how long a revoked key goes on working, on the slowest worker, under load.
//!
//! From the control API's answer to the first refusal on every worker. Invariant: once the last worker has refused a
//! key, no request with it is ever allowed again.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::control::{Control, Key};
use crate::http::{Connection, Request};
use crate::report::{Report, percentile, rounded};
use crate::stack::{Setup, Stack};
use crate::workers;

mod load;

const REVOCATIONS: usize = 200;
const WORKERS: u32 = 2;
const PATH: &str = "/api/v1/skills";
const LIMIT: Duration = Duration::from_secs(10);
/// Between two requests of a probe: short beside what is measured, long enough to leave the machine to others.
const PROBE_EVERY: Duration = Duration::from_millis(2);

pub(super) async fn run(report: &mut Report) -> anyhow::Result<()> {
    let stack = Stack::start(Setup::preset("systemprompt")?.workers(WORKERS)).await?;
    let control = stack.control()?;
    let body = |index: usize| json!({ "name": format!("key-{index}"), "environment": "production", "scopes": ["skills:read"] });
    let mut keys = control.create_many((0..REVOCATIONS + 20).map(body).collect()).await?;
    let lasting = keys.split_off(REVOCATIONS);
    stack.settle(&control).await?;
    let mut probes = workers::one_each(stack.edge(), stack.admin(), WORKERS).await?;
    let load = load::Load::start(stack.edge(), &lasting).await?;
    let mut delays = Vec::with_capacity(keys.len());
    let mut allowed_after = 0_u32;
    for key in &keys {
        let outcome = revoke(&control, &mut probes, key).await?;
        delays.push(outcome.delay.as_secs_f64() * 1000.0);
        allowed_after += outcome.allowed_after;
    }
    // Long after, on every worker, every key once more.
    for probe in &mut probes {
        for key in &keys {
            allowed_after += u32::from(probe.send(&get(key)).await?.status == 200);
        }
    }
    let served = load.finish().await?;
    report.equal("revocations measured", delays.len(), REVOCATIONS);
    report.figure("workers", WORKERS);
    report.figure("load_requests_per_second", rounded(served.per_second));
    report.equal("requests of other keys refused meanwhile", served.refused, 0);
    report.figure("delay_ms_max", rounded(percentile(&delays, 1.0)));
    report.at_most("delay_ms_p50", percentile(&delays, 0.5), 200.0);
    report.at_most("delay_ms_p99", percentile(&delays, 0.99), 500.0);
    report.equal("requests allowed after the last worker's first refusal", allowed_after, 0);
    Ok(())
}

pub(super) struct Outcome {
    pub(super) delay: Duration,
    pub(super) allowed_after: u32,
}

/// Revokes a key while a probe on each worker keeps using it.
pub(super) async fn revoke(control: &Control, probes: &mut [Connection], key: &Key) -> anyhow::Result<Outcome> {
    // Each worker has used the key, so that it is in its cache.
    for probe in probes.iter_mut() {
        let status = probe.send(&get(key)).await?.status;
        anyhow::ensure!(status == 200, "a key that was not revoked got {status}");
    }
    let watch = last_refusal(probes, key);
    let revoke = async {
        control.revoke(&key.id).await?;
        anyhow::Ok(Instant::now())
    };
    let (refused, answered) = tokio::try_join!(watch, revoke)?;
    let mut allowed_after = 0;
    for _ in 0..5 {
        for probe in probes.iter_mut() {
            allowed_after += u32::from(probe.send(&get(key)).await?.status == 200);
        }
    }
    Ok(Outcome { delay: refused.saturating_duration_since(answered), allowed_after })
}

/// When the last of the workers first refused the key.
async fn last_refusal(probes: &mut [Connection], key: &Key) -> anyhow::Result<Instant> {
    let deadline = Instant::now() + LIMIT;
    let mut refused: Vec<Option<Instant>> = vec![None; probes.len()];
    while refused.contains(&None) {
        anyhow::ensure!(Instant::now() < deadline, "a revoked key still works after {} s", LIMIT.as_secs());
        for (probe, refused) in probes.iter_mut().zip(&mut refused).filter(|(_, refused)| refused.is_none()) {
            if probe.send(&get(key)).await?.status == 401 {
                *refused = Some(Instant::now());
            }
        }
        tokio::time::sleep(PROBE_EVERY).await;
    }
    refused.into_iter().flatten().max().ok_or_else(|| anyhow::anyhow!("no worker"))
}

fn get(key: &Key) -> Request {
    Request::get(PATH).bearer(&key.text)
}

//! One key's rate, while both workers are asked for all they can: its burst, then its rate, and not one more.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::control::Key;
use crate::fleet::Fleet;
use crate::http::{Connection, Request};
use crate::report::{Report, rounded};
use crate::scenario::limits::{THING, Tenant, get};
use crate::workers;

const WORKERS: u32 = 2;
/// Connections to each worker.
const EACH: usize = 6;
pub(super) const LASTING: Duration = Duration::from_secs(4);
/// What may be missing: slots that one worker reserved and did not use in their time.
const MISSING: f64 = 0.02;

pub(super) async fn run(fleet: &Fleet, report: &mut Report) -> anyhow::Result<()> {
    let control = fleet.control()?;
    let tenant = Tenant::unlimited(&control, "exact").await?;
    let mut keys = Vec::new();
    for (requests, seconds, burst) in [(500, 1, 200), (20, 1, 1), (10, 60, 100)] {
        let rate = json!({ "requests": requests, "seconds": seconds, "burst": burst });
        keys.push((requests, seconds, burst, tenant.another_key(&control, json!({ "rate": rate })).await?));
    }
    fleet.settle().await?;
    for (requests, seconds, burst, key) in &keys {
        let rate = f64::from(*requests) / f64::from(*seconds);
        let saturated = saturate(fleet, &[get(THING, key)], LASTING).await?;
        let what = format!("{requests} in {seconds} s, burst {burst}");
        saturated.check(&what, arrived(fleet, key)?, f64::from(*burst), rate, report);
    }
    Ok(())
}

/// What asking without a pause led to.
pub(super) struct Saturated {
    /// From before the first request to after the last answer.
    longest: Duration,
    /// From when every connection had begun to when the first one ended.
    shortest: Duration,
    asked: u64,
    pub(super) allowed: u64,
    /// 503, for want of a lease.
    unavailable: u64,
    /// By worker.
    by_worker: Vec<u64>,
}

impl Saturated {
    pub(super) fn check(&self, what: &str, arrived: u64, burst: f64, rate: f64, report: &mut Report) {
        let most = burst + rate * self.longest.as_secs_f64() + 1.0;
        let least = (burst + rate * self.shortest.as_secs_f64()) * (1.0 - MISSING) - 1.0;
        println!(
            "  {what}: {} of {} in {} s let through, {:?} by each worker; between {} and {} was due",
            self.allowed,
            self.asked,
            rounded(self.longest.as_secs_f64()),
            self.by_worker,
            rounded(least),
            rounded(most),
        );
        report.equal(format!("{what}: what arrived is what clients saw"), arrived, self.allowed);
        report.check(format!("{what}: not one more than the rate and its burst"), self.allowed as f64 <= most);
        report.check(format!("{what}: no less than it promises"), self.allowed as f64 >= least);
        report.equal(format!("{what}: refused for want of a lease"), self.unavailable, 0);
        report.check(format!("{what}: asked for more"), self.asked as f64 > 2.0 * most);
    }
}

/// What arrived with a key.
pub(super) fn arrived(fleet: &Fleet, key: &Key) -> anyhow::Result<u64> {
    Ok(fleet.arrivals()?.of_key(&key.id))
}

/// Asks from as many connections to each worker, all requests in turn.
pub(super) async fn saturate(fleet: &Fleet, requests: &[Request], lasting: Duration) -> anyhow::Result<Saturated> {
    let stack = fleet.stacks().next().ok_or_else(|| anyhow::anyhow!("no Envoy"))?;
    let mut connections = Vec::new();
    for _ in 0..EACH {
        connections.extend(workers::one_each(stack.edge(), stack.admin(), WORKERS).await?.into_iter().enumerate());
    }
    let begun = Instant::now();
    let mut clients = tokio::task::JoinSet::new();
    for (worker, connection) in connections {
        clients.spawn(ask(worker, connection, requests.to_vec(), begun + lasting));
    }
    let all_begun = Instant::now();
    let mut saturated = Saturated {
        longest: Duration::ZERO,
        shortest: (begun + lasting).saturating_duration_since(all_begun),
        asked: 0,
        allowed: 0,
        unavailable: 0,
        by_worker: vec![0; WORKERS as usize],
    };
    while let Some(client) = clients.join_next().await {
        let (worker, seen) = client??;
        saturated.asked += seen.asked;
        saturated.allowed += seen.allowed;
        saturated.unavailable += seen.unavailable;
        if let Some(count) = saturated.by_worker.get_mut(worker) {
            *count += seen.allowed;
        }
    }
    saturated.longest = begun.elapsed();
    Ok(saturated)
}

/// What one client saw.
#[derive(Default)]
struct Seen {
    asked: u64,
    allowed: u64,
    unavailable: u64,
}

async fn ask(
    worker: usize,
    mut connection: Connection,
    requests: Vec<Request>,
    until: Instant,
) -> anyhow::Result<(usize, Seen)> {
    let mut seen = Seen::default();
    for request in requests.iter().cycle() {
        if Instant::now() >= until {
            break;
        }
        let answer = connection.send(request).await?;
        seen.asked += 1;
        seen.allowed += u64::from(answer.status == 200);
        seen.unavailable += u64::from(answer.status == 503);
        anyhow::ensure!(matches!(answer.status, 200 | 429 | 503), "answered {}", answer.gist());
    }
    Ok((worker, seen))
}

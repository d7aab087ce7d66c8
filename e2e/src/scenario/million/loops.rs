//! How long the event loops of Envoy's threads were busy at a stretch, as Envoy itself counts it
//! (`enable_dispatcher_stats`).
//!
//! Meanwhile nothing else of that thread gets on, so this is what a request may have waited for Envoy alone; but the
//! clock runs on while the machine gives the thread's CPU to others.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::http::{self, Request};
use crate::wait;

/// Turns of event loops, by upper bound of their length in µs: of all workers, and of the main thread.
#[derive(Clone, Debug, Default)]
pub(super) struct Loops {
    pub(super) workers: Turns,
    pub(super) main: Turns,
}

/// How many took at most so many µs.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(BTreeMap<u64, u64>);

const ENDLESS: u64 = u64::MAX;

impl Loops {
    /// All so far. Envoy sums up every five seconds: what was before the call is in it.
    pub(super) async fn so_far(admin: SocketAddr) -> anyhow::Result<Self> {
        let before = read(admin).await?;
        // The first sum may have been taken before the call and told after it, the second cannot.
        let first = changed(admin, &before).await?;
        changed(admin, &first).await
    }

    pub(super) fn since(&self, before: &Self) -> Self {
        Self { workers: self.workers.since(&before.workers), main: self.main.since(&before.main) }
    }
}

impl Turns {
    /// How many took longer.
    pub(super) fn above(&self, micros: u64) -> u64 {
        self.count() - self.0.get(&micros).copied().unwrap_or_else(|| self.count())
    }

    fn count(&self) -> u64 {
        self.0.get(&ENDLESS).copied().unwrap_or_default()
    }

    fn since(&self, before: &Self) -> Self {
        let of = |bound| before.0.get(bound).copied().unwrap_or_default();
        Self(self.0.iter().map(|(bound, count)| (*bound, count.saturating_sub(of(bound)))).collect())
    }
}

async fn changed(admin: SocketAddr, old: &Loops) -> anyhow::Result<Loops> {
    wait::until("Envoy's next sum", Duration::from_secs(30), async || {
        let new = read(admin).await?;
        Ok((new.workers.count() > old.workers.count()).then_some(new))
    })
    .await
}

async fn read(admin: SocketAddr) -> anyhow::Result<Loops> {
    let request = Request::get("/stats?filter=dispatcher.loop_duration_us&format=prometheus");
    let answer = http::once(admin, &request).await?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let mut loops = Loops::default();
    for (labels, count) in text.lines().filter_map(|line| line.split_once("_bucket{")?.1.split_once("} ")) {
        let turns = if labels.contains("worker_id") { &mut loops.workers } else { &mut loops.main };
        let bound = labels.split_once("le=\"").map_or("", |(_, rest)| rest.trim_end_matches('"'));
        // Whole, but for the first; the last is `+Inf`.
        *turns.0.entry(bound.parse::<f64>()? as u64).or_default() += count.trim().parse::<u64>()?;
    }
    Ok(loops)
}

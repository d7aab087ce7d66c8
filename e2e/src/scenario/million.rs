//! `million`: as many keys as one Envoy is to hold. What they weigh, how soon they are enforced, what a revocation moves
//! and how long it takes, by itself and while others create keys by the thousand, and what requests notice of a version that
//! replaces everything.
//!
//! Memory is compared with the same set-up and the same requests over ten keys. Everything that Envoy and the control
//! plane tell each other passes a gate, which counts. Invariant: while nothing is refused that counts, no goal is taken
//! for met.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::control::{Control, Key};
use crate::gate::Gate;
use crate::http::{Connection, Request};
use crate::ports::local;
use crate::process::memory_of;
use crate::report::{Report, percentile, rounded};
use crate::stack::{Setup, Stack};
use crate::{wait, workers};

use super::revocation;
pub(crate) use goals::Goals;

mod bundle;
mod goals;
mod loops;
mod reload;
mod seed;
mod storm;
mod traffic;

const WORKERS: u32 = 4;
const PATH: &str = "/api/v1/skills";
/// Requests to each worker before memory is read.
const REQUESTS: usize = 2000;
const REVOCATIONS: usize = 100;
/// A shard holds as many keys on average, at most.
const KEYS_PER_SHARD: usize = 2048;
/// An Envoy with something to report does so within this.
const REPORTS: Duration = Duration::from_secs(6);
/// The longest that anything may take.
const LIMIT: Duration = Duration::from_secs(120);

/// With keys that a folder has, if one is named; otherwise it is given them.
pub(super) async fn run(count: usize, kept: Option<&Path>, report: &mut Report) -> anyhow::Result<()> {
    let goals = Goals::for_keys(count);
    let few_mb = few(report).await?;
    let mut edge = Edge::new(count, kept, report).await?;
    bundle::weigh(&edge.stack, &goals, report).await?;
    let seconds = edge.start().await?;
    report.at_most("seconds_to_enforcing", seconds, goals.seconds);
    edge.use_keys(report).await?;
    let many = memory_of(edge.stack.envoy_id().unwrap_or_default())?;
    report.figure("rss_mb", rounded(many.now_mb));
    report.figure("rss_mb_peak", rounded(many.peak_mb));
    report.at_most("rss_growth_mb", many.now_mb - few_mb, goals.growth_mb);
    edge.revoke_one(&goals, report).await?;
    edge.revoke_many(&goals, report).await?;
    storm::run(&mut edge, &goals, report).await?;
    edge.stack.stop_envoy();
    reload::run(&mut edge, &goals, report).await
}

/// What ten keys take, in MB.
async fn few(report: &mut Report) -> anyhow::Result<f64> {
    let mut edge = Edge::new(10, None, report).await?;
    let seconds = edge.start().await?;
    report.figure("seconds_to_enforcing_10_keys", rounded(seconds));
    edge.use_keys(report).await?;
    let memory = memory_of(edge.stack.envoy_id().unwrap_or_default())?;
    report.figure("rss_mb_10_keys", rounded(memory.now_mb));
    Ok(memory.now_mb)
}

/// An Envoy, its control plane and what passes between them.
struct Edge {
    stack: Stack,
    gate: Gate,
    keys: Vec<Key>,
    probes: Vec<Connection>,
}

impl Edge {
    /// A control plane with that many keys; no Envoy yet.
    async fn new(count: usize, kept: Option<&Path>, report: &mut Report) -> anyhow::Result<Self> {
        let mut setup = Setup::preset("systemprompt")?.workers(WORKERS);
        let gate = Gate::start(local(setup.ports.control)).await?;
        setup.variables.insert("PORTCULLIS_CONTROL_PORT", gate.port().to_string());
        setup.variables.insert("PORTCULLIS_DISPATCHER_STATS", "true".to_owned());
        let mut stack = Stack::new(setup)?;
        let since = Instant::now();
        let keys = seed::start(&mut stack, count, kept).await?;
        report.figure(&format!("seconds_to_have_{count}_keys"), rounded(since.elapsed().as_secs_f64()));
        stack.start_upstreams().await?;
        Ok(Self { stack, gate, keys, probes: Vec::new() })
    }

    /// Starts Envoy. Seconds until every worker knows keys from all over.
    async fn start(&mut self) -> anyhow::Result<f64> {
        let start = Instant::now();
        self.stack.start_envoy().await?;
        self.probes = workers::one_each(self.stack.edge(), self.stack.admin(), WORKERS).await?;
        let step = (self.keys.len() / 5).max(1);
        for key in self.keys.iter().step_by(step).chain(self.keys.last()) {
            await_status(&mut self.probes, key, 200).await?;
        }
        Ok(start.elapsed().as_secs_f64())
    }

    /// Requests to each worker with keys from all over.
    async fn use_keys(&mut self, report: &mut Report) -> anyhow::Result<()> {
        let step = (self.keys.len() / REQUESTS).max(1);
        let mut refused = 0;
        for probe in &mut self.probes {
            for key in self.keys.iter().step_by(step).cycle().take(REQUESTS) {
                refused += u32::from(status(probe, key).await? != 200);
            }
        }
        report.equal(format!("of {} keys, good ones refused", self.keys.len()), refused, 0);
        Ok(())
    }

    /// What passes because a key is revoked, until every worker knows, receipt included.
    async fn revoke_one(&mut self, goals: &Goals, report: &mut Report) -> anyhow::Result<()> {
        self.await_quiet().await?;
        let mut moved = Vec::new();
        for _ in 0..5 {
            let key = self.keys.pop().ok_or_else(|| anyhow::anyhow!("no key left"))?;
            let before = self.gate.passed();
            self.control()?.revoke(&key.id).await?;
            await_status(&mut self.probes, &key, 401).await?;
            self.await_receipt().await?;
            moved.push((self.gate.passed() - before) as f64 / 1000.0);
        }
        report.figure("revocation_kb", moved.iter().copied().map(rounded).collect::<Vec<_>>());
        report.figure("revocation_kb_p50", rounded(percentile(&moved, 0.5)));
        report.at_most("revocation_kb_max", percentile(&moved, 1.0), goals.moved_kb);
        Ok(())
    }

    /// Waits until what was counted is told: what passes then has to do with something else.
    async fn await_quiet(&self) -> anyhow::Result<()> {
        wait::until("the end of reports", LIMIT, async || {
            let before = self.gate.passed();
            tokio::time::sleep(REPORTS).await;
            Ok((self.gate.passed() - before < 10_000).then_some(()))
        })
        .await
    }

    /// Waits until the control plane has it in writing that this Envoy is up to date.
    async fn await_receipt(&self) -> anyhow::Result<()> {
        let control = self.control()?;
        wait::until("the receipt", LIMIT, async || {
            let status = control.ok("GET", "/v1/status", None).await?;
            Ok((status["applied_version"] == status["version"]).then_some(()))
        })
        .await
    }

    /// One key after the other, each used on every worker before.
    async fn revoke_many(&mut self, goals: &Goals, report: &mut Report) -> anyhow::Result<()> {
        let control = self.control()?;
        let (mut delays, mut allowed_after) = (Vec::new(), 0);
        let step = (self.keys.len() / REVOCATIONS).max(1);
        for key in self.keys.iter().step_by(step).take(REVOCATIONS) {
            let outcome = revocation::revoke(&control, &mut self.probes, key).await?;
            delays.push(outcome.delay.as_secs_f64() * 1000.0);
            allowed_after += outcome.allowed_after;
        }
        report.figure("revocations", delays.len());
        report.figure("revocation_ms_p50", rounded(percentile(&delays, 0.5)));
        report.at_most("revocation_ms_p99", percentile(&delays, 0.99), goals.revocation_ms);
        report.figure("revocation_ms_max", rounded(percentile(&delays, 1.0)));
        report.equal("requests allowed after the last worker's first refusal", allowed_after, 0);
        let mut index = 0;
        self.keys.retain(|_| {
            index += 1;
            (index - 1) % step != 0
        });
        Ok(())
    }

    /// How many keys there may be more before they are divided anew.
    async fn room(&self) -> anyhow::Result<usize> {
        let shards = self.keys.len().div_ceil(KEYS_PER_SHARD).next_power_of_two();
        // Revoked keys are still in the bundle.
        let listed = self.control()?.ok("GET", "/v1/status", None).await?;
        let there = listed["keys"].as_u64().and_then(|it| usize::try_from(it).ok()).unwrap_or(self.keys.len());
        Ok((shards * KEYS_PER_SHARD).saturating_sub(there))
    }

    fn control(&self) -> anyhow::Result<Control> {
        self.stack.control()
    }
}

/// Waits until every worker answers so to a key.
async fn await_status(probes: &mut [Connection], key: &Key, expected: u16) -> anyhow::Result<()> {
    for probe in probes {
        let attempt = async || Ok((status(probe, key).await? == expected).then_some(()));
        wait::until(&format!("a {expected} on every worker"), LIMIT, attempt).await?;
    }
    Ok(())
}

async fn status(probe: &mut Connection, key: &Key) -> anyhow::Result<u16> {
    Ok(probe.send(&request(key)).await?.status)
}

fn request(key: &Key) -> Request {
    Request::get(PATH).bearer(&key.text)
}

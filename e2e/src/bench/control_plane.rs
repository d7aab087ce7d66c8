//! `bench control`: a control plane with a million keys and 500 edges.
//!
//! How long it takes to start with them, to publish one change, and to tell every edge of it; and the memory that takes.
//! On SQLite, and on PostgreSQL where a server is handed over. The simulated edges share the machine's CPUs with the
//! control plane, so beside what edges wait for stands the CPU time that the control plane spends. The goals are those of
//! a million keys and 500 edges on an idle machine: with fewer of either, nothing but figures is told.

use std::process::ExitCode;

use anyhow::Context as _;

use crate::control::Control;
use crate::database::Database;
use crate::process::memory_of;
use crate::report::{Report, percentile, rounded};
use crate::stack::{Setup, Stack};
use crate::tools;

mod changes;
mod edges;
mod start;

/// Keys, unless it is said otherwise; with so many the goals hold.
pub(super) const KEYS: usize = 1_000_000;
/// Edges with which the goals hold.
const GOAL_EDGES: usize = 500;
/// From a start to the bundle.
pub(super) const GOAL_SECONDS: f64 = 10.0;
/// From a revocation to the manifest, of a hundred the slowest.
pub(super) const GOAL_PUBLISH_MS: f64 = 20.0;
/// The same, until so many edges have it.
pub(super) const GOAL_EDGES_MS: f64 = 500.0;
/// Whenever one looks: a gigabyte.
pub(super) const GOAL_MIB: f64 = 1024.0;

/// What is measured, and how much of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) keys: usize,
    pub(super) edges: usize,
    /// Revocations one after another.
    pub(super) changes: usize,
    /// Changes that every edge is told of.
    pub(super) rounds: usize,
}

/// Where keys are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Kind {
    Sqlite,
    Postgresql,
}

/// The control plane under measurement.
struct Bench {
    stack: Stack,
    control: Control,
    edge_token: String,
    sizes: Sizes,
    /// Of keys to revoke.
    ids: std::vec::IntoIter<String>,
}

/// Figures and goals, under the name of a database.
struct Findings<'a> {
    report: &'a mut Report,
    database: &'static str,
    with_goals: bool,
}

pub(super) async fn run(sizes: Sizes, only: Option<Kind>, as_json: bool) -> anyhow::Result<ExitCode> {
    let Sizes { keys, edges, changes, rounds } = sizes;
    anyhow::ensure!(keys.min(edges).min(changes).min(rounds) > 0, "nothing to measure");
    anyhow::ensure!(keys >= changes + 2 * rounds, "too few keys to revoke one for each change");
    let with_goals = keys >= KEYS && edges >= GOAL_EDGES;
    let mut report = Report::default();
    for (name, value) in [("keys", keys), ("edges", edges)] {
        report.figure(name, value);
    }
    if only != Some(Kind::Postgresql) {
        on(None, sizes, &mut Findings { report: &mut report, database: "sqlite", with_goals }).await?;
    }
    if only == Some(Kind::Postgresql) || (only.is_none() && tools::postgres().is_ok()) {
        let database = Database::create("bench_control")?;
        let url = Some(database.url()?);
        on(url, sizes, &mut Findings { report: &mut report, database: "postgresql", with_goals }).await?;
    }
    Ok(report.finish("control", as_json))
}

async fn on(database: Option<String>, sizes: Sizes, findings: &mut Findings<'_>) -> anyhow::Result<()> {
    let mut stack = Stack::new(Setup { database, ..Setup::preset("systemprompt")? })?;
    stack.start_control().await?;
    let (control, edge_token) = (stack.control()?, stack.secret("edge-token")?);
    let mut bench = Bench { stack, control, edge_token, sizes, ids: Vec::new().into_iter() };
    bench.fill(findings).await?;
    start::measure(&mut bench, findings).await?;
    findings.memory("rss_mb_after_start", memory_of(bench.process()?)?.now_mb);
    changes::measure(&mut bench, findings).await?;
    findings.memory(&format!("rss_mb_after_{}_changes", sizes.changes), memory_of(bench.process()?)?.now_mb);
    edges::measure(&mut bench, findings).await?;
    findings.memory("rss_mb_with_edges", memory_of(bench.process()?)?.now_mb);
    findings.memory("rss_mb_peak", memory_of(bench.process()?)?.peak_mb);
    Ok(())
}

impl Bench {
    /// Creates the keys, through the API as anybody would.
    async fn fill(&mut self, findings: &mut Findings<'_>) -> anyhow::Result<()> {
        eprintln!("==> {}: creating {} keys", findings.database, self.sizes.keys);
        let since = std::time::Instant::now();
        let keys = self.control.fill(self.sizes.keys).await?;
        findings.figure("seconds_to_create_keys", since.elapsed().as_secs_f64());
        findings.memory("rss_mb_peak_of_creating", memory_of(self.process()?)?.peak_mb);
        let to_revoke = self.sizes.changes + 2 * self.sizes.rounds;
        let spread = keys.iter().step_by((keys.len() / to_revoke).max(1)).map(|key| key.id.clone());
        self.ids = spread.collect::<Vec<_>>().into_iter();
        Ok(())
    }

    fn next_id(&mut self) -> anyhow::Result<String> {
        self.ids.next().context("every key that was to be revoked is")
    }

    fn process(&self) -> anyhow::Result<u32> {
        self.stack.control_process()
    }
}

impl Findings<'_> {
    fn figure(&mut self, name: &str, value: f64) {
        self.report.figure(&format!("{}_{name}", self.database), rounded(value));
    }

    /// Something that works or does not, at any size.
    fn check(&mut self, what: &str, holds: bool) {
        self.report.check(format!("{}: {what}", self.database), holds);
    }

    /// A figure with a goal.
    fn goal(&mut self, name: &str, value: f64, limit: f64) {
        match self.with_goals {
            true => self.report.at_most(&format!("{}_{name}", self.database), value, limit),
            false => self.figure(name, value),
        }
    }

    fn memory(&mut self, name: &str, mb: f64) {
        self.goal(name, mb, GOAL_MIB);
    }

    /// The middle, the worst of a hundred, and the worst, where that of a hundred has a goal.
    fn spread(&mut self, name: &str, sample: &[f64], limit: Option<f64>) {
        self.figure(&format!("{name}_p50"), percentile(sample, 0.5));
        let p99 = format!("{name}_p99");
        match limit {
            Some(limit) => self.goal(&p99, percentile(sample, 0.99), limit),
            None => self.figure(&p99, percentile(sample, 0.99)),
        }
        self.figure(&format!("{name}_max"), percentile(sample, 1.0));
    }
}

//! `bench curve`: what a decision, memory, publishing and propagation cost as keys, workers, rules and scopes grow.
//!
//! One thing grows at a time; the others stay as they are in the middle of each curve. Every point has a control plane and an
//! Envoy of its own, and a bare Envoy beside it. Whether a goal is met is said, not enforced: the report draws it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use self::point::{Found, Setting};
use self::table::Table;
use super::load::CONNECTIONS;
use crate::report::rounded;
use crate::tools;

mod fuel;
mod news;
mod point;
mod requests;
pub(super) mod table;

/// How far each curve goes.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Growth {
    /// curve: numbers of Envoy's workers.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 4, 8])]
    workers: Vec<usize>,
    /// curve: numbers of the policy's rules.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10, 100, 1000])]
    rules: Vec<usize>,
    /// curve: numbers of each key's scopes.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10, 100, 1000])]
    scopes: Vec<usize>,
    /// curve: revocations at each point.
    #[arg(long, default_value_t = 50)]
    revocations: usize,
    /// curve: the folder for what is written, in place of `target/bench/<date>`.
    #[arg(long, value_name = "FOLDER")]
    pub(super) out: Option<PathBuf>,
}

/// How long is measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    pub(super) rounds: usize,
    pub(super) requests: usize,
    pub(super) revocations: usize,
}

/// What grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    Keys,
    Workers,
    Rules,
    Scopes,
}

const KEYS: [usize; 4] = [1000, 10_000, 100_000, 1_000_000];
/// What stays as it is, where that many keys are among the sizes.
const BASE: Setting = Setting { keys: 10_000, workers: 2, rules: 10, scopes: 1 };

pub(super) async fn run(
    options: Growth,
    keys: &[usize],
    rounds: usize,
    requests: usize,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(rounds > 0 && requests >= CONNECTIONS, "nothing to measure");
    let keys = if keys.is_empty() { &KEYS[..] } else { keys };
    let effort = Effort { rounds, requests, revocations: options.revocations };
    let folder = options.folder()?;
    let base = Setting { keys: base_keys(keys)?, ..BASE };
    let (mut points, mut figures) = (Points { effort, measured: Vec::new(), missing: Vec::new() }, Map::new());
    for curve in Curve::ALL {
        let sizes = options.sizes(curve, keys);
        let fuel = points.fuel(curve, &sizes).await;
        let mut table = Table::new(curve.name());
        for &size in &sizes {
            let Some(found) = points.at(curve.at(base, size)).await else { continue };
            table.push(size, &[found.columns(), fuel::columns(&fuel, size)].concat());
            // As far as it came, a long run is worth keeping.
            table.write(&folder.join(format!("{}.csv", curve.name())))?;
        }
        println!("{table}");
        figures.insert(curve.name().to_owned(), table.json());
    }
    eprintln!("==> written to {}", folder.display());
    if as_json {
        println!("{}", json!({ "rounds": rounds, "requests": requests, "curves": figures }));
    }
    anyhow::ensure!(points.missing.is_empty(), "not measured: {}", points.missing.join("; "));
    Ok(ExitCode::SUCCESS)
}

/// What was measured: one that fails is left out, as the others are worth having.
struct Points {
    effort: Effort,
    /// Curves cross.
    measured: Vec<(Setting, Found)>,
    /// What could not be measured.
    missing: Vec<String>,
}

impl Points {
    async fn at(&mut self, setting: Setting) -> Option<Found> {
        if let Some((_, found)) = self.measured.iter().find(|(it, _)| *it == setting) {
            return Some(found.clone());
        }
        let found = point::measure(setting, self.effort).await;
        let found = found.map_err(|error| self.miss(&setting.to_string(), &error)).ok()?;
        self.measured.push((setting, found.clone()));
        Some(found)
    }

    async fn fuel(&mut self, curve: Curve, sizes: &[usize]) -> Table {
        let counted = fuel::count(curve, sizes).await;
        let what = format!("instructions of {}", curve.name());
        counted.map_err(|error| self.miss(&what, &error)).unwrap_or_default()
    }

    fn miss(&mut self, what: &str, error: &anyhow::Error) {
        eprintln!("error: {what}: {error:#}");
        self.missing.push(what.to_owned());
    }
}

impl Growth {
    fn sizes(&self, curve: Curve, keys: &[usize]) -> Vec<usize> {
        match curve {
            Curve::Keys => keys.to_vec(),
            Curve::Workers => self.workers.clone(),
            Curve::Rules => self.rules.clone(),
            Curve::Scopes => self.scopes.clone(),
        }
    }

    fn folder(&self) -> anyhow::Result<PathBuf> {
        let today = jiff::Zoned::now().date().to_string();
        let default = || anyhow::Ok(tools::root()?.join("target/bench").join(today));
        let folder = self.out.clone().map_or_else(default, Ok)?;
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        Ok(folder)
    }
}

fn base_keys(keys: &[usize]) -> anyhow::Result<usize> {
    let middle = keys.iter().find(|it| **it == BASE.keys).or(keys.first());
    middle.copied().context("no numbers of keys")
}

impl Curve {
    pub(super) const ALL: [Self; 4] = [Self::Keys, Self::Workers, Self::Rules, Self::Scopes];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Workers => "workers",
            Self::Rules => "rules",
            Self::Scopes => "scopes",
        }
    }

    fn at(self, base: Setting, size: usize) -> Setting {
        match self {
            Self::Keys => Setting { keys: size, ..base },
            Self::Workers => Setting { workers: u32::try_from(size).unwrap_or(u32::MAX), ..base },
            Self::Rules => Setting { rules: size, ..base },
            Self::Scopes => Setting { scopes: size, ..base },
        }
    }
}

/// A figure of a table, or nothing where it was not measured.
pub(super) type Column = (&'static str, Option<f64>);

fn as_json(value: Option<f64>) -> Value {
    value.map_or(Value::Null, |value| rounded(value).into())
}

/// What a machine without one of the tools leaves out.
fn told_missing(what: &str, path: &Path) {
    eprintln!("==> no {what}: `{}` does not exist", path.display());
}

//! Which plots there are: what is drawn from which data, and the goals that stand in them.
//!
//! Invariant: a plot without data is left out.

use super::bars::Bars;
use super::data::Run;
use super::lines::{Curve, Lines};

/// What a lookup among the most keys may take, in terms of one among the fewest.
pub(super) const FLAT: f64 = 1.2;

/// One plot.
#[derive(Clone, Debug)]
pub(super) struct Plot {
    name: &'static str,
    /// What it shows, for who cannot see it.
    pub(super) title: &'static str,
    pub(super) svg: String,
}

impl Plot {
    pub(super) fn file(&self) -> String {
        format!("{}.svg", self.name)
    }
}

/// A series: its name, and the table's column.
type Series = (&'static str, &'static str);

const ADDED: &[Series] = &[("all keys in turn", "us_added"), ("1,000 in turn", "us_added_few_keys")];
const FUEL: &[Series] =
    &[("key known", "fuel_known"), ("key first seen", "fuel_cached"), ("bucket first seen", "fuel_cold")];
const NEWS: &[Series] = &[
    ("published p50", "publish_ms_p50"),
    ("p99", "publish_ms_p99"),
    ("refused p50", "propagation_ms_p50"),
    ("p99", "propagation_ms_p99"),
];
const RSS: &[Series] = &[("memory", "rss_mb")];

const CPU_TITLE: &str = "CPU that the filter adds to a request";
const CPU_UNIT: &str = "microseconds of Envoy's CPU time";
const FUEL_TITLE: &str = "Instructions of a decision";
const FUEL_UNIT: &str = "instructions in the VM";
const NEWS_TITLE: &str = "A revocation, until it is published and refused";
const NEWS_UNIT: &str = "milliseconds, on the slowest worker";
const RSS_TITLE: &str = "Memory of the whole Envoy";
const RSS_UNIT: &str = "MiB resident";

/// Every plot that there are data for.
pub(super) fn all(run: &Run) -> Vec<Plot> {
    let curve = |name, title, table: &'static str, unit, series, goal| {
        lines(name, Lines { title, x: axis(table), y: unit, series: columns(run, table, series), goal })
    };
    let revoked = Some((300.0, "goal: p99 at most 300 ms"));
    let plots = [
        compared(run),
        lookup(run),
        curve("keys-cpu", CPU_TITLE, "keys", CPU_UNIT, ADDED, None),
        curve("keys-instructions", FUEL_TITLE, "keys", FUEL_UNIT, FUEL, None),
        curve("keys-memory", RSS_TITLE, "keys", RSS_UNIT, RSS, None),
        curve("keys-news", NEWS_TITLE, "keys", NEWS_UNIT, NEWS, revoked),
        curve("workers-cpu", CPU_TITLE, "workers", CPU_UNIT, ADDED, None),
        curve("workers-memory", RSS_TITLE, "workers", RSS_UNIT, RSS, None),
        curve("workers-news", NEWS_TITLE, "workers", NEWS_UNIT, NEWS, revoked),
        curve("rules-cpu", CPU_TITLE, "rules", CPU_UNIT, ADDED, None),
        curve("rules-instructions", FUEL_TITLE, "rules", FUEL_UNIT, FUEL, None),
        curve("scopes-cpu", CPU_TITLE, "scopes", CPU_UNIT, ADDED, None),
        curve("scopes-instructions", FUEL_TITLE, "scopes", FUEL_UNIT, FUEL, None),
    ];
    plots.into_iter().flatten().collect()
}

fn axis(table: &str) -> &'static str {
    match table {
        "workers" => "workers of Envoy",
        "rules" => "rules of the policy",
        "scopes" => "scopes of each key",
        _ => "keys",
    }
}

fn columns(run: &Run, table: &str, series: &[Series]) -> Vec<Curve> {
    series.iter().map(|(name, column)| (*name, run.column(table, column))).collect()
}

fn lines(name: &'static str, lines: Lines) -> Option<Plot> {
    Some(Plot { name, title: lines.title, svg: lines.svg()? })
}

fn compared(run: &Run) -> Option<Plot> {
    let title = "What checking a key adds to a request";
    let added = |name: &str| run.figure("envoy", &format!("/variants/{name}/added_us"));
    let bars = [
        ("api_key_auth", "api_key_auth"),
        ("no-op in wasm", "noop"),
        ("portcullis, 2 headers", "two headers"),
        ("portcullis", "portcullis"),
        ("Lua table", "lua"),
        ("ext_authz", "ext_authz"),
    ];
    let bars = bars.map(|(name, variant)| (name, added(variant))).to_vec();
    let svg = Bars { title, unit: CPU_UNIT, bars, ours: "portcullis" }.svg()?;
    Some(Plot { name: "compared", title, svg })
}

fn lookup(run: &Run) -> Option<Plot> {
    let points = run.column("lookup", "ns");
    let goal = points.first().map(|(_, least)| (least * FLAT, "goal: at most 1.2 x the first"));
    let series = vec![("lookup", points)];
    lines("lookup", Lines { title: "A lookup in a bucket, natively", x: "keys", y: "nanoseconds", series, goal })
}

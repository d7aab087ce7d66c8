//! What `GET /v1/usage` tells of some keys, apart by key, route and reason.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;

use crate::control::Control;

/// Rows by key, route and reason; the reason of what was let through is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    rows: BTreeMap<(String, String, String), Counts>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    allowed: u64,
    cost: u64,
    denied: u64,
}

impl Told {
    pub(super) async fn read(control: &Control, keys: &[String]) -> anyhow::Result<Self> {
        let answer = control.ok("GET", "/v1/usage?by=key,route,reason&limit=1000", None).await?;
        let mut told = Self::default();
        for row in answer["data"].as_array().context("no `data` in the answer")? {
            let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            let number = |name: &str| row[name].as_u64().unwrap_or_default();
            if keys.contains(&text("key")) {
                let counts = Counts { allowed: number("allowed"), cost: number("cost"), denied: number("denied") };
                told.rows.insert((text("key"), text("route"), text("reason")), counts);
            }
        }
        Ok(told)
    }

    pub(super) fn allow(&mut self, key: &str, route: &str, count: u64, cost: u64) {
        let counts = self.row(key, route, "");
        counts.allowed += count;
        counts.cost += count * cost;
    }

    pub(super) fn deny(&mut self, key: &str, route: &str, reason: &str, count: u64) {
        self.row(key, route, reason).denied += count;
    }

    pub(super) fn allowed(&self) -> u64 {
        self.rows.values().map(|counts| counts.allowed).sum()
    }

    pub(super) fn denied(&self) -> u64 {
        self.rows.values().map(|counts| counts.denied).sum()
    }

    pub(super) fn cost(&self) -> u64 {
        self.rows.values().map(|counts| counts.cost).sum()
    }

    /// A line a row, with keys by the names that they have here.
    pub(super) fn print(&self, names: &BTreeMap<String, &'static str>) {
        for ((key, route, reason), Counts { allowed, cost, denied }) in &self.rows {
            let name = names.get(key).copied().unwrap_or_default();
            println!("    {name:8} {route:20} {reason:18} allowed {allowed:6} cost {cost:6} denied {denied:6}");
        }
    }

    pub(super) fn differences<'t>(&'t self, expected: &'t Self) -> impl Iterator<Item = String> + 't {
        let rows: BTreeSet<_> = self.rows.keys().chain(expected.rows.keys()).collect();
        rows.into_iter().filter_map(|row| {
            let (found, wanted) = (self.rows.get(row), expected.rows.get(row));
            (found != wanted).then(|| format!("{row:?}: found {found:?}, expected {wanted:?}"))
        })
    }

    fn row(&mut self, key: &str, route: &str, reason: &str) -> &mut Counts {
        self.rows.entry((key.to_owned(), route.to_owned(), reason.to_owned())).or_default()
    }
}

//! Counts as a report tells them.
//!
//! Invariant: what one report tells is bounded in rows and, but for a single row with an outsized route, in bytes.

use std::collections::BTreeMap;

use portcullis_engine::Reason;
use serde::Serialize;

use super::routes::{RouteId, Routes};
use super::waiting::{Row, Tally, Waiting};

/// Rows of one report; the others wait for the next, which follows at once.
pub const MOST_ROWS: usize = 4096;
/// Bytes of JSON they may make, more or less.
const MOST_BYTES: usize = 256 << 10;

/// What one key did under one rule in one hour.
#[derive(Debug, Serialize)]
pub struct Entry<'a> {
    hour: u64,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a str>,
    #[serde(skip_serializing_if = "is_zero")]
    allowed: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cost: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    denied: BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "is_zero")]
    last: u64,
}

impl<'a> Entry<'a> {
    /// A row as it is told.
    pub fn new(hour: u32, row: &Row, tally: &Tally, routes: &'a Routes) -> Self {
        Self {
            hour: u64::from(hour) * 3600,
            key: row.key.to_string(),
            route: routes.text(row.route),
            allowed: tally.allowed,
            cost: tally.cost,
            denied: by_reason(&tally.denied),
            last: tally.last,
        }
    }
}

/// Counts by the reason's name.
pub fn by_reason(counts: &[(Reason, u64)]) -> BTreeMap<&'static str, u64> {
    counts.iter().map(|(reason, count)| (reason.as_str(), *count)).collect()
}

/// When each key was used last.
pub fn last_used(rows: &[(u32, Row, Tally)]) -> BTreeMap<String, u64> {
    let mut used = BTreeMap::new();
    for (_, row, tally) in rows.iter().filter(|(_, _, tally)| tally.last > 0) {
        let last: &mut u64 = used.entry(row.key.to_string()).or_default();
        *last = tally.last.max(*last);
    }
    used
}

/// Takes the oldest rows, as many as one report may tell.
pub fn take(waiting: &mut Waiting, routes: &Routes) -> Vec<(u32, Row, Tally)> {
    let text = |route: RouteId| routes.text(route).map_or(0, str::len);
    let (mut rows, mut bytes) = (0, 0);
    waiting.take_oldest(|row, tally| {
        rows += 1;
        bytes += 200 + text(row.route) + 30 * tally.denied.len();
        rows >= MOST_ROWS || bytes >= MOST_BYTES
    })
}

#[cfg_attr(
    not(target_arch = "wasm32"),
    expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

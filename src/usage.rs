//! What each key did: counted on the request path, told once.
//!
//! A request adds to a small table; each second that is copied to shared memory, and every few seconds sealed into a batch.
//! Invariant: a request that was counted is in exactly one of: the table, what was counted since the last copy, what waits,
//! a batch. What finds no room anywhere is counted too, as lost.

pub mod adopt;
pub mod copy;
pub mod routes;
pub mod stream;
pub mod told;
pub mod waiting;

use std::collections::BTreeMap;

use portcullis_engine::{KeyId, Policy, Reason};

use crate::hash::IdMap;
use crate::metrics::Counts;
use routes::RouteId;
pub use routes::Routes;
use waiting::{Row, Tally, Waiting};

const HOUR: u64 = 3600;
/// Rows of the table; it is emptied when there are more, so that a request never pays for a larger one.
const MOST_FRESH: usize = 8 << 10;

/// Sets of rows; a power of two.
const LINES: usize = 512;

/// Counts of one VM.
#[derive(Debug, Default)]
pub struct Usage {
    /// Of each set of rows the one that was counted last, so that one comparison finds a key in use.
    lines: Vec<(Narrow, Passed)>,
    /// The others.
    fresh: IdMap<Narrow, Passed>,
    /// Whether any of these counts anything.
    counted: bool,
    refused: BTreeMap<(Row, Reason), u64>,
    /// Counted since the last copy to shared memory.
    pub(crate) recent: Waiting,
    /// In the copy.
    pub(crate) copied: Waiting,
    /// Rules by their text.
    pub routes: Routes,
    /// Unix seconds as of the last tick.
    now: u64,
    lost: u64,
}

/// A row as two numbers, which are compared in a few instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Narrow(u64, u32);

impl Narrow {
    fn line(self) -> usize {
        (self.0 as usize ^ (self.1 >> 16) as usize) % LINES
    }

    fn new(key: KeyId, route: RouteId) -> Self {
        let [a, b, c, d, e, f, g, h, i, j] = *key.as_bytes();
        let [k, l] = route.number().to_le_bytes();
        Self(u64::from_le_bytes([a, b, c, d, e, f, g, h]), u32::from_le_bytes([i, j, k, l]))
    }

    fn widened(self) -> Row {
        let [a, b, c, d, e, f, g, h] = self.0.to_le_bytes();
        let [i, j, k, l] = self.1.to_le_bytes();
        let route = RouteId::from_number(u16::from_le_bytes([k, l]));
        Row { key: KeyId::from_bytes([a, b, c, d, e, f, g, h, i, j]), route }
    }
}

impl Passed {
    fn add(&mut self, cost: u64, now: u64) {
        self.allowed += 1;
        self.cost = self.cost.saturating_add(cost);
        self.last = now;
    }
}

impl core::hash::Hash for Narrow {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        // The key is random enough; rules of one key are few.
        state.write_u64(self.0 ^ u64::from(self.1) << 31);
    }
}

/// Requests let through.
#[derive(Clone, Copy, Debug, Default)]
struct Passed {
    allowed: u64,
    cost: u64,
    last: u64,
}

impl Usage {
    /// The clock, as of a tick. What was counted before belongs to the hour before.
    pub fn set_now(&mut self, seconds: u64) {
        if seconds / HOUR != self.now / HOUR {
            self.collect(Counts::default());
        }
        self.now = seconds;
    }

    /// A request was let through.
    pub fn allowed(&mut self, policy: &Policy, rule: Option<usize>, key: KeyId, cost: u32) {
        let row = Narrow::new(key, self.routes.of(policy, rule));
        self.counted = true;
        match self.lines.get_mut(row.line()) {
            Some((known, passed)) if *known == row => passed.add(u64::from(cost), self.now),
            _ => self.change_line(row, u64::from(cost)),
        }
    }

    /// Another row takes its line.
    #[cold]
    fn change_line(&mut self, row: Narrow, cost: u64) {
        self.make_room();
        if self.lines.is_empty() {
            self.lines.resize(LINES, Default::default());
        }
        self.counted = true;
        let mut new = (row, Passed::default());
        new.1.add(cost, self.now);
        let Some(line) = self.lines.get_mut(row.line()) else { return };
        let (row, Passed { allowed, cost, last }) = core::mem::replace(line, new);
        if allowed > 0 {
            let passed = self.fresh.entry(row).or_default();
            passed.allowed += allowed;
            passed.cost = passed.cost.saturating_add(cost);
            passed.last = passed.last.max(last);
        }
    }

    /// A request was refused, and its key is known.
    pub fn denied(&mut self, policy: &Policy, rule: Option<usize>, key: KeyId, reason: Reason) {
        let row = Row { key, route: self.routes.of(policy, rule) };
        self.make_room();
        *self.refused.entry((row, reason)).or_default() += 1;
    }

    #[cold]
    fn make_room(&mut self) {
        if self.fresh.len() + self.refused.len() >= MOST_FRESH {
            self.collect(Counts::default());
        }
    }

    /// Moves what was counted on the request path to what waits for the next copy.
    pub fn collect(&mut self, totals: Counts) {
        let hour = u32::try_from(self.now / HOUR).unwrap_or(u32::MAX);
        let mut lost = 0_u64;
        self.counted = false;
        let lines = self.lines.drain(..).filter(|(_, passed)| passed.allowed > 0);
        for (row, Passed { allowed, cost, last }) in lines.chain(self.fresh.drain()) {
            lost += self.recent.add(hour, row.widened(), &Tally { allowed, cost, last, denied: Vec::new() });
        }
        for ((row, reason), count) in core::mem::take(&mut self.refused) {
            lost += self.recent.add(hour, row, &Tally { denied: vec![(reason, count)], ..Tally::default() });
        }
        self.recent.totals.add(&totals);
        self.lost = self.lost.saturating_add(lost);
    }

    /// Whether anything was counted on the request path and not collected.
    pub fn has_news(&self) -> bool {
        self.counted || !self.refused.is_empty() || !self.recent.is_empty()
    }

    /// What was counted since the last copy is in a copy now.
    pub(crate) fn recent_is_copied(&mut self) {
        let recent = core::mem::take(&mut self.recent);
        self.absorb(recent);
    }

    /// Another VM took over what was in the copy.
    pub(crate) fn copied_is_taken(&mut self) {
        self.copied = Waiting::default();
    }

    /// Adds another VM's counts.
    pub(crate) fn absorb(&mut self, counts: Waiting) {
        for ((hour, row), tally) in counts.rows {
            self.lost = self.lost.saturating_add(self.copied.add(hour, row, &tally));
        }
        self.copied.totals.add(&counts.totals);
    }

    /// Adds requests that were lost elsewhere.
    pub(crate) fn count_lost(&mut self, requests: u64) {
        self.lost = self.lost.saturating_add(requests);
    }

    /// Takes the number of requests that were counted and will not be told.
    pub fn take_lost(&mut self) -> u64 {
        core::mem::take(&mut self.lost)
    }
}

#[cfg(test)]
mod tests {
    use portcullis_engine::PolicySpec;

    use super::*;

    #[test]
    fn every_request_is_counted_once_in_its_hour() {
        let spec: PolicySpec = serde_json::from_value(serde_json::json!({
            "name": "usage", "environments": ["live"], "credentials": [{ "in": "header", "name": "x-api-key" }],
            "keys": [{ "prefix": "sk_", "environment": "live", "body_length": 20 }],
            "rules": [{ "methods": ["GET"], "path": "/a" }],
        }))
        .unwrap();
        let policy = Policy::compile(&spec).unwrap();
        let mut usage = Usage::default();
        for number in 0..30_000_u32 {
            usage.set_now(7199 + u64::from(number) / 20_000);
            let [a, b, ..] = (number % 10_000).to_le_bytes();
            let key = KeyId::from_bytes([a, b, 1, 1, 1, 1, 1, 1, 1, 1]);
            usage.allowed(&policy, (number % 2 == 0).then_some(0), key, number % 3);
            if number % 10 == 0 {
                usage.denied(&policy, None, key, Reason::NoRule);
            }
        }
        usage.collect(Counts { allowed: 30_000, ..Counts::default() });
        usage.recent_is_copied();
        usage.collect(Counts::default());
        assert!(usage.recent.is_empty() && usage.take_lost() == 0);
        let rows = &usage.copied.rows;
        let sum = |hour, of: fn(&Tally) -> u64| rows.iter().filter(|(it, _)| it.0 == hour).map(|(_, it)| of(it)).sum();
        let sums = |of| [sum(1, of), sum(2, of)];
        assert_eq!((sums(|it| it.allowed), sums(|it| it.requests())), ([20_000, 10_000], [22_000, 11_000]));
        assert_eq!(sums(|it| it.cost), [19_999, 10_001]);
        let text = rows.keys().filter_map(|(_, row)| usage.routes.text(row.route)).next();
        assert_eq!((text, usage.copied.totals.allowed), (Some("GET,HEAD /a"), 30_000));
    }
}

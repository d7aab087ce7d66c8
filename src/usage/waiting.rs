//! Counts that wait to be told: by hour, key and route, the oldest hour first.
//!
//! Invariant: there are never more than [`MOST`] rows. What is beyond is counted without its route; what has not even
//! that is counted as lost, so that nothing goes missing silently.

use core::cmp::Ordering;
use std::collections::BTreeMap;

use portcullis_engine::{KeyId, Reason};

use super::routes::RouteId;
use crate::metrics::Counts;

/// Rows that may wait.
pub const MOST: usize = 128 << 10;

/// Whose requests, under which rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The key.
    pub key: KeyId,
    /// The rule.
    pub route: RouteId,
}

impl Row {
    /// As one number, in the order of key and rule.
    fn number(self) -> u128 {
        let [a, b, c, d, e, f, g, h, i, j] = *self.key.as_bytes();
        let [k, l] = self.route.number().to_be_bytes();
        u128::from_be_bytes([0, 0, 0, 0, a, b, c, d, e, f, g, h, i, j, k, l])
    }
}

/// Rows are compared a dozen times for each that is put in, so not byte by byte.
impl Ord for Row {
    fn cmp(&self, other: &Self) -> Ordering {
        self.number().cmp(&other.number())
    }
}

impl PartialOrd for Row {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What became of some requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Let through.
    pub allowed: u64,
    /// What these cost.
    pub cost: u64,
    /// When the last of them was, in Unix seconds.
    pub last: u64,
    /// Refused, by reason.
    pub denied: Vec<(Reason, u64)>,
}

impl Tally {
    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.allowed = self.allowed.saturating_add(other.allowed);
        self.cost = self.cost.saturating_add(other.cost);
        self.last = self.last.max(other.last);
        other.denied.iter().for_each(|(reason, count)| self.deny(*reason, *count));
    }

    /// Adds refusals.
    pub fn deny(&mut self, reason: Reason, count: u64) {
        match self.denied.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, known)) => *known = known.saturating_add(count),
            None => self.denied.push((reason, count)),
        }
    }

    /// How many requests these are.
    pub fn requests(&self) -> u64 {
        self.denied.iter().fold(self.allowed, |sum, (_, count)| sum.saturating_add(*count))
    }
}

/// Counts that wait.
#[derive(Clone, Debug, Default)]
pub struct Waiting {
    /// By hour (counted from 1970), key and route.
    pub rows: BTreeMap<(u32, Row), Tally>,
    /// Of all requests, those without a known key included.
    pub totals: Counts,
}

impl Waiting {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.totals.is_empty()
    }

    /// Adds to a row. Returns the requests for which there was no room.
    #[inline(never)]
    pub fn add(&mut self, hour: u32, row: Row, tally: &Tally) -> u64 {
        let without_route = Row { route: RouteId::default(), ..row };
        let is_full = self.rows.len() >= MOST;
        for row in [row, without_route] {
            if !is_full || self.rows.contains_key(&(hour, row)) {
                self.rows.entry((hour, row)).or_default().add(tally);
                return 0;
            }
        }
        tally.requests()
    }

    /// Takes the oldest rows until `enough` of them say so.
    pub fn take_oldest(&mut self, mut enough: impl FnMut(&Row, &Tally) -> bool) -> Vec<(u32, Row, Tally)> {
        let mut taken = Vec::new();
        while let Some(((hour, row), tally)) = self.rows.pop_first() {
            let is_enough = enough(&row, &tally);
            taken.push((hour, row, tally));
            if is_enough {
                break;
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_loses_its_route_and_then_is_counted_as_lost() {
        let row = |number: usize, route| {
            let bytes = number.to_le_bytes();
            Row { key: KeyId::from_bytes(core::array::from_fn(|it| bytes.get(it).copied().unwrap_or(0))), route }
        };
        let mut routes = super::super::Routes::default();
        let (none, route) = (RouteId::default(), routes.intern("GET /"));
        let one = Tally { allowed: 1, ..Tally::default() };
        let mut waiting = Waiting::default();
        for number in 0..MOST {
            assert_eq!(waiting.add(1, row(number, none), &one), 0);
        }
        let denied = Tally { denied: vec![(Reason::NoRule, 2)], ..one.clone() };
        for (number, route, lost) in [(0, route, 0), (MOST - 1, none, 0), (MOST, none, 3), (MOST, route, 3)] {
            assert_eq!(waiting.add(1, row(number, route), &denied), lost, "{number}");
        }
        assert_eq!(waiting.rows[&(1, row(0, none))].requests(), 4);
        let taken = waiting.take_oldest(|_, _| false);
        assert_eq!((taken.len(), waiting.is_empty()), (MOST, true));
    }
}

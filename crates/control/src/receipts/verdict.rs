//! What reports say about a version: edge by edge, and in one line.
//!
//! Pure: rows and times in, numbers and words out.

use std::collections::BTreeMap;

use crate::fleet::SILENT_AFTER_MS;
use crate::store::ProgressRow;

/// More names do not fit in a line.
const NAMES: usize = 5;

/// How far the edges are with a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// By name.
    pub(super) edges: BTreeMap<String, Edge>,
}

/// How far one edge is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    /// Whether every one of its VMs that report enforces it; of a silent edge, every one there was.
    pub(super) enforced: bool,
    /// Whether none of its VMs reports any more.
    pub(super) silent: bool,
    /// From the change to the first report of its slowest VM; `None` if none was there before the change.
    pub(super) ms: Option<u64>,
}

impl Verdict {
    pub(super) fn new(version: u64, changed_ms: u64, now_ms: u64, rows: &[ProgressRow]) -> Self {
        let is_silent = |row: &ProgressRow| now_ms.saturating_sub(row.reported_at_ms) > SILENT_AFTER_MS;
        let mut by_edge: BTreeMap<&str, Vec<&ProgressRow>> = BTreeMap::new();
        for row in rows {
            by_edge.entry(&row.edge).or_default().push(row);
        }
        let edge = |(name, mut vms): (&str, Vec<&ProgressRow>)| {
            let silent = vms.iter().all(|row| is_silent(row));
            // A VM that fell silent beside others is gone, with whatever it enforced.
            vms.retain(|row| silent || !is_silent(row));
            let enforced = vms.iter().all(|row| row.applied_version >= version);
            let ms = vms.iter().filter_map(|row| time(row, version, changed_ms)).max();
            (name.to_owned(), Edge { enforced, silent, ms: ms.filter(|_| enforced) })
        };
        Self { edges: by_edge.into_iter().map(edge).collect() }
    }

    /// Edges that report.
    pub(super) fn reporting(&self) -> u64 {
        self.count(|it| !it.silent)
    }

    /// Those of them that enforce it.
    pub(super) fn enforced(&self) -> u64 {
        self.count(|it| !it.silent && it.enforced)
    }

    /// Edges that fell silent before they said that they enforce it.
    pub(super) fn unheard(&self) -> u64 {
        self.count(|it| it.silent && !it.enforced)
    }

    pub(super) fn slowest_ms(&self) -> Option<u64> {
        self.edges.values().filter(|it| !it.silent).filter_map(|it| it.ms).max()
    }

    /// Whether there is an edge, and every one that was heard of enforces it.
    pub(super) fn is_complete(&self) -> bool {
        self.is_settled() && self.reporting() > 0 && self.unheard() == 0
    }

    /// Whether there is nobody to wait for: those that fell silent may never speak again.
    pub(super) fn is_settled(&self) -> bool {
        self.enforced() == self.reporting()
    }

    /// All that in one line.
    pub(super) fn text(&self, with_names: bool) -> String {
        let mut text = match (self.reporting(), self.edges.len()) {
            (0, 0) => "no edge has reported yet".to_owned(),
            (0, _) => "no edge has reported for a minute".to_owned(),
            (edges, _) => format!("enforced on {} of {edges} edge{}", self.enforced(), plural(edges)),
        };
        if let Some(ms) = self.slowest_ms() {
            text = format!("{text}, slowest {}", duration(ms));
        }
        let silent = self.edges.iter().filter(|(_, it)| it.silent && !it.enforced);
        let names: Vec<_> = silent.map(|(name, _)| name.as_str()).collect();
        if !names.is_empty() {
            text = format!("{text}; {} silent", names.len());
            if with_names {
                let more = if names.len() > NAMES { ", ..." } else { "" };
                let first: Vec<_> = names.into_iter().take(NAMES).collect();
                text = format!("{text}: {}{more}", first.join(", "));
            }
        }
        text
    }

    fn count(&self, what: impl Fn(&Edge) -> bool) -> u64 {
        self.edges.values().filter(|it| what(it)).map(|_| 1).sum()
    }
}

/// How long after the change a VM first said that it enforces it. One of which nothing earlier is known has it from its
/// start, or its versions of that time are forgotten: neither says how fast it was.
fn time(row: &ProgressRow, version: u64, changed_ms: u64) -> Option<u64> {
    let was_there = row.oldest.is_some_and(|oldest| oldest < version);
    row.reached_ms.filter(|_| was_there).map(|reached_ms| reached_ms.saturating_sub(changed_ms))
}

fn plural(number: u64) -> &'static str {
    if number == 1 { "" } else { "s" }
}

/// As people say it: `140 ms`, `3.2 s`, `5 min`, `2 h`.
fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} min", ms / 60_000),
        _ => format!("{} h", ms / 3_600_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGED: u64 = 1_000_000;
    const VERSION: u64 = 100;

    /// A VM: its edge, the version it enforces, milliseconds from the change to its first report of it, seconds since it
    /// last reported.
    fn vm(edge: &str, applied_version: u64, after_ms: Option<u64>, silent_for: u64) -> ProgressRow {
        ProgressRow {
            edge: edge.to_owned(),
            applied_version,
            reported_at_ms: CHANGED + 900_000 - silent_for * 1000,
            reached_ms: Some(CHANGED + after_ms.unwrap_or(500)).filter(|_| applied_version >= VERSION),
            oldest: Some(if after_ms.is_some() { VERSION - 1 } else { VERSION }),
        }
    }

    #[test]
    fn receipts_in_words() {
        let slow = Some(3_250);
        for (rows, text, complete) in [
            (vec![], "no edge has reported yet", false),
            (vec![vm("a", 100, Some(140), 0)], "enforced on 1 of 1 edge, slowest 140 ms", true),
            (
                vec![vm("a", 100, Some(140), 0), vm("b", 101, Some(90), 0)],
                "enforced on 2 of 2 edges, slowest 140 ms",
                true,
            ),
            (vec![vm("a", 100, Some(140), 0), vm("a", 100, slow, 60)], "enforced on 1 of 1 edge, slowest 3.2 s", true),
            (vec![vm("a", 100, Some(140), 0), vm("a", 99, slow, 0)], "enforced on 0 of 1 edge", false),
            (vec![vm("a", 100, Some(140), 0), vm("a", 99, slow, 61)], "enforced on 1 of 1 edge, slowest 140 ms", true),
            (
                vec![vm("a", 100, Some(140), 0), vm("b", 99, slow, 61)],
                "enforced on 1 of 1 edge, slowest 140 ms; 1 silent: b",
                false,
            ),
            (vec![vm("a", 100, Some(140), 0), vm("b", 100, slow, 61)], "enforced on 1 of 1 edge, slowest 140 ms", true),
            (vec![vm("b", 99, slow, 61)], "no edge has reported for a minute; 1 silent: b", false),
            (vec![vm("b", 100, slow, 61)], "no edge has reported for a minute", false),
            (vec![vm("a", 100, None, 0)], "enforced on 1 of 1 edge", true),
            (vec![vm("a", 100, None, 0), vm("b", 100, Some(0), 0)], "enforced on 2 of 2 edges, slowest 0 ms", true),
            (vec![vm("a", 0, None, 0)], "enforced on 0 of 1 edge", false),
            (vec![vm("a", 100, Some(61_000), 0)], "enforced on 1 of 1 edge, slowest 1 min", true),
            (vec![vm("a", 100, Some(7_300_000), 0)], "enforced on 1 of 1 edge, slowest 2 h", true),
        ] {
            let verdict = Verdict::new(VERSION, CHANGED, CHANGED + 900_000, &rows);
            assert_eq!((verdict.text(true).as_str(), verdict.is_complete()), (text, complete), "{rows:?}");
            assert_eq!(
                verdict.text(false),
                text.split(": ").next().unwrap(),
                "no name for those who may not see edges"
            );
        }
    }

    #[test]
    fn many_silent_edges_are_counted_and_some_are_named() {
        let rows: Vec<_> = (0..7).map(|n| vm(&format!("e{n}"), 99, Some(1), 61)).collect();
        let verdict = Verdict::new(VERSION, CHANGED, CHANGED + 900_000, &rows);
        assert_eq!(
            (verdict.text(true).as_str(), verdict.unheard()),
            ("no edge has reported for a minute; 7 silent: e0, e1, e2, e3, e4, ...", 7)
        );
    }

    #[test]
    fn a_report_before_the_change_as_this_clock_sees_it_took_no_time() {
        let row = ProgressRow { reached_ms: Some(CHANGED - 5), ..vm("a", 100, Some(0), 0) };
        assert_eq!(Verdict::new(VERSION, CHANGED, CHANGED, &[row]).slowest_ms(), Some(0));
    }
}

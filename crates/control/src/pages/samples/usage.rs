//! Usage.

use super::*;
use crate::pages::parts::Bar;
use crate::pages::usage::{Chart, KeyRow, Usage};

pub(super) fn chart(id: &'static str, rich: bool) -> Chart {
    let day = |day: u64| {
        let (allowed, denied) = if rich { (400 + day * 137 % 900, day * 53 % 120) } else { (0, 0) };
        (format!("2026-01-{:02}", day + 1), allowed, denied)
    };
    Chart::new(id, (0..30).map(day).collect())
}

fn usage(shell: Shell, rich: bool) -> Usage {
    let bars = |labels: [&str; 3]| {
        let counts = labels.into_iter().zip([8_120, 2_400, 96]).map(|(label, count)| (label.to_owned(), count));
        if rich { Bar::all(counts) } else { Vec::new() }
    };
    let key = |name: &str, allowed, denied| KeyRow {
        id: "key_4fTq9ZxLw2Pm0aRb".to_owned(),
        name: name.to_owned(),
        allowed,
        denied,
    };
    Usage {
        quota: if rich { super::plans::card(86) } else { super::plans::uncounted() },
        stretches: vec![(7, "7 days", false), (30, "30 days", true), (365, "A year", false)],
        allowed: if rich { 24_120 } else { 0 },
        cost: if rich { 25_800 } else { 0 },
        denied: if rich { 1_841 } else { 0 },
        chart: chart("usage-chart", rich),
        keys: if rich { vec![key("search indexer", 18_200, 12), key(HOSTILE, 5_920, 1_829)] } else { vec![] },
        reasons: bars(["Quota exhausted", "Insufficient scope", "Expired API key"]),
        routes: bars(["GET /v1/search/**", "POST /v1/a/very/long/path/that/goes/on/{and}/on", HOSTILE]),
        environments: bars(["production", "sandbox", HOSTILE]),
        csv_href: "/usage/export?days=30".to_owned(),
        shell,
    }
}

pub(super) fn pages() -> Vec<Page> {
    let full = super::plans::warned(shell("Usage", Section::Usage), NoticeKind::Warning);
    vec![page("usage", &usage(full, true)), page("usage-empty", &usage(viewer_shell("Usage", Section::Usage), false))]
}

//! When was asked about, beside when was counted: whole hours, and whole days where no hours are kept.
//!
//! Says nothing if both are the same.

use jiff::Timestamp;

use super::Filter;

const HOUR: i64 = 3600;

/// What was asked, as far as something was.
#[derive(Debug)]
pub(super) struct Window {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    by_hour: bool,
}

impl Window {
    pub(super) fn new(filter: &Filter) -> Self {
        let time = |text: &Option<String>| text.as_deref().and_then(time);
        let by_hour = filter.by.split(',').any(|it| it.trim() == "hour");
        Self { from: time(&filter.from), to: time(&filter.to), by_hour }
    }

    /// What to say of it if other bounds were counted.
    pub(super) fn rounded(&self, from: &str, to: &str) -> Option<String> {
        let apart = |asked: Option<Timestamp>, counted: &str| {
            asked.zip(time(counted)).map_or(0, |(asked, counted)| counted.as_second().abs_diff(asked.as_second()))
        };
        let most = apart(self.from, from).max(apart(self.to, to));
        let what = match most >= HOUR.unsigned_abs() {
            _ if most == 0 => return None,
            true if self.by_hour => "whole hours, which are kept for 35 days",
            true => "whole days, in UTC: hours are kept for 35 days",
            false => "whole hours",
        };
        Some(format!("counted from {from} to {to} ({what})"))
    }
}

/// As the control plane reads it.
fn time(text: &str) -> Option<Timestamp> {
    text.parse().or_else(|_| format!("{text}T00:00:00Z").parse()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_bounds_than_those_asked_are_told() {
        let days = Some("whole days, in UTC: hours are kept for 35 days");
        for (from, to, by, counted, expected) in [
            (None, None, "total", ["2026-10-27T00:00:00Z", "2026-11-27T00:00:00Z"], None),
            (Some("2026-11-25"), Some("2026-11-26"), "key", ["2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z"], None),
            (Some("2026-11-25T00:00:00+01:00"), None, "key", ["2026-11-24T23:00:00Z", "2026-11-27T00:00:00Z"], None),
            (Some("2026-01-25T00:00:00+01:00"), None, "key", ["2026-01-24T00:00:00Z", "2026-11-27T00:00:00Z"], days),
            (
                None,
                Some("2026-11-25T00:30:00Z"),
                "key",
                ["2026-10-27T00:00:00Z", "2026-11-25T01:00:00Z"],
                Some("whole hours"),
            ),
            (
                Some("2026-01-25"),
                None,
                "key,hour",
                ["2026-10-27T00:00:00Z", "2026-11-25T01:00:00Z"],
                Some("whole hours, which are kept for 35 days"),
            ),
        ] {
            let text = |text: Option<&str>| text.map(str::to_owned);
            let (organization, key, environment, route) = (None, None, None, None);
            let (from, to, by) = (text(from), text(to), by.to_owned());
            let window = Window::new(&Filter { from, to, organization, key, environment, route, by });
            let [from, to] = counted;
            let expected = expected.map(|what| format!("counted from {from} to {to} ({what})"));
            assert_eq!(window.rounded(from, to), expected, "{window:?}");
        }
    }
}

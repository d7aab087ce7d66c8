//! A moment on a page: near ones as a distance, far ones as a date, the exact time as a tooltip and for programs.

use askama::Template;
use askama::filters::HtmlSafe;
use jiff::Timestamp;

use crate::clock::{DAY, HOUR, MINUTE, from_rfc3339, to_rfc3339};

/// A `<time>` element.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(path = "parts/when.html")]
pub(crate) struct When {
    iso: String,
    exact: String,
    relative: String,
}

/// Its template escapes.
impl HtmlSafe for When {}

impl When {
    /// A moment in Unix seconds, as seen at `now`.
    pub(crate) fn new(at: u64, now: u64) -> Self {
        Self { iso: to_rfc3339(at), exact: format(at, "%Y-%m-%d %H:%M:%S UTC"), relative: relative(at, now) }
    }

    /// A moment as the API writes it; what is none is shown as it stands.
    pub(crate) fn parse(text: &str, now: u64) -> Self {
        from_rfc3339(text).map_or_else(
            || Self { iso: text.to_owned(), exact: text.to_owned(), relative: text.to_owned() },
            |at| Self::new(at, now),
        )
    }
}

fn relative(at: u64, now: u64) -> String {
    let distance = at.abs_diff(now);
    let (count, unit) = match distance {
        0..MINUTE => return if at > now { "in a moment".to_owned() } else { "just now".to_owned() },
        MINUTE..HOUR => (distance / MINUTE, "minute"),
        HOUR..172_800 => (distance / HOUR, "hour"),
        172_800..5_184_000 => (distance / DAY, "day"),
        _ => return format(at, "%-d %b %Y"),
    };
    let plural = if count == 1 { "" } else { "s" };
    if at > now { format!("in {count} {unit}{plural}") } else { format!("{count} {unit}{plural} ago") }
}

fn format(at: u64, pattern: &str) -> String {
    let timestamp = i64::try_from(at).ok().and_then(|at| Timestamp::from_second(at).ok());
    timestamp.unwrap_or(Timestamp::MAX).strftime(pattern).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_moments_are_distances_and_far_ones_dates() {
        const NOW: u64 = 1_768_478_400;
        for (at, expected) in [
            (NOW, "just now"),
            (NOW - 59, "just now"),
            (NOW + 59, "in a moment"),
            (NOW - 60, "1 minute ago"),
            (NOW - 47 * HOUR, "47 hours ago"),
            (NOW - 48 * HOUR, "2 days ago"),
            (NOW + 7 * DAY, "in 7 days"),
            (NOW - 60 * DAY, "16 Nov 2025"),
            (NOW + 365 * DAY, "15 Jan 2027"),
        ] {
            assert_eq!(When::new(at, NOW).relative, expected);
        }
        let html = When::parse("2026-01-15T12:00:00Z", NOW).to_string();
        assert_eq!(
            html.trim(),
            r#"<time datetime="2026-01-15T12:00:00Z" title="2026-01-15 12:00:00 UTC">just now</time>"#
        );
        assert!(When::parse("<b>", NOW).to_string().contains("&#60;b&#62;"));
    }
}

//! When a query is about, and which tables have that: hours for a month, days for a year.
//!
//! Invariant: what is counted is what was asked, to the hour, wherever hours are kept; elsewhere it is whole days around it.

use portcullis_api::usage::ListUsage;

use crate::clock::{DAY, HOUR, MAX_TIME, from_rfc3339};
use crate::error::Error;
use crate::store::{Grain, HOURS_KEPT_DAYS, Span};

const DEFAULT_DAYS: u64 = 30;

/// The stretches of time that a query is about, one after the other.
pub(super) fn stretch(query: &ListUsage, told: Grain, now: u64) -> Result<Vec<Span>, Error> {
    let given = |pointer, text: &Option<String>| text.as_deref().map(|text| time(pointer, text)).transpose();
    let step = if told == Grain::Hours { HOUR } else { DAY };
    let to = given("/to", &query.to)?.unwrap_or_else(|| (now + 1).next_multiple_of(step));
    let from = given("/from", &query.from)?.unwrap_or_else(|| to.saturating_sub(DEFAULT_DAYS * DAY));
    if from >= to {
        let detail = match from == to {
            true => "`from` and `to` are the same, and `to` is exclusive: expected a later `to`, such as the day after",
            false => "`to` is before `from`: expected a later one",
        };
        return Err(Error::invalid("/to", detail));
    }
    let (from, to) = (from / HOUR * HOUR, to.next_multiple_of(HOUR));
    if told == Grain::Hours {
        let kept = (now / HOUR * HOUR).saturating_sub(HOURS_KEPT_DAYS * DAY);
        return Ok(vec![Span { grain: Grain::Hours, from: from.max(kept).min(to), to }]);
    }
    // The one before may be on its way out.
    Ok(spans(from, to, now.saturating_sub(HOURS_KEPT_DAYS * DAY).next_multiple_of(HOUR)))
}

/// Days where they will do, and hours before and after them.
fn spans(from: u64, to: u64, kept: u64) -> Vec<Span> {
    let from = if from < kept { from / DAY * DAY } else { from };
    let is_kept = (to / DAY * DAY).max(from) >= kept;
    let to = if is_kept { to } else { to.next_multiple_of(DAY) };
    let first = from.next_multiple_of(DAY).min(to);
    let last = (to / DAY * DAY).max(first);
    let all = [(Grain::Hours, from, first), (Grain::Days, first, last), (Grain::Hours, last, to)];
    all.into_iter().filter(|(_, from, to)| from < to).map(|(grain, from, to)| Span { grain, from, to }).collect()
}

fn time(pointer: &str, text: &str) -> Result<u64, Error> {
    let time = from_rfc3339(text).or_else(|| from_rfc3339(&format!("{text}T00:00:00Z")));
    let hint = "expected a day, 2027-01-31, or a time as in RFC 3339: 2027-01-31T12:00:00Z";
    time.filter(|time| *time <= MAX_TIME).ok_or_else(|| Error::invalid(pointer, hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::to_rfc3339;

    /// 2026-01-15T12:30:00Z.
    const NOW: u64 = 1_768_480_200;

    #[test]
    fn a_stretch_is_exact_to_the_hour_where_hours_are_kept() {
        for (told, from, to, expected) in [
            (Grain::Days, "", "", "Days 2025-12-17 2026-01-16"),
            (Grain::Hours, "", "", "Hours 2025-12-16T13 2026-01-15T13"),
            (Grain::Days, "2026-01-01", "2026-01-03", "Days 2026-01-01 2026-01-03"),
            (Grain::Days, "2026-01-01T10:30:00Z", "2026-01-01T10:31:00Z", "Hours 2026-01-01T10 2026-01-01T11"),
            (
                Grain::Days,
                "2026-01-02T00:00:00+01:00",
                "2026-01-03T00:00:00+01:00",
                "Hours 2026-01-01T23 2026-01-02, Hours 2026-01-02 2026-01-02T23",
            ),
            (
                Grain::Days,
                "2026-01-02T00:00:00-01:00",
                "2026-01-05T00:00:00-01:00",
                "Hours 2026-01-02T01 2026-01-03, Days 2026-01-03 2026-01-05, Hours 2026-01-05 2026-01-05T01",
            ),
            (Grain::Days, "2026-01-01T01:00:00+01:00", "", "Days 2026-01-01 2026-01-16"),
            (Grain::Days, "2025-12-11T13:00:00Z", "2025-12-11T14:00:00Z", "Hours 2025-12-11T13 2025-12-11T14"),
            (Grain::Days, "2025-12-11T12:00:00Z", "2025-12-11T14:00:00Z", "Days 2025-12-11 2025-12-12"),
            (
                Grain::Days,
                "2025-12-11T12:00:00Z",
                "2025-12-12T14:00:00Z",
                "Days 2025-12-11 2025-12-12, Hours 2025-12-12 2025-12-12T14",
            ),
            (Grain::Days, "2025-01-01T10:30:00Z", "2025-01-01T10:31:00Z", "Days 2025-01-01 2025-01-02"),
            (
                Grain::Days,
                "2025-01-01T10:30:00Z",
                "2026-01-15T10:01:00Z",
                "Days 2025-01-01 2026-01-15, Hours 2026-01-15 2026-01-15T11",
            ),
            (Grain::Hours, "2025-01-01", "2026-01-01", "Hours 2025-12-11T12 2026-01-01"),
            (Grain::Hours, "2025-01-01", "2025-01-02", "Hours 2025-01-02 2025-01-02"),
            (Grain::Days, "2025-01-01", "2024-01-01", "/to"),
            (Grain::Days, "2025-01-01", "2025-01-01", "/to"),
            (Grain::Days, "yesterday", "", "/from"),
            (Grain::Days, "", "2500-01-01", "/to"),
        ] {
            let given = |text: &str| Some(text.to_owned()).filter(|it| !it.is_empty());
            let query = ListUsage { from: given(from), to: given(to), ..ListUsage::default() };
            let short = |time| to_rfc3339(time).trim_end_matches(":00Z").trim_end_matches(":00").to_owned();
            let short = |time| short(time).trim_end_matches("T00").to_owned();
            let text = match stretch(&query, told, NOW) {
                Ok(spans) => {
                    let text = |span: &Span| format!("{:?} {} {}", span.grain, short(span.from), short(span.to));
                    spans.iter().map(text).collect::<Vec<_>>().join(", ")
                }
                Err(Error::Invalid { pointer, .. }) => pointer,
                Err(error) => error.to_string(),
            };
            assert_eq!(text, expected, "{told:?} {from} {to}");
        }
    }
}

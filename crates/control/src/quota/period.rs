//! Periods: when a quota begins anew.
//!
//! Pure: it is told the time and the rules. It does not know which periods have begun already; whoever keeps those asks for the next one
//! from where the last one ended. Invariants: by one rule, every moment lies in exactly one period, whatever clocks are set to; however
//! often the rule changes, no more periods begin than would have without, as each has all of the limit.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use portcullis_api::QuotaPeriod;

/// The year 9900: calendars end in 9999.
const END_OF_TIME: i64 = 250_246_368_000;
const THIRTY_DAYS: i64 = 30 * 24 * 60 * 60;
/// Between the same midnight of any two time zones, UTC-12 and UTC+14, in seconds.
const ZONES_APART: u64 = 26 * 60 * 60;

/// From `start` on and before `end`, in Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Period {
    /// Its first second.
    pub start: u64,
    /// The first second of the next.
    pub end: u64,
}

/// By what a subject's periods are told.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// How long they are.
    pub period: QuotaPeriod,
    /// When the first of 30 days began, in Unix seconds.
    pub since: u64,
    /// Where it is midnight when a calendar's begin.
    pub zone: TimeZone,
}

impl Period {
    /// Whether a moment lies in it.
    pub(crate) fn holds(&self, at: u64) -> bool {
        (self.start..self.end).contains(&at)
    }

    /// The period of a moment, if the last one that began is as told: it keeps its bounds, and the next begins where it ends. If a change
    /// of the rule leaves only a part of a period there, that joins the one that follows.
    pub(crate) fn at(rule: &Rule, last: Option<Self>, at: u64) -> Self {
        if let Some(running) = last.filter(|it| at < it.end) {
            return running;
        }
        let natural = rule.natural(at);
        let start = natural.start.max(last.map_or(0, |it| it.end));
        let is_whole = start - natural.start <= rule.slack();
        Self { start, end: if is_whole { natural.end } else { rule.natural(natural.end).end } }
    }
}

impl Rule {
    /// How much a period may lack, in seconds. A month's end is always the same month's, somewhere, so whoever moves makes one shorter
    /// once, by hours, and would otherwise lose a month's limit. Of days it would be one more each time around the world.
    fn slack(&self) -> u64 {
        match self.period {
            QuotaPeriod::Month => ZONES_APART,
            QuotaPeriod::Day | QuotaPeriod::ThirtyDays => 0,
        }
    }

    /// The period of a moment by the rule alone.
    fn natural(&self, at: u64) -> Period {
        let at = i64::try_from(at).unwrap_or(i64::MAX).min(END_OF_TIME);
        let (start, end) = match self.period {
            QuotaPeriod::ThirtyDays => thirty_days(i64::try_from(self.since).unwrap_or(0), at),
            QuotaPeriod::Month => self.calendar(at, first_of_month, next_month),
            QuotaPeriod::Day => self.calendar(at, |it| it, next_day),
        };
        Period { start: u64::try_from(start).unwrap_or(0), end: u64::try_from(end).unwrap_or(0).max(1) }
    }

    /// A date's beginning may come twice, not at all, or late: what counts is the instant at which it begins, and in which of them a
    /// moment lies. The date on the clock is a first guess.
    fn calendar(&self, at: i64, first: fn(Date) -> Date, next: fn(Date) -> Date) -> (i64, i64) {
        let shown = Timestamp::from_second(at).unwrap_or(Timestamp::MAX).to_zoned(self.zone.clone()).date();
        let guess = first(shown);
        let mut date = first(guess.saturating_sub(1.day()));
        loop {
            let following = next(date);
            let end = self.begins(following);
            if at < end {
                return (self.begins(date), end);
            }
            date = following;
        }
    }

    /// When a date begins. Midnight may be left out (the first moment after counts) or come twice (the first does).
    fn begins(&self, date: Date) -> i64 {
        let midnight = date.at(0, 0, 0, 0).to_zoned(self.zone.clone());
        midnight.map_or(i64::MAX, |it| it.timestamp().as_second())
    }
}

fn thirty_days(since: i64, at: i64) -> (i64, i64) {
    let number = at.saturating_sub(since).div_euclid(THIRTY_DAYS);
    let start = since.saturating_add(number.saturating_mul(THIRTY_DAYS));
    (start, start.saturating_add(THIRTY_DAYS))
}

fn first_of_month(date: Date) -> Date {
    date.first_of_month()
}

fn next_month(date: Date) -> Date {
    date.saturating_add(1.month())
}

fn next_day(date: Date) -> Date {
    date.saturating_add(1.day())
}

/// A time zone by its name in the IANA database, or the name that was probably meant.
pub(crate) fn zone(name: &str) -> Result<TimeZone, Option<String>> {
    let is_name = name.bytes().all(|it| it.is_ascii_alphanumeric() || b"/_+-".contains(&it));
    let found = jiff::tz::db().get(name).ok().filter(|_| is_name);
    // Names are found in whatever case; only the one in the database is stored.
    let found = found.filter(|zone| zone.iana_name() == Some(name) || (name == "UTC" && zone == &TimeZone::UTC));
    found.ok_or_else(|| nearest(name))
}

/// The name that was probably meant: at most a fourth of what was typed is wrong.
fn nearest(name: &str) -> Option<String> {
    let most = (name.len() / 4).clamp(1, 3);
    if name.is_empty() {
        return None;
    }
    let plain = |text: &str| text.to_ascii_lowercase().replace([' ', '-'], "_");
    let wanted = plain(name);
    let distance = |it: &str| {
        let it = plain(it);
        let city = it.rsplit('/').next().unwrap_or_default().to_owned();
        edits(&wanted, &it).min(edits(&wanted, &city))
    };
    let names = jiff::tz::db().available().map(|it| it.as_str().to_owned());
    let best = names.map(|it| (distance(&it), it)).min()?;
    (best.0 <= most).then_some(best.1)
}

/// Levenshtein's distance.
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (slot, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let best = (diagonal + usize::from(x != y)).min(left + 1).min(*slot + 1);
            diagonal = std::mem::replace(slot, best);
            left = best;
        }
        row.first_mut().into_iter().for_each(|it| *it = i + 1);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests;

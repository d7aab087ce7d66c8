//! What a query asks: which stretch of time, of which table, and what is told apart.
//!
//! Invariant: a question begins and ends with a whole hour or a whole day of its table.

use std::collections::BTreeSet;

use portcullis_api::usage::{ListUsage, UsageSort};
use portcullis_engine::KeyId;

use crate::caller::Caller;
use crate::clock::{DAY, HOUR, MAX_TIME, from_rfc3339};
use crate::error::Error;
use crate::organizations;
use crate::store::{Grain, HOURS_KEPT_DAYS, Part, Place, UsageQuestion};

const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 1000;
const DEFAULT_DAYS: u64 = 30;
const WORDS: &str = "expected `total`, or some of `hour`, `day`, `organization`, `environment`, `key`, `route`, `reason` \
                     with commas between, and not both `hour` and `day`";

/// Reads a query.
pub(super) fn parse(by: &Caller, query: &ListUsage, now: u64) -> Result<UsageQuestion, Error> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Error::invalid("/limit", format!("expected 1 to {MAX_LIMIT}")));
    }
    let (clock, parts) = parts(query.by.as_deref().unwrap_or("total"))?;
    let (grain, from, to) = stretch(query, clock, now)?;
    let key: Option<KeyId> = query
        .key
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|_| Error::invalid("/key", "expected a key's id: `key_` and 16 characters"))?;
    Ok(UsageQuestion {
        grain,
        from,
        to,
        scope: organizations::narrow(by, query.organization.as_deref())?,
        key,
        environment: query.environment.clone(),
        route: query.route.clone(),
        after: query.cursor.as_deref().map(|text| after(text, &parts, query.sort)).transpose()?,
        by: parts,
        busiest_first: query.sort == UsageSort::Requests,
        limit,
    })
}

/// Where the page after that row begins. It is hexadecimal, so that it can stand in a URL as it is.
pub(super) fn cursor(place: &[Place]) -> String {
    hex::encode(serde_json::to_vec(place).unwrap_or_default())
}

fn after(text: &str, parts: &[Part], sort: UsageSort) -> Result<Vec<Place>, Error> {
    let place = hex::decode(text).ok().and_then(|bytes| serde_json::from_slice::<Vec<Place>>(&bytes).ok());
    let fits = |place: &Vec<Place>| {
        let pairs = || parts.iter().zip(place);
        let alike = pairs().all(|(part, place)| (*part == Part::Time) == matches!(place, Place::Time(_)));
        place.len() == parts.len() && !place.is_empty() && alike && sort == UsageSort::Place
    };
    let wrong = || Error::invalid("/cursor", "expected the `next_cursor` of the page before, of the same question");
    place.filter(fits).ok_or_else(wrong)
}

/// What is told apart, and whether time is by the hour or by the day.
fn parts(text: &str) -> Result<(Option<Grain>, Vec<Part>), Error> {
    let (mut clock, mut parts) = (None, BTreeSet::new());
    if text == "total" {
        return Ok((None, Vec::new()));
    }
    for word in text.split(',') {
        let (part, grain) = match word.trim() {
            "hour" => (Part::Time, Some(Grain::Hours)),
            "day" => (Part::Time, Some(Grain::Days)),
            "organization" => (Part::Organization, None),
            "environment" => (Part::Environment, None),
            "key" => (Part::Key, None),
            "route" => (Part::Route, None),
            "reason" => (Part::Reason, None),
            _ => return Err(Error::invalid("/by", WORDS)),
        };
        if grain.is_some() && clock.is_some() && clock != grain {
            return Err(Error::invalid("/by", WORDS));
        }
        clock = clock.or(grain);
        parts.insert(part);
    }
    Ok((clock, parts.into_iter().collect()))
}

/// Hours are asked where it takes them and they are kept; days where they will do.
fn stretch(query: &ListUsage, clock: Option<Grain>, now: u64) -> Result<(Grain, u64, u64), Error> {
    let given = |pointer, text: &Option<String>| text.as_deref().map(|text| time(pointer, text)).transpose();
    let step = if clock == Some(Grain::Hours) { HOUR } else { DAY };
    let to = given("/to", &query.to)?.unwrap_or_else(|| (now + 1).next_multiple_of(step));
    let from = given("/from", &query.from)?.unwrap_or_else(|| to.saturating_sub(DEFAULT_DAYS * DAY));
    if from >= to {
        return Err(Error::invalid("/to", "expected a time after `from`"));
    }
    let kept = (now / HOUR * HOUR).saturating_sub(HOURS_KEPT_DAYS * DAY);
    let takes_hours = clock.is_none() && !(from.is_multiple_of(DAY) && to.is_multiple_of(DAY)) && from >= kept;
    let (grain, step) =
        if clock == Some(Grain::Hours) || takes_hours { (Grain::Hours, HOUR) } else { (Grain::Days, DAY) };
    let to = to.next_multiple_of(step);
    let from = if grain == Grain::Hours { from.max(kept).min(to) } else { from };
    Ok((grain, from / step * step, to))
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
    fn a_stretch_is_whole_hours_or_whole_days() {
        for (by, from, to, expected) in [
            ("total", "", "", "Days 2025-12-17 2026-01-16"),
            ("day", "", "", "Days 2025-12-17 2026-01-16"),
            ("hour", "", "", "Hours 2025-12-16T13 2026-01-15T13"),
            ("key", "2026-01-01", "2026-01-03", "Days 2026-01-01 2026-01-03"),
            ("key", "2026-01-01T10:30:00Z", "2026-01-01T10:31:00Z", "Hours 2026-01-01T10 2026-01-01T11"),
            ("key", "2025-01-01T10:30:00Z", "2025-01-01T10:31:00Z", "Days 2025-01-01 2025-01-02"),
            ("day", "2026-01-01T10:30:00Z", "2026-01-01T10:31:00Z", "Days 2026-01-01 2026-01-02"),
            ("key", "2026-01-01T01:00:00+01:00", "", "Days 2026-01-01 2026-01-16"),
            ("hour", "2025-01-01", "2026-01-01", "Hours 2025-12-11T12 2026-01-01"),
            ("hour", "2025-01-01", "2025-01-02", "Hours 2025-01-02 2025-01-02"),
            ("total", "2025-01-01", "2024-01-01", "/to"),
            ("total", "2025-01-01", "2025-01-01", "/to"),
            ("total", "yesterday", "", "/from"),
            ("total", "", "2500-01-01", "/to"),
            ("minute", "", "", "/by"),
            ("hour,day", "", "", "/by"),
            ("total,key", "", "", "/by"),
            ("", "", "", "/by"),
        ] {
            let given = |text: &str| Some(text.to_owned()).filter(|it| !it.is_empty());
            let query = ListUsage { from: given(from), to: given(to), ..ListUsage::default() };
            let found = parts(by).and_then(|(clock, _)| stretch(&query, clock, NOW));
            let short = |time| to_rfc3339(time).trim_end_matches(":00Z").trim_end_matches(":00").to_owned();
            let short = |time| short(time).trim_end_matches("T00").to_owned();
            let text = match found {
                Ok((grain, from, to)) => format!("{grain:?} {} {}", short(from), short(to)),
                Err(Error::Invalid { pointer, .. }) => pointer,
                Err(error) => error.to_string(),
            };
            assert_eq!(text, expected, "{by} {from} {to}");
        }
    }

    #[test]
    fn a_cursor_is_one_of_the_same_question() {
        let place = [Place::Time(NOW), Place::Text("key_é".to_owned())];
        let text = cursor(&place);
        let read = |text: &str, parts: &[Part], sort| after(text, parts, sort).ok();
        assert_eq!(read(&text, &[Part::Time, Part::Key], UsageSort::Place), Some(place.to_vec()));
        for (text, parts, sort) in [
            (text.as_str(), vec![Part::Time], UsageSort::Place),
            (&text, vec![Part::Organization, Part::Key], UsageSort::Place),
            (&text, vec![Part::Time, Part::Key], UsageSort::Requests),
            (&cursor(&[]), vec![], UsageSort::Place),
            ("", vec![Part::Time, Part::Key], UsageSort::Place),
            ("zz", vec![Part::Time, Part::Key], UsageSort::Place),
        ] {
            assert_eq!(read(text, &parts, sort), None, "{text} {parts:?}");
        }
    }
}

//! What a query asks: when, of whom, and what is told apart.
//!
//! What its names lead to is looked up in `names`, later: here nothing is read.

use std::collections::BTreeSet;

use portcullis_api::usage::{ListUsage, UsageSort};
use portcullis_engine::KeyId;
use portcullis_policy::nearest;

use super::stretch::stretch;
use crate::caller::Caller;
use crate::error::Error;
use crate::organizations;
use crate::store::{Grain, Part, Place, UsageQuestion};

const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 1000;
/// What can be told apart: as it is called, and whether it is time.
const PARTS: [(&str, Part, Option<Grain>); 7] = [
    ("hour", Part::Time, Some(Grain::Hours)),
    ("day", Part::Time, Some(Grain::Days)),
    ("organization", Part::Organization, None),
    ("environment", Part::Environment, None),
    ("key", Part::Key, None),
    ("route", Part::Route, None),
    ("reason", Part::Reason, None),
];
const WORDS: &str = "expected `total`, or some of `hour`, `day`, `organization`, `environment`, `key`, `route`, `reason` \
                     with commas between, and not both `hour` and `day`";

/// Reads a query.
pub(super) fn parse(by: &Caller, query: &ListUsage, now: u64) -> Result<UsageQuestion, Error> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Error::invalid("/limit", format!("expected 1 to {MAX_LIMIT}")));
    }
    let (grain, parts) = parts(query.by.as_deref().unwrap_or("total"))?;
    let key: Option<KeyId> = query
        .key
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|_| Error::invalid("/key", "expected a key's id: `key_` and 16 characters"))?;
    Ok(UsageQuestion {
        grain,
        spans: stretch(query, grain, now)?,
        scope: organizations::narrow(by, query.organization.as_deref())?,
        key,
        environment: query.environment.clone(),
        routes: query.route.clone().map(|it| vec![it]),
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
fn parts(text: &str) -> Result<(Grain, Vec<Part>), Error> {
    let (mut clock, mut parts) = (None, BTreeSet::new());
    if text == "total" {
        return Ok((Grain::Days, Vec::new()));
    }
    for word in text.split(',') {
        let word = word.trim();
        let (_, part, grain) = PARTS.into_iter().find(|(name, ..)| *name == word).ok_or_else(|| unknown(word))?;
        if grain.is_some() && clock.is_some() && clock != grain {
            return Err(Error::invalid("/by", WORDS));
        }
        clock = clock.or(grain);
        parts.insert(part);
    }
    Ok((clock.unwrap_or(Grain::Days), parts.into_iter().collect()))
}

/// No such word; perhaps the beginning of one, or one that is misspelt.
fn unknown(word: &str) -> Error {
    const SHORTEST: usize = 3;
    let names = || PARTS.into_iter().map(|(name, ..)| name);
    let start = Some(word.trim_end_matches('s')).filter(|it| it.len() >= SHORTEST);
    let near = start.and_then(|start| names().find(|it| it.starts_with(start)));
    match near.or_else(|| nearest(word, names())) {
        Some(near) => Error::invalid("/by", format!("{WORDS}\nhint: did you mean `{near}`?")),
        None => Error::invalid("/by", WORDS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_768_480_200;

    #[test]
    fn what_is_told_apart_is_some_of_what_there_is() {
        for (text, expected) in [
            ("total", Ok((Grain::Days, vec![]))),
            ("key,day", Ok((Grain::Days, vec![Part::Time, Part::Key]))),
            ("hour, route,route", Ok((Grain::Hours, vec![Part::Time, Part::Route]))),
            ("org", Err("did you mean `organization`?")),
            ("day,orgs", Err("did you mean `organization`?")),
            ("keys", Err("did you mean `key`?")),
            ("days", Err("did you mean `day`?")),
            ("minute", Err(WORDS)),
            ("hour,day", Err(WORDS)),
            ("total,key", Err(WORDS)),
            ("", Err(WORDS)),
        ] {
            match (parts(text), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{text}"),
                (Err(Error::Invalid { pointer, detail }), Err(hint)) => {
                    assert!(pointer == "/by" && detail.contains(hint), "{text}: {detail}");
                }
                (found, _) => panic!("{text}: {found:?}"),
            }
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

//! Calendars as they are and as they were: months of every length, clocks set forward and back, days that were left out.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use portcullis_api::QuotaPeriod::{self, Day, Month, ThirtyDays};

use super::{Period, Rule, nearest, zone};

const DAY: u64 = 86_400;

fn at(text: &str) -> u64 {
    u64::try_from(text.parse::<Timestamp>().unwrap().as_second()).unwrap()
}

fn rule(period: QuotaPeriod, name: &str) -> Rule {
    Rule { period, since: at("2026-01-15T12:00:00Z"), zone: zone(name).unwrap() }
}

#[test]
fn periods_of_calendars() {
    for (period, zone, now, start, end) in [
        (Month, "UTC", "2026-01-31T23:59:59Z", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
        (Month, "UTC", "2026-02-15T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"),
        (Month, "UTC", "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
        (Month, "UTC", "2100-02-28T23:00:00Z", "2100-02-01T00:00:00Z", "2100-03-01T00:00:00Z"),
        (Month, "UTC", "2026-04-30T23:00:00Z", "2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z"),
        (Month, "UTC", "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        (Day, "UTC", "2026-12-31T23:59:59Z", "2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z"),
        (Day, "UTC", "2028-02-29T12:00:00Z", "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"),
        // Clocks set forward: 23 hours; back: 25.
        (Day, "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        (Day, "Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        (Month, "Europe/Berlin", "2026-03-10T12:00:00Z", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"),
        (Day, "America/New_York", "2026-03-08T12:00:00Z", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
        (Day, "America/New_York", "2026-11-01T12:00:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
        // By half an hour.
        (Day, "Australia/Lord_Howe", "2026-04-04T15:30:00Z", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z"),
        (Day, "Australia/Lord_Howe", "2026-10-03T20:00:00Z", "2026-10-03T13:30:00Z", "2026-10-04T13:00:00Z"),
        // A day that never was: the 29th is followed by the 31st.
        (Day, "Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"),
        (Day, "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"),
        (Month, "Pacific/Apia", "2011-12-31T00:00:00Z", "2011-12-01T10:00:00Z", "2011-12-31T10:00:00Z"),
        // Midnights that never were, and some that came twice.
        (Day, "America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"),
        (Day, "America/Sao_Paulo", "2018-02-18T02:30:00Z", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z"),
        (Day, "Asia/Beirut", "2026-03-28T23:00:00Z", "2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"),
        (Day, "America/Havana", "2026-11-01T05:30:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
        (Day, "America/St_Johns", "2006-10-29T02:45:00Z", "2006-10-29T02:30:00Z", "2006-10-30T03:30:00Z"),
        (Day, "Asia/Kathmandu", "2026-06-01T18:14:59Z", "2026-05-31T18:15:00Z", "2026-06-01T18:15:00Z"),
        (Month, "Asia/Kathmandu", "2026-06-30T18:15:00Z", "2026-06-30T18:15:00Z", "2026-07-31T18:15:00Z"),
        (ThirtyDays, "Europe/Berlin", "2026-01-15T12:00:00Z", "2026-01-15T12:00:00Z", "2026-02-14T12:00:00Z"),
        (ThirtyDays, "Europe/Berlin", "2026-04-01T00:00:00Z", "2026-03-16T12:00:00Z", "2026-04-15T12:00:00Z"),
        (ThirtyDays, "Europe/Berlin", "2026-01-15T11:59:59Z", "2025-12-16T12:00:00Z", "2026-01-15T12:00:00Z"),
    ] {
        let expected = Period { start: at(start), end: at(end) };
        assert_eq!(Period::at(&rule(period, zone), None, at(now)), expected, "{period:?} {zone} {now}");
    }
}

#[test]
fn periods_tile_time() {
    for name in [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "America/Sao_Paulo",
        "Asia/Beirut",
        "Asia/Kathmandu",
        "America/Havana",
        "America/St_Johns",
        "Africa/Casablanca",
        "Asia/Gaza",
        "Pacific/Kwajalein",
        "Antarctica/Troll",
        "America/Scoresbysund",
    ] {
        for period in QuotaPeriod::ALL {
            let rule = rule(period, name);
            let mut last = Period::at(&rule, None, at("2003-06-15T12:00:00Z"));
            while last.end < at("2033-01-01T00:00:00Z") {
                let next = Period::at(&rule, None, last.end);
                assert_eq!(next.start, last.end, "{period:?} {name}: {last:?} {next:?}");
                let length = next.end - next.start;
                assert!((DAY - 7200..=31 * DAY + 7200).contains(&length), "{period:?} {name}: {next:?}");
                for inside in [next.start, next.start + length / 3, next.end - 1] {
                    assert_eq!(Period::at(&rule, None, inside), next, "{period:?} {name} {inside}");
                }
                last = next;
            }
        }
    }
}

#[test]
fn a_period_that_began_keeps_its_bounds_and_what_is_left_of_the_next_joins_the_one_after() {
    let thirty_days = Period { start: at("2026-01-15T12:00:00Z"), end: at("2026-02-14T12:00:00Z") };
    let of_utc = Period { start: at("2026-01-01T00:00:00Z"), end: at("2026-02-01T00:00:00Z") };
    let of_tokyo = Period { start: at("2026-02-13T15:00:00Z"), end: at("2026-02-14T15:00:00Z") };
    for (began, period, zone, now, start, end) in [
        (thirty_days, Month, "UTC", "2026-01-20T00:00:00Z", "2026-01-15T12:00:00Z", "2026-02-14T12:00:00Z"),
        (thirty_days, Month, "UTC", "2026-02-14T12:00:00Z", "2026-02-14T12:00:00Z", "2026-04-01T00:00:00Z"),
        (thirty_days, Day, "Asia/Tokyo", "2026-02-14T12:00:00Z", "2026-02-14T12:00:00Z", "2026-02-15T15:00:00Z"),
        // Nobody asked in between.
        (thirty_days, Day, "Asia/Tokyo", "2026-02-14T15:00:00Z", "2026-02-14T15:00:00Z", "2026-02-15T15:00:00Z"),
        (thirty_days, Month, "UTC", "2026-05-02T00:00:00Z", "2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z"),
        (of_utc, Day, "UTC", "2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z"),
        (of_tokyo, Month, "Asia/Tokyo", "2026-02-14T15:00:00Z", "2026-02-14T15:00:00Z", "2026-03-31T15:00:00Z"),
        (of_tokyo, ThirtyDays, "Asia/Tokyo", "2026-02-14T15:00:00Z", "2026-02-14T15:00:00Z", "2026-04-15T12:00:00Z"),
        // To the east and to the west.
        (of_tokyo, Day, "Pacific/Auckland", "2026-02-14T15:00:00Z", "2026-02-14T15:00:00Z", "2026-02-16T11:00:00Z"),
        (of_tokyo, Day, "Europe/Berlin", "2026-02-14T15:00:00Z", "2026-02-14T15:00:00Z", "2026-02-15T23:00:00Z"),
        // Of a month there may be a day less.
        (of_utc, Month, "Pacific/Auckland", "2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-02-28T11:00:00Z"),
        (of_utc, Month, "America/New_York", "2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T05:00:00Z"),
    ] {
        let rule = rule(period, zone);
        let expected = Period { start: at(start), end: at(end) };
        assert_eq!(Period::at(&rule, Some(began), at(now)), expected, "{began:?} {period:?} {zone} {now}");
        assert_eq!(Period::at(&rule, Some(began), expected.end - 1).end, expected.end, "{began:?} {period:?} {zone}");
    }
}

/// Walks over the zones so that each period ends as soon as it can, or in a row westwards, eastwards or to and fro.
#[test]
fn whoever_walks_over_time_zones_has_no_more_periods_than_whoever_stays() {
    let names = [
        "Etc/GMT+12",
        "Pacific/Honolulu",
        "Etc/GMT+8",
        "America/New_York",
        "America/Sao_Paulo",
        "Atlantic/Azores",
        "UTC",
        "Europe/Berlin",
        "Etc/GMT-4",
        "Asia/Kathmandu",
        "Asia/Tokyo",
        "Australia/Lord_Howe",
        "Pacific/Auckland",
        "Pacific/Kiritimati",
    ];
    let (began, over) = (at("2026-01-15T12:00:00Z"), at("2028-01-15T12:00:00Z"));
    for (period, most) in [(Day, 2 * 365 + 1), (Month, 2 * 12 + 1), (ThirtyDays, 25)] {
        let rules: Vec<_> = names.iter().map(|name| rule(period, name)).collect();
        let walks: [&dyn Fn(usize, Period) -> Period; 5] = [
            &|_, last| rules.iter().map(|it| Period::at(it, Some(last), last.end)).min_by_key(|it| it.end).unwrap(),
            &|step, last| Period::at(&rules[rules.len() - 1 - step % rules.len()], Some(last), last.end),
            &|step, last| Period::at(&rules[step % rules.len()], Some(last), last.end),
            &|step, last| Period::at(&rules[step % 2 * (rules.len() - 1)], Some(last), last.end),
            &|step, last| Period::at(&rules[step * step % rules.len()], Some(last), last.end),
        ];
        for (number, walk) in walks.iter().enumerate() {
            let (mut last, mut begun) = (Period::at(&rules[number], None, began), 1);
            while last.end < over {
                last = walk(begun, last);
                begun += 1;
            }
            assert!(begun <= most, "{period:?}, walk {number}: {begun} periods began in two years");
        }
    }
}

#[test]
fn the_ends_of_time_are_borne() {
    for period in QuotaPeriod::ALL {
        for now in [0, 1, u64::from(u32::MAX), 253_402_200_000, u64::MAX / 2, u64::MAX] {
            let rule = Rule { period, since: u64::MAX, zone: TimeZone::UTC };
            let found = Period::at(&rule, None, now);
            assert!(found.start < found.end, "{period:?} {now}: {found:?}");
        }
    }
}

#[test]
fn zones_have_names() {
    for (name, expected) in [
        ("UTC", None),
        ("Europe/Berlin", None),
        ("Asia/Kathmandu", None),
        ("europe/berlin", Some("Europe/Berlin")),
        ("Berlin", Some("Europe/Berlin")),
        ("Europe/Berln", Some("Europe/Berlin")),
        ("new york", Some("America/New_York")),
        ("../etc/passwd", Some("")),
        ("", Some("")),
        ("Mars/Olympus_Mons", Some("")),
    ] {
        let found = zone(name).err().map(|nearest| nearest.unwrap_or_default());
        assert_eq!(found.is_some(), expected.is_some(), "{name}: {found:?}");
        if let Some(expected) = expected.filter(|it| !it.is_empty()) {
            assert_eq!(found.as_deref(), Some(expected), "{name}");
        }
    }
    for far in ["Mars", "", "X", "Moon", "Olympus Mons of Mars, where nobody lives"] {
        assert_eq!(nearest(far), None, "{far}");
    }
}

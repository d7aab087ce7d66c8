//! When usage is asked about: days of other time zones.

use serde_json::json;

use super::usage::{batch, entry, key, tell, usage};
use crate::stack::{NOON, Stack};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

#[tokio::test]
async fn a_day_of_another_time_zone_is_exact_whatever_is_told_apart() {
    let stack = Stack::start().await;
    let id = key(&stack).await;
    stack.pass(40 * DAY);
    // 2026-02-24T12:00:00Z.
    let now = NOON + 40 * DAY;
    let midnight = now - 12 * HOUR;
    let hours = [midnight - 26 * HOUR, midnight - 25 * HOUR, midnight - DAY, midnight - 2 * HOUR, midnight - HOUR, now];
    let entries: Vec<_> = hours.iter().zip(0..).map(|(at, n)| entry(&id, *at, "GET /a", 1 << n)).collect();
    tell(&stack, batch("a", 1, 63, json!(entries))).await;
    let berlin = "from=2026-02-23T00:00:00%2B01:00&to=2026-02-24T00:00:00%2B01:00";
    for (query, expected) in [
        ("", "14/28/0".to_owned()),
        ("by=day", "2026-02-22 2/4/0, 2026-02-23 12/24/0".to_owned()),
        ("by=hour", "2026-02-22T23:00:00Z 2/4/0, 2026-02-23T00:00:00Z 4/8/0, 2026-02-23T22:00:00Z 8/16/0".to_owned()),
        ("by=key", format!("{id} 14/28/0")),
        ("by=day,route", "2026-02-22 GET /a 2/4/0, 2026-02-23 GET /a 12/24/0".to_owned()),
        ("route=GET%20/a", "14/28/0".to_owned()),
    ] {
        assert_eq!(usage(&stack, &format!("{query}&{berlin}")).await, expected, "{query}");
    }
    for (window, from, to) in [
        (berlin, "2026-02-22T23:00:00Z", "2026-02-23T23:00:00Z"),
        ("from=2026-02-23T00:30:00Z&to=2026-02-23T01:30:00Z", "2026-02-23T00:00:00Z", "2026-02-23T02:00:00Z"),
        ("from=2026-01-10T23:00:00Z&to=2026-02-23T23:00:00Z", "2026-01-10T00:00:00Z", "2026-02-23T23:00:00Z"),
        ("from=2026-01-10T23:00:00Z&to=2026-01-11T23:00:00Z", "2026-01-10T00:00:00Z", "2026-01-12T00:00:00Z"),
    ] {
        let listed = stack.get(&format!("/v1/usage?by=key&{window}")).await.json();
        assert_eq!((&listed["from"], &listed["to"]), (&json!(from), &json!(to)), "{window}");
        let table = stack.get(&format!("/v1/usage/export?by=key&{window}")).await;
        assert_eq!((table.header("x-portcullis-from"), table.header("x-portcullis-to")), (from, to), "{window}");
    }
}

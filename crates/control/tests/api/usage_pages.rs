//! Usage in the page: sums, a chart, the busiest, as a file; and a key's own.

use serde_json::json;

use super::account_pages::has;
use super::browser::shown;
use crate::stack::{NOON, Stack};

const DAY: u64 = 24 * 60 * 60;

/// What an edge tells of a key: let through and refused in the hour of that moment.
async fn tell(stack: &Stack, seq: u64, key: &str, at: u64, allowed: u64) {
    let report = json!({
        "edge": "e", "vm": "1", "boot": "00000000000000b0", "seq": seq, "applied_version": 1, "allowed": allowed,
        "usage": [{
            "hour": at, "key": key, "route": "GET /v1/<search>", "allowed": allowed, "cost": 2 * allowed,
            "denied": { "quota_exhausted": 3 }, "last": at,
        }],
    });
    let answer = stack.report(report).await;
    assert_eq!(answer.status, 204, "{}", answer.json());
}

#[tokio::test]
async fn members_see_what_their_keys_used() {
    let stack = Stack::start().await;
    let acme = stack.organization("acme").await;
    let vera = stack.browser(&acme, "viewer").await;
    let empty = vera.get("/usage").await;
    has(&empty, 200, &["No requests in this time.", "No key was used in this time.", "There is no quota"]);
    let key = json!({ "name": "search <till>", "environment": "live", "organization": acme });
    let key = stack.post("/v1/keys", key).await.json()["id"].as_str().unwrap().to_owned();
    for (seq, at, allowed) in [(1, NOON, 1_200), (2, NOON - 2 * DAY, 40), (3, NOON - 20 * DAY, 7)] {
        tell(&stack, seq, &key, at, allowed).await;
    }
    for (days, allowed, denied) in [("7", "1,240", "6"), ("30", "1,247", "9"), ("x", "1,247", "9"), ("", "1,247", "9")]
    {
        let page = vera.get(&format!("/usage?days={days}")).await.text();
        assert_eq!(
            (shown(&page, "allowed"), shown(&page, "denied")),
            (allowed.to_owned(), denied.to_owned()),
            "{days}"
        );
    }
    let page = vera.get("/usage").await;
    let link = format!("href=\"/keys/{key}\">search &#60;till&#62;</a>");
    let route = "GET /v1/&#60;search&#62;";
    has(&page, 200, &["At most 1,203 a day", "2026-01-15", &link, route, "counted as 2,494"]);
    has(&vera.get(&format!("/keys/{key}")).await, 200, &["Requests of the last 30 days", "At most 1,203 a day"]);
    let file = vera.get("/usage/export?days=7").await;
    assert_eq!((file.status, file.header("content-type").starts_with("text/csv")), (200, true));
    assert!(file.text().contains(&key) && file.text().contains("2026-01-13"), "{}", file.text());
    assert!(!file.text().contains("2025-12-26"), "{}", file.text());
    let other = stack.browser(&stack.organization("other").await, "owner").await;
    has(&other.get("/usage").await, 200, &["No requests in this time."]);
    assert!(!other.get("/usage/export").await.text().contains(&key));
}

//! What usage is filtered by: rules by some of their methods, names that are not there, and days of other time zones.

use serde_json::{Value, json};

use super::usage::{batch, entry, key, tell, usage};
use crate::stack::{NOON, Stack};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

async fn problem(stack: &Stack, query: &str) -> (u16, Value, String) {
    let answer = stack.get(&format!("/v1/usage?{query}")).await;
    let exported = stack.get(&format!("/v1/usage/export?{query}")).await;
    assert_eq!(exported.status, answer.status, "{query}");
    let problem = answer.json();
    (answer.status, problem["pointer"].clone(), problem["detail"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_rule_is_found_by_some_of_its_methods() {
    let stack = Stack::start().await;
    let id = key(&stack).await;
    let rules = ["GET,HEAD /v1/users/{id}", "DELETE /v1/users/{id}", "* /v1/**", "GET /v1/old", "GET,POST /v1/old"];
    let entries: Vec<_> = rules.iter().zip(0..).map(|(rule, n)| entry(&id, NOON, rule, 1 << n)).collect();
    tell(&stack, batch("a", 1, 31, json!(entries))).await;
    for (route, expected) in [
        ("GET,HEAD /v1/users/{id}", "1/2/0"),
        ("GET /v1/users/{id}", "1/2/0"),
        ("head /v1/users/{id}", "1/2/0"),
        ("/v1/users/{id}", "3/6/0"),
        ("GET /v1/**", "4/8/0"),
        ("GET /v1/old", "8/16/0"),
        ("POST /v1/old", "16/32/0"),
        // Of the policy, and not used yet.
        ("POST /v1/refunds", "0/0/0"),
        ("GET /open", "0/0/0"),
        ("other", "0/0/0"),
        ("", "0/0/0"),
    ] {
        assert_eq!(usage(&stack, &format!("route={}", route.replace(' ', "%20"))).await, expected, "{route}");
        let table = stack.get(&format!("/v1/usage/export?route={}", route.replace(' ', "%20"))).await;
        let table = String::from_utf8(table.bytes).unwrap();
        assert_eq!(table.lines().nth(1).unwrap().replace(',', "/"), expected, "{route}");
    }
}

#[tokio::test]
async fn what_is_misspelt_is_not_read_as_no_usage() {
    let stack = Stack::start().await;
    let id = key(&stack).await;
    tell(&stack, batch("a", 1, 1, json!([entry(&id, NOON, "GET,HEAD /v1/skills/**", 1)]))).await;
    for (query, status, pointer, detail) in [
        ("route=GET%20/v1/skill/**", 422, "/route", "did you mean `GET,HEAD /v1/skills/**`?"),
        ("route=PUT%20/v1/skills/**", 422, "/route", "did you mean `GET,HEAD /v1/skills/**`?"),
        ("route=GET%20/v1/refunds", 422, "/route", "did you mean `POST /v1/refunds`?"),
        ("route=GET%20/quite/another", 422, "/route", "`by=route` names"),
        ("environment=liv", 422, "/environment", "did you mean `live`? known environments: `live`, `test`"),
        ("environment=production", 422, "/environment", "known environments: `live`, `test`"),
        ("key=key_0000000000000000", 404, "", "there is no such key"),
        ("organization=org_0000000000000000", 422, "/organization", "there is no such organisation"),
        ("by=org", 422, "/by", "did you mean `organization`?"),
        ("from=2026-01-15&to=2026-01-15", 422, "/to", "`from` and `to` are the same, and `to` is exclusive"),
        ("from=2026-01-16&to=2026-01-15", 422, "/to", "`to` is before `from`"),
    ] {
        let (seen, at, text) = problem(&stack, query).await;
        assert_eq!((seen, at.as_str().unwrap_or_default()), (status, pointer), "{query}: {text}");
        assert!(text.contains(detail), "{query}: {text}");
    }
    let secret = "sk_live_0123456789abcdefghijklmn";
    for query in [format!("route={secret}"), format!("environment={secret}")] {
        let (status, _, text) = problem(&stack, &query).await;
        assert!(status == 422 && !text.contains("0123456789"), "{text}");
    }
}

#[tokio::test]
async fn rules_of_the_policy_are_named_to_those_who_may_read_it() {
    let stack = Stack::start().await;
    let acme = stack.organization("acme").await;
    for (permissions, expected) in [("keys:read", "`by=route` names"), ("keys:read policy:read", "`POST /v1/refunds`")]
    {
        let token = stack.token(&acme, None, permissions, None).await;
        let answer = stack.by(&token, reqwest::Method::GET, "/v1/usage?route=GET%20/v1/refund", None).await;
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(answer.status == 422 && detail.contains(expected), "{permissions}: {detail}");
    }
}

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

//! What was let through with a key and is told of all the same.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::{NOON, Stack};

async fn sampled(stack: &Stack, samples: Value) {
    let answer = stack.report(json!({ "edge": "e", "vm": "1", "applied_version": 1, "samples": samples })).await;
    assert_eq!(answer.status, 204, "{}", answer.json());
}

async fn key(stack: &Stack) -> String {
    stack.key("till").await["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn alike_requests_are_counted_together_and_added_up() {
    let stack = Stack::start().await;
    let id = key(&stack).await;
    let trial = |address: &str, path: &str, count: u64| {
        json!({
            "key": id, "kind": "trial", "reason": "ip_not_allowed", "address": address, "method": "GET", "path": path,
            "referrer": "https://shop.example/", "count": count,
        })
    };
    let retiring = json!({ "key": id, "kind": "retiring", "method": "POST", "path": "/b", "count": 1 });
    sampled(&stack, json!([trial("192.0.2.1", "/a", 2), trial("192.0.2.1", "/a", 3), trial("192.0.2.2", "/a", 1)]))
        .await;
    stack.pass(60);
    sampled(&stack, json!([trial("192.0.2.1", "/a", 4), trial("192.0.2.1", "/b", 7), retiring])).await;
    let path = format!("/v1/keys/{id}/observations");
    let all = stack.get(&path).await.json();
    assert_eq!(
        all["data"][0],
        json!({
            "kind": "trial", "reason": "ip_not_allowed", "address": "192.0.2.1", "referrer": "https://shop.example/",
            "method": "GET", "path": "/a", "count": 9,
            "first_seen": "2026-01-15T12:00:00Z", "last_seen": "2026-01-15T12:01:00Z",
        })
    );
    let trials = stack.get(&format!("{path}?kind=trial")).await.json();
    assert_eq!(
        trials["totals"],
        json!({
            "count": 17,
            "reasons": [{ "value": "ip_not_allowed", "count": 17 }],
            "addresses": [{ "value": "192.0.2.1", "count": 16 }, { "value": "192.0.2.2", "count": 1 }],
            "referrers": [{ "value": "https://shop.example/", "count": 17 }],
            "paths": [{ "value": "GET /a", "count": 10 }, { "value": "GET /b", "count": 7 }],
        })
    );
    let retiring = stack.get(&format!("{path}?kind=retiring")).await.json();
    assert_eq!((&retiring["data"][0]["reason"], &retiring["totals"]["count"]), (&Value::Null, &json!(1)));
    assert_eq!((all["data"].as_array().unwrap().len(), &all["totals"]["count"]), (4, &json!(18)));
    assert_eq!(stack.get(&format!("{path}?kind=else")).await.status, 400);
    assert_eq!(stack.get("/v1/keys/key_0000000000000000/observations").await.status, 404);
}

#[tokio::test]
async fn what_edges_say_is_bounded_and_holds_no_key() {
    let stack = Stack::start().await;
    let id = key(&stack).await;
    let sample = |key: &str, path: &str, referrer: &str| {
        json!({
            "key": key, "kind": "observe", "reason": "no_rule", "address": "not an address", "method": "G\u{0}E\nT",
            "path": path, "referrer": referrer, "count": u64::MAX,
        })
    };
    sampled(
        &stack,
        json!([
            sample(
                &id,
                "/v1/sk_live_0123456789abcdef/x?key=sk_live_0123456789",
                "https://a.example/sk_live_0123456789?x"
            ),
            sample(&id, &"/ü\u{202e}".repeat(500), &"x".repeat(5000)),
            sample("key_0000000000000000", "/of/no/one", ""),
            sample("nonsense", "/of/nothing", ""),
        ]),
    )
    .await;
    let all = stack.get(&format!("/v1/keys/{id}/observations")).await.json();
    let data = all["data"].as_array().unwrap();
    assert_eq!(data.len(), 2, "{all}");
    let masked = data.iter().find(|it| it["path"] == "/v1/***/x").unwrap();
    assert_eq!((&masked["referrer"], &masked["method"]), (&json!("https://a.example/***"), &json!("GET")));
    assert_eq!((&masked["address"], &masked["count"]), (&Value::Null, &json!(u32::MAX)));
    let cut = data.iter().find(|it| it["path"] != "/v1/***/x").unwrap();
    assert!(cut["path"].as_str().unwrap().len() <= 200 && cut["referrer"].as_str().unwrap().len() == 200);
    assert!(!all.to_string().contains("sk_live_"));
}

#[tokio::test]
async fn a_key_has_500_rows_and_what_is_beyond_is_counted_by_reason() {
    let stack = Stack::start().await;
    let id = key(&stack).await;
    let sample = |n: u64| json!({ "key": id, "kind": "trial", "reason": "no_scopes", "method": "GET", "path": format!("/{n}"), "count": 2 });
    sampled(&stack, (0..400).map(sample).collect()).await;
    sampled(&stack, (300..700).map(sample).collect()).await;
    let all = stack.get(&format!("/v1/keys/{id}/observations")).await.json();
    let data = all["data"].as_array().unwrap();
    assert_eq!((data.len(), &all["totals"]["count"]), (501, &json!(1600)));
    let rest = data.iter().find(|it| it["path"] == Value::Null).unwrap();
    assert_eq!((&rest["count"], &rest["reason"], &rest["method"]), (&json!(400), &json!("no_scopes"), &Value::Null));
    assert_eq!(all["totals"]["reasons"], json!([{ "value": "no_scopes", "count": 1600 }]));
    assert_eq!(rest["first_seen"], "2026-01-15T12:00:00Z");
    assert_eq!(stack.now(), NOON);
}

#[tokio::test]
async fn what_was_observed_of_a_trial_ends_with_it() {
    let stack = Stack::start().await;
    let id = key(&stack).await;
    let trial = format!("/v1/keys/{id}/trial");
    let start = json!({ "scopes": [] });
    let enforce = format!("{trial}/enforce");
    for (method, path, body) in [
        (Method::PUT, &trial, Some(start.clone())),
        (Method::DELETE, &trial, None),
        (Method::PUT, &trial, Some(start)),
        (Method::POST, &enforce, None),
    ] {
        let sample = |kind: &str| json!({ "key": id, "kind": kind, "method": "GET", "path": "/", "count": 1 });
        sampled(&stack, json!([sample("trial"), sample("retiring")])).await;
        let kinds = async || {
            let all = stack.get(&format!("/v1/keys/{id}/observations")).await.json();
            all["data"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let mut before = kinds().await;
        before.sort();
        assert_eq!(before, ["retiring", "trial"]);
        assert_eq!(stack.admin(method.clone(), path, body).await.status, 200, "{method} {path}");
        assert_eq!(kinds().await, ["retiring"], "{method} {path}");
    }
}

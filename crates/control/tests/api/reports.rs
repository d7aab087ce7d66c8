//! What edges report, and what can be read of it.

use serde_json::{Value, json};

use super::metrics::value;
use crate::stack::{NOON, Stack, eventually};

fn edge<'a>(edges: &'a Value, name: &str) -> &'a Value {
    edges["data"].as_array().unwrap().iter().find(|it| it["edge"] == name).unwrap_or(&Value::Null)
}

const SECRET: &str = "INSERT INTO secrets (id, organization, name, description, revision, created_at, replaced_at, changed_in) \
                      SELECT 'sec_0000000000000001', id, 'token', '', 1, 1, 1, 1 FROM organizations";

#[tokio::test]
async fn an_edge_is_as_far_as_its_slowest_process() {
    let stack = Stack::start().await;
    assert_eq!(stack.get("/v1/status").await.json()["applied_version"], Value::Null);
    stack.report(json!({ "edge": "edge-1", "vm": "a", "applied_version": 7, "bundle_age_seconds": 3, "denied": { "unknown_key": 2 } })).await;
    stack.pass(5);
    stack.report(json!({ "edge": "edge-1", "vm": "b", "applied_version": 9, "allowed": 30, "denied": { "unknown_key": 1, "no_rule": 2 }, "observed": { "ip_not_allowed": 4 }, "unsampled": 1, "errors": ["no route"] })).await;
    stack.report(json!({ "edge": "edge-2", "vm": "a", "applied_version": 8, "a_member_of_the_future": true })).await;
    let edges = stack.get("/v1/edges").await.json();
    assert_eq!(
        edges["data"][0],
        json!({
            "edge": "edge-1", "silent": false, "edge_keys": null, "applied_version": 7, "versions_behind": 0, "seconds_behind": 0,
            "last_report": "2026-01-15T12:00:05Z", "bundle_age_seconds": 3,
            "vms": [
                { "vm": "a", "silent": false, "applied_version": 7, "edge_keys": null, "last_report": "2026-01-15T12:00:00Z" },
                { "vm": "b", "silent": false, "applied_version": 9, "edge_keys": null, "last_report": "2026-01-15T12:00:05Z" },
            ],
            "requests_per_second": 7.0, "allowed": 30, "denied": { "no_rule": 2, "unknown_key": 3 }, "denied_total": 5,
            "observed": { "ip_not_allowed": 4 }, "observed_total": 4, "unsampled": 1, "errors": ["no route"],
        })
    );
    let status = stack.get("/v1/status").await.json();
    assert_eq!((status["edges"].as_u64(), status["applied_version"].as_u64()), (Some(2), Some(7)));
    assert_eq!(status["policy"], "test");
    stack.pass(61);
    stack.report(json!({ "edge": "edge-1", "vm": "b", "applied_version": 9 })).await;
    let edges = stack.get("/v1/edges").await.json();
    let silent: Vec<_> = ["edge-1", "edge-2"].iter().map(|name| &edge(&edges, name)["silent"]).collect();
    assert_eq!(silent, [false, true]);
    assert_eq!(edge(&edges, "edge-1")["applied_version"], 9, "a process that fell silent is gone");
    assert_eq!(edge(&edges, "edge-1")["vms"][0]["silent"], true);
    assert_eq!(edge(&edges, "edge-1")["requests_per_second"], 0.0, "the rate is that of the last minute");
    stack.pass(540);
    let edges = stack.get("/v1/edges").await.json();
    assert_eq!(edge(&edges, "edge-2"), &Value::Null, "who is silent is gone");
    assert_eq!(edge(&edges, "edge-1")["denied_total"], 5);
}

#[tokio::test]
async fn an_edge_is_behind_by_the_changes_it_lacks() {
    let stack = Stack::start().await;
    let version = stack.manifest().await.version;
    let report = async |version: u64| stack.report(json!({ "edge": "e", "vm": "1", "applied_version": version })).await;
    report(version).await;
    let behind = async || {
        let edges = stack.get("/v1/edges").await.json();
        (edges["data"][0]["versions_behind"].as_u64().unwrap(), edges["data"][0]["seconds_behind"].as_u64().unwrap())
    };
    assert_eq!(behind().await, (0, 0));
    stack.pass(1);
    stack.key("a").await;
    let made = stack.post("/v1/keys", json!({ "name": "b", "environment": "live" })).await;
    stack.pass(30);
    stack.key("c").await;
    assert_eq!(behind().await, (3, 30));
    report(made.version()).await;
    assert_eq!(behind().await, (1, 0));
    report(0).await;
    assert_eq!(behind().await, (1, 0), "what was enforced once is not taken back");
}

#[tokio::test]
async fn last_use_only_moves_forward_and_never_into_the_future() {
    let stack = Stack::start().await;
    let id = stack.key("till").await["id"].as_str().unwrap().to_owned();
    stack.pass(1000);
    for (seconds, expected) in [
        (100, "2026-01-15T12:01:40Z"),
        (50, "2026-01-15T12:01:40Z"),
        (200, "2026-01-15T12:03:20Z"),
        (5000, "2026-01-15T12:16:40Z"),
    ] {
        let used = json!({ &id: stack.now() - 1000 + seconds, "key_0000000000000000": stack.now(), "nonsense": 1 });
        let answer = stack.report(json!({ "edge": "e", "vm": "1", "applied_version": 1, "last_used": used })).await;
        assert_eq!(answer.status, 204);
        eventually("the last use", async || stack.get(&format!("/v1/keys/{id}")).await.json()["last_used"] == expected)
            .await;
    }
    let version = stack.manifest().await.version;
    assert_eq!(stack.delete(&format!("/v1/keys/{id}")).await.status, 200, "a report is no change that conflicts");
    assert!(stack.manifest().await.version > version);
}

#[tokio::test]
async fn the_last_use_of_a_secret_is_remembered_and_takes_no_version() {
    let stack = Stack::start().await;
    stack.sql(SECRET).await;
    let version = stack.manifest().await.version;
    let id = "sec_0000000000000001";
    for (seq, time, expected) in [(0, NOON - 50, NOON - 50), (1, NOON - 100, NOON - 50), (2, NOON + 100, stack.now())] {
        let used = json!({ id: time, "sec_0000000000000000": NOON, "nonsense": 1, "key_0000000000000000": NOON });
        let report =
            json!({ "edge": "e", "vm": "1", "boot": "1", "seq": seq, "applied_version": 1, "secrets_used": used });
        assert_eq!(stack.report(report).await.status, 204);
        let sql = "SELECT CAST(last_used AS TEXT) FROM secrets WHERE last_used IS NOT NULL UNION ALL SELECT 'never'";
        eventually("the last use", async || stack.text(sql).await == expected.to_string()).await;
    }
    assert_eq!(stack.manifest().await.version, version);
}

#[tokio::test]
async fn reports_that_make_no_sense_are_refused() {
    let stack = Stack::start().await;
    for (body, status) in [
        (json!({}), 400),
        (json!({ "edge": "", "vm": "1", "applied_version": 1 }), 422),
        (json!({ "edge": "e", "vm": "x".repeat(129), "applied_version": 1 }), 422),
        (json!({ "edge": "e\n", "vm": "1", "applied_version": 1 }), 422),
        (json!({ "edge": "sk_live_0123456789", "vm": "1", "applied_version": 1 }), 422),
        (json!({ "edge": "e", "vm": "1", "applied_version": -1 }), 400),
        (json!({ "edge": "e", "vm": "1", "applied_version": 1, "denied": { "x": -1 } }), 400),
    ] {
        assert_eq!(stack.report(body.clone()).await.status, status, "{body}");
    }
    assert_eq!(stack.get("/v1/edges").await.json()["data"], json!([]));
}

#[tokio::test]
async fn a_restart_forgets_nothing_that_was_answered() {
    let stack = Stack::start().await;
    let id = stack.key("till").await["id"].as_str().unwrap().to_owned();
    let report = json!({
        "edge": "edge-1", "vm": "a", "applied_version": 7, "allowed": 3, "denied": { "unknown_key": 2 },
        "errors": ["no route"], "last_used": { &id: NOON },
        "denials": [{ "request_id": "6c1f", "at": NOON, "reason": "unknown_key", "method": "GET" }],
        "samples": [{ "key": &id, "kind": "retiring", "method": "GET", "count": 2 }],
    });
    assert_eq!(stack.report(report).await.status, 204);
    let stack = Stack::resume(stack.stop().await, NOON + 1).await;
    let everything = async |stack: &Stack| {
        let mut all = Vec::new();
        for path in ["/v1/edges", "/v1/traffic", "/v1/denials", &format!("/v1/keys/{id}/observations")] {
            all.push(stack.get(path).await.json());
        }
        all
    };
    let before = everything(&stack).await;
    assert_eq!(before[0]["data"][0]["denied"], json!({ "unknown_key": 2 }));
    assert_eq!(before[1]["allowed"], 3);
    assert_eq!(before[2]["data"][0]["request_id"], "6c1f");
    assert_eq!(before[3]["totals"]["count"], 2);
    assert_eq!(stack.get(&format!("/v1/keys/{id}")).await.json()["last_used"], "2026-01-15T12:00:00Z");
    let stack = Stack::resume(stack.kill().await, NOON + 1).await;
    let after = everything(&stack).await;
    assert_eq!((&before[0]["data"][0]["denied"], &before[1..]), (&after[0]["data"][0]["denied"], &after[1..]));
}

#[tokio::test]
async fn what_makes_no_sense_within_a_report_is_left_out_and_the_rest_counts() {
    let stack = Stack::start().await;
    let strange: serde_json::Map<_, _> = (0..100).map(|n| (format!("strange_{n}"), json!(1))).collect();
    let report = json!({
        "edge": "e", "vm": "1", "applied_version": u64::MAX, "bundle_age_seconds": u64::MAX, "allowed": u64::MAX,
        "denied": { "no_rule": u64::MAX, "Not A Name\n": 3, "x".repeat(100): 4, "": 5, "of_a_newer_edge": 6 },
        "observed": strange,
        "errors": ["\u{0}a\r\nb\u{202e}", "key sk_live_0123456789 refused", "x".repeat(2000), "4", "5", "6", "7", "8", "9"],
    });
    for _ in 0..2 {
        assert_eq!(stack.report(report.clone()).await.status, 204);
    }
    let edges = stack.get("/v1/edges").await.json();
    let edge = edge(&edges, "e");
    assert_eq!(edge["allowed"], 2 * u64::from(u32::MAX), "nothing says that a report is one that came before");
    assert_eq!(edge["denied"], json!({ "no_rule": 2 * u64::from(u32::MAX), "other": 24, "of_a_newer_edge": 12 }));
    assert!(edge["observed"].as_object().unwrap().len() <= 65, "{edge}");
    let errors = edge["errors"].as_array().unwrap();
    assert_eq!((errors.len(), &errors[0], &errors[1]), (8, &json!("ab"), &json!("***")));
    assert_eq!(errors[2].as_str().unwrap().len(), 300);
    assert_eq!(edge["versions_behind"], 0);
}

#[tokio::test]
async fn the_last_day_is_told_hour_by_hour() {
    let stack = Stack::start().await;
    let report = async |allowed: u64, denied: Value| {
        stack
            .report(json!({ "edge": "e", "vm": "1", "applied_version": 1, "allowed": allowed, "denied": denied }))
            .await;
    };
    report(5, json!({ "no_rule": 1 })).await;
    stack.pass(3599);
    report(7, json!({})).await;
    stack.pass(1);
    report(0, json!({ "no_rule": 2, "unknown_key": 3 })).await;
    let traffic = stack.get("/v1/traffic").await.json();
    let hours = traffic["hours"].as_array().unwrap();
    assert_eq!(hours.len(), 24);
    assert_eq!(
        (&hours[22], &hours[23]),
        (
            &json!({ "starts_at": "2026-01-15T12:00:00Z", "allowed": 12, "denied": { "no_rule": 1 }, "observed": {} }),
            &json!({ "starts_at": "2026-01-15T13:00:00Z", "allowed": 0, "denied": { "no_rule": 2, "unknown_key": 3 }, "observed": {} }),
        )
    );
    assert_eq!((&traffic["allowed"], &traffic["denied"], &traffic["observed"]), (&json!(12), &json!(6), &json!(0)));
    stack.pass(23 * 3600);
    let traffic = stack.get("/v1/traffic").await.json();
    assert_eq!(
        (&traffic["allowed"], &traffic["denied"]),
        (&json!(0), &json!(5)),
        "what is older than a day is left out"
    );
}

#[tokio::test]
async fn what_a_newer_edge_tells_and_this_version_cannot_read_loses_nothing_else() {
    let stack = Stack::start().await;
    let id = stack.key("till").await["id"].as_str().unwrap().to_owned();
    let sample = json!({ "key": &id, "kind": "retiring", "method": "GET", "count": 2, "tls_version": "1.4" });
    let denial = json!({ "request_id": "6c1f", "at": NOON, "reason": "of_a_newer_edge", "method": "GET", "rule": 7 });
    let report = json!({
        "edge": "e", "vm": "1", "applied_version": 1, "allowed": 3, "leases": [{ "organization": "x" }],
        "samples": [
            { "key": &id, "kind": "shadowed", "method": "GET", "count": 5 }, sample, "a word", null,
            { "key": &id, "kind": "trial", "route": "/v1/x" },
        ],
        "denials": [{ "kind": "stream", "frames": [1, 2] }, denial],
    });
    for _ in 0..2 {
        assert_eq!(stack.report(report.clone()).await.status, 204);
    }
    let seen = stack.get(&format!("/v1/keys/{id}/observations")).await.json();
    assert_eq!((seen["data"].as_array().unwrap().len(), &seen["totals"]["count"]), (1, &json!(4)));
    assert_eq!(stack.get("/v1/denials/6c1f").await.json()["reason"], "of_a_newer_edge");
    assert_eq!(stack.get("/v1/edges").await.json()["data"][0]["allowed"], 6);
    for (part, number) in [("samples", 8.0), ("denials", 2.0)] {
        let series = format!("portcullis_report_entries_unread_total{{part=\"{part}\"}}");
        assert_eq!(value(&stack, &series).await, Some(number), "{part}");
    }
}

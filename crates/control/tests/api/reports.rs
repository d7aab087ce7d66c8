//! What edges report, and what can be read of it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::{Answer, Stack};

async fn report(stack: &Stack, body: Value) -> Answer {
    stack.send(Method::POST, "/edge/v1/report", Some(&stack.edge), Some(body.to_string().as_bytes())).await
}

#[tokio::test]
async fn an_edge_is_as_far_as_its_slowest_process() {
    let stack = Stack::start().await;
    assert_eq!(stack.get("/v1/status").await.json()["applied_version"], Value::Null);
    report(&stack, json!({ "edge": "edge-1", "vm": "a", "applied_version": 7, "bundle_age_seconds": 3, "denied": { "unknown_key": 2 } })).await;
    stack.pass(5);
    report(&stack, json!({ "edge": "edge-1", "vm": "b", "applied_version": 9, "denied": { "unknown_key": 1 }, "observed": { "ip_not_allowed": 4 }, "errors": ["no route"] })).await;
    report(&stack, json!({ "edge": "edge-2", "vm": "a", "applied_version": 8, "a_member_of_the_future": true })).await;
    let edges = stack.get("/v1/edges").await.json();
    assert_eq!(
        edges["data"][0],
        json!({
            "edge": "edge-1", "applied_version": 7, "last_report": "2026-01-15T12:00:05Z", "bundle_age_seconds": 3,
            "vms": [
                { "vm": "a", "applied_version": 7, "last_report": "2026-01-15T12:00:00Z" },
                { "vm": "b", "applied_version": 9, "last_report": "2026-01-15T12:00:05Z" },
            ],
            "denied": { "unknown_key": 3 }, "observed": { "ip_not_allowed": 4 }, "errors": ["no route"],
        })
    );
    let status = stack.get("/v1/status").await.json();
    assert_eq!((status["edges"].as_u64(), status["applied_version"].as_u64()), (Some(2), Some(7)));
    assert_eq!(status["policy"], "test");
    stack.pass(601);
    assert_eq!(stack.get("/v1/edges").await.json()["data"], json!([]), "who is silent is gone");
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
        let answer = report(&stack, json!({ "edge": "e", "vm": "1", "applied_version": 1, "last_used": used })).await;
        assert_eq!(answer.status, 204);
        assert_eq!(stack.get(&format!("/v1/keys/{id}")).await.json()["last_used"], expected, "{seconds}");
    }
    let version = stack.manifest().await.version;
    assert_eq!(stack.delete(&format!("/v1/keys/{id}")).await.status, 200, "a report is no change that conflicts");
    assert!(stack.manifest().await.version > version);
}

#[tokio::test]
async fn reports_that_make_no_sense_are_refused() {
    let stack = Stack::start().await;
    for (body, status) in [
        (json!({}), 400),
        (json!({ "edge": "", "vm": "1", "applied_version": 1 }), 422),
        (json!({ "edge": "e", "vm": "x".repeat(129), "applied_version": 1 }), 422),
        (json!({ "edge": "e\n", "vm": "1", "applied_version": 1 }), 422),
        (json!({ "edge": "e", "vm": "1", "applied_version": -1 }), 400),
        (json!({ "edge": "e", "vm": "1", "applied_version": 1, "denied": { "x": -1 } }), 400),
    ] {
        assert_eq!(report(&stack, body.clone()).await.status, status, "{body}");
    }
}

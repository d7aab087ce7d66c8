//! Rotation: the new key is like the old one, and the old one never works longer than it would have.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::Stack;

async fn make(stack: &Stack, environment: &str, expires_at: Value) -> Value {
    let body = json!({
        "name": "till", "environment": environment, "expires_at": expires_at, "scopes": ["refunds:read"],
        "restrictions": { "ip": { "mode": "enforce", "allow": ["10.0.0.0/8"] } }, "created_by": "ann@example.com",
        "metadata": { "team": "payments" },
    });
    stack.post("/v1/keys", body).await.json()
}

#[tokio::test]
async fn the_new_key_has_everything_the_old_one_had() {
    let stack = Stack::start().await;
    for environment in ["live", "test"] {
        let old = make(&stack, environment, json!("2026-06-01T00:00:00Z")).await;
        let trial = format!("/v1/keys/{}/trial", old["id"].as_str().unwrap());
        let old = stack.admin(Method::PUT, &trial, Some(json!({ "scopes": [] }))).await.json();
        stack.pass(5);
        let path = format!("/v1/keys/{}/rotate", old["id"].as_str().unwrap());
        let overlap = (environment == "live").then(|| json!({ "overlap_seconds": 60 }));
        let answer = stack.admin(Method::POST, &path, overlap).await;
        let new = answer.json();
        assert_eq!(answer.status, 201, "{new}");
        let different = ["id", "display", "created_at", "key", "authorization", "published"];
        for (member, value) in new.as_object().unwrap() {
            assert_eq!(value != &old[member], different.contains(&member.as_str()), "{member}");
        }
    }
}

#[tokio::test]
async fn the_old_key_ends_after_the_overlap_or_when_it_would_have() {
    let stack = Stack::start().await;
    for (expires_at, overlap, end) in [
        (json!(null), 0, "2026-01-15T12:00:00Z"),
        (json!(null), 3600, "2026-01-15T13:00:00Z"),
        (json!("2026-01-15T12:30:00Z"), 3600, "2026-01-15T12:30:00Z"),
        (json!("2026-01-15T14:00:00Z"), 3600, "2026-01-15T13:00:00Z"),
        (json!("2026-01-15T14:00:00Z"), u32::MAX, "2026-01-15T14:00:00Z"),
    ] {
        let old = make(&stack, "live", expires_at.clone()).await;
        let path = format!("/v1/keys/{}", old["id"].as_str().unwrap());
        let answer = stack.post(&format!("{path}/rotate"), json!({ "overlap_seconds": overlap })).await;
        assert_eq!(answer.status, 201);
        assert_eq!(stack.get(&path).await.json()["expires_at"], end, "{expires_at} {overlap}");
    }
}

#[tokio::test]
async fn what_does_not_work_cannot_be_rotated_back_to_life() {
    let stack = Stack::start().await;
    for (code, change) in [
        ("key_disabled", Some(json!({ "enabled": false }))),
        ("key_expired", Some(json!({ "expires_at": "2026-01-15T12:00:00Z" }))),
        ("key_revoked", None),
    ] {
        let path = format!("/v1/keys/{}", stack.key("till").await["id"].as_str().unwrap());
        match change {
            Some(change) => stack.patch(&path, change).await,
            None => stack.delete(&path).await,
        };
        let before = stack.get("/v1/keys").await.json();
        let answer = stack.post(&format!("{path}/rotate"), json!({ "overlap_seconds": 60 })).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (409, Some(code)));
        assert_eq!(stack.get("/v1/keys").await.json(), before, "{code}: nothing was made or changed");
    }
}

#[tokio::test]
async fn a_second_rotation_is_refused_and_names_the_successor() {
    let stack = Stack::start().await;
    let old = make(&stack, "live", json!("2026-06-01T00:00:00Z")).await;
    let path = format!("/v1/keys/{}", old["id"].as_str().unwrap());
    for overlap in [3600, 0] {
        let answer = stack.post(&format!("{path}/rotate"), json!({ "overlap_seconds": overlap })).await;
        let new = answer.json();
        assert_eq!((answer.status, &new["expires_at"]), (201, &json!("2026-06-01T00:00:00Z")));
        assert_eq!(stack.get(&path).await.json()["successor"], new["id"]);
        for _ in 0..2 {
            let before = stack.get("/v1/keys").await.json();
            let again = stack.post(&format!("{path}/rotate"), json!({ "overlap_seconds": 7200 })).await;
            assert_eq!((again.status, again.json()["code"].as_str()), (409, Some("key_rotated")));
            assert!(again.json()["detail"].as_str().unwrap().contains(new["id"].as_str().unwrap()));
            assert_eq!(stack.get("/v1/keys").await.json(), before, "nothing was made or changed");
        }
        // Whoever gives it an expiry again means it.
        stack.patch(&path, json!({ "expires_at": "2026-06-01T00:00:00Z" })).await;
        assert_eq!(stack.get(&path).await.json()["successor"], Value::Null);
    }
}

#[tokio::test]
async fn both_keys_pages_show_who_still_uses_the_old_one() {
    let stack = Stack::start().await;
    let browser = stack.browser(&stack.default_organization().await, "viewer").await;
    let old = stack.key("till").await["id"].as_str().unwrap().to_owned();
    let rotated = stack.post(&format!("/v1/keys/{old}/rotate"), json!({ "overlap_seconds": 3600 })).await.json();
    let new = rotated["id"].as_str().unwrap().to_owned();
    let page = async |id: &str| browser.get(&format!("/keys/{id}")).await.text();
    for id in [&old, &new] {
        let page = page(id).await;
        assert!(page.contains("Nobody has used the old key") && !page.contains("still-used"), "{page}");
    }
    let used = |address: &str, count: u64| json!({ "key": old, "kind": "retiring", "address": address, "method": "GET", "path": "/v1/x", "count": count });
    let samples = json!([used("198.51.100.7", 1203), used("198.51.100.8", 1)]);
    let report = json!({ "edge": "edge-1", "vm": "1", "applied_version": 1, "samples": samples });
    assert_eq!(stack.report(report).await.status, 204);
    for (id, says, other) in [(&old, "was rotated to", &new), (&new, "This key replaces", &old)] {
        let page = page(id).await;
        for text in
            [says, &format!("/keys/{other}"), "198.51.100.7", "from 2 addresses", "1,204 requests", "Still used:"]
        {
            assert!(page.contains(text), "{text}: {page}");
        }
    }
    stack.delete(&format!("/v1/keys/{old}")).await;
    assert!(page(&new).await.contains("It was used:"));
    stack.sql("DELETE FROM observations").await;
    let without = page(&new).await;
    assert!(!without.contains("This key replaces"), "there is nothing left to know: {without}");
}

//! When publishing fails: what is still answered, and how it is told.

use std::time::Duration;

use portcullis_control::Limits;
use serde_json::{Value, json};

use crate::stack::{Answer, NOON, Stack, eventually};

/// The publisher reads this column and a write of keys does not.
const BREAK: &str = "ALTER TABLE organizations RENAME COLUMN quota_exhausted_until TO gone";
const REPAIR: &str = "ALTER TABLE organizations RENAME COLUMN gone TO quota_exhausted_until";

fn hasty() -> Limits {
    Limits { publish_within: Duration::from_millis(300), ..Limits::default() }
}

fn outcome(answer: &Answer) -> (u16, Value) {
    (answer.status, answer.json()["code"].clone())
}

#[tokio::test]
async fn a_new_key_is_handed_over_although_it_is_not_published_yet() {
    let stack = Stack::begin(tempfile::tempdir().unwrap(), NOON, hasty(), &[]).await;
    let old = stack.key("old").await;
    let gone = format!("/v1/keys/{}", stack.key("gone").await["id"].as_str().unwrap());
    assert_eq!(old["published"], true);
    stack.sql(BREAK).await;

    let path = format!("/v1/keys/{}/rotate", old["id"].as_str().unwrap());
    let new = json!({ "name": "new", "environment": "live" });
    for answer in [
        stack.post("/v1/keys", new.clone()).await,
        stack.post(&path, json!({ "overlap_seconds": 60 })).await,
        stack.post("/v1/keys:batch", json!({ "keys": [new] })).await,
    ] {
        let made = answer.json();
        let made = made["data"].get(0).unwrap_or(&made);
        assert_eq!((answer.status, &made["published"]), (201, &json!(false)), "{made}");
        assert!(made["key"].as_str().unwrap().starts_with("sk_live_"));
        assert!(answer.version() > 0);
    }
    assert_eq!(outcome(&stack.delete(&gone).await), (503, json!("not_published")));
    assert_eq!(stack.get(&gone).await.json()["status"], "revoked", "a revocation is stored all the same");

    let status = stack.get("/v1/status").await.json();
    assert!(status["pending_version"].as_u64() > status["version"].as_u64(), "{status}");
    assert!(status["last_publish_error"].as_str().unwrap().contains("quota_exhausted_until"), "{status}");
    assert_eq!(stack.get("/readyz").await.status, 200);
    stack.pass(11);
    assert_eq!(outcome(&stack.get("/readyz").await), (503, json!("not_published")));

    stack.sql(REPAIR).await;
    eventually("ready", async || stack.get("/readyz").await.status == 200).await;
    let status = stack.get("/v1/status").await.json();
    assert_eq!((&status["pending_version"], &status["last_publish_error"]), (&Value::Null, &Value::Null));
    assert_eq!(stack.manifest().await.key_count, 5);
}

#[tokio::test]
async fn before_anything_was_published_no_key_is_made_and_any_can_be_revoked() {
    let stack = Stack::start().await;
    let (old, gone) = (stack.key("old").await, stack.key("gone").await);
    let path = |key: &Value| format!("/v1/keys/{}", key["id"].as_str().unwrap());
    let folder = stack.stop().await;

    let stack = Stack::begin(folder, NOON, hasty(), &[BREAK]).await;
    let new = json!({ "name": "new", "environment": "live" });
    let not_ready = (503, json!("not_ready"));
    assert_eq!(outcome(&stack.post("/v1/keys", new.clone()).await), not_ready);
    assert_eq!(outcome(&stack.post("/v1/keys:batch", json!({ "keys": [new] })).await), not_ready);
    assert_eq!(outcome(&stack.post(&format!("{}/rotate", path(&old)), json!({})).await), not_ready);
    assert_eq!(outcome(&stack.get("/readyz").await), not_ready);
    assert_eq!(outcome(&stack.delete(&path(&gone)).await), (503, json!("not_published")));
    let listed = stack.get("/v1/keys").await.json();
    let shown = |key: &Value| (key["name"].clone(), key["status"].clone(), key["expires_at"].clone());
    let rows: Vec<_> = listed["data"].as_array().unwrap().iter().map(shown).collect();
    let row = |name: &str, status: &str| (json!(name), json!(status), Value::Null);
    assert_eq!(rows, [row("gone", "revoked"), row("old", "active")]);

    stack.sql(REPAIR).await;
    eventually("ready", async || stack.get("/readyz").await.status == 200).await;
    assert_eq!(stack.manifest().await.key_count, 2);
}

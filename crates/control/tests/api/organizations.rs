//! `/v1/organizations`.

use serde_json::{Value, json};

use crate::stack::Stack;

#[tokio::test]
async fn there_is_a_default_one_and_others_can_be_made() {
    let stack = Stack::start().await;
    let made = stack.post("/v1/organizations", json!({ "name": "acme" })).await;
    assert_eq!(
        (made.status, made.json()["state"].as_str(), made.json()["default"].as_bool()),
        (201, Some("active"), Some(false))
    );
    let listed = stack.get("/v1/organizations").await.json();
    let names: Vec<_> = listed["data"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert!(names.len() == 2 && names.contains(&"default") && names.contains(&"acme"), "{names:?}");
}

#[tokio::test]
async fn states() {
    let stack = Stack::start().await;
    let id = stack.post("/v1/organizations", json!({ "name": "acme" })).await.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/organizations/{id}");
    let until = json!({ "quota_exhausted_until": "2026-02-01T00:00:00Z" });
    for (change, status, member, value) in [
        (json!({ "state": "suspended" }), 200, "state", json!("suspended")),
        (json!({ "state": until }), 200, "state", until.clone()),
        (json!({ "name": "acme ltd" }), 200, "name", json!("acme ltd")),
        (json!({ "state": "active" }), 200, "state", json!("active")),
        (
            json!({ "state": { "quota_exhausted_until": "later" } }),
            422,
            "pointer",
            json!("/state/quota_exhausted_until"),
        ),
        (
            json!({ "state": { "quota_exhausted_until": "2106-02-07T06:28:16Z" } }),
            422,
            "pointer",
            json!("/state/quota_exhausted_until"),
        ),
        (json!({ "name": null }), 422, "pointer", json!("/name")),
        (json!({ "state": null }), 422, "pointer", json!("/state")),
        (json!({ "name": "" }), 422, "pointer", json!("/name")),
        (json!({ "state": "closed" }), 400, "pointer", Value::Null),
    ] {
        let answer = stack.patch(&path, change.clone()).await;
        assert_eq!((answer.status, &answer.json()[member]), (status, &value), "{change}");
    }
}

#[tokio::test]
async fn a_suspended_one_changes_its_shard_and_no_keys() {
    let stack = Stack::start().await;
    let key = stack.key("till").await;
    let before = stack.manifest().await;
    let path = format!("/v1/organizations/{}", key["organization"].as_str().unwrap());
    let answer = stack.patch(&path, json!({ "state": "suspended" })).await;
    let after = stack.manifest().await;
    assert_eq!(answer.version(), after.version);
    assert_ne!(before.organizations, after.organizations);
    assert_eq!((before.keys, before.policy), (after.keys, after.policy));
}

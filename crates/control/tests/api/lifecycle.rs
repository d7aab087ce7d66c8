//! What becomes of a key: used, old, switched off, expired, revoked.

use serde_json::json;

use crate::stack::Stack;

#[tokio::test]
async fn each_state_is_listed_under_its_own_name() {
    let stack = Stack::start().await;
    let mut ids = Vec::new();
    for name in ["active", "disabled", "expired", "revoked"] {
        ids.push(stack.key(name).await["id"].as_str().unwrap().to_owned());
    }
    stack.patch(&format!("/v1/keys/{}", ids[1]), json!({ "enabled": false })).await;
    stack.patch(&format!("/v1/keys/{}", ids[2]), json!({ "expires_at": "2026-01-15T12:00:10Z" })).await;
    stack.delete(&format!("/v1/keys/{}", ids[3])).await;
    stack.pass(10);
    for (id, status) in ids.iter().zip(["active", "disabled", "expired", "revoked"]) {
        assert_eq!(stack.get(&format!("/v1/keys/{id}")).await.json()["status"], status);
        let listed = stack.get(&format!("/v1/keys?status={status}")).await.json();
        let names: Vec<_> = listed["data"].as_array().unwrap().iter().map(|key| key["name"].clone()).collect();
        assert_eq!(names, [status]);
    }
}

#[tokio::test]
async fn revoking_is_final_and_can_be_said_twice() {
    let stack = Stack::start().await;
    let path = format!("/v1/keys/{}", stack.key("till").await["id"].as_str().unwrap());
    let first = stack.delete(&path).await;
    assert_eq!((first.status, first.json()["status"].as_str()), (200, Some("revoked")));
    assert_eq!(first.json()["revoked_at"], "2026-01-15T12:00:00Z");
    stack.pass(60);
    let second = stack.delete(&path).await;
    assert_eq!((second.status, second.json()), (200, first.json()), "revoking again changes nothing");
    assert_eq!(second.version(), first.version());
    for body in [json!({ "enabled": true }), json!({ "name": "new" }), json!({})] {
        let answer = stack.patch(&path, body).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (409, Some("key_revoked")));
    }
}

#[tokio::test]
async fn an_old_key_is_flagged_while_it_still_works() {
    let stack = Stack::start().await;
    let path = format!("/v1/keys/{}", stack.key("till").await["id"].as_str().unwrap());
    for (days, seconds, age, overdue) in [(0, 0, 0, false), (89, 0, 89, false), (1, 0, 90, false), (0, 1, 90, true)] {
        stack.pass(days * 86_400 + seconds);
        let key = stack.get(&path).await.json();
        assert_eq!(
            (key["age_days"].as_u64(), key["overdue"].as_bool()),
            (Some(age), Some(overdue)),
            "{days} {seconds}"
        );
    }
    assert_eq!(stack.delete(&path).await.json()["overdue"], false, "a revoked key need not be rotated");
}

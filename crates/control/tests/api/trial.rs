//! Trials: looked at, told, and denying nothing until they are enforced.

use portcullis_engine::{KeyDigest, KeyStore};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::Stack;

async fn make(stack: &Stack) -> (String, KeyDigest) {
    let restrictions = json!({ "ip": { "allow": ["10.0.0.0/8"] }, "endpoint": { "allow": ["GET /v1/**"] } });
    let body =
        json!({ "name": "till", "environment": "live", "scopes": ["refunds:read"], "restrictions": restrictions });
    let made = stack.post("/v1/keys", body).await.json();
    let digest = KeyDigest::of(made["key"].as_str().unwrap().as_bytes());
    (format!("/v1/keys/{}", made["id"].as_str().unwrap()), digest)
}

/// What the published bundle tries on a key: its text as a spec.
async fn published(stack: &Stack, digest: &KeyDigest) -> Value {
    let mut archive = stack.archive().await;
    let (_, mut keys) = archive.parts_mut();
    let record = keys.find(digest).unwrap().unwrap();
    serde_json::to_value(record.restrictions.map(portcullis_engine::RestrictionSet::to_spec)).unwrap()
}

#[tokio::test]
async fn a_trial_is_published_beside_what_is_enforced_and_changes_nothing_else() {
    let stack = Stack::start().await;
    let (path, digest) = make(&stack).await;
    let own = published(&stack, &digest).await;
    let before = stack.get(&path).await.json();
    let ip = json!({ "mode": "enforce", "allow": ["192.0.2.0/24"] });
    for (sent, shown, tried) in [
        (json!({ "scopes": [] }), json!({ "scopes": [], "restrictions": null }), json!({ "scopes": [] })),
        (
            json!({ "restrictions": { "ip": { "mode": "observe", "allow": ["192.0.2.0/24"] } } }),
            json!({ "scopes": null, "restrictions": { "ip": ip } }),
            json!({ "ip": { "mode": "observe", "allow": ["192.0.2.0/24"] } }),
        ),
        (
            json!({ "scopes": ["refunds:write", "refunds:read"], "restrictions": { "ip": ip } }),
            json!({ "scopes": ["refunds:read", "refunds:write"], "restrictions": { "ip": ip } }),
            json!({ "ip": { "mode": "observe", "allow": ["192.0.2.0/24"] }, "scopes": ["refunds:read", "refunds:write"] }),
        ),
    ] {
        stack.pass(1);
        let answer = stack.admin(Method::PUT, &format!("{path}/trial"), Some(sent.clone())).await;
        assert_eq!(answer.status, 200, "{sent}: {}", answer.json());
        let mut key = answer.json();
        assert_eq!(key["trial"]["since"], format!("2026-01-15T12:00:0{}Z", stack.now() % 10));
        key["trial"].as_object_mut().unwrap().remove("since");
        assert_eq!(key["trial"], shown, "{sent}");
        key["trial"] = Value::Null;
        assert_eq!(key, before, "{sent}: nothing else changed");
        let mut spec = published(&stack, &digest).await;
        assert_eq!(spec.as_object_mut().unwrap().remove("trial"), Some(tried), "{sent}");
        assert_eq!(spec, own, "{sent}");
    }
    for _ in 0..2 {
        let ended = stack.delete(&format!("{path}/trial")).await;
        assert_eq!((ended.status, ended.json()), (200, before.clone()));
        assert_eq!(published(&stack, &digest).await, own);
    }
    let log =
        "SELECT string_agg(action, ' ') FROM (SELECT action FROM audit WHERE target_name = 'till' ORDER BY id) AS log";
    let started = "key.trial_started ".repeat(3);
    assert_eq!(stack.text(log).await, format!("key.created {started}key.trial_ended"));
}

#[tokio::test]
async fn enforcing_sets_what_was_tried_and_keeps_what_was_not() {
    let stack = Stack::start().await;
    let ip = json!({ "mode": "enforce", "allow": ["192.0.2.0/24"] });
    let endpoint = json!({ "mode": "enforce", "allow": ["GET /v1/**"] });
    let own_ip = json!({ "mode": "enforce", "allow": ["10.0.0.0/8"] });
    for (trial, scopes, restrictions) in [
        (json!({ "scopes": [] }), json!([]), json!({ "ip": own_ip, "endpoint": endpoint })),
        (
            json!({ "restrictions": { "ip": { "mode": "observe", "allow": ["192.0.2.0/24"] } } }),
            json!(["refunds:read"]),
            json!({ "ip": ip, "endpoint": endpoint }),
        ),
        (
            json!({ "scopes": ["payouts:read"], "restrictions": { "referrer": { "allow": ["https://example.com/*"] } } }),
            json!(["payouts:read"]),
            json!({ "ip": own_ip, "endpoint": endpoint,
                "referrer": { "mode": "enforce", "allow": ["https://example.com/*"], "allow_missing": false } }),
        ),
    ] {
        let (path, digest) = make(&stack).await;
        stack.admin(Method::PUT, &format!("{path}/trial"), Some(trial.clone())).await;
        let answer = stack.post(&format!("{path}/trial/enforce"), json!({})).await;
        let key = answer.json();
        assert_eq!((answer.status, &key["trial"]), (200, &Value::Null), "{trial}");
        assert_eq!((&key["scopes"], &key["restrictions"]), (&scopes, &restrictions), "{trial}");
        assert_eq!(stack.get(&path).await.json(), key);
        assert_eq!(published(&stack, &digest).await["trial"], Value::Null, "{trial}");
        let again = stack.post(&format!("{path}/trial/enforce"), json!({})).await;
        assert_eq!((again.status, again.json()["code"].as_str()), (404, Some("not_found")), "{trial}");
    }
}

#[tokio::test]
async fn a_trial_that_makes_no_sense_is_refused() {
    let stack = Stack::start().await;
    let (path, _) = make(&stack).await;
    let trial = format!("{path}/trial");
    for (sent, pointer, words) in [
        (json!({}), "", "a trial of nothing"),
        (json!({ "restrictions": {} }), "", "a trial of nothing"),
        (json!({ "scopes": ["nope"] }), "/scopes/0", "knows"),
        (json!({ "restrictions": { "ip": { "allow": ["10.0.0.1/8"] } } }), "/restrictions/ip/allow/0", "10.0.0.0/8"),
    ] {
        let answer = stack.admin(Method::PUT, &trial, Some(sent.clone())).await;
        let problem = answer.json();
        assert_eq!((answer.status, problem["pointer"].as_str()), (422, Some(pointer)), "{sent}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{sent}: {problem}");
    }
    stack.admin(Method::PUT, &trial, Some(json!({ "scopes": [] }))).await;
    stack.delete(&path).await;
    for (method, path) in
        [(Method::PUT, trial.clone()), (Method::DELETE, trial.clone()), (Method::POST, format!("{trial}/enforce"))]
    {
        let answer = stack.admin(method.clone(), &path, Some(json!({ "scopes": [] }))).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (409, Some("key_revoked")), "{method}");
    }
}

#[tokio::test]
async fn a_rotated_key_is_retiring_until_it_is_revoked_or_given_a_life_of_its_own() {
    let stack = Stack::start().await;
    let (path, digest) = make(&stack).await;
    let own = published(&stack, &digest).await;
    stack.admin(Method::PUT, &format!("{path}/trial"), Some(json!({ "scopes": [] }))).await;
    let new = stack.post(&format!("{path}/rotate"), json!({ "overlap_seconds": 600 })).await.json();
    assert_eq!(new["trial"]["scopes"], json!([]), "the successor takes the trial");
    let successor = KeyDigest::of(new["key"].as_str().unwrap().as_bytes());
    assert_eq!(published(&stack, &successor).await["trial"], json!({ "scopes": [] }));
    assert_eq!(published(&stack, &digest).await["trial"], json!({ "scopes": [], "retiring": true }));
    stack.delete(&format!("{path}/trial")).await;
    assert_eq!(published(&stack, &digest).await["trial"], json!({ "retiring": true }));
    stack.patch(&path, json!({ "expires_at": null })).await;
    assert_eq!(published(&stack, &digest).await, own);
    stack.post(&format!("{path}/rotate"), json!({ "overlap_seconds": 600 })).await;
    stack.delete(&path).await;
    assert_eq!(published(&stack, &digest).await, own, "nobody uses a revoked key any more");
}

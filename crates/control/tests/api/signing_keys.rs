//! What access tokens are signed with: made when it is needed, replaced, revoked.

use portcullis_token::Refusal;
use reqwest::Method;
use serde_json::{Value, json};

use super::minting::{POLICY, jwks, minting, minting_at};
use crate::stack::{NOON, Stack, eventually};

const AHEAD: u64 = 600;
const DAY: u64 = 86400;

/// Kid and state of each, the newest first.
async fn listed(stack: &Stack) -> Vec<(String, String)> {
    let keys = stack.get("/v1/signing-keys").await.json();
    let text = |key: &Value, name: &str| key[name].as_str().unwrap().to_owned();
    keys["data"].as_array().unwrap().iter().map(|key| (text(key, "kid"), text(key, "state"))).collect()
}

async fn states(stack: &Stack) -> Vec<String> {
    listed(stack).await.into_iter().map(|(_, state)| state).collect()
}

async fn settled(stack: &Stack, expected: &[&str]) {
    eventually(&format!("{expected:?}"), async || states(stack).await == expected).await;
}

fn kid_of(token: &str) -> String {
    use base64::Engine as _;
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_key_is_published_before_it_signs_and_accepted_after_it_did() {
    let stack = minting().await;
    let credential = stack.credential(&[]).await;
    let first = stack.access_token(&credential).await;
    stack.pass(30 * DAY - AHEAD);
    settled(&stack, &["next", "active"]).await;
    let keys = listed(&stack).await;
    // What is stored is listed before it is published.
    eventually("both are published", async || jwks(&stack).await["keys"].as_array().unwrap().len() == 2).await;
    let before = stack.access_token(&credential).await;
    assert_eq!((kid_of(&before), kid_of(&first)), (keys[1].0.clone(), keys[1].0.clone()));
    stack.pass(AHEAD);
    assert_eq!(states(&stack).await, ["active", "retiring"]);
    let after = stack.access_token(&credential).await;
    assert_eq!(kid_of(&after), keys[0].0);
    for token in [&before, &after] {
        assert!(stack.verified(token).await.is_ok());
    }
    stack.pass(930);
    assert_eq!(stack.verified(&before).await, Err(Refusal::Expired), "and not for want of its key");
    stack.pass(300);
    settled(&stack, &["active"]).await;
    eventually("one is published", async || jwks(&stack).await["keys"].as_array().unwrap().len() == 1).await;
    assert_eq!(stack.verified(&before).await, Err(Refusal::UnknownKey));
    assert_eq!(stack.text("SELECT CAST(COUNT(*) AS TEXT) FROM token_keys WHERE secret IS NOT NULL").await, "1");
}

#[tokio::test]
async fn the_operator_replaces_a_key_in_time_or_at_once() {
    let stack = minting().await;
    let credential = stack.credential(&[]).await;
    stack.pass(1);
    let rotated = stack.post("/v1/signing-keys:rotate", json!({})).await;
    assert_eq!(rotated.status, 200, "{}", rotated.json());
    assert!(rotated.version() > 0);
    assert_eq!(states(&stack).await, ["next", "active"]);
    let again = stack.post("/v1/signing-keys:rotate", json!({})).await;
    let expected = "the next key is there already and signs from 2026-01-15T12:10:01Z\nhint: `now` has it sign at once";
    assert_eq!((again.status, again.json()["detail"].as_str()), (422, Some(expected)));
    stack.pass(1);
    assert_eq!(stack.post("/v1/signing-keys:rotate", json!({ "now": true })).await.status, 200);
    assert_eq!(states(&stack).await, ["active", "retiring"]);
    assert_eq!(kid_of(&stack.access_token(&credential).await), listed(&stack).await[0].0);
    stack.pass(1);
    assert_eq!(stack.post("/v1/signing-keys:rotate", json!({ "now": true })).await.status, 200);
    assert_eq!(states(&stack).await.iter().filter(|it| *it == "active").count(), 1);
    let log = stack.get("/v1/audit?action=signing_key.rotated").await.json();
    assert_eq!(log["data"].as_array().unwrap().len(), 3, "{log}");
}

#[tokio::test]
async fn what_a_revoked_key_signed_is_refused_at_once_and_another_signs() {
    let stack = minting().await;
    let credential = stack.credential(&[]).await;
    let token = stack.access_token(&credential).await;
    let kid = kid_of(&token);
    for _ in 0..2 {
        let revoked = stack.delete(&format!("/v1/signing-keys/{kid}")).await;
        assert_eq!((revoked.status, revoked.json()["state"].as_str()), (200, Some("revoked")));
    }
    assert_eq!(stack.verified(&token).await, Err(Refusal::UnknownKey));
    let after = stack.access_token(&credential).await;
    assert!(kid_of(&after) != kid && stack.verified(&after).await.is_ok());
    assert_eq!(stack.delete("/v1/signing-keys/nobody").await.status, 404);
    let held = stack.text("SELECT CAST(COUNT(*) AS TEXT) FROM token_keys WHERE secret IS NULL").await;
    assert_eq!(held, "1", "the private half is destroyed");
    let page = stack.browser(&stack.default_organization().await, "owner").await.get("/signing-keys").await.text();
    let row = page.split("signing-key-row").find(|row| row.contains(&kid)).unwrap();
    for (part, is_there) in
        [("Revoked", true), ("Nothing of it", true), ("Another takes over", false), ("No end is set", false)]
    {
        assert_eq!(row.contains(part), is_there, "{part}: {row}");
    }
    assert_eq!(row.matches("2026-01-15T12:00:00Z").count(), 2, "since when it signed and when it was revoked: {row}");
}

#[tokio::test]
async fn a_restart_signs_with_the_same_key_and_another_algorithm_with_another() {
    let stack = minting().await;
    let before = listed(&stack).await;
    let stack = minting_at(stack.stop().await, NOON + 5).await;
    assert_eq!(listed(&stack).await, before);
    let policy = format!("{POLICY}algorithm = \"ES256\"\n");
    let published = stack.post("/v1/policy", json!({ "toml": policy })).await;
    assert!(published.status < 300, "{}", published.json());
    settled(&stack, &["next", "active"]).await;
    eventually("both are published", async || jwks(&stack).await["keys"].as_array().unwrap().len() == 2).await;
    stack.pass(AHEAD);
    let credential = stack.credential(&[]).await;
    let token = stack.access_token(&credential).await;
    let keys = stack.get("/v1/signing-keys").await.json();
    assert_eq!(
        (keys["data"][0]["algorithm"].as_str(), keys["data"][0]["state"].as_str()),
        (Some("ES256"), Some("active"))
    );
    assert!(stack.verified(&token).await.is_ok());
}

#[tokio::test]
async fn keys_are_the_operators() {
    let stack = minting().await;
    let kid = listed(&stack).await[0].0.clone();
    let other = stack.organization("other").await;
    let owner = stack.person(&other, "owner").await;
    for (method, path) in [
        (Method::GET, "/v1/signing-keys".to_owned()),
        (Method::POST, "/v1/signing-keys:rotate".to_owned()),
        (Method::DELETE, format!("/v1/signing-keys/{kid}")),
    ] {
        assert_eq!(stack.by(&owner.token, method, &path, None).await.status, 403, "{path}");
    }
    let published = jwks(&stack).await;
    let private: Vec<_> = published["keys"][0].as_object().unwrap().keys().filter(|name| *name == "d").collect();
    assert!(private.is_empty());
}

//! Rows that cannot be read: each is switched off, and none keeps the others from the edges.

use portcullis_engine::{KeyDigest, KeyStatus};
use serde_json::json;

use crate::stack::{NOON, ON_POSTGRES, Stack};

/// What may stand in a SQLite file. Each is done on top of those before.
const DAMAGES: &[&str] = &[
    "UPDATE keys SET restrictions = '{' WHERE name = 'bad'",
    "UPDATE keys SET restrictions = x'ff' WHERE name = 'bad'",
    "UPDATE keys SET restrictions = NULL, scopes = 'Not:A Scope!' WHERE name = 'bad'",
    "UPDATE keys SET scopes = x'ff' WHERE name = 'bad'",
    "UPDATE keys SET scopes = '', expires_at = -1 WHERE name = 'bad'",
    "UPDATE keys SET expires_at = 'soon' WHERE name = 'bad'",
    "UPDATE keys SET expires_at = NULL, enabled = 'maybe' WHERE name = 'bad'",
    "UPDATE keys SET enabled = TRUE, organization = 'nonsense' WHERE name = 'bad'",
    "UPDATE keys SET id = 'nonsense' WHERE name = 'bad'",
    "UPDATE keys SET revoked_at = 'once' WHERE name = 'bad'",
    "UPDATE keys SET revoked_at = NULL, digest = 'nonsense' WHERE name = 'bad'",
];
/// What PostgreSQL's types let in.
const DAMAGES_OF_TEXT: &[&str] = &[
    "UPDATE keys SET restrictions = '{' WHERE name = 'bad'",
    "UPDATE keys SET restrictions = NULL, scopes = 'Not:A Scope!' WHERE name = 'bad'",
    "UPDATE keys SET scopes = '', expires_at = -1 WHERE name = 'bad'",
    "UPDATE keys SET expires_at = NULL, organization = 'nonsense' WHERE name = 'bad'",
    "UPDATE keys SET id = 'nonsense' WHERE name = 'bad'",
    "UPDATE keys SET revoked_at = -1 WHERE name = 'bad'",
];

#[tokio::test]
async fn an_unreadable_key_is_switched_off_and_the_others_are_published() {
    let stack = Stack::start().await;
    let (good, bad) = (stack.key("good").await, stack.key("bad").await);
    let [good, bad] = [good, bad].map(|key| KeyDigest::of(key["key"].as_str().unwrap().as_bytes()));
    let mut folder = stack.stop().await;
    for damage in if ON_POSTGRES { DAMAGES_OF_TEXT } else { DAMAGES } {
        let stack = Stack::begin(folder, NOON, portcullis_control::Limits::default(), &[damage]).await;
        stack.manifest().await;
        assert_eq!(stack.published_status(&good).await, Some(KeyStatus::Active), "{damage}");
        let status = stack.published_status(&bad).await;
        assert!(matches!(status, None | Some(KeyStatus::Disabled)), "{damage}: {status:?}");
        folder = stack.stop().await;
    }
}

#[tokio::test]
async fn an_organisation_in_an_unreadable_state_is_suspended() {
    let stack = Stack::start().await;
    let acme = stack.post("/v1/organizations", json!({ "name": "acme" })).await.json()["id"].clone();
    let key = json!({ "name": "till", "environment": "live", "organization": acme });
    let key = stack.post("/v1/keys", key).await.json();
    let digest = KeyDigest::of(key["key"].as_str().unwrap().as_bytes());
    assert_eq!(stack.published_organization(&digest).await, "Active");
    if ON_POSTGRES {
        stack.sql("ALTER TABLE organizations DROP CONSTRAINT organizations_state_check").await;
    }
    stack.sql("UPDATE organizations SET state = 'closed', changed_in = (SELECT version FROM bundle) + 1 WHERE name = 'acme'").await;
    let version = stack.key("another").await;
    assert_eq!(version["published"], true);
    assert_eq!(stack.published_organization(&digest).await, "Suspended");
}

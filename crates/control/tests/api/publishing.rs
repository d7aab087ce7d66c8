//! What a change rebuilds, and what a restart keeps.

use portcullis_bundle::{BlobRef, Manifest};
use serde_json::json;

use crate::stack::{NOON, Stack};

/// Enough for several shards.
async fn fill(stack: &Stack) -> Vec<String> {
    let mut ids = Vec::new();
    for batch in 0..5 {
        let key = |index| json!({ "name": format!("key {batch} {index}"), "environment": "live", "scopes": ["refunds:read"] });
        let answer = stack.post("/v1/keys:batch", json!({ "keys": (0..1000).map(key).collect::<Vec<_>>() })).await;
        assert_eq!(answer.status, 201);
        let made = answer.json();
        ids.extend(made["data"].as_array().unwrap().iter().map(|key| key["id"].as_str().unwrap().to_owned()));
    }
    ids
}

fn content(manifest: &Manifest) -> (BlobRef, Vec<BlobRef>, Vec<BlobRef>, Vec<BlobRef>) {
    (manifest.policy, manifest.skills.clone(), manifest.organizations.clone(), manifest.keys.clone())
}

#[tokio::test]
async fn a_change_touches_one_shard_and_a_restart_none() {
    let stack = Stack::start().await;
    let ids = fill(&stack).await;
    let full = stack.manifest().await;
    assert_eq!(full.key_count, 5000);
    assert!(full.keys.len() > 1, "the test needs several shards");
    assert_eq!(full.skills, [], "without skills there is nothing about them");

    stack.delete(&format!("/v1/keys/{}", ids[1234])).await;
    let revoked = stack.manifest().await;
    let changed = full.keys.iter().zip(&revoked.keys).filter(|(before, after)| before != after).count();
    assert_eq!(changed, 1);
    assert_eq!((full.policy, &full.organizations), (revoked.policy, &revoked.organizations));
    assert_eq!(revoked.key_count, 5000, "a revoked key stays, so that the edge can say so");

    let folder = stack.kill().await;
    let stack = Stack::resume(folder, NOON - 3600).await;
    let again = stack.manifest().await;
    assert_eq!(content(&again), content(&revoked), "built from the database alone, in another order: the same");
    assert!(again.version > revoked.version, "although the clock went back");
}

#[tokio::test]
async fn nothing_that_was_answered_is_lost_by_a_kill() {
    let mut stack = Stack::start().await;
    let mut last = 0;
    for round in 0..3 {
        let made = stack.post("/v1/keys", json!({ "name": format!("key {round}"), "environment": "live" })).await;
        assert!(made.version() > last);
        let gone = stack.key("gone").await["id"].as_str().unwrap().to_owned();
        last = stack.delete(&format!("/v1/keys/{gone}")).await.version();
        stack = Stack::resume(stack.kill().await, NOON).await;
        assert_eq!(stack.get(&format!("/v1/keys/{gone}")).await.json()["status"], "revoked");
        let id = made.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(stack.get(&format!("/v1/keys/{id}")).await.json()["status"], "active");
    }
    assert_eq!(stack.manifest().await.key_count, 6);
}

#[tokio::test]
async fn keys_revoked_long_ago_leave_the_bundle() {
    let stack = Stack::start().await;
    stack.key("kept").await;
    let path = format!("/v1/keys/{}", stack.key("revoked").await["id"].as_str().unwrap());
    stack.delete(&path).await;
    let folder = stack.stop().await;
    for (days, keys) in [(29, 2), (30, 2), (32, 1)] {
        let copy = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        }
        let stack = Stack::resume(copy, NOON + days * 86_400).await;
        assert_eq!(stack.manifest().await.key_count, keys, "after {days} days");
        assert_eq!(stack.get(&path).await.json()["status"], "revoked", "the record stays for ever");
    }
}

#[tokio::test]
async fn many_writers_at_once_lose_nothing() {
    let stack = Stack::start().await;
    let names: Vec<_> = (0..20).map(|index| format!("key {index}")).collect();
    let writes = names.iter().map(|name| stack.key(name));
    let made = futures_util::future::join_all(writes).await;
    assert_eq!(stack.manifest().await.key_count, 20);
    // The same key from many sides: every change is there in the end, none is half done.
    let path = format!("/v1/keys/{}", made[0]["id"].as_str().unwrap());
    let changes = ["a", "b", "c", "d"].map(|name| stack.patch(&path, json!({ "name": name })));
    for answer in futures_util::future::join_all(changes).await {
        assert_eq!(answer.status, 200, "{}", answer.json());
    }
}

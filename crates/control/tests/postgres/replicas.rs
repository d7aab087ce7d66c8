//! Several control planes on one database: what one does, all publish, to the byte.

use std::path::Path;

use portcullis_bundle::{BlobRef, Manifest};
use portcullis_control::{Clock, Limits, Server};
use serde_json::json;
use tempfile::TempDir;

use crate::api::minting::{POLICY, minting};
use crate::road::Road;
use crate::stack::{NOON, Stack, config, eventually};

const DAY: u64 = 86_400;

/// A folder for another control plane: the same secrets, the same database.
fn folder_beside(first: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["admin-token", "edge-token", "signing-key", "database-url"] {
        std::fs::copy(first.join(name), folder.path().join(name)).unwrap();
    }
    folder
}

async fn beside(first: &Stack, now: u64) -> Stack {
    Stack::resume(folder_beside(first.folder.path()), now).await
}

fn blobs(manifest: &Manifest) -> (BlobRef, Option<BlobRef>, Vec<BlobRef>, Vec<BlobRef>) {
    (manifest.policy, manifest.tokens, manifest.organizations.clone(), manifest.keys.clone())
}

/// Waits until all publish one version, and compares what is in it.
async fn check_agreement(stacks: &[&Stack], key_count: u64) {
    let mut manifests = Vec::new();
    eventually("one version everywhere", async || {
        manifests.clear();
        for stack in stacks {
            manifests.push(stack.manifest().await);
        }
        let [first, rest @ ..] = manifests.as_slice() else { return true };
        rest.iter().all(|it| it.version == first.version) && first.key_count == key_count
    })
    .await;
    for manifest in &manifests {
        assert_eq!(blobs(manifest), blobs(&manifests[0]));
    }
}

#[tokio::test]
async fn a_change_made_on_one_reaches_the_edges_of_the_other() {
    let one = Stack::start().await;
    let other = beside(&one, NOON).await;
    for (maker, teller) in [(&one, &other), (&other, &one)] {
        check_agreement(&[maker, teller], teller.manifest().await.key_count).await;
        let since = teller.manifest().await.version;
        let path = format!("/edge/v1/manifest?since={since}&wait=30");
        let (told, made) = tokio::join!(teller.edge_get(&path), maker.key("till"));
        assert_eq!((told.status, &made["published"]), (200, &json!(true)));
        assert!(teller.manifest().await.version > since);
        let path = format!("/v1/keys/{}", made["id"].as_str().unwrap());
        assert_eq!(teller.delete(&path).await.json()["status"], "revoked");
        assert_eq!(maker.get(&path).await.json()["status"], "revoked");
    }
    check_agreement(&[&one, &other], 2).await;
}

#[tokio::test]
async fn whoever_started_on_which_day_publishes_the_same() {
    let old = Stack::start().await;
    let mut ids = Vec::new();
    for number in 0..6 {
        ids.push(old.key(&format!("key {number}")).await["id"].as_str().unwrap().to_owned());
    }
    let path = |number: usize| format!("/v1/keys/{}", ids[number]);
    old.delete(&path(0)).await;
    old.pass(DAY);
    old.delete(&path(1)).await;
    check_agreement(&[&old], 6).await;

    // One starts 30 days later, and its clock is right; the first one's stands still.
    let new = beside(&old, NOON + 31 * DAY).await;
    check_agreement(&[&old, &new], 5).await;
    old.delete(&path(2)).await;
    new.delete(&path(3)).await;
    check_agreement(&[&old, &new], 5).await;

    // A day passes without a change: what the first one revoked, by its own clock, goes everywhere.
    new.pass(DAY);
    check_agreement(&[&old, &new], 3).await;
    old.pass(32 * DAY);
    let late = beside(&old, NOON + 33 * DAY).await;
    check_agreement(&[&old, &new, &late], 3).await;
}

#[tokio::test]
async fn killing_either_loses_nothing() {
    let mut one = Stack::start().await;
    let mut other = beside(&one, NOON).await;
    for round in 0..4 {
        let kept = one.key(&format!("kept {round}")).await["id"].as_str().unwrap().to_owned();
        let gone = other.key(&format!("gone {round}")).await["id"].as_str().unwrap().to_owned();
        assert_eq!(one.delete(&format!("/v1/keys/{gone}")).await.status, 200);
        let folder = one.kill().await;
        assert_eq!(other.get(&format!("/v1/keys/{kept}")).await.json()["status"], "active");
        assert_eq!(other.get(&format!("/v1/keys/{gone}")).await.json()["status"], "revoked");
        check_agreement(&[&other], 2 * (round + 1)).await;
        one = std::mem::replace(&mut other, Stack::resume(folder, NOON).await);
    }
    check_agreement(&[&one, &other], 8).await;
}

#[tokio::test]
async fn replicas_whose_first_start_is_the_same_moment_agree() {
    let first = tempfile::tempdir().unwrap();
    let served_with = config(first.path()).await;
    let mut opening = Vec::new();
    for name in ["admin-token", "edge-token"] {
        let secret = format!("{}-0123456789abcdefghijklmnop", name.len());
        private(&first.path().join(name), &secret);
    }
    private(&first.path().join("signing-key"), &"5a".repeat(32));
    let folders: Vec<_> = (0..4).map(|_| folder_beside(first.path())).collect();
    for folder in &folders {
        let config = portcullis_control::Config { data: folder.path().to_owned(), ..served_with.clone() };
        opening.push(Server::open(config, Clock::from_millis(|| NOON * 1000)));
    }
    for opened in futures_util::future::join_all(opening).await {
        opened.map(drop).unwrap();
    }
    let stack = Stack::resume(first, NOON).await;
    let organizations = stack.get("/v1/organizations").await.json();
    assert_eq!(organizations["data"].as_array().unwrap().len(), 1, "{organizations}");
}

fn private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn another_signing_key_is_refused_unless_it_is_meant() {
    let stack = Stack::start().await;
    let other = folder_beside(stack.folder.path());
    std::fs::remove_file(other.path().join("signing-key")).unwrap();
    let mut config = config(other.path()).await;
    let refused = Server::open(config.clone(), Clock::system()).await.map(drop).unwrap_err().to_string();
    assert!(refused.contains(&stack.public_key.to_string()), "{refused}");
    assert!(refused.contains("hint: ") && refused.contains("--replace-signing-key"), "{refused}");
    config.replace_signing_key = true;
    Server::open(config.clone(), Clock::system()).await.map(drop).unwrap();
    config.replace_signing_key = false;
    Server::open(config, Clock::system()).await.map(drop).unwrap();
}

#[tokio::test]
async fn a_lost_database_is_told_and_a_found_one_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let _ = config(folder.path()).await;
    let file = folder.path().join("database-url");
    let (road, url) = Road::to(&std::fs::read_to_string(&file).unwrap()).await;
    std::fs::write(&file, url).unwrap();
    let stack = Stack::begin(folder, NOON, Limits::default(), &[]).await;
    let kept = stack.key("kept").await;
    let published = stack.manifest().await;
    assert_eq!(stack.get("/readyz").await.status, 200);

    road.cut();
    eventually("not ready", async || stack.get("/readyz").await.status == 503).await;
    let not_there = (503, json!("database_unavailable"));
    let outcome = |it: crate::stack::Answer| (it.status, it.json()["code"].clone());
    assert_eq!(outcome(stack.get("/readyz").await), not_there);
    assert_eq!(outcome(stack.get(&format!("/v1/keys/{}", kept["id"].as_str().unwrap())).await), not_there);
    let new = json!({ "name": "new", "environment": "live" });
    assert_eq!(outcome(stack.post("/v1/keys", new.clone()).await), not_there);
    assert_eq!(stack.get("/healthz").await.status, 200);
    let metrics = String::from_utf8(stack.get("/metrics").await.bytes).unwrap();
    assert!(metrics.contains("portcullis_database_up 0\n"), "{metrics}");
    assert_eq!(stack.manifest().await.version, published.version, "edges are served all the same");

    road.mend();
    eventually("ready again", async || stack.get("/readyz").await.status == 200).await;
    assert_eq!(stack.post("/v1/keys", new).await.status, 201);
    assert_eq!(stack.manifest().await.key_count, 2);
    stack.stop().await;
}

#[tokio::test]
async fn a_batch_that_reaches_two_at_the_same_moment_counts_once() {
    let one = Stack::start().await;
    let other = beside(&one, NOON).await;
    let id = one.key("till").await["id"].as_str().unwrap().to_owned();
    for seq in 1..=20_u64 {
        let usage = json!([{ "hour": NOON, "key": id, "route": "GET /a", "allowed": 1, "cost": 1, "last": NOON }]);
        let report = |vm: u64| {
            json!({ "edge": "e", "vm": vm.to_string(), "boot": "b", "seq": seq, "applied_version": 1, "allowed": 1,
                    "usage": usage })
        };
        let told = (0..4).flat_map(|vm| [one.report(report(vm)), other.report(report(vm)), one.report(report(vm))]);
        let answers = futures_util::future::join_all(told).await;
        assert!(answers.iter().all(|answer| answer.status == 204));
        for replica in [&one, &other] {
            let usage = replica.get("/v1/usage").await.json();
            let edge = replica.get("/v1/edges").await.json()["data"][0]["allowed"].clone();
            assert_eq!((&usage["data"][0]["allowed"], edge), (&json!(4 * seq), json!(4 * seq)));
        }
    }
}

#[tokio::test]
async fn all_sign_with_one_key_and_one_of_them_replaces_it() {
    let one = minting().await;
    let other = Stack::resume_with_policy(folder_beside(one.folder.path()), NOON, Some(POLICY)).await;
    let credential = one.credential(&[]).await;
    check_agreement(&[&one, &other], 1).await;
    for minter in [&one, &other] {
        let token = minter.access_token(&credential).await;
        assert!(other.verified(&token).await.is_ok(), "under one name, that of the last to start");
    }
    one.pass(30 * DAY - 600);
    other.pass(30 * DAY - 600);
    for stack in [&one, &other] {
        eventually("the next key", async || {
            let keys = stack.get("/v1/signing-keys").await.json();
            keys["data"][0]["state"] == "next"
        })
        .await;
    }
    check_agreement(&[&one, &other], 1).await;
    assert_eq!(one.text("SELECT CAST(COUNT(*) AS TEXT) FROM token_keys").await, "2");
}

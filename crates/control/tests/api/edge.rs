//! `/edge/v1`: manifests, long polls, blobs, bundle files.

use std::time::Duration;

use portcullis_bundle::{Archive, BlobDigest, verify};
use portcullis_engine::{KeyDigest, KeyStore, OrganizationState};
use serde_json::json;
use tokio::time::timeout;

use crate::stack::Stack;

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn every_write_is_published_before_it_is_answered() {
    let stack = Stack::start().await;
    let made = stack.post("/v1/keys", json!({ "name": "till", "environment": "live" })).await;
    let path = format!("/v1/keys/{}", made.json()["id"].as_str().unwrap());
    let mut last = 0;
    for answer in [
        made,
        stack.patch(&path, json!({ "name": "kiosk" })).await,
        stack.post(&format!("{path}/rotate"), json!({ "overlap_seconds": 60 })).await,
        stack.post("/v1/keys:batch", json!({ "keys": [{ "name": "a", "environment": "live" }] })).await,
        stack.post("/v1/organizations", json!({ "name": "acme" })).await,
        stack.delete(&path).await,
    ] {
        assert!(answer.version() > last);
        last = answer.version();
    }
    assert_eq!(stack.manifest().await.version, last);
}

#[tokio::test]
async fn a_long_poll_wakes_with_the_change_it_waited_for() {
    let stack = Stack::start().await;
    // Ten writes ahead: the poll is there long before the version it waits for.
    let version = stack.manifest().await.version + 9;
    let path = format!("/edge/v1/manifest?since={version}&wait=60");
    let writes = async {
        for _ in 0..10 {
            stack.key("till").await;
        }
    };
    let (polled, ()) = timeout(SOON, async { tokio::join!(stack.edge_get(&path), writes) }).await.unwrap();
    let manifest = verify(&polled.bytes, &[stack.public_key]).unwrap();
    assert_eq!(polled.header("content-type"), "application/vnd.portcullis.manifest");
    assert_eq!(manifest.version, version + 1);
}

#[tokio::test]
async fn a_wait_in_vain_brings_the_same_version_freshly_signed() {
    let stack = Stack::start().await;
    let before = stack.manifest().await;
    stack.pass(100);
    let path = format!("/edge/v1/manifest?since={}&wait=1", before.version);
    let after = verify(&stack.edge_get(&path).await.bytes, &[stack.public_key]).unwrap();
    assert_eq!((after.version, after.issued_at), (before.version, before.issued_at + 100));
    for query in ["since=-1", "since=x", "wait=x", "wait=-5"] {
        assert_eq!(stack.edge_get(&format!("/edge/v1/manifest?{query}")).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn shutting_down_answers_long_polls_at_once() {
    let stack = Stack::start().await;
    let version = stack.manifest().await.version;
    let url = format!("http://{}/edge/v1/manifest?since={version}&wait=60", stack.address);
    let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    let poll = client.get(url).bearer_auth(&stack.edge).send();
    let (polled, _) = timeout(SOON, async { tokio::join!(poll, stack.stop()) }).await.unwrap();
    // Answered, or refused because the listener was closed first; never left hanging.
    assert!(polled.is_err() || polled.unwrap().status().is_success());
}

#[tokio::test]
async fn blobs_are_named_by_their_digest_and_may_be_kept_for_ever() {
    let stack = Stack::start().await;
    stack.key("till").await;
    for blob in stack.manifest().await.blobs() {
        let answer = stack.edge_get(&format!("/edge/v1/blobs/{}", blob.digest)).await;
        assert_eq!(answer.status, 200);
        assert!(blob.matches(&answer.bytes));
        assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(answer.header("etag"), format!("\"{}\"", blob.digest));
    }
    for name in [BlobDigest::of(b"nothing").to_string(), "..%2f".to_owned(), "ff".to_owned()] {
        assert_eq!(stack.edge_get(&format!("/edge/v1/blobs/{name}")).await.status, 404, "{name}");
    }
}

#[tokio::test]
async fn blobs_of_the_last_versions_can_still_be_fetched() {
    let stack = Stack::start().await;
    stack.key("first").await;
    let old = stack.manifest().await;
    for index in 0..7 {
        stack.key(&format!("later {index}")).await;
    }
    for blob in old.blobs() {
        assert_eq!(stack.edge_get(&format!("/edge/v1/blobs/{}", blob.digest)).await.status, 200);
    }
}

#[tokio::test]
async fn a_bundle_file_says_of_every_key_what_the_api_says() {
    let stack = Stack::start().await;
    let (active, disabled, revoked) = (stack.key("a").await, stack.key("b").await, stack.key("c").await);
    stack.patch(&format!("/v1/keys/{}", disabled["id"].as_str().unwrap()), json!({ "enabled": false })).await;
    stack.delete(&format!("/v1/keys/{}", revoked["id"].as_str().unwrap())).await;
    let organization = format!("/v1/organizations/{}", active["organization"].as_str().unwrap());
    stack.patch(&organization, json!({ "state": "suspended" })).await;

    let file = stack.edge_get("/edge/v1/bundle").await;
    let mut archive = Archive::open(&file.bytes, &[stack.public_key]).unwrap();
    assert_eq!(archive.manifest(), &stack.manifest().await);
    let (_, mut keys) = archive.parts_mut();
    for (key, status) in [(active, "Active"), (disabled, "Disabled"), (revoked, "Revoked")] {
        let record = keys.find(&KeyDigest::of(key["key"].as_str().unwrap().as_bytes())).unwrap().unwrap();
        assert_eq!(record.id.to_string(), key["id"].as_str().unwrap());
        assert_eq!(format!("{:?}", record.status), status);
        assert_eq!(record.organization_state, OrganizationState::Suspended);
    }
}

//! Who gets a token for something new uses it at once: the token endpoint lets edges hear of it first.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use super::apps::stack;
use super::grants::Flow;
use super::minting::minting;
use crate::stack::{Answer, Stack};

const GRANT: &str = "grant_type=client_credentials";
/// Far longer than anybody waits.
const SOON: Duration = Duration::from_secs(10);

async fn report(stack: &Stack, version: u64) {
    let answer = stack.report(json!({ "edge": "edge-1", "vm": "a", "applied_version": version })).await;
    assert_eq!(answer.status, 204);
}

/// The answer is there after the edge said that it has what is new, which takes it a few requests. What is asked for makes
/// that version, or it is there already.
async fn check_waits(stack: &Stack, makes_it: bool, asking: impl Future<Output = Answer>) {
    let before = stack.manifest().await.version;
    let order = std::sync::Mutex::new(Vec::new());
    let asking = async {
        assert_eq!(asking.await.status, 200);
        order.lock().unwrap().push("answered");
    };
    let hearing = async {
        while makes_it && stack.manifest().await.version == before {}
        for _ in 0..20 {
            stack.get("/v1/keys").await;
        }
        order.lock().unwrap().push("heard");
        report(stack, stack.manifest().await.version).await;
    };
    timeout(SOON, async { tokio::join!(asking, hearing) }).await.unwrap();
    assert_eq!(*order.lock().unwrap(), ["heard", "answered"]);
}

#[tokio::test]
async fn a_new_credentials_token_is_good_at_once() {
    let stack = minting().await;
    report(&stack, stack.manifest().await.version).await;
    let credential = stack.credential(&["refunds:*"]).await;
    let basic = credential.basic();
    check_waits(&stack, false, stack.exchange(Some(&basic), GRANT)).await;
    // An edge that never says so keeps nobody waiting for ever, nor for something that is not new.
    let other = stack.credential(&["refunds:*"]).await;
    let answer = timeout(SOON, stack.exchange(Some(&other.basic()), GRANT)).await.unwrap();
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_new_grants_token_is_good_at_once() {
    let stack = stack().await;
    let flow = Flow::start(&stack, json!({})).await;
    report(&stack, stack.manifest().await.version).await;
    let code = flow.code(&["skills:*"]).await;
    check_waits(&stack, true, flow.redeem(&code, &[])).await;
}

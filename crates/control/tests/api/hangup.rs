//! Callers who hang up before they are answered, and changes that nobody announced.

use portcullis_engine::{KeyDigest, KeyStatus};
use reqwest::Method;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::stack::{Stack, eventually};

/// Sends a request whole and hangs up without reading.
async fn send_and_leave(stack: &Stack, method: Method, path: &str) {
    let mut stream = TcpStream::connect(stack.address).await.unwrap();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n", stack.admin);
    stream.write_all(head.as_bytes()).await.unwrap();
}

#[tokio::test]
async fn a_revocation_is_published_although_its_caller_hung_up() {
    let stack = Stack::start().await;
    for round in 0..20 {
        let key = stack.key(&format!("key {round}")).await;
        let path = format!("/v1/keys/{}", key["id"].as_str().unwrap());
        send_and_leave(&stack, Method::DELETE, &path).await;
        eventually("stored", async || stack.get(&path).await.json()["status"] == "revoked").await;
        let digest = KeyDigest::of(key["key"].as_str().unwrap().as_bytes());
        eventually("published", async || stack.published_status(&digest).await == Some(KeyStatus::Revoked)).await;
    }
}

#[tokio::test]
async fn what_another_process_stored_is_published_too() {
    let stack = Stack::start().await;
    let before = stack.manifest().await;
    stack.sql("UPDATE bundle SET version = version + 1").await;
    eventually("published", async || stack.manifest().await.version == before.version + 1).await;
}

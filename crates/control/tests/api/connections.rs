//! Peers that keep connections without using them, and what others notice of it.

use std::time::Duration;

use portcullis_control::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::stack::{NOON, Stack};

const SOON: Duration = Duration::from_secs(20);

/// Impatient in all but what is waited for.
async fn stack(connections: usize) -> Stack {
    let limits = Limits {
        connections,
        head_within: Duration::from_millis(400),
        body_within: Duration::from_millis(400),
        idle: Duration::from_secs(3),
        ..Limits::default()
    };
    Stack::begin(tempfile::tempdir().unwrap(), NOON, limits, &[]).await
}

/// What comes back until the other side closes.
async fn until_closed(stack: &Stack, sent: &str) -> String {
    let mut stream = TcpStream::connect(stack.address).await.unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // Closing with something unread is a reset, and closed all the same.
    let closed = timeout(SOON, stream.read_to_end(&mut answer)).await;
    assert!(closed.is_ok(), "still open after {sent}");
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn whoever_does_not_go_on_is_cut_off() {
    let stack = stack(64).await;
    let head = |line: &str| format!("{line} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n", stack.admin);
    let asked = format!("{}\r\n", head("GET /v1/status"));
    for (sent, answer) in [
        (String::new(), ""),
        ("GET /heal".to_owned(), ""),
        (head("GET /v1/status"), ""),
        (asked.clone(), "HTTP/1.1 200"),
        (format!("{asked}GET /v1"), "HTTP/1.1 200"),
        (format!("{}content-length: 9\r\n\r\n{{", head("POST /v1/keys")), "HTTP/1.1 408"),
    ] {
        let found = until_closed(&stack, &sent).await;
        assert!(found.starts_with(answer) && found.is_empty() == answer.is_empty(), "{sent}: {found}");
    }
}

#[tokio::test]
async fn a_stranger_is_answered_and_keeps_no_connection() {
    let stack = stack(64).await;
    for (path, status) in
        [("/healthz", 200), ("/v1/status", 401), ("/edge/v1/manifest", 401), ("/v1/nowhere", 401), ("/nowhere", 303)]
    {
        let answer = until_closed(&stack, &format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
        assert!(answer.contains("connection: close"), "{path}: {answer}");
    }
}

#[tokio::test]
async fn strangers_on_every_connection_keep_an_edge_waiting_but_not_out() {
    let stack = stack(2).await;
    let mut strangers = Vec::new();
    for _ in 0..6 {
        let mut stranger = TcpStream::connect(stack.address).await.unwrap();
        stranger.write_all(b"GET /").await.unwrap();
        strangers.push(stranger);
    }
    timeout(SOON, stack.manifest()).await.unwrap();
}

#[tokio::test]
async fn a_long_poll_outlives_the_limits_of_a_head() {
    let stack = stack(64).await;
    let version = stack.manifest().await.version;
    let answer = stack.edge_get(&format!("/edge/v1/manifest?since={version}&wait=2")).await;
    assert_eq!(answer.status, 200);
}

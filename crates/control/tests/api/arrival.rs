//! Bodies that take their time or more room than they may, and what becomes of credentials meanwhile.

use portcullis_control::Limits;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::people::ALL_SCOPES;
use crate::stack::{NOON, Stack, eventually, limits};

const KEY: &str = r#"{"name":"late","environment":"live"}"#;

/// A request of which the body is still to come: the control plane has asked for it.
struct Sending(TcpStream);

impl Sending {
    /// Sends a head; fails with the answer if that comes before any body was asked for.
    async fn begin(stack: &Stack, path: &str, fields: &str, length: usize) -> Result<Self, String> {
        let mut stream = TcpStream::connect(stack.address).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{fields}content-length: {length}\r\n\
             expect: 100-continue\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut read = [0; 25];
        stream.read_exact(&mut read).await.unwrap();
        if &read == b"HTTP/1.1 100 Continue\r\n\r\n" {
            return Ok(Self(stream));
        }
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        Err(String::from_utf8([&read[..], &rest].concat()).unwrap())
    }

    async fn end(mut self, body: &str) -> String {
        self.0.write_all(body.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        self.0.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }
}

fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}

#[tokio::test]
async fn what_a_token_sends_is_not_carried_out_once_it_is_revoked() {
    let stack = Stack::start().await;
    let home = stack.default_organization().await;
    for fields in ["", "idempotency-key: one\r\n"] {
        let token = stack.token(&home, None, ALL_SCOPES, None).await;
        let fields = format!("{}{fields}", bearer(&token));
        let sending = Sending::begin(&stack, "/v1/keys", &fields, KEY.len()).await.ok().unwrap();
        let me = stack.by(&token, Method::GET, "/v1/tokens?limit=1", None).await.json();
        let path = format!("/v1/tokens/{}", me["data"][0]["id"].as_str().unwrap());
        assert_eq!(stack.delete(&path).await.status, 200);
        let answer = sending.end(KEY).await;
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    }
    assert_eq!(stack.get("/v1/keys").await.json()["data"], json!([]), "nothing was made");
}

#[tokio::test]
async fn what_somebody_sends_is_done_with_the_rights_they_have_when_it_is_whole() {
    let stack = Stack::start().await;
    let home = stack.default_organization().await;
    let person = stack.person(&home, "member").await;
    let browser = stack.signed_in(&home, &person).await;
    let form = format!("{}name=late&environment=live", browser.token_field());
    let kind = "content-type: application/x-www-form-urlencoded\r\n";
    let fields = format!("{}{kind}", browser.cookie_field());
    let by_token = Sending::begin(&stack, "/v1/keys", &bearer(&person.token), KEY.len()).await.ok().unwrap();
    let by_session = Sending::begin(&stack, "/keys/new", &fields, form.len()).await.ok().unwrap();
    let path = format!("/v1/organizations/{home}/members/{}", person.id);
    assert_eq!(stack.patch(&path, json!({ "role": "viewer" })).await.status, 200);
    for (sending, body) in [(by_token, KEY), (by_session, form.as_str())] {
        let answer = sending.end(body).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    }
    let by_session = Sending::begin(&stack, "/keys/new", &fields, form.len()).await.ok().unwrap();
    assert_eq!(stack.delete(&path).await.status, 204);
    let answer = by_session.end(&form).await;
    assert!(answer.starts_with("HTTP/1.1 303") && answer.contains("location: /sign-in\r\n"), "{answer}");
    assert_eq!(stack.get("/v1/keys").await.json()["data"], json!([]), "nothing was made");
}

#[tokio::test]
async fn strangers_send_little() {
    let stack = Stack::start().await;
    let (little, much) = ("x".repeat(16 * 1024), "x".repeat(16 * 1024 + 1));
    for path in ["/sign-in", "/welcome/x", "/invitations/x", "/v1/invitations:accept", "/healthz"] {
        let status = async |body: &str| stack.send(Method::POST, path, None, Some(body.as_bytes())).await.status;
        assert_eq!(status(&much).await, 413, "{path}");
        assert_ne!(status(&little).await, 413, "{path}");
    }
    for path in ["/v1/keys", "/keys/new", "/edge/v1/report", "/nowhere"] {
        let refused = Sending::begin(&stack, path, "", 10).await.err().unwrap();
        assert!(["HTTP/1.1 401", "HTTP/1.1 303"].iter().any(|it| refused.starts_with(it)), "{path}: {refused}");
    }
    let known = stack.post("/v1/keys", json!({ "name": much })).await;
    assert_eq!(known.status, 400, "known callers may send more: {}", known.json());
    let too_much = stack.post("/v1/keys", json!({ "name": "x".repeat(4 * 1024 * 1024) })).await;
    assert_eq!((too_much.status, &too_much.json()["code"]), (413, &json!("body_too_large")));
}

#[tokio::test]
async fn known_callers_send_much_where_there_is_much_to_say() {
    let stack = Stack::start().await;
    let path = format!("/v1/keys/{}", stack.key("till").await["id"].as_str().unwrap());
    let large = json!({ "name": "x".repeat(300 * 1024) });
    for (method, path) in [
        (Method::POST, "/v1/keys"),
        (Method::PATCH, path.as_str()),
        (Method::GET, "/v1/keys"),
        (Method::PUT, "/v1/keys:batch"),
        (Method::POST, "/v1/nowhere"),
    ] {
        let refused = stack.admin(method.clone(), path, Some(large.clone())).await;
        let told = refused.json();
        assert_eq!((refused.status, &told["code"]), (413, &json!("body_too_large")), "{method} {path}");
        assert!(told["detail"].as_str().unwrap().contains("256 KiB"), "{told}");
    }
    let metadata = json!({ "note": "x".repeat(500) });
    let key = |number: u32| json!({ "name": format!("till {number}"), "environment": "live", "metadata": metadata });
    let keys: Vec<_> = (0..600).map(key).collect();
    let made = stack.post("/v1/keys:batch", json!({ "keys": keys })).await;
    assert_eq!(made.status, 201, "{}", made.json());
    let checked = stack.post("/v1/policy:check", json!({ "toml": "#\n".repeat(150 * 1024) })).await;
    assert_eq!(checked.status, 200, "{}", checked.json());
    let newer = "x".repeat(300 * 1024);
    let heard = stack.report(json!({ "edge": "e", "vm": "v", "applied_version": 1, "of_a_newer_edge": newer })).await;
    assert_eq!(heard.status, 204, "{}", heard.json());
}

#[tokio::test]
async fn a_body_that_does_not_say_how_long_it_is_may_not_be_longer() {
    let stack = Stack::start().await;
    let mut stream = TcpStream::connect(stack.address).await.unwrap();
    let fields = bearer(&stack.admin);
    let head = format!("POST /v1/keys HTTP/1.1\r\nhost: x\r\n{fields}transfer-encoding: chunked\r\n\r\n");
    let body = format!("{:x}\r\n{}\r\n0\r\n\r\n", 300 * 1024, "x".repeat(300 * 1024));
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn no_more_is_read_at_once_than_there_is_room_for() {
    // One caller has an eighth of it.
    let limits = Limits { bodies: 8 * 1024 * 1024, ..limits() };
    let stack = Stack::begin(tempfile::tempdir().unwrap(), NOON, limits, &[]).await;
    stack.manifest().await;
    let home = stack.default_organization().await;
    let token = stack.token(&home, None, ALL_SCOPES, None).await;
    let fields = bearer(&stack.admin);
    let sending = Sending::begin(&stack, "/v1/keys:batch", &fields, 1024 * 1024).await.ok().unwrap();
    let refused = Sending::begin(&stack, "/v1/keys", &fields, KEY.len()).await.err().unwrap();
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("\"no_room\""), "{refused}");
    assert!(refused.contains("retry-after: 1\r\n"), "{refused}");
    let other = Sending::begin(&stack, "/v1/keys", &bearer(&token), KEY.len()).await.ok().unwrap();
    let answer = other.end(KEY).await;
    assert!(answer.starts_with("HTTP/1.1 201"), "others have room: {answer}");
    drop(sending);
    let key = json!({ "name": "later", "environment": "live" });
    eventually("room again", async || stack.post("/v1/keys", key.clone()).await.status == 201).await;
}

#[tokio::test]
async fn whoever_may_not_is_refused_before_they_send_much() {
    let stack = Stack::start().await;
    let home = stack.default_organization().await;
    let acme = stack.organization("acme").await;
    let viewer = stack.person(&home, "viewer").await;
    let elsewhere = stack.person(&acme, "owner").await;
    let without = stack.token(&home, None, "metrics:read", None).await;
    for (token, path) in [
        (&viewer.token, "/v1/keys:batch"),
        (&viewer.token, "/v1/keys:import"),
        (&viewer.token, "/v1/policy"),
        (&without, "/v1/policy:check"),
        (&elsewhere.token, "/v1/policy"),
    ] {
        let refused = Sending::begin(&stack, path, &bearer(token), 4_000_000).await.err().unwrap();
        assert!(refused.starts_with("HTTP/1.1 403") && refused.contains("\"forbidden\""), "{path}: {refused}");
    }
    let much = vec![b'x'; 4_000_000];
    let told = stack.send(Method::POST, "/v1/keys:import", Some(&viewer.token), Some(&much)).await;
    assert_eq!(told.status, 403, "whoever sends without asking is told all the same");
    let browser = stack.signed_in(&home, &viewer).await;
    for path in ["/keys/import", "/policy/preview", "/policy/publish"] {
        let refused = Sending::begin(&stack, path, &browser.cookie_field(), 4_000_000).await.err().unwrap();
        assert!(refused.starts_with("HTTP/1.1 403"), "{path}: {refused}");
    }
}

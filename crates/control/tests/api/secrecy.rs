//! No key and no token in a log line, an error or the database file.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Method;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use super::people::PASSWORD;
use crate::stack::Stack;

/// Everything that was logged, at every level, by every crate.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn restricted(kind: &str, list: &str, entry: &str) -> serde_json::Value {
    let mut spec = json!({ list: [entry] });
    if list == "deny" {
        spec["allow"] = json!([]);
    }
    json!({ "restrictions": { kind: spec } })
}

/// A key to import, with that in one of its members.
fn imported(member: &str, text: &str) -> serde_json::Value {
    let mut key = json!({ "name": "x", "sha256": "0".repeat(64), "prefix": "sk_live_" });
    key[member] = text.into();
    key
}

/// Uses the whole API, with keys also where they do not belong; returns every secret there was.
async fn use_everything(stack: &Stack) -> Vec<String> {
    let mut secrets = vec![stack.admin.clone(), stack.edge.clone()];
    let mut keep = |answer: serde_json::Value| {
        secrets.push(answer["key"].as_str().unwrap().to_owned());
        answer["id"].as_str().unwrap().to_owned()
    };
    let id = keep(stack.key("till").await);
    let rotated = stack.post(&format!("/v1/keys/{id}/rotate"), json!({ "overlap_seconds": 60 })).await.json();
    keep(rotated);
    let batch = stack.post("/v1/keys:batch", json!({ "keys": [{ "name": "a", "environment": "test" }] })).await.json();
    keep(batch["data"][0].clone());
    let home = stack.default_organization().await;
    let link = stack.invite(&home, "admin", "ada@example.com").await;
    assert_eq!(stack.accept(&link, "ada@example.com", PASSWORD).await.status, 201);
    let token = json!({ "name": "ci", "kind": "service", "scopes": ["keys:read"] });
    let token = stack.post("/v1/tokens", token).await.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(stack.by(&token, Method::GET, "/v1/keys", None).await.status, 200);
    let webhook = stack.post("/v1/webhooks", json!({ "url": "http://127.0.0.1:9/u-7f3a9c" })).await.json();
    let signing = webhook["secret"].as_str().unwrap().to_owned();
    let path = format!("/v1/webhooks/{}", webhook["id"].as_str().unwrap());
    let sent = stack.post(&format!("{path}/test"), json!({})).await;
    assert_eq!(sent.status, 202);
    crate::stack::eventually("an attempt", async || {
        stack.get(&format!("{path}/deliveries")).await.json()["data"][0]["attempts"] == 1
    })
    .await;
    for (method, path, body) in [
        (Method::POST, "/v1/webhooks".to_owned(), json!({ "url": format!("https://a.example/{token}") })),
        (Method::POST, "/v1/webhooks".to_owned(), json!({ "url": signing })),
        (Method::PATCH, path, json!({ "events": [signing] })),
        (Method::POST, "/v1/tokens".to_owned(), json!({ "name": signing, "kind": "service" })),
    ] {
        let answer = stack.admin(method, &path, Some(body)).await;
        let text = String::from_utf8_lossy(&answer.bytes).into_owned();
        assert!(answer.status >= 400, "{path}: {text}");
        assert!([&signing, &token].iter().all(|secret| !text.contains(secret.as_str())), "{path}: {text}");
    }
    for (path, body) in [
        (format!("/v1/organizations/{home}/invitations"), json!({ "role": "viewer", "email": format!("{link}@x.yz") })),
        ("/v1/tokens".to_owned(), json!({ "name": token, "kind": "service" })),
        ("/v1/tokens".to_owned(), json!({ "name": "x", "kind": "service", "scopes": [token] })),
        (format!("/v1/tokens?organization={token}"), json!({ "name": "x", "kind": link })),
        ("/v1/invitations:accept".to_owned(), json!({ "token": token, "email": link, "password": PASSWORD })),
        ("/v1/invitations:accept".to_owned(), json!({ "token": { &token: PASSWORD }, "password": PASSWORD })),
    ] {
        let answer = stack.post(&path, body).await;
        let text = String::from_utf8_lossy(&answer.bytes).into_owned();
        assert!(answer.status >= 400, "{path}: {}", answer.status);
        assert!([&*link, &token, PASSWORD].iter().all(|secret| !text.contains(secret)), "{path}: {text}");
    }
    secrets.extend([link, token, signing, PASSWORD.to_owned()]);
    let pasted = secrets[2].clone();
    for (method, path, body) in [
        (Method::GET, format!("/v1/keys/{pasted}"), json!({})),
        (Method::DELETE, format!("/v1/keys/{pasted}"), json!({})),
        (Method::GET, format!("/v1/{pasted}"), json!({})),
        (Method::GET, format!("/v1/keys?cursor={pasted}"), json!({})),
        (Method::GET, format!("/v1/keys?status={pasted}"), json!({})),
        (Method::DELETE, format!("/v1/api-keys/{pasted}"), json!({})),
        (Method::GET, format!("/v1/keys?q={pasted}"), json!({})),
        (Method::GET, format!("/v1/keys?q=x{pasted}"), json!({})),
        (Method::POST, "/v1/keys:find".to_owned(), json!({ &pasted: 1 })),
        (Method::POST, "/v1/keys:find".to_owned(), json!({ "key": format!("{pasted}x") })),
        (Method::POST, "/v1/keys:import".to_owned(), json!({ "keys": [imported("sha256", &pasted)] })),
        (Method::POST, "/v1/keys:import".to_owned(), json!({ "keys": [imported("prefix", &pasted)] })),
        (Method::POST, "/v1/keys:import".to_owned(), json!({ "keys": [imported("display", &pasted)] })),
        (Method::POST, "/v1/keys:import".to_owned(), json!({ "keys": [imported("environment", &pasted)] })),
        (Method::PATCH, format!("/v1/keys/{id}"), json!({ "metadata": { "note": pasted } })),
        (Method::PATCH, format!("/v1/keys/{id}"), json!({ "metadata": { &pasted: "x" } })),
        (Method::PUT, format!("/v1/keys/{id}/trial"), json!({ "scopes": [pasted] })),
        (Method::PUT, format!("/v1/keys/{id}/trial"), restricted("endpoint", "allow", &format!("GET /{pasted}"))),
        (Method::POST, "/v1/explain".to_owned(), json!({ "key": pasted, "method": "GET", "path": "/v1/x" })),
        (
            Method::POST,
            "/v1/explain".to_owned(),
            json!({ "key": id, "method": "GET", "path": format!("/v1/{pasted}") }),
        ),
        (Method::POST, "/v1/keys".to_owned(), json!({ "name": pasted, "environment": "live" })),
        (Method::POST, "/v1/keys".to_owned(), json!({ "name": "x", "environment": pasted })),
        (Method::POST, "/v1/keys".to_owned(), json!({ "name": "x", "environment": "live", "scopes": [pasted] })),
        (Method::POST, "/v1/keys".to_owned(), json!({ "name": "x", "environment": "live", "expires_at": pasted })),
        (Method::POST, "/v1/keys".to_owned(), json!({ "name": "x", "environment": "live", "organization": pasted })),
        (Method::POST, "/v1/keys".to_owned(), json!({ &pasted: pasted })),
        (Method::POST, "/v1/organizations".to_owned(), json!({ "name": pasted })),
        (Method::PATCH, format!("/v1/keys/{id}"), json!({ "name": format!("key {pasted}") })),
        (Method::PATCH, format!("/v1/keys/{id}"), restricted("ip", "allow", &pasted)),
        (Method::PATCH, format!("/v1/keys/{id}"), restricted("ip", "deny", &pasted)),
        (
            Method::PATCH,
            format!("/v1/keys/{id}"),
            restricted("referrer", "allow", &format!("https://{pasted}.example/")),
        ),
        (Method::PATCH, format!("/v1/keys/{id}"), restricted("endpoint", "allow", &format!("GET /v1/{pasted}"))),
    ] {
        let answer = stack.admin(method.clone(), &path, Some(body)).await;
        assert!(answer.status >= 400, "{method} {}", answer.status);
        assert!(!String::from_utf8_lossy(&answer.bytes).contains(&pasted), "{method}: {}", answer.json());
    }
    assert_eq!(stack.post("/v1/keys:find", json!({ "key": pasted })).await.json()["id"], id);
    stack.send(Method::GET, "/v1/keys", Some(&pasted), None).await;
    let told = stack.report(json!({
        "edge": "e", "vm": "1", "applied_version": 1, "errors": [format!("refused {pasted}")], "denied": { &pasted: 1 },
        "last_used": { &pasted: 1 },
        "samples": [{
            "key": id, "kind": "observe", "reason": pasted, "address": pasted, "referrer": format!("https://a/{pasted}?k={pasted}"),
            "method": pasted, "path": format!("/v1/{pasted}/x"), "count": 1,
        }],
        "denials": [{
            "request_id": pasted, "at": 1, "reason": pasted, "key": pasted, "method": pasted, "path": format!("/{pasted}"),
        }],
    }));
    assert_eq!(told.await.status, 204);
    let observed = stack.get(&format!("/v1/keys/{id}/observations")).await.json();
    assert_eq!(observed["data"][0]["path"], "/v1/***/x");
    secrets
}

/// Enters values as plain REST does, also where they do not belong; returns them.
async fn enter_values(stack: &Stack) -> Vec<String> {
    let (canary, second) = ("Canary-7f3a9c-in-a-mine".to_owned(), "Canary-51d00b-in-a-mine".to_owned());
    let key = portcullis_seal::PrivateKey::from_bytes([1; 32]).public().to_string();
    assert_eq!(stack.post("/v1/edge-keys", json!({ "public_key": key })).await.status, 201);
    let named = |name: &str, value: serde_json::Value| json!({ "name": "x", "team": true, name: value });
    let path = "/v1/secrets".to_owned();
    let body = json!({ "name": "canary", "team": true, "value": canary }).to_string();
    let made = stack.send_with(Method::POST, &path, &[("idempotency-key", "canary")], body.as_bytes()).await;
    assert_eq!(made.status, 201, "{}", made.json());
    let own = format!("{path}/{}", made.json()["id"].as_str().unwrap());
    let replaced = stack.admin(Method::PUT, &format!("{own}/value"), Some(json!({ "value": second }))).await;
    let mut answers = vec![made, replaced, stack.get(&own).await, stack.get("/v1/audit").await];
    assert!(answers.iter().all(|it| it.status < 400));
    for (method, path, body) in [
        (Method::POST, &path, named("value", json!([canary]))),
        (Method::POST, &path, named("value", json!({ &canary: 1 }))),
        (Method::POST, &path, named(&canary, json!(1))),
        (Method::POST, &path, named("sealed", json!(canary))),
        (Method::POST, &path, named("sealed", json!({ &canary: "AAAA" }))),
        (Method::POST, &path, named("sealed", json!({ "0000000000000000": canary }))),
        (Method::POST, &path, named("value", json!(format!("{canary}\n")))),
        (Method::POST, &path, json!({ "name": canary, "team": true, "value": canary })),
        (Method::POST, &path, json!({ "name": "x", "team": true, "value": canary, "description": canary })),
        (Method::POST, &path, json!({ "name": "x", "team": canary, "value": canary })),
        (Method::POST, &path, json!({ "name": "x", "team": true, "value": canary, "organization": canary })),
        (Method::POST, &path, json!(canary)),
        (Method::POST, &path, json!([canary])),
        (Method::PATCH, &own, json!({ "value": canary })),
        (Method::PATCH, &own, json!({ "description": { &canary: 1 } })),
        (Method::PUT, &format!("{own}/value"), json!(canary)),
        (Method::PUT, &format!("{own}/value"), json!({ &canary: canary })),
        (Method::PUT, &format!("{path}/{canary}/value"), json!({ "value": canary })),
        (Method::GET, &format!("{path}?unsealed={canary}"), json!({})),
        (Method::POST, &"/v1/edge-keys".to_owned(), json!({ "public_key": canary })),
        (Method::POST, &"/v1/edge-keys".to_owned(), json!({ &canary: canary })),
    ] {
        let answer = stack.admin(method.clone(), path, Some(body.clone())).await;
        assert!(answer.status >= 400, "{method} {path} {body}: {}", answer.status);
        answers.push(answer);
    }
    for text in [canary.clone(), format!("{{\"value\":{canary}"), format!("{{\"value\":\"{canary}")] {
        answers.push(stack.send(Method::POST, &path, Some(&stack.admin), Some(text.as_bytes())).await);
    }
    for answer in answers {
        let told = String::from_utf8_lossy(&answer.bytes).into_owned();
        assert!(!told.contains("-in-a-mine"), "{told}");
    }
    vec![canary, second]
}

#[tokio::test]
async fn no_secret_is_logged_or_stored() {
    let log = Log::default();
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).init();
    let stack = Stack::start().await;
    let mut secrets = use_everything(&stack).await;
    secrets.extend(enter_values(&stack).await);
    let mut places = vec![("log".to_owned(), log.0.lock().unwrap().clone())];
    assert!(places[0].1.windows(8).any(|it| it == b"answered"), "the test must see the log");
    places.extend(crate::stored::contents(stack.folder.path()).await);
    assert!(places.len() > 1, "the test must see the database");
    for secret in &secrets {
        for (place, bytes) in &places {
            let within = |text: &[u8]| bytes.windows(text.len()).any(|it| it == text);
            // PostgreSQL shows bytes in hex.
            let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            let found = within(secret.as_bytes()) || within(hex.as_bytes());
            assert!(!found, "{}... is in the {place}", secret.get(..6).unwrap());
        }
    }
}

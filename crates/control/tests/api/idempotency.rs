//! `Idempotency-Key`: sent again, made once; and nothing of it can be read in the database.

use reqwest::Method;
use serde_json::{Value, json};

use super::people::Person;
use super::stack::{Answer, NOON, Stack};

const BODY: &str = r#"{"name":"till","environment":"live"}"#;

async fn post(stack: &Stack, path: &str, key: &str, body: &str) -> Answer {
    stack.send_with(Method::POST, path, &[("idempotency-key", key)], body.as_bytes()).await
}

async fn count(stack: &Stack) -> usize {
    stack.get("/v1/keys?limit=1000").await.json()["data"].as_array().unwrap().len()
}

#[tokio::test]
async fn what_is_sent_again_is_made_once() {
    let stack = Stack::start().await;
    let key = stack.key("first").await["id"].as_str().unwrap().to_owned();
    let default = stack.default_organization().await;
    let digest = "0".repeat(64);
    for (path, body) in [
        ("/v1/keys".to_owned(), json!({ "name": "x", "environment": "live" })),
        ("/v1/keys:batch".to_owned(), json!({ "keys": [{ "name": "x", "environment": "live" }] })),
        ("/v1/keys:import".to_owned(), json!({ "keys": [{ "name": "x", "sha256": digest, "prefix": "sk_live_" }] })),
        (format!("/v1/keys/{key}/rotate"), json!({ "overlap_seconds": 60 })),
        ("/v1/organizations".to_owned(), json!({ "name": "acme" })),
        (format!("/v1/organizations/{default}/invitations"), json!({ "role": "viewer", "email": "a@example.com" })),
        ("/v1/tokens".to_owned(), json!({ "name": "robot", "kind": "service", "scopes": ["keys:read"] })),
    ] {
        let (body, key) = (body.to_string(), path.replace(['/', ':'], "-"));
        let once = post(&stack, &path, &key, &body).await;
        assert_eq!((once.status, once.header("idempotency-replayed")), (201, ""), "{path}: {}", once.json());
        let again = post(&stack, &path, &key, &body).await;
        assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"), "{path}: {}", again.json());
        assert_eq!(again.bytes, once.bytes, "{path}");
    }
}

#[tokio::test]
async fn the_same_key_brings_the_same_answer_until_a_day_has_passed() {
    let stack = Stack::start().await;
    let made = post(&stack, "/v1/keys", "one", BODY).await;
    assert_eq!((made.status, made.header("idempotency-replayed")), (201, ""));
    let same = |answer: &Answer| {
        assert_eq!((answer.status, answer.header("idempotency-replayed")), (201, "true"), "{}", answer.json());
        assert_eq!((&answer.bytes, answer.version()), (&made.bytes, made.version()));
        assert_eq!(answer.header("content-type"), made.header("content-type"));
    };
    same(&post(&stack, "/v1/keys", "one", BODY).await);
    for (path, key, body, status, code) in [
        ("/v1/keys", "one", r#"{"name":"other","environment":"live"}"#, 422, "idempotency_key_reused"),
        ("/v1/keys:batch", "one", BODY, 422, "idempotency_key_reused"),
        ("/v1/keys", "", BODY, 400, "malformed_request"),
        ("/v1/keys", "two words", BODY, 400, "malformed_request"),
        ("/v1/keys", &"x".repeat(256), BODY, 400, "malformed_request"),
    ] {
        let answer = post(&stack, path, key, body).await;
        assert_eq!((answer.status, &answer.json()["code"]), (status, &json!(code)), "{path} {key}");
    }
    let home = stack.default_organization().await;
    let Person { token, .. } = stack.person(&home, "member").await;
    let fields = [("idempotency-key", "one"), ("authorization", &format!("Bearer {token}"))];
    let theirs = stack.send_with(Method::POST, "/v1/keys", &fields, BODY.as_bytes()).await;
    assert_eq!((theirs.status, theirs.header("idempotency-replayed")), (201, ""), "somebody else's key is another");
    assert_ne!(theirs.json()["id"], made.json()["id"]);
    assert_eq!(count(&stack).await, 2);

    let stack = Stack::resume(stack.kill().await, NOON + 24 * 60 * 60 - 1).await;
    same(&post(&stack, "/v1/keys", "one", BODY).await);
    stack.pass(1);
    let new = post(&stack, "/v1/keys", "one", BODY).await;
    assert_eq!((new.status, new.header("idempotency-replayed")), (201, ""));
    assert_ne!(new.json()["id"], made.json()["id"]);
}

#[tokio::test]
async fn what_was_refused_can_be_tried_again() {
    let stack = Stack::start().await;
    let wrong = r#"{"name":"till","environment":"moon"}"#;
    for _ in 0..2 {
        let answer = post(&stack, "/v1/keys", "one", wrong).await;
        assert_eq!((answer.status, answer.header("idempotency-replayed")), (422, ""));
    }
    assert_eq!(post(&stack, "/v1/keys", "one", BODY).await.status, 201);
}

#[tokio::test]
async fn of_many_at_once_one_is_carried_out() {
    let stack = Stack::start().await;
    let send = || post(&stack, "/v1/keys", "one", BODY);
    let answers: [Answer; 4] = tokio::join!(send(), send(), send(), send()).into();
    for answer in &answers {
        let code = answer.json()["code"].clone();
        assert!(answer.status == 201 || (answer.status == 409 && code == "idempotency_key_in_use"), "{code}");
        if answer.status == 409 {
            assert_eq!(answer.header("retry-after"), "1");
        }
    }
    assert_eq!(count(&stack).await, 1);
    // Whoever died while carrying it out does not keep the key for ever.
    stack.sql("UPDATE kept_answers SET answer = NULL").await;
    assert_eq!(post(&stack, "/v1/keys", "one", BODY).await.status, 409);
    stack.pass(120);
    assert_eq!(post(&stack, "/v1/keys", "one", BODY).await.status, 201);
}

#[tokio::test]
async fn the_database_alone_reveals_neither_a_key_nor_whose_answer_it_is() {
    let stack = Stack::start().await;
    let made = post(&stack, "/v1/keys", "a-very-recognisable-idempotency-key", BODY).await.json();
    let key = made["key"].as_str().unwrap().to_owned();
    let body = key.strip_prefix("sk_live_").unwrap().to_owned();
    let folder = stack.stop().await;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for secret in [key.as_str(), &body, "a-very-recognisable-idempotency-key"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds {secret}", path.display());
        }
    }
    let stack = Stack::resume(folder, NOON).await;
    let again: Value = post(&stack, "/v1/keys", "a-very-recognisable-idempotency-key", BODY).await.json();
    assert_eq!(again["key"].as_str(), Some(key.as_str()));
}

//! Apps: what can be registered, and what is told of it.

use reqwest::Method;
use serde_json::{Value, json};

use super::people::unique;
use crate::stack::Stack;

/// A policy with access tokens.
pub(crate) const POLICY: &str = r#"
name = "test"
environments = ["live", "test"]
scopes = ["skills:read", "skills:write", "models:read"]
credentials = [{ in = "header", name = "authorization", scheme = "Bearer" }]
keys = [
    { prefix = "sk_live_", environment = "live", body_length = 24 },
    { prefix = "sk_test_", environment = "test", body_length = 24 },
]
rules = [{ path = "/v1/**" }]

[tokens]
audience = "https://api.example.com"
"#;

pub(crate) const CALLBACK: &str = "https://app.example.com/cb";

/// A control plane whose policy has access tokens.
pub(crate) async fn stack() -> Stack {
    Stack::resume_with_policy(tempfile::tempdir().unwrap(), crate::stack::NOON, Some(POLICY)).await
}

/// An app that may ask for all that the policy has, with more as given.
pub(crate) async fn app(stack: &Stack, more: Value) -> Value {
    let mut body = json!({ "name": "Studio", "redirect_uris": [CALLBACK], "scopes": ["skills:*", "models:read"] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = stack.post("/v1/apps", body).await;
    assert_eq!(made.status, 201, "{}", made.json());
    made.json()
}

#[tokio::test]
async fn what_can_be_registered() {
    let stack = stack().await;
    for (more, pointer) in [
        (json!({}), None),
        (json!({ "public": true, "everyone": true, "environments": ["test"] }), None),
        (json!({ "redirect_uris": ["http://127.0.0.1/cb", "http://[::1]:9/cb", "com.example.app:/cb"] }), None),
        (json!({ "name": "" }), Some("/name")),
        (json!({ "name": "sk_live_000000000000000000000000" }), Some("/name")),
        (json!({ "redirect_uris": [] }), Some("/redirect_uris")),
        (json!({ "redirect_uris": [CALLBACK, "http://app.example.com/cb"] }), Some("/redirect_uris/1")),
        (json!({ "redirect_uris": ["https://*.example.com/cb"] }), Some("/redirect_uris/0")),
        (json!({ "redirect_uris": ["https://a.example/cb#x"] }), Some("/redirect_uris/0")),
        (json!({ "redirect_uris": ["https://u@a.example/cb"] }), Some("/redirect_uris/0")),
        (json!({ "redirect_uris": ["javascript:alert(1)"] }), Some("/redirect_uris/0")),
        (
            json!({ "redirect_uris": ["https://a.example/?k=sk_live_000000000000000000000000"] }),
            Some("/redirect_uris/0"),
        ),
        (json!({ "scopes": ["skills:read", "nosuch:read"] }), Some("/scopes/1")),
        (json!({ "environments": ["live", "nosuch"] }), Some("/environments/1")),
        (json!({ "environments": [] }), Some("/environments")),
    ] {
        let mut body = json!({ "name": "x", "redirect_uris": [CALLBACK] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = stack.post("/v1/apps", body).await;
        let expected = if pointer.is_some() { 422 } else { 201 };
        assert_eq!(answer.status, expected, "{more}: {}", answer.json());
        assert_eq!(answer.json()["pointer"].as_str(), pointer, "{more}");
    }
}

#[tokio::test]
async fn without_tokens_in_the_policy_there_are_no_apps() {
    let stack = Stack::start().await;
    let refused = stack.post("/v1/apps", json!({ "name": "x", "redirect_uris": [CALLBACK] })).await;
    assert_eq!((refused.status, refused.json()["pointer"].as_str()), (422, Some("")));
    let expected = "the policy mints no access tokens, so an app would be of no use\nhint: add `[tokens]` with an `audience` \
                    to the policy";
    assert_eq!(refused.json()["detail"], expected);
}

#[tokio::test]
async fn an_app_s_secret_is_shown_once_and_again_only_as_another() {
    let stack = stack().await;
    let made = app(&stack, json!({})).await;
    let (path, secret) = (format!("/v1/apps/{}", made["id"].as_str().unwrap()), made["secret"].as_str().unwrap());
    assert!(secret.starts_with("secret_") && secret.len() == 47, "{secret}");
    let rotated = stack.post(&format!("{path}/rotate"), json!({})).await.json();
    let next = rotated["secret"].as_str().unwrap();
    assert_ne!(next, secret);
    for path in [path.as_str(), "/v1/apps", "/v1/audit"] {
        let text = String::from_utf8(stack.get(path).await.bytes).unwrap();
        assert!(!text.contains(secret) && !text.contains(next), "{path}: {text}");
    }
    let public = app(&stack, json!({ "public": true })).await;
    assert_eq!((public["secret"].is_null(), &public["public"]), (true, &json!(true)));
    let rotated = stack.post(&format!("/v1/apps/{}/rotate", public["id"].as_str().unwrap()), json!({})).await;
    assert_eq!(rotated.status, 422, "{}", rotated.json());
}

#[tokio::test]
async fn an_app_is_changed_and_revoked_for_good() {
    let stack = stack().await;
    let path = format!("/v1/apps/{}", app(&stack, json!({})).await["id"].as_str().unwrap());
    let change = json!({ "name": "Other", "redirect_uris": ["https://b.example/cb"], "scopes": ["skills:read"] });
    let changed = stack.patch(&path, change.clone()).await.json();
    for member in ["name", "redirect_uris", "scopes"] {
        assert_eq!(changed[member], change[member]);
    }
    assert_eq!(stack.patch(&path, json!({ "environments": ["test"] })).await.json()["environments"], json!(["test"]));
    for (body, status) in
        [(json!({ "name": null }), 422), (json!({ "scopes": ["x:y"] }), 422), (json!({ "id": "x" }), 400)]
    {
        assert_eq!(stack.patch(&path, body.clone()).await.status, status, "{body}");
    }
    let stale = stack.send_with(Method::PATCH, &path, &[("if-match", "\"stale\"")], b"{\"name\":\"y\"}").await;
    assert_eq!(stale.status, 412);
    let revoked = stack.delete(&path).await;
    assert!(revoked.status == 200 && revoked.json()["revoked_at"].is_string() && revoked.version() > 0);
    assert_eq!(stack.delete(&path).await.status, 200, "again changes nothing");
    assert_eq!(stack.patch(&path, json!({ "name": "z" })).await.status, 422);
    let told = stack.get("/v1/audit?action=app").await.json();
    let actions: Vec<_> = told["data"].as_array().unwrap().iter().map(|it| it["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["app.revoked", "app.updated", "app.updated", "app.created"]);
}

#[tokio::test]
async fn an_organisation_registers_so_many() {
    let stack = stack().await;
    let home = stack.default_organization().await;
    let made = app(&stack, json!({})).await;
    for _ in 0..99 {
        stack
            .run(format!(
                "INSERT INTO apps SELECT 'app_{}', organization, name, secret, redirect_uris, scopes, environments, \
                 everyone, created_by, created_at, revoked_at, last_used, revision FROM apps WHERE id = '{}'",
                unique(),
                made["id"].as_str().unwrap()
            ))
            .await;
    }
    let body = json!({ "name": "x", "redirect_uris": [CALLBACK], "organization": home });
    assert_eq!(stack.post("/v1/apps", body).await.status, 422);
    let (mut cursor, mut seen) = (String::new(), 0);
    loop {
        let page = stack.get(&format!("/v1/apps?limit=40{cursor}")).await.json();
        seen += page["data"].as_array().unwrap().len();
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, 100);
}

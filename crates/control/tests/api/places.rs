//! What stands for `{…}` in the tables of routes and pages: ids of rows, fresh for each request.

use portcullis_seal::PrivateKey;
use reqwest::Method;
use serde_json::{Value, json};

use super::people::unique;
use crate::stack::Stack;

/// Puts ids of fresh rows of an organisation in place of `{…}`.
pub(crate) async fn filled(stack: &Stack, organization: &str, text: &str) -> String {
    let mut text = text
        .replace("{org}", organization)
        .replace("{policy}", "1")
        .replace("{asset}", "portcullis.css")
        .replace("{digest}", &"0".repeat(64));
    if text.contains("{delivery}") {
        let webhook = webhook(stack, organization).await;
        let sent = stack.post(&format!("/v1/webhooks/{webhook}/test"), json!({})).await.json();
        text = text.replace("{webhook}", &webhook).replace("{delivery}", sent["id"].as_str().unwrap());
    }
    for name in [
        "key",
        "issuer",
        "webhook",
        "tried",
        "version",
        "denial",
        "sha256",
        "viewer",
        "owner",
        "invitation",
        "token",
        "plan",
        "fresh",
        "public_key",
        "edge_key",
        "secret",
        "skill",
        "published",
        "installed",
        "app",
        "grant",
    ] {
        let place = format!("{{{name}}}");
        if text.contains(&place) {
            let id = match name {
                "key" => key(stack, organization).await,
                "issuer" => issuer(stack, organization).await,
                "webhook" => webhook(stack, organization).await,
                "tried" => {
                    let key = key(stack, organization).await;
                    let path = format!("/v1/keys/{key}/trial");
                    assert_eq!(stack.admin(Method::PUT, &path, Some(json!({ "scopes": [] }))).await.status, 200);
                    key
                }
                "version" => {
                    let body = json!({ "name": "x", "environment": "live", "organization": organization });
                    stack.post("/v1/keys", body).await.version().to_string()
                }
                "denial" => denial(stack, organization).await,
                "app" => app(stack, organization).await,
                "grant" => grant(stack, organization).await,
                "fresh" => {
                    edge_key(stack).await;
                    unique()
                }
                "public_key" => public_key(stack).await,
                "edge_key" => {
                    let key = public_key(stack).await;
                    let made = stack.post("/v1/edge-keys", json!({ "public_key": key })).await.json();
                    made["id"].as_str().unwrap().to_owned()
                }
                "secret" => secret(stack, organization).await,
                "skill" => skill(stack, organization).await,
                "published" => published(stack, organization).await,
                "installed" => installed(stack, organization).await,
                "sha256" => format!("{:0>64}", unique()),
                "plan" => {
                    let body = json!({ "name": format!("{:0>64}", unique()) });
                    stack.post("/v1/plans", body).await.json()["name"].as_str().unwrap().to_owned()
                }
                "invitation" => {
                    let path = format!("/v1/organizations/{organization}/invitations");
                    let made = stack.post(&path, json!({ "role": "viewer", "email": "new@example.com" })).await.json();
                    made["id"].as_str().unwrap().to_owned()
                }
                "token" => {
                    let body = json!({ "name": unique(), "kind": "service", "organization": organization });
                    stack.post("/v1/tokens", body).await.json()["id"].as_str().unwrap().to_owned()
                }
                role => stack.person(organization, role).await.id,
            };
            text = text.replace(&place, &id);
        }
    }
    text
}

async fn key(stack: &Stack, organization: &str) -> String {
    let body = json!({ "name": "x", "environment": "live", "organization": organization });
    stack.post("/v1/keys", body).await.json()["id"].as_str().unwrap().to_owned()
}

async fn app(stack: &Stack, organization: &str) -> String {
    let body = json!({ "name": "x", "redirect_uris": ["https://a.example/cb"], "organization": organization });
    let made = stack.post("/v1/apps", body).await;
    assert_eq!(made.status, 201, "{}", made.json());
    made.json()["id"].as_str().unwrap().to_owned()
}

/// What a new member allowed an app.
async fn grant(stack: &Stack, organization: &str) -> String {
    let (key, app) = (key(stack, organization).await, app(stack, organization).await);
    let person = stack.person(organization, "member").await.id;
    stack.run(format!("INSERT INTO grants VALUES ('{key}', '{app}', '{person}', '{organization}', '', 1)")).await;
    key
}

/// An issuer whose keys cannot be fetched; it is past the routes, so that the policy need not accept tokens.
async fn issuer(stack: &Stack, organization: &str) -> String {
    let id = key(stack, organization).await;
    stack
        .run(format!(
            "INSERT INTO issuers (key_id, issuer, audiences, types, jwks_uri, scope_claim, scope_map, jwks, fetched_at, \
             next_fetch_ms, failures, problem, changed_in) VALUES ('{id}', 'https://{id}.example', '[\"x\"]', \
             '[\"jwt\"]', 'http://127.0.0.1:9/', 'scope', '{{}}', '[]', 1, 9000000000000, 0, NULL, 1)"
        ))
        .await;
    id
}

/// A public key for edges that nobody has the other half of, and room for it.
async fn public_key(stack: &Stack) -> String {
    stack.run("DELETE FROM secret_boxes".to_owned()).await;
    stack.run("DELETE FROM edge_keys".to_owned()).await;
    let seed = unique().as_bytes().repeat(2);
    PrivateKey::from_bytes(seed.try_into().unwrap()).public().to_string()
}

/// Something to seal values to.
async fn edge_key(stack: &Stack) {
    if stack.get("/v1/edge-keys").await.json()["data"] == json!([]) {
        let key = public_key(stack).await;
        assert_eq!(stack.post("/v1/edge-keys", json!({ "public_key": key })).await.status, 201);
    }
}

/// What the administrator makes for the whole organisation; its id.
async fn made(stack: &Stack, path: &str, organization: &str, mut body: Value) -> String {
    body["name"] = json!(format!("s{}", unique()));
    body["team"] = json!(true);
    body["organization"] = json!(organization);
    let made = stack.post(path, body).await;
    assert_eq!(made.status, 201, "{}", made.json());
    made.json()["id"].as_str().unwrap().to_owned()
}

pub(crate) async fn secret(stack: &Stack, organization: &str) -> String {
    edge_key(stack).await;
    made(stack, "/v1/secrets", organization, json!({ "value": "correct horse" })).await
}

pub(crate) async fn skill(stack: &Stack, organization: &str) -> String {
    made(stack, "/v1/skills", organization, json!({})).await
}

async fn published(stack: &Stack, organization: &str) -> String {
    let id = skill(stack, organization).await;
    assert_eq!(stack.post(&format!("/v1/skills/{id}/publish"), json!({})).await.status, 200);
    id
}

async fn installed(stack: &Stack, organization: &str) -> String {
    let original = published(stack, organization).await;
    made(stack, &format!("/v1/skills/{original}/install"), organization, json!({})).await
}

/// One that nobody listens to. There are never too many.
pub(crate) async fn webhook(stack: &Stack, organization: &str) -> String {
    stack.run(format!("DELETE FROM webhooks WHERE organization = '{organization}'")).await;
    let body = json!({ "url": "http://127.0.0.1:9/x", "organization": organization });
    stack.post("/v1/webhooks", body).await.json()["id"].as_str().unwrap().to_owned()
}

/// The id of a request that an edge refused a key of the organisation.
pub(crate) async fn denial(stack: &Stack, organization: &str) -> String {
    let request_id = unique();
    let denial = json!({
        "request_id": request_id, "at": stack.now(), "reason": "revoked_key", "method": "GET", "path": "/v1/x",
        "key": key(stack, organization).await, "organization": organization, "address": "192.0.2.1",
    });
    let report = json!({ "edge": "edge-1", "vm": "1", "applied_version": 1, "denials": [denial] });
    assert_eq!(stack.report(report).await.status, 204);
    request_id
}

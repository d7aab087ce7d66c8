//! Other people's issuers: a real server publishes keys, changes them, answers nonsense and is silent; the bundle says whose
//! tokens count.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use portcullis_engine::KeyStore as _;
use portcullis_token::{Algorithm, Claims, TokenKey};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::minting::{AUDIENCE, minting};
use crate::stack::{Stack, eventually};

const CONFIGURATION: &str = "/.well-known/openid-configuration";

/// Somebody's identity provider: what is at which path, and what was asked for.
#[derive(Clone)]
struct Provider {
    url: String,
    pages: Arc<Mutex<BTreeMap<String, (u16, String)>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Provider {
    /// One that publishes these keys.
    async fn start(keys: &[&TokenKey]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let it = Self { url: url.clone(), pages: Arc::default(), asked: Arc::default() };
        let routes = axum::Router::new().fallback(answer).with_state(it.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        it.put(CONFIGURATION, 200, json!({ "issuer": url, "jwks_uri": format!("{url}/keys"), "more": 1 }).to_string());
        it.publish(keys);
        it
    }

    fn put(&self, path: &str, status: u16, body: impl Into<String>) {
        self.pages.lock().unwrap().insert(path.to_owned(), (status, body.into()));
    }

    fn publish(&self, keys: &[&TokenKey]) {
        let keys: Vec<_> = keys.iter().map(|key| serde_json::to_value(key.jwk()).unwrap()).collect();
        self.put("/keys", 200, json!({ "keys": keys }).to_string());
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

async fn answer(State(provider): State<Provider>, uri: Uri) -> Response {
    provider.asked.lock().unwrap().push(uri.path().to_owned());
    let found = provider.pages.lock().unwrap().get(uri.path()).cloned();
    let (status, body) = found.unwrap_or((404, String::new()));
    let headers = [("location", format!("{}/keys", provider.url))];
    (StatusCode::from_u16(status).unwrap(), headers, body).into_response()
}

fn key(seed: u8) -> TokenKey {
    TokenKey::generate(Algorithm::Es256, &[seed; 32]).unwrap()
}

/// A token of theirs. That it says what ours say means nothing.
fn token(stack: &Stack, issuer: &str, key: &TokenKey, scope: &str) -> String {
    key.sign(&Claims {
        iss: issuer.to_owned(),
        sub: "somebody".to_owned(),
        aud: AUDIENCE.to_owned(),
        client_id: "key_0000000000000000".to_owned(),
        grant: None,
        org: "org_0000000000000000".to_owned(),
        env: "test".to_owned(),
        scope: Some(scope.to_owned()),
        iat: stack.now(),
        exp: stack.now() + 600,
        jti: "x".to_owned(),
    })
}

/// What the published bundle makes of a token: the scopes that count, or why none do.
async fn judged(stack: &Stack, token: &str) -> String {
    let mut archive = stack.archive().await;
    let (_, mut keys) = archive.parts_mut();
    let found = keys.find_token(token.as_bytes(), stack.now());
    found.map_or_else(|reason| reason.as_str().to_owned(), |it| it.scopes.to_owned())
}

fn body(provider: &Provider) -> Value {
    let scopes = ["refunds:read", "payouts:read"];
    json!({ "name": "sso", "issuer": provider.url, "environment": "live", "scopes": scopes })
}

fn with(mut body: Value, member: &str, value: Value) -> Value {
    body[member] = value;
    body
}

/// Adds it; returns its path.
async fn add(stack: &Stack, body: Value) -> String {
    let made = stack.post("/v1/issuers", body).await;
    assert_eq!(made.status, 201, "{}", made.json());
    format!("/v1/issuers/{}", made.json()["id"].as_str().unwrap())
}

#[tokio::test]
async fn their_tokens_count_as_far_as_their_key_goes() {
    let (stack, one, two) = (minting().await, key(1), key(2));
    let provider = Provider::start(&[&one]).await;
    let path = add(&stack, body(&provider)).await;
    let good = token(&stack, &provider.url, &one, "refunds:read refunds:write");
    assert_eq!(judged(&stack, &good).await, "refunds:read", "what the key does not hold does not count");
    for (bad, reason) in [
        (token(&stack, &provider.url, &two, ""), "unknown_token_key"),
        (token(&stack, &format!("{}/", provider.url), &one, ""), "unknown_token_issuer"),
    ] {
        assert_eq!(judged(&stack, &bad).await, reason);
    }
    let shown = stack.get(&path).await.json();
    assert_eq!(shown["keys"], json!([{ "kid": one.kid(), "algorithm": "ES256" }]));
    assert_eq!((&shown["audiences"], &shown["types"]), (&json!([AUDIENCE]), &json!(["at+jwt", "jwt"])));
    assert_eq!((&shown["problem"], &shown["jwks_uri"]), (&Value::Null, &Value::Null));
    let listed = stack.get("/v1/issuers").await.json();
    assert_eq!(listed["data"], json!([shown]));
    let kinds = stack.get("/v1/keys?kind=issuer").await.json();
    assert_eq!(kinds["data"][0]["id"], shown["id"]);
    // Its key is a key: what is done to that is done to the issuer.
    let id = shown["id"].as_str().unwrap().to_owned();
    assert_eq!(stack.patch(&format!("/v1/keys/{id}"), json!({ "scopes": [] })).await.status, 200);
    assert_eq!(judged(&stack, &good).await, "");
    assert_eq!(stack.delete(&path).await.status, 200);
    assert_eq!(judged(&stack, &good).await, "unknown_token_issuer");
    assert_eq!(stack.get(&path).await.status, 404);
}

#[tokio::test]
async fn values_of_a_claim_stand_for_scopes() {
    let (stack, one) = (minting().await, key(1));
    let provider = Provider::start(&[&one]).await;
    let path = add(&stack, with(body(&provider), "scope_map", json!({ "cashier": ["refunds:read"] }))).await;
    let says = |scope: &str| token(&stack, &provider.url, &one, scope);
    assert_eq!(judged(&stack, &says("cashier payouts:read")).await, "refunds:read");
    let changed = json!({ "scope_map": { "cashier": ["payouts:read"] }, "audiences": ["x", AUDIENCE] });
    let changed = stack.patch(&path, changed).await;
    assert_eq!(changed.status, 200, "{}", changed.json());
    assert_eq!(judged(&stack, &says("cashier")).await, "payouts:read");
    assert_eq!(stack.patch(&path, json!({ "scope_map": null, "scope_claim": "client_id" })).await.status, 200);
    assert_eq!(judged(&stack, &says("cashier")).await, "");
    assert_eq!(stack.patch(&path, json!({ "types": ["jwt"] })).await.status, 200);
    assert_eq!(judged(&stack, &says("")).await, "token_type");
    assert_eq!(stack.patch(&path, json!({ "audiences": ["x"] })).await.status, 200);
    assert_eq!(judged(&stack, &says("")).await, "token_audience");
}

#[tokio::test]
async fn keys_are_fetched_again_and_the_last_good_ones_stay() {
    let (stack, one, two) = (minting().await, key(1), key(2));
    let provider = Provider::start(&[&one]).await;
    let path = add(&stack, body(&provider)).await;
    let (old, new) = (token(&stack, &provider.url, &one, ""), token(&stack, &provider.url, &two, ""));
    let version = stack.manifest().await.version;
    let asked = provider.asked();
    stack.pass(18 * 60);
    eventually("fetched again", async || provider.asked() >= asked + 2).await;
    eventually("settled", async || stack.get(&path).await.json()["fetched_at"] == "2026-01-15T12:18:00Z").await;
    assert_eq!(stack.manifest().await.version, version, "edges hear of nothing new");
    provider.put("/keys", 500, "");
    stack.pass(18 * 60);
    let problem = json!("its keys cannot be fetched: answered with status 500");
    eventually("a problem", async || stack.get(&path).await.json()["problem"] == problem).await;
    assert_eq!(judged(&stack, &old).await, "expired_token", "half an hour has passed");
    let fresh = || token(&stack, &provider.url, &one, "");
    assert_eq!(judged(&stack, &fresh()).await, "", "the last good keys stay");
    provider.publish(&[&two]);
    stack.pass(2 * 60);
    let new_one = || token(&stack, &provider.url, &two, "");
    eventually("the other key", async || judged(&stack, &new_one()).await.is_empty()).await;
    assert_eq!(judged(&stack, &fresh()).await, "unknown_token_key");
    assert_eq!(judged(&stack, &new).await, "expired_token");
    assert_eq!(stack.get(&path).await.json()["problem"], Value::Null);
    for action in ["issuer.created", "issuer.failed", "issuer.keys_changed"] {
        let noted = stack.get(&format!("/v1/audit?action={action}")).await.json();
        assert_eq!(noted["data"].as_array().unwrap().len(), 1, "{action}");
    }
    // At once, if somebody asks for it.
    stack.pass(60);
    provider.publish(&[&one]);
    assert_eq!(stack.post(&format!("{path}/refresh"), json!({})).await.json()["keys"][0]["kid"], one.kid());
    provider.put("/keys", 200, "<html>");
    let told = stack.post(&format!("{path}/refresh"), json!({})).await.json();
    assert_eq!(told["problem"], "its keys: not a JSON object, or one in which a name stands twice");
    assert_eq!(judged(&stack, &fresh()).await, "");
}

#[tokio::test]
async fn what_an_issuer_withdrew_counts_no_more_even_if_nothing_is_left() {
    let (stack, one) = (minting().await, key(1));
    let provider = Provider::start(&[&one]).await;
    let path = add(&stack, body(&provider)).await;
    let again = async || {
        stack.pass(60);
        stack.post(&format!("{path}/refresh"), json!({})).await.json()
    };
    let fresh = || token(&stack, &provider.url, &one, "refunds:read");
    for (set, why) in [
        (r#"{"keys":[]}"#, "its keys: none can be used"),
        (r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#, "its keys: none can be used; key 1: it has the secret member `k`"),
    ] {
        assert_eq!(judged(&stack, &fresh()).await, "refunds:read", "{set}");
        provider.put("/keys", 200, set);
        let told = again().await;
        assert_eq!(told["keys"], json!([]), "{set}");
        assert!(told["problem"].as_str().unwrap().starts_with(why), "{told}");
        assert_eq!(judged(&stack, &fresh()).await, "unknown_token_key", "{set}");
        let version = stack.manifest().await.version;
        assert_eq!(again().await["problem"], told["problem"]);
        assert_eq!(stack.manifest().await.version, version, "nothing new");
        provider.publish(&[&one]);
        assert_eq!(again().await["problem"], Value::Null);
    }
    let failed = stack.get("/v1/audit?action=issuer.failed").await.json();
    assert_eq!(failed["data"].as_array().unwrap().len(), 2, "{failed}");
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_for_three_days_count_no_more() {
    let (stack, one) = (minting().await, key(1));
    let provider = Provider::start(&[&one]).await;
    let path = add(&stack, body(&provider)).await;
    let fresh = || token(&stack, &provider.url, &one, "refunds:read");
    let problem = async || stack.get(&path).await.json()["problem"].as_str().unwrap_or_default().to_owned();
    provider.put("/keys", 500, "");
    stack.pass(72 * 3600 - 1);
    eventually("a problem", async || problem().await.ends_with("status 500")).await;
    assert_eq!(judged(&stack, &fresh()).await, "refunds:read");
    stack.pass(20 * 60);
    eventually("the end", async || {
        problem().await.ends_with("status 500; for 72 hours now, so none of them is accepted")
    })
    .await;
    eventually("told to edges", async || judged(&stack, &fresh()).await == "unknown_token_key").await;
    let shown = stack.get(&path).await.json();
    assert_eq!((&shown["keys"], &shown["fetched_at"]), (&json!([]), &json!("2026-01-15T12:00:00Z")));
    provider.publish(&[&one]);
    stack.pass(20 * 60);
    eventually("back again", async || judged(&stack, &fresh()).await == "refunds:read").await;
}

#[tokio::test]
async fn the_same_keys_in_another_order_are_nothing_new() {
    let (stack, one, two) = (minting().await, key(1), key(2));
    let provider = Provider::start(&[&one]).await;
    let path = add(&stack, body(&provider)).await;
    let mut versions = Vec::new();
    for keys in [[&one, &two], [&two, &one]] {
        provider.publish(&keys);
        let refreshed = stack.post(&format!("{path}/refresh"), json!({})).await.json();
        assert_eq!(refreshed["keys"].as_array().unwrap().len(), 2);
        versions.push(stack.manifest().await.version);
    }
    assert_eq!(versions[0], versions[1]);
}

#[tokio::test]
async fn an_organisation_has_keys_fetched_so_often_and_no_oftener() {
    let (stack, one) = (minting().await, key(1));
    let provider = Provider::start(&[&one]).await;
    let acme = stack.organization("acme").await;
    let path = add(&stack, body(&provider)).await;
    for _ in 1..10 {
        assert_eq!(stack.post(&format!("{path}/refresh"), json!({})).await.status, 200);
    }
    let asked = provider.asked();
    let other = with(body(&provider), "audiences", json!(["other"]));
    for refused in [
        stack.post(&format!("{path}/refresh"), json!({})).await,
        stack.patch(&path, json!({ "jwks_uri": format!("{}/keys", provider.url) })).await,
        stack.patch(&path, json!({ "scope_claim": "scp" })).await,
        stack.post("/v1/issuers", other.clone()).await,
    ] {
        assert_eq!((refused.status, refused.header("retry-after").is_empty()), (429, false), "{}", refused.json());
    }
    assert_eq!(provider.asked(), asked);
    add(&stack, with(other, "organization", json!(acme))).await;
    let asked = provider.asked();
    stack.pass(18 * 60);
    eventually("the round, all the same", async || provider.asked() >= asked + 4).await;
}

#[tokio::test]
async fn whoever_came_first_is_first() {
    let (stack, one) = (minting().await, key(1));
    let provider = Provider::start(&[&one]).await;
    let mut expected = Vec::new();
    for audience in ["a", "b", "c", "d", "e"] {
        let path = add(&stack, with(body(&provider), "audiences", json!([audience]))).await;
        expected.push(path.rsplit_once('/').unwrap().1.to_owned());
        stack.pass(1);
    }
    let path = add(&stack, with(body(&provider), "audiences", json!(["f", AUDIENCE]))).await;
    assert_eq!(stack.patch(&format!("/v1/issuers/{}", expected[0]), json!({ "scope_claim": "scp" })).await.status, 200);
    let tokens = stack.manifest().await.tokens.unwrap();
    let spec = stack.edge_get(&format!("/edge/v1/blobs/{}", tokens.digest)).await.json();
    let (own, others) = spec["issuers"].as_array().unwrap().split_first().unwrap();
    assert_eq!(own["subjects"], "own");
    let found: Vec<_> = others.iter().map(|it| it["subjects"]["mapped"]["key"].as_str().unwrap()).collect();
    expected.insert(0, path.rsplit_once('/').unwrap().1.to_owned());
    assert_eq!(found, expected, "tokens that are for this API mean the one that says so, whoever came first");
}

#[tokio::test]
async fn what_cannot_be_an_issuer_is_told_why() {
    let (stack, one) = (minting().await, key(1));
    let provider = Provider::start(&[&one]).await;
    let it = || body(&provider);
    provider.put("/elsewhere", 307, "");
    provider.put("/large", 200, "x".repeat(256 * 1024 + 1));
    provider.put("/empty", 200, r#"{"keys":[]}"#);
    provider.put("/secret", 200, r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#);
    provider.put(&format!("/other{CONFIGURATION}"), 200, json!({ "issuer": "x", "jwks_uri": "y" }).to_string());
    let at = |path: &str| json!(format!("{}{path}", provider.url));
    let own = format!("http://{}", stack.address);
    for (request, pointer, why) in [
        (with(it(), "jwks_uri", at("/none")), "/jwks_uri", "answered with status 404"),
        (with(it(), "jwks_uri", at("/elsewhere")), "/jwks_uri", "redirects are not followed"),
        (with(it(), "jwks_uri", at("/large")), "/jwks_uri", "longer than 262144 bytes"),
        (with(it(), "jwks_uri", at("/empty")), "/jwks_uri", "none can be used"),
        (with(it(), "jwks_uri", at("/secret")), "/jwks_uri", "it has the secret member `k`"),
        (with(it(), "jwks_uri", json!("ftp://x.example")), "/jwks_uri", "only with --webhook-allow-http"),
        (
            with(it(), "jwks_uri", json!("http://169.254.169.254/")),
            "/jwks_uri",
            "an address that is not public: only with --webhook-allow-private",
        ),
        (with(it(), "issuer", at("/other")), "/issuer", "another `issuer`"),
        (with(it(), "issuer", at("/?x=1")), "/issuer", "no query"),
        (with(it(), "issuer", json!("x")), "/issuer", "expected a URL"),
        (with(it(), "issuer", json!(own)), "/issuer", "the control plane itself"),
        (with(it(), "environment", json!("prod")), "/environment", "it knows `live`, `test`"),
        (with(it(), "scopes", json!(["x:y"])), "/scopes/0", "no such scope"),
        (with(it(), "audiences", json!([])), "/audiences", "1 to 10"),
        (with(it(), "types", json!(["dpop+jwt"])), "/types", "one or more of"),
        (with(it(), "scope_claim", json!("")), "/scope_claim", "a claim's name"),
        (with(it(), "scope_map", json!({ "a": ["x:y"] })), "/scope_map/scopes/0", "no such scope"),
        (with(it(), "name", json!("")), "/name", "expected 1 to 100 characters"),
    ] {
        let refused = stack.post("/v1/issuers", request.clone()).await;
        let told = refused.json();
        assert_eq!((refused.status, told["pointer"].as_str()), (422, Some(pointer)), "{request} {told}");
        assert!(told.to_string().contains(why), "{request} {told}");
    }
    let plain = Stack::start().await;
    let refused = plain.post("/v1/issuers", it()).await.json();
    assert!(refused.to_string().contains("the policy accepts no access tokens"), "{refused}");
}

#[tokio::test]
async fn of_one_url_and_audience_there_is_one_issuer() {
    let (stack, one) = (minting().await, key(1));
    let provider = Provider::start(&[&one]).await;
    let acme = stack.organization("acme").await;
    let path = add(&stack, body(&provider)).await;
    let theirs = with(body(&provider), "organization", json!(acme));
    let refused = stack.post("/v1/issuers", theirs.clone()).await;
    assert_eq!((refused.status, refused.json()["pointer"].as_str()), (422, Some("/audiences")));
    stack.pass(1);
    let second = add(&stack, with(theirs.clone(), "audiences", json!(["acme"]))).await;
    // Whoever was first is taken for tokens that name both; so it may not become first for what others have.
    let wider = json!({ "audiences": [AUDIENCE, "more"] });
    let refused = stack.patch(&path, wider.clone()).await;
    assert_eq!((refused.status, refused.json()["pointer"].as_str()), (422, Some("/audiences")));
    assert!(refused.json()["detail"].as_str().unwrap().contains("add it once more"), "{}", refused.json());
    assert_eq!(stack.patch(&path, json!({ "scope_claim": "scp" })).await.status, 200);
    assert_eq!(stack.patch(&second, json!({ "audiences": ["acme", "last"] })).await.status, 200, "nobody is behind it");
    assert_eq!(stack.patch(&second, json!({ "audiences": ["acme"] })).await.status, 200);
    assert_eq!(stack.patch(&second, json!({ "audiences": ["acme", AUDIENCE] })).await.status, 422);
    assert_eq!(stack.delete(&path).await.status, 200);
    assert_eq!(stack.patch(&second, json!({ "audiences": ["acme", AUDIENCE] })).await.status, 200);
    assert_eq!(judged(&stack, &token(&stack, &provider.url, &one, "payouts:read")).await, "payouts:read");
}

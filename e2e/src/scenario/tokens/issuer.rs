//! Tokens of an issuer of our own: what is wrong with one can be chosen there.
//!
//! The issuer's keys are published over HTTP, as those of any OpenID provider are. Invariant: each token differs from a
//! good one in the one thing that its line names.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use axum::Json;
use axum::extract::State;
use axum::routing::get as on_get;
use portcullis_token::{Algorithm, Claims, Jwk, TokenKey};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{AUDIENCE, get, post, seen};
use crate::control::Key;
use crate::report::Report;
use crate::scenario::lifecycle::Edge;

type Published = Arc<Mutex<Vec<Jwk>>>;

/// An issuer: where its keys are, and how it signs.
struct Issuer {
    url: String,
    keys: Published,
    ed25519: TokenKey,
    p256: TokenKey,
}

pub(super) async fn run(edge: &Edge<'_>, report: &mut Report) -> anyhow::Result<()> {
    let issuer = Issuer::start().await?;
    let body = json!({
        "name": "people", "environment": "production", "issuer": issuer.url, "audiences": [AUDIENCE],
        "jwks_uri": format!("{}/jwks", issuer.url), "types": ["at+jwt"],
        "scopes": ["skills:read", "skills:write"],
    });
    let record = edge.control.ok("POST", "/v1/issuers", Some(&body)).await?;
    let id = record["id"].as_str().context("no `id`")?;
    // A worker that has not heard of it refuses for that reason, and not for the one asked for.
    edge.stack.settle(&edge.control).await?;
    good(edge, &issuer, id, report).await?;
    wrong(edge, &issuer, report).await?;
    rotated(edge, &issuer, id, report).await?;
    let token = issuer.token(&issuer.ed25519, &issuer.claims());
    edge.control.ok("DELETE", &format!("/v1/issuers/{id}"), None).await?;
    edge.expect(report, "an issuer that was removed", &get(&token), "401 invalid_token").await;
    Ok(())
}

async fn good(edge: &Edge<'_>, issuer: &Issuer, id: &str, report: &mut Report) -> anyhow::Result<()> {
    for key in [&issuer.ed25519, &issuer.p256] {
        let token = issuer.token(key, &issuer.claims());
        let what = format!("a token of the issuer, {}", key.algorithm().as_str());
        edge.expect(report, &what, &get(&token), "200 live").await;
        edge.expect(report, "which may not write", &post(&token), "403 insufficient_scope").await;
        let echo = edge.stack.ask(&get(&token)).await?;
        report.equal("the upstream sees whose it is", seen(&echo, "x-portcullis-subject"), "ada".to_owned());
        report.equal("and which issuer", seen(&echo, "x-portcullis-key-id"), id.to_owned());
    }
    Ok(())
}

async fn wrong(edge: &Edge<'_>, issuer: &Issuer, report: &mut Report) -> anyhow::Result<()> {
    let (fine, now) = (issuer.claims(), now());
    let stranger = TokenKey::generate(Algorithm::EdDsa, &[9; 32])?;
    let signed = |claims: Claims| issuer.token(&issuer.ed25519, &claims).text;
    let good = signed(fine.clone());
    let (header, rest) = good.split_once('.').context("not a JWT")?;
    let (payload, signature) = rest.split_once('.').context("not a JWT")?;
    let unsigned = crate::oauth::encoded(&json!({ "alg": "none", "typ": "at+jwt" }));
    let embedded = crate::oauth::encoded(&json!({ "alg": "EdDSA", "typ": "at+jwt", "jwk": stranger.jwk() }));
    let other = crate::oauth::encoded(&json!({ "alg": "ES256", "typ": "at+jwt", "kid": issuer.ed25519.kid() }));
    let with = |header: &str| format!("{header}.{payload}.{signature}");
    for (what, token, answer) in [
        ("over since a minute", signed(Claims { exp: now - 60, ..fine.clone() }), "401 expired_token"),
        ("not yet good", signed(Claims { iat: now + 60, exp: now + 120, ..fine.clone() }), "401 invalid_token"),
        (
            "for another audience",
            signed(Claims { aud: "https://other.example".to_owned(), ..fine.clone() }),
            "401 invalid_token",
        ),
        ("of another issuer", signed(Claims { iss: format!("{}/", issuer.url), ..fine.clone() }), "401 invalid_token"),
        ("signed by a stranger", issuer.token(&stranger, &fine).text, "401 invalid_token"),
        ("with another payload", format!("{header}.{}.{signature}", payload.replace('e', "f")), "401 invalid_token"),
        ("alg none", format!("{unsigned}.{payload}."), "401 invalid_token"),
        ("another alg than the key's", with(&other), "401 invalid_token"),
        ("which brings its own key", with(&embedded), "401 invalid_token"),
        ("with padding", format!("{good}="), "401 invalid_token"),
        ("with a fourth part", format!("{good}.e30"), "401 invalid_token"),
        ("too long", format!("{header}.{}.{signature}", "e".repeat(9000)), "401 invalid_token"),
    ] {
        let token = Key { id: String::new(), text: token, record: Value::Null };
        edge.expect(report, &format!("a token {what}"), &get(&token), answer).await;
    }
    Ok(())
}

/// A key that the issuer publishes from now on is accepted once the control plane has asked; one that is gone is not.
async fn rotated(edge: &Edge<'_>, issuer: &Issuer, id: &str, report: &mut Report) -> anyhow::Result<()> {
    let next = TokenKey::generate(Algorithm::EdDsa, &[3; 32])?;
    let token = issuer.token(&next, &issuer.claims());
    edge.expect(report, "a key that is not published yet", &get(&token), "401 invalid_token").await;
    *issuer.keys.lock().unwrap_or_else(PoisonError::into_inner) = vec![next.jwk()];
    edge.control.ok("POST", &format!("/v1/issuers/{id}/refresh"), None).await?;
    edge.expect(report, "one that is", &get(&token), "200 live").await;
    let token = issuer.token(&issuer.p256, &issuer.claims());
    edge.expect(report, "and one that is no more", &get(&token), "401 invalid_token").await;
    *issuer.keys.lock().unwrap_or_else(PoisonError::into_inner) = issuer.public();
    edge.control.ok("POST", &format!("/v1/issuers/{id}/refresh"), None).await?;
    edge.expect(report, "until it is again", &get(&token), "200 live").await;
    Ok(())
}

impl Issuer {
    async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (ed25519, p256) =
            (TokenKey::generate(Algorithm::EdDsa, &[1; 32])?, TokenKey::generate(Algorithm::Es256, &[2; 32])?);
        let keys = Published::default();
        let router = axum::Router::new().route("/jwks", on_get(jwks)).with_state(Arc::clone(&keys));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let issuer = Self { url, keys, ed25519, p256 };
        *issuer.keys.lock().unwrap_or_else(PoisonError::into_inner) = issuer.public();
        Ok(issuer)
    }

    fn public(&self) -> Vec<Jwk> {
        vec![self.ed25519.jwk(), self.p256.jwk()]
    }

    /// What a good token says: who reads, not writes.
    fn claims(&self) -> Claims {
        let now = now();
        Claims {
            iss: self.url.clone(),
            sub: "ada".to_owned(),
            aud: AUDIENCE.to_owned(),
            client_id: "an-app-of-theirs".to_owned(),
            grant: None,
            org: "theirs".to_owned(),
            env: "theirs".to_owned(),
            scope: Some("skills:read openid".to_owned()),
            iat: now,
            exp: now + 300,
            jti: "1".to_owned(),
        }
    }

    fn token(&self, key: &TokenKey, claims: &Claims) -> Key {
        Key { id: String::new(), text: key.sign(claims), record: Value::Null }
    }
}

async fn jwks(State(keys): State<Published>) -> Json<Value> {
    Json(json!({ "keys": *keys.lock().unwrap_or_else(PoisonError::into_inner) }))
}

fn now() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default()
}

//! `/.well-known`: the keys that tokens are signed with, and where everything is (RFC 7517, RFC 8414).
//!
//! Invariant: it lists what is implemented and nothing else; copies of the keys are stale before a new one signs.

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use portcullis_api::oauth::ServerMetadata;
use portcullis_token::Jwk;
use serde::Serialize;

use super::GrantType;
use crate::app::App;
use crate::http::failure::Failure;
use crate::signing_keys::AHEAD;

/// For how long copies may be kept: a new key is published for longer before it signs.
const KEPT_SECONDS: u64 = 300;
const _: () = assert!(KEPT_SECONDS < AHEAD);

#[derive(Serialize)]
struct Keys {
    keys: Vec<Published>,
}

/// A key, and that it is for signatures.
#[derive(Serialize)]
struct Published {
    #[serde(flatten)]
    jwk: Jwk,
    r#use: &'static str,
}

/// The keys that access tokens are signed with, those included that will sign next or did last.
pub(in crate::http) async fn jwks(State(app): State<App>) -> Result<Response, Failure> {
    minted(&app)?;
    let published = app.token_keys.published();
    let rows = published.keys.iter().filter(|row| row.revoked_at.is_none());
    let keys = rows.filter_map(|row| serde_json::from_str(&row.jwk).ok()).map(|jwk| Published { jwk, r#use: "sig" });
    let body = serde_json::to_vec(&Keys { keys: keys.collect() }).map_err(|_| Failure::internal())?;
    Ok(([(CONTENT_TYPE, "application/jwk-set+json"), (CACHE_CONTROL, &*kept())], body).into_response())
}

/// Where everything is.
pub(in crate::http) async fn metadata(State(app): State<App>) -> Result<Response, Failure> {
    minted(&app)?;
    let policy = app.policy();
    let issuer = app.token_keys.published().issuer.clone().unwrap_or_else(|| app.public_url.to_string());
    let metadata = ServerMetadata {
        token_endpoint: format!("{issuer}/oauth/token"),
        jwks_uri: format!("{issuer}/.well-known/jwks.json"),
        scopes_supported: policy.spec().scopes.clone(),
        // None: nobody is sent anywhere to authorise anything.
        response_types_supported: Vec::new(),
        grant_types_supported: GrantType::ALL.map(|it| it.as_str().to_owned()).to_vec(),
        token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"]
            .map(str::to_owned)
            .to_vec(),
        issuer,
    };
    Ok(([(CACHE_CONTROL, kept())], Json(metadata)).into_response())
}

fn kept() -> String {
    format!("public, max-age={KEPT_SECONDS}")
}

fn minted(app: &App) -> Result<(), Failure> {
    let is_minted = app.policy().spec().tokens.is_some();
    is_minted.then_some(()).ok_or_else(|| Failure::not_found("the policy mints no access tokens"))
}

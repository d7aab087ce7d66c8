//! `/oauth/token` and what becomes of tokens, and what is published about it: keys and metadata.
//!
//! Each grant has one function; `token` finds out which is asked for. Invariant: an answer here is RFC 6749's, never kept by
//! whoever passes it on, and its errors say nothing of what was sent.

mod client;
mod discovery;
mod form;
mod refusal;
mod tokens;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, PRAGMA};
use axum::response::{IntoResponse, Response};
use portcullis_api::Secret;
use portcullis_api::oauth::TokenAnswer;

use super::auth::By;
use crate::access_tokens::{self, Minted};
use crate::app::App;
use crate::apps::{self, Allowed};
use crate::caller::Caller;
use crate::store::AppRow;
use client::Client;
pub(super) use discovery::{jwks, metadata};
use form::Parameters;
use refusal::Refusal;
pub(super) use tokens::{introspect, revoke};

/// What an app is told that asks for a token of its own.
const OF_CREDENTIALS: &str = "the client is an app, which acts for people: it gets tokens by `authorization_code` and \
                              `refresh_token`; hint: `client_credentials` is for a credential";
/// What a credential is told that asks for what a person allowed.
const OF_APPS: &str = "the client is a credential, which acts for itself: it gets tokens by `client_credentials`; hint: \
                       `authorization_code` and `refresh_token` are for an app";

/// How a token can be got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GrantType {
    /// For the client itself (RFC 6749 §4.4).
    ClientCredentials,
    /// For what a person just allowed an app (RFC 6749 §4.1).
    AuthorizationCode,
    /// For what they allowed it before (RFC 6749 §6).
    RefreshToken,
}

impl GrantType {
    const ALL: [Self; 3] = [Self::ClientCredentials, Self::AuthorizationCode, Self::RefreshToken];

    fn as_str(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
        }
    }

    fn parse(sent: &Parameters) -> Result<Self, Refusal> {
        let text = sent.get("grant_type").ok_or(Refusal::request("`grant_type` is missing"))?;
        Self::ALL.into_iter().find(|it| it.as_str() == text).ok_or(Refusal::UnsupportedGrantType)
    }
}

/// An access token.
pub(super) async fn token(State(app): State<App>, By(by): By, request: Request) -> Response {
    let answered = async {
        app.exchange_rates.ask(by.address)?;
        let (client, sent) = form::read(&app, request).await?;
        let grant = GrantType::parse(&sent)?;
        // Whoever reads the metadata knows it as well.
        app.policy().spec().tokens.as_ref().ok_or(Refusal::NotMinted)?;
        let client = client.ok_or(Refusal::Nobody)?;
        match grant {
            GrantType::ClientCredentials => client_credentials(&app, &by, client, &sent).await,
            GrantType::AuthorizationCode => authorization_code(&app, &by, client, &sent).await,
            GrantType::RefreshToken => refresh_token(&app, &by, client, &sent).await,
        }
    };
    match answered.await {
        Ok(answer) => ([(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")], Json(answer)).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn client_credentials(app: &App, by: &Caller, client: Client, sent: &Parameters) -> Result<TokenAnswer, Refusal> {
    let secret = client.secret().ok_or(Refusal::Client)?;
    if client.is_app() {
        apps::authenticate(app, by, client.id(), client.proof()).await?;
        return Err(Refusal::Unauthorized(OF_CREDENTIALS));
    }
    let credential = access_tokens::authenticate(app, by, &secret).await?;
    if sent.get("org_id").is_some_and(|id| id != credential.organization.to_string()) {
        return Err(Refusal::Client);
    }
    for_audience(app, sent)?;
    Ok(answer(access_tokens::credentials(app, by, &credential, sent.get("scope")).await?))
}

async fn authorization_code(app: &App, by: &Caller, client: Client, sent: &Parameters) -> Result<TokenAnswer, Refusal> {
    let client = proven(app, by, &client).await?;
    for_audience(app, sent)?;
    let code = sent.get("code").ok_or(Refusal::request("`code` is missing"))?;
    let redirect_uri = sent.get("redirect_uri").ok_or(Refusal::request("`redirect_uri` is missing"))?;
    let verifier = sent.get("code_verifier").ok_or(Refusal::request("`code_verifier` is missing"))?;
    Ok(allowed(app, apps::redeem(app, by, &client, code, redirect_uri, verifier).await?))
}

async fn refresh_token(app: &App, by: &Caller, client: Client, sent: &Parameters) -> Result<TokenAnswer, Refusal> {
    let client = proven(app, by, &client).await?;
    for_audience(app, sent)?;
    let token = sent.get("refresh_token").ok_or(Refusal::request("`refresh_token` is missing"))?;
    Ok(allowed(app, apps::refresh(app, by, &client, token, sent.get("scope")).await?))
}

/// The app that the client is. A credential learns that it is none once it proved itself, and no sooner.
async fn proven(app: &App, by: &Caller, client: &Client) -> Result<AppRow, Refusal> {
    if let Some(secret) = client.secret().filter(|_| !client.is_app()) {
        access_tokens::authenticate(app, by, &secret).await?;
        return Err(Refusal::Unauthorized(OF_APPS));
    }
    Ok(apps::authenticate(app, by, client.id(), client.proof()).await?)
}

fn allowed(app: &App, allowed: Allowed) -> TokenAnswer {
    app.metrics.exchanged("minted");
    TokenAnswer { refresh_token: Some(Secret::new(allowed.refresh.expose())), ..answer(allowed.minted) }
}

/// Whoever names what the token is for (RFC 8707) has to name our audience.
fn for_audience(app: &App, sent: &Parameters) -> Result<(), Refusal> {
    let policy = app.policy();
    let audience = policy.spec().tokens.as_ref().map(|tokens| tokens.audience.as_str());
    if sent.get("resource").is_none_or(|it| audience == Some(it)) { Ok(()) } else { Err(Refusal::Target) }
}

fn answer(minted: Minted) -> TokenAnswer {
    TokenAnswer {
        access_token: minted.token,
        token_type: "Bearer".to_owned(),
        expires_in: minted.expires_in,
        scope: Some(minted.scopes).filter(|scopes| !scopes.is_empty()),
        refresh_token: None,
    }
}

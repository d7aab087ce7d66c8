//! `/oauth/token`, and what is published about it: keys and metadata.
//!
//! Each grant has one function; `token` finds out which is asked for. Invariant: an answer here is RFC 6749's, never kept by
//! whoever passes it on, and its errors say nothing of what was sent.

mod client;
mod discovery;
mod form;
mod refusal;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, PRAGMA};
use axum::response::{IntoResponse, Response};
use portcullis_api::oauth::TokenAnswer;

use super::auth::By;
use crate::access_tokens::{self, Minted};
use crate::app::App;
use crate::caller::Caller;
use client::Client;
pub(super) use discovery::{jwks, metadata};
use form::Parameters;
use refusal::Refusal;

/// How a token can be got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GrantType {
    /// For the client itself (RFC 6749 §4.4).
    ClientCredentials,
}

impl GrantType {
    const ALL: [Self; 1] = [Self::ClientCredentials];

    fn as_str(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
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
        match grant {
            GrantType::ClientCredentials => client_credentials(&app, &by, client, &sent).await,
        }
    };
    match answered.await {
        Ok(answer) => ([(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")], Json(answer)).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn client_credentials(
    app: &App,
    by: &Caller,
    client: Option<Client>,
    sent: &Parameters,
) -> Result<TokenAnswer, Refusal> {
    let secret = client.as_ref().and_then(Client::secret).ok_or(Refusal::Client)?;
    let credential = access_tokens::authenticate(app, by, &secret).await?;
    if sent.get("org_id").is_some_and(|id| id != credential.organization.to_string()) {
        return Err(Refusal::Client);
    }
    for_audience(app, sent)?;
    Ok(answer(access_tokens::credentials(app, by, &credential, sent.get("scope")).await?))
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

//! `/oauth/revoke` and `/oauth/introspect`: an app needs a token no more, and whether one works (RFC 7009, RFC 7662).
//!
//! Invariant: whatever was sent as a token, the answer says nothing of one that is not the caller's to know.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, PRAGMA};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use portcullis_api::oauth::Introspection;

use super::client::Client;
use super::form::{self, Parameters};
use super::refusal::Refusal;
use crate::access_tokens;
use crate::app::App;
use crate::apps::{self, Asker, Revoked};
use crate::caller::Caller;
use crate::http::auth::{By, program};

/// Ends what a token stands for.
pub(in crate::http) async fn revoke(State(app): State<App>, By(by): By, request: Request) -> Response {
    let answered = async {
        app.exchange_rates.ask(by.address)?;
        let (client, sent) = form::read(&app, request).await?;
        let client = client.ok_or(Refusal::Nobody)?;
        if !client.is_app() {
            return of_credential(&app, &by, &client, &sent).await;
        }
        let client = apps::authenticate(&app, &by, client.id(), client.proof()).await?;
        Ok(apps::revoke_token(&app, &by, &client, token(&sent)?).await?)
    };
    match answered.await {
        Ok(Revoked::Done) => kept_by_nobody(StatusCode::OK.into_response()),
        Ok(Revoked::OfCredential) => Refusal::TokenType.into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

/// A credential has no tokens but those that last until they end.
async fn of_credential(app: &App, by: &Caller, client: &Client, sent: &Parameters) -> Result<Revoked, Refusal> {
    let secret = client.secret().ok_or(Refusal::Client)?;
    access_tokens::authenticate(app, by, &secret).await?;
    token(sent)?;
    Ok(Revoked::OfCredential)
}

/// Whether a token works.
pub(in crate::http) async fn introspect(State(app): State<App>, By(by): By, mut request: Request) -> Response {
    let answered = async {
        app.exchange_rates.ask(by.address)?;
        let manager = match is_bearer(request.headers()) {
            true => Some(program(&app, &by, request.headers()).await?.ok_or(Refusal::Client)?),
            false => None,
        };
        if manager.is_some() {
            request.headers_mut().remove(AUTHORIZATION);
        }
        let (client, sent) = form::read(&app, request).await?;
        let asker = match manager {
            Some(manager) => Asker::Manager(manager),
            None => asker(&app, &by, &client.ok_or(Refusal::Nobody)?).await?,
        };
        let token = apps::introspect(&app, &asker, token(&sent)?).await?;
        Ok::<_, Refusal>(Introspection { active: token.is_some(), token })
    };
    match answered.await {
        Ok(answer) => kept_by_nobody(Json(answer).into_response()),
        Err(refusal) => refusal.into_response(),
    }
}

/// Whoever asks about tokens has a secret.
async fn asker(app: &App, by: &Caller, client: &Client) -> Result<Asker, Refusal> {
    if client.is_app() {
        let proof = client.proof().ok_or(Refusal::Client)?;
        return Ok(Asker::App(apps::authenticate(app, by, client.id(), Some(proof)).await?));
    }
    let secret = client.secret().ok_or(Refusal::Client)?;
    Ok(Asker::Credential(Box::new(access_tokens::authenticate(app, by, &secret).await?)))
}

fn token(sent: &Parameters) -> Result<&str, Refusal> {
    sent.get("token").ok_or(Refusal::request("`token` is missing"))
}

fn is_bearer(headers: &HeaderMap) -> bool {
    let scheme = |value: &[u8]| value.split_at_checked(7).is_some_and(|(it, _)| it.eq_ignore_ascii_case(b"bearer "));
    headers.get(AUTHORIZATION).is_some_and(|value| scheme(value.as_bytes()))
}

fn kept_by_nobody(response: Response) -> Response {
    ([(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")], response).into_response()
}

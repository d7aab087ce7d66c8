//! `/sign-in` and `/sign-out`.

use axum::extract::State;
use axum::http::header::USER_AGENT;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::done::{Done, Noticed, done};
use super::key_life::Nothing;
use super::{Html, fields};
use crate::accounts::{self, Password};
use crate::app::App;
use crate::error::Error;
use crate::http::auth::By;
use crate::http::body::Parameters;
use crate::http::failure::Failure;
use crate::http::session::{Form, SetCookie, SignedIn, Visitor, cookie, local, no_cookie};
use crate::pages::gate::{Gate, SignIn};
use crate::pages::shell::{Notice, NoticeKind};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    next: String,
    /// Whoever is signed in wants to sign in again, maybe as somebody else.
    again: bool,
}

pub(super) async fn form(
    State(app): State<App>,
    visitor: Visitor,
    uri: Uri,
    headers: HeaderMap,
    Parameters(Asked { next, again }): Parameters<Asked>,
) -> Result<Response, Failure> {
    if visitor.signed_in.is_some() && !again {
        return Ok(Redirect::to(local(&next)).into_response());
    }
    let notice = match Noticed::of(&headers, &uri) {
        Some(noticed) => Some(told(noticed.done)),
        None if accounts::nobody_yet(&app).await? => Some(told(Done::NobodyYet)),
        None => None,
    };
    let page = SignIn { shell: gate("Sign in", &visitor, notice), email: String::new(), next: local(&next).to_owned() };
    Ok((visitor, Html::ok(page)).into_response())
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(super) struct Credentials {
    email: String,
    password: String,
    next: String,
}

pub(super) async fn sign_in(
    State(app): State<App>,
    By(by): By,
    visitor: Visitor,
    headers: HeaderMap,
    Form(Credentials { email, password, next }): Form<Credentials>,
) -> Result<Response, Failure> {
    let next = local(&next);
    match accounts::sign_in(&app, &by, &email, &Password::typed(password), agent(&headers)).await {
        Ok(started) => {
            end_before(&app, &visitor).await?;
            Ok((cookie(&app, &started.cookie), Redirect::to(next)).into_response())
        }
        Err(Error::WrongPassword) => {
            let notice = Some(told(Done::WrongPassword));
            let email = fields::again(&app.policy(), &email);
            let page = SignIn { shell: gate("Sign in", &visitor, notice), email, next: next.to_owned() };
            Ok((visitor, Html::again(page)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn sign_out(
    State(app): State<App>,
    signed_in: SignedIn,
    Form(Nothing {}): Form<Nothing>,
) -> Result<(SetCookie, Redirect), Failure> {
    accounts::sign_out(&app, &signed_in.caller).await?;
    Ok((no_cookie(&app), done("/sign-in", Done::SignedOut, None)))
}

/// Ends the session that a browser had before, if it is not over: it forgets the cookie, so nobody could end it any more.
pub(super) async fn end_before(app: &App, visitor: &Visitor) -> Result<(), Error> {
    let Some(before) = &visitor.signed_in else { return Ok(()) };
    match accounts::sign_out(app, &before.caller).await {
        Err(Error::NotFound(_)) => Ok(()),
        ended => ended,
    }
}

/// What the browser calls itself.
pub(super) fn agent(headers: &HeaderMap) -> &str {
    headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Around a page for anyone.
pub(super) fn gate(title: &str, visitor: &Visitor, notice: Option<Notice>) -> Gate {
    Gate { title: title.to_owned(), csrf: visitor.csrf.expose().to_owned(), notice }
}

fn told(done: Done) -> Notice {
    let (text, detail) = done.text();
    let kind: NoticeKind = done.kind();
    Notice { kind, text: text.to_owned(), detail: detail.map(str::to_owned), receipt: None }
}

//! Sessions of people, as the pages use them: cookies, forms that only we can have written, headers of every page.
//!
//! How a page handler uses it (the gate in `auth` has looked at the cookie before any handler runs):
//!
//! - A page for people who are signed in takes [`SignedIn`]; others never reach it, they are sent to `/sign-in`. Domain
//!   functions want `&signed_in.caller`. Each form in it has `<input type="hidden" name="csrf" value="{{ csrf }}">` with
//!   `signed_in.csrf.expose()`.
//! - A page for anyone (sign in, welcome, invitation) takes [`Visitor`], and answers with the visitor in front, which sets
//!   its cookie: `(visitor.clone(), Html(…))`. Its forms carry `visitor.csrf.expose()`. Whoever is signed in already has
//!   `visitor.signed_in`.
//! - What a form sends is taken as [`Form<T>`], last among the arguments: it refuses what is not ours with 403
//!   `forged_form` before `T` is read. `T` derives `Deserialize` and need not name `csrf`; where a name comes more than
//!   once (checkboxes), take `Form<Fields>`.
//! - After `accounts::sign_in`, or `accounts::accept` and then `accounts::begin`: `(cookie(&app, &started.cookie),
//!   Redirect::to(…))`. After `accounts::sign_out`, and whenever the session is gone: `(no_cookie(&app), Redirect::to("/sign-in"))`.
//! - Where to go after signing in: the form carries `next` along, and [`local`] makes sure that it stays here.
//!
//! Answer a form with 303 (`Redirect::to`), or show the page again with 422. A page never writes a secret but the one it
//! was asked to make. Which paths are pages, and for whom, is `Door::of` in `auth`. Security headers are on every page;
//! `Cache-Control: no-store` too, unless the handler sets another (assets).

mod cookie;
#[cfg(test)]
mod flow;
mod form;
mod headers;

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::response::{IntoResponseParts, Redirect, ResponseParts};

use crate::accounts::Resumed;
use crate::app::App;
use crate::caller::Caller;
use crate::id::SessionId;
use crate::secret::{Csrf, Purpose, Secret};

pub(super) use cookie::sent;
pub(crate) use cookie::{SetCookie, cookie, no_cookie};
pub(crate) use form::{Fields, Form};
pub(super) use headers::{FormTarget, protect};

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn {
    /// Who it is, as every domain function wants to know.
    pub caller: Caller,
    /// What people call them; their e-mail address is `caller.email()`.
    pub name: String,
    /// Their session.
    pub session: SessionId,
    /// What their forms carry.
    pub csrf: Csrf,
}

impl SignedIn {
    pub(super) fn new(resumed: Resumed, cookie: &Secret) -> Self {
        let Resumed { caller, name, session } = resumed;
        Self { caller, name, session, csrf: cookie.csrf() }
    }
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Redirect;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Redirect> {
        parts.extensions.get().cloned().ok_or_else(|| Redirect::to(SIGN_IN))
    }
}

/// Where people who are not signed in are sent.
const SIGN_IN: &str = "/sign-in";

/// Whoever looks at a page that is for anyone.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    /// What their forms carry.
    pub csrf: Csrf,
    /// Who it is, if they are signed in.
    pub signed_in: Option<SignedIn>,
    set: Option<SetCookie>,
}

impl FromRequestParts<App> for Visitor {
    type Rejection = super::failure::Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        if let Some(signed_in) = parts.extensions.get::<SignedIn>().cloned() {
            return Ok(Self { csrf: signed_in.csrf.clone(), signed_in: Some(signed_in), set: None });
        }
        if let Some(visit) = sent(app, &parts.headers, Purpose::Visit) {
            return Ok(Self { csrf: visit.csrf(), signed_in: None, set: None });
        }
        let visit = Secret::generate(Purpose::Visit).map_err(crate::error::Error::from)?;
        Ok(Self { csrf: visit.csrf(), signed_in: None, set: Some(cookie::visit(app, &visit)) })
    }
}

impl IntoResponseParts for Visitor {
    type Error = Infallible;

    fn into_response_parts(self, parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        match self.set {
            Some(cookie) => set(cookie, parts),
            None => Ok(parts),
        }
    }
}

impl IntoResponseParts for SetCookie {
    type Error = Infallible;

    fn into_response_parts(self, parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        set(self, parts)
    }
}

fn set(cookie: SetCookie, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
    parts.headers_mut().append(SET_COOKIE, cookie.into_value());
    Ok(parts)
}

/// Where to send somebody who asked for a page without being signed in, and from there back.
pub(super) fn to_sign_in(asked: Option<&str>) -> Redirect {
    match asked.filter(|path| *path != "/") {
        Some(path) => Redirect::to(&format!("{SIGN_IN}?next={}", escaped(path))),
        None => Redirect::to(SIGN_IN),
    }
}

/// A path of ours to go to; the overview in place of anything else. Browsers read `\` as `/`, and two of them as a host.
pub(crate) fn local(next: &str) -> &str {
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let is_path = next.starts_with('/') && !next.starts_with("//") && plain;
    if is_path { next } else { "/" }
}

/// As a query or a path holds it.
pub(super) fn escaped(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    let escape = |byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    path.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for (next, expected) in [
            ("/keys", "/keys"),
            ("/keys?status=active&q=a%20b", "/keys?status=active&q=a%20b"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("/keys\\..", "/"),
            ("https://evil.example", "/"),
            ("javascript:alert(1)", "/"),
            ("/keys\r\nset-cookie: a=b", "/"),
            ("/\t/evil.example", "/"),
            ("keys", "/"),
            ("", "/"),
        ] {
            assert_eq!(local(next), expected, "{next}");
        }
        assert_eq!(escaped("/keys?a=b&c=ü"), "/keys%3Fa%3Db%26c%3D%C3%BC");
    }
}

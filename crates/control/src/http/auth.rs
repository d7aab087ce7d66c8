//! Who calls: whoever carries the right token, in exactly one Authorization header.
//!
//! It looks at the path before any route does, so that a stranger learns neither routes nor methods. What a caller may do
//! is decided by what it asks for. Invariant: what is not named here as open or as the edges' is reached by known callers
//! alone.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{AUTHORIZATION, CONNECTION};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::failure::Failure;
use super::watch::{Known, RequestId};
use crate::app::App;
use crate::caller::Caller;

/// Whom a path is for.
enum Door {
    /// Anyone.
    Open,
    /// Edges.
    Edges,
    /// Programs, with a token.
    Programs,
}

impl Door {
    fn of(path: &str) -> Self {
        match path {
            "/healthz" | "/readyz" | "/v1/openapi.json" => Self::Open,
            path if path.starts_with("/edge/") => Self::Edges,
            _ => Self::Programs,
        }
    }
}

/// The caller of a request that came through the gate.
pub(super) struct By(pub(super) Caller);

impl FromRequestParts<App> for By {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        parts.extensions.get::<Caller>().cloned().map(Self).ok_or_else(Failure::unauthorized)
    }
}

pub(super) async fn gate(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let door = Door::of(request.uri().path());
    let mut who = None;
    let known = match door {
        Door::Open => true,
        Door::Edges => {
            who = bearer(request.headers()).filter(|sent| app.edge_token.is(sent)).map(|_| Known::edge());
            who.is_some()
        }
        Door::Programs => {
            let caller = program(&app, &request);
            who = caller.as_ref().map(Known::of);
            caller.map(|caller| request.extensions_mut().insert(caller));
            who.is_some()
        }
    };
    let mut response = if known { next.run(request).await } else { Failure::unauthorized().into_response() };
    who.map(|who| response.extensions_mut().insert(who));
    if !known || matches!(door, Door::Open) {
        // A stranger is answered, and keeps no connection for it.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The program that sent a token.
fn program(app: &App, request: &Request) -> Option<Caller> {
    let token = bearer(request.headers())?;
    let id = request.extensions().get::<RequestId>().map_or("", RequestId::as_str);
    app.admin_token.is(token).then(|| Caller::root(app.default_organization, None, id.to_owned()))
}

/// The one bearer token of a request.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?.as_bytes(), values.next()) else { return None };
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token.trim_ascii_start())
}

//! Who may call: whoever carries the right token, in exactly one Authorization header.
//!
//! It looks at the path before any route does, so that a stranger learns neither routes nor methods. Invariant: what
//! is not named here as open or as the edges' wants the administrator's token.

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONNECTION};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::failure::Failure;
use crate::app::App;

pub(super) async fn gate(State(app): State<App>, request: Request, next: Next) -> Response {
    let wanted = match request.uri().path() {
        "/healthz" | "/readyz" => None,
        path if path.starts_with("/edge/") => Some(&app.edge_token),
        _ => Some(&app.admin_token),
    };
    let may_pass = wanted.is_none_or(|token| bearer(request.headers()).is_some_and(|sent| token.is(sent)));
    let mut response = if may_pass { next.run(request).await } else { Failure::unauthorized().into_response() };
    if wanted.is_none() || !may_pass {
        // A stranger is answered, and keeps no connection for it.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The one bearer token of a request.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?.as_bytes(), values.next()) else { return None };
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token.trim_ascii_start())
}

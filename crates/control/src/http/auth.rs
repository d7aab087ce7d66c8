//! Who may call: whoever carries the right token, in exactly one Authorization header.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::failure::Failure;
use crate::app::App;
use crate::token::Token;

pub(super) async fn require_admin(State(app): State<App>, request: Request, next: Next) -> Response {
    require(&app.admin_token, request, next).await
}

pub(super) async fn require_edge(State(app): State<App>, request: Request, next: Next) -> Response {
    require(&app.edge_token, request, next).await
}

async fn require(token: &Token, request: Request, next: Next) -> Response {
    match bearer(request.headers()) {
        Some(sent) if token.is(sent) => next.run(request).await,
        _ => Failure::unauthorized().into_response(),
    }
}

/// The one bearer token of a request.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?.as_bytes(), values.next()) else { return None };
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token.trim_ascii_start())
}

//! Entity tags and conditions as HTTP has them: `ETag`, `If-Match`, `If-None-Match` (RFC 9110 §8.8.3, §13).
//!
//! Whether a condition is met is decided where something is changed, by what it is then. Invariant: an answer that says
//! "not modified" has the tag that the caller holds.

use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::body::Written;
use crate::tag::{self, Condition};

/// One thing, with its tag.
pub(super) struct Tagged<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let tag = field(&self.0);
        with_tag(tag, Json(self.0).into_response())
    }
}

/// One thing that was changed, with its new tag.
pub(super) struct Retagged<T>(pub(super) Written<T>);

impl<T: Serialize> IntoResponse for Retagged<T> {
    fn into_response(self) -> Response {
        let Self(written) = self;
        let tag = field(&written.1.value);
        with_tag(tag, written.into_response())
    }
}

fn field(shown: &impl Serialize) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("\"{}\"", tag::of(shown))).ok()
}

fn with_tag(tag: Option<HeaderValue>, mut response: Response) -> Response {
    tag.into_iter().for_each(|tag| drop(response.headers_mut().insert(ETAG, tag)));
    response
}

/// On what condition a request changes something.
pub(super) fn condition(method: &Method, headers: &HeaderMap) -> Condition {
    if !matches!(*method, Method::PATCH | Method::PUT | Method::DELETE) || !headers.contains_key(IF_MATCH) {
        return Condition::Always;
    }
    let fields: Vec<_> = headers.get_all(IF_MATCH).iter().map(|it| it.to_str().unwrap_or_default()).collect();
    Condition::read(&fields.join(","))
}

/// What the caller has already is not sent again.
pub(super) async fn unless_modified(request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let held: Vec<_> = request.headers().get_all(IF_NONE_MATCH).iter().cloned().collect();
    let mut response = next.run(request).await;
    let tag = response.headers().get(ETAG);
    if reads && response.status() == StatusCode::OK && tag.is_some_and(|tag| held.iter().any(|it| holds(it, tag))) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        [CONTENT_LENGTH, CONTENT_TYPE].iter().for_each(|name| drop(response.headers_mut().remove(name)));
    }
    response
}

/// Whether a field names a tag; here a weak one counts as well (RFC 9110 §13.1.2).
fn holds(field: &HeaderValue, tag: &HeaderValue) -> bool {
    let (field, tag) = (field.to_str().unwrap_or_default(), tag.to_str().unwrap_or_default());
    field.split(',').map(str::trim).any(|it| it == "*" || it.strip_prefix("W/").unwrap_or(it) == tag)
}

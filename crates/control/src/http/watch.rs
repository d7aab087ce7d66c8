//! What surrounds every request: an id, a line in the log, and failures written out as RFC 9457 problems.
//!
//! The log names the route (`/v1/keys/{id}`), never the path: someone may have pasted a key into it.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::middleware::Next;
use axum::response::Response;

use super::failure::Failure;
use crate::random;

const HEADER: &str = "x-request-id";

/// Names a request in the answer and in the log.
#[derive(Clone, Debug)]
pub(super) struct RequestId(String);

impl RequestId {
    fn new() -> Self {
        Self(format!("req_{}", hex::encode(random::bytes::<8>().unwrap_or_default())))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

pub(super) async fn watch(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::new();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        response = failure.into_problem(&id, response);
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        headers.insert(HEADER, value);
    }
    // Answers about keys are nobody's to keep; blobs say otherwise themselves.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    tracing::info!(
        request_id = id.as_str(),
        %method,
        route = route.as_ref().map_or("none", MatchedPath::as_str),
        status = response.status().as_u16(),
        ms = started.elapsed().as_millis(),
        "answered"
    );
    response
}

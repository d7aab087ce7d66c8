//! What surrounds every request: an id, a line in the log, and failures written out as RFC 9457 problems.
//!
//! The log names the route (`/v1/keys/{id}`), never the path: someone may have pasted a key into it.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, STRICT_TRANSPORT_SECURITY};
use axum::middleware::Next;
use axum::response::Response;

use super::failure::Failure;
use crate::app::App;
use crate::caller::{Caller, Who};
use crate::random;

const HEADER: &str = "x-request-id";
/// Browsers that came over https once come over nothing else for a year. Of other hosts of the domain it says nothing.
const ALWAYS_HTTPS: HeaderValue = HeaderValue::from_static("max-age=31536000");

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

/// Who asked, for the log: kinds and ids, never what they proved it with.
#[derive(Clone, Debug)]
pub(super) struct Known {
    kind: &'static str,
    id: String,
    organization: String,
}

impl Known {
    /// Whoever came through the gate.
    pub(super) fn of(is_edge: bool, caller: Option<&Caller>) -> Self {
        let nobody =
            Self { kind: if is_edge { "edge" } else { "none" }, id: String::new(), organization: String::new() };
        let Some(caller) = caller else { return nobody };
        let (kind, id) = match &caller.who {
            Who::Visitor => return nobody,
            Who::Root => ("root", String::new()),
            Who::System => ("system", String::new()),
            Who::User { id, .. } => ("user", id.to_string()),
            Who::Token { id, .. } => ("token", id.to_string()),
        };
        Self { kind, id, organization: caller.organization.to_string() }
    }
}

/// The id is made here: one that a caller sends is nothing to go by.
pub(super) async fn watch(State(app): State<App>, mut request: Request, next: Next) -> Response {
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
    if app.public_url.is_secure() {
        headers.insert(STRICT_TRANSPORT_SECURITY, ALWAYS_HTTPS);
    }
    let (took, status) = (started.elapsed(), response.status().as_u16());
    let route = route.as_ref().map(MatchedPath::as_str);
    app.metrics.answered(route, method.as_str(), status, took);
    let known = response.extensions_mut().remove::<Known>().unwrap_or(Known::of(false, None));
    tracing::info!(
        request_id = id.as_str(),
        %method,
        route = route.unwrap_or("none"),
        status,
        ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        caller = known.kind,
        caller_id = known.id,
        organization = known.organization,
        "answered"
    );
    response
}

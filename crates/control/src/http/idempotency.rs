//! `Idempotency-Key`: a request that makes something can be sent again, and makes it once.
//!
//! The same key with the same request from the same caller brings the same answer for a day, whichever control plane is
//! asked, restarts included. Invariants: of an answer that may hold a new key's text nothing can be read in the database
//! alone; what was refused is not kept, and can be tried again.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::body;
use super::failure::Failure;
use crate::app::App;
use crate::caller::{Caller, Who};
use crate::error::Error;
use crate::sealing::Lock;
use crate::store::{Claim, Claimed};

/// The request header.
pub(super) const HEADER: &str = "idempotency-key";
/// Set on an answer that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Longer than anything here takes: by then whoever carried a request out has died.
const RUNNING_MS: u64 = 2 * 60 * 1000;
const MAX_LENGTH: usize = 255;
/// More than any answer here.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// What can be sent again.
const COVERED: [&str; 14] = [
    "/v1/apps",
    "/v1/apps/{id}/rotate",
    "/v1/keys",
    "/v1/keys:batch",
    "/v1/keys:import",
    "/v1/keys/{id}/rotate",
    "/v1/organizations",
    "/v1/organizations/{id}/invitations",
    "/v1/organizations/{id}/top-ups",
    "/v1/plans",
    "/v1/policy",
    "/v1/policy/versions/{version}/restore",
    "/v1/tokens",
    "/v1/webhooks",
];

/// Whether a route takes the header.
pub(super) fn covers(method: &str, path: &str) -> bool {
    method.eq_ignore_ascii_case("POST") && COVERED.contains(&path)
}

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    /// The refusal of a request that was carried out and is not published yet.
    unpublished: Option<String>,
}

pub(super) async fn once(State(app): State<App>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let is_covered = request.method() == Method::POST && covers("POST", route);
    if !is_covered || !request.headers().contains_key(HEADER) {
        return next.run(request).await;
    }
    carry_out(&app, request, next).await.unwrap_or_else(IntoResponse::into_response)
}

async fn carry_out(app: &App, request: Request, next: Next) -> Result<Response, Failure> {
    let key = sent(request.headers())?;
    let caller = request.extensions().get::<Caller>().ok_or_else(Failure::unauthorized)?;
    let lock = app.sealing_key.lock(&[b"idempotency", name(&caller.who).as_bytes(), key.as_bytes()]);
    let (parts, body) = request.into_parts();
    let bytes = body::read(Request::from_parts(parts.clone(), body), app).await?;
    let now_ms = app.clock.millis();
    let claim = Claim {
        name: lock.name(),
        request: digest(&parts.method, parts.uri.path(), &bytes),
        now_ms,
        running_until_ms: now_ms.saturating_add(RUNNING_MS),
        expires_ms: now_ms.saturating_add(DAY_MS),
    };
    match app.store.claim_answer(&claim).await.map_err(Error::from)? {
        Claimed::New => {}
        Claimed::Answered(sealed) => return again(&lock, &sealed).ok_or_else(Failure::internal),
        Claimed::Running => {
            let detail = "a request with this Idempotency-Key is being carried out: ask again for its answer";
            let failure = Failure::new(StatusCode::CONFLICT, "idempotency_key_in_use", detail);
            return Err(Failure { retry_after: Some(1), ..failure });
        }
        Claimed::Other => {
            let detail = "this Idempotency-Key was sent with another request: use a new one for each";
            return Err(Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail));
        }
    }
    keep(app, &lock, next.run(Request::from_parts(parts, Body::from(bytes))).await).await
}

/// Keeps what was done; what was not can be tried again.
async fn keep(app: &App, lock: &Lock, response: Response) -> Result<Response, Failure> {
    let unpublished = response.extensions().get::<Failure>().filter(|it| it.code == "not_published");
    let unpublished = unpublished.map(|failure| failure.detail.clone());
    if !response.status().is_success() && unpublished.is_none() {
        let forgotten = app.store.forget_answer(lock.name()).await;
        forgotten.unwrap_or_else(|error| tracing::error!(%error, "an Idempotency-Key stays taken for a while"));
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, MAX_ANSWER).await.map_err(|_| Failure::internal())?;
    let text = |value: &HeaderValue| value.to_str().map(str::to_owned).unwrap_or_default();
    let answer = Answer {
        status: parts.status.as_u16(),
        headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: String::from_utf8_lossy(&bytes).into_owned(),
        unpublished,
    };
    let sealed = serde_json::to_vec(&answer).ok().and_then(|plain| lock.seal(&plain).ok());
    let sealed = sealed.ok_or_else(Failure::internal)?;
    // It is done: whoever asked gets the answer, even if nobody can get it again.
    let kept = app.store.keep_answer(lock.name(), &sealed).await;
    kept.unwrap_or_else(|error| tracing::error!(%error, "an answer is not kept"));
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

/// The answer that was given before.
fn again(lock: &Lock, sealed: &[u8]) -> Option<Response> {
    let answer: Answer = serde_json::from_slice(&lock.open(sealed)?).ok()?;
    let mut response = match answer.unpublished {
        Some(detail) => Failure::new(StatusCode::SERVICE_UNAVAILABLE, "not_published", detail).into_response(),
        None => (StatusCode::from_u16(answer.status).ok()?, answer.body).into_response(),
    };
    for (name, value) in answer.headers {
        response.headers_mut().insert(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Some(response)
}

/// The one key of a request.
fn sent(headers: &HeaderMap) -> Result<String, Failure> {
    let mut values = headers.get_all(HEADER).iter();
    let value = values.next().filter(|_| values.next().is_none()).map(HeaderValue::as_bytes);
    let fits = |value: &&[u8]| (1..=MAX_LENGTH).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic);
    let text = value.filter(fits).and_then(|value| std::str::from_utf8(value).ok());
    let detail = "expected one Idempotency-Key of 1 to 255 visible ASCII characters, such as a UUID";
    text.map(str::to_owned).ok_or_else(|| Failure::new(StatusCode::BAD_REQUEST, "malformed_request", detail))
}

/// Whose key it is: two callers may choose the same.
fn name(who: &Who) -> String {
    match who {
        Who::Root => "root".to_owned(),
        Who::System => "system".to_owned(),
        Who::Visitor => "visitor".to_owned(),
        Who::User { id, .. } => id.to_string(),
        Who::Token { id, .. } => id.to_string(),
    }
}

fn digest(method: &Method, path: &str, body: &Bytes) -> [u8; 32] {
    let mut hash = Sha256::new().chain_update(method.as_str()).chain_update(" ").chain_update(path);
    hash.update("\n");
    hash.update(body);
    hash.finalize().into()
}

//! `/edge/v1`: what edges fetch and tell.

use std::time::Duration;

use axum::Json;
use axum::body::{Body as RawBody, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::response::{IntoResponse, Response};
use portcullis_api::edge::{
    DrainAnswer, DrainRequest, LeaseAnswer, LeaseRequest, MANIFEST_TYPE, MAX_WAIT_SECONDS, Report,
};
use portcullis_bundle::{Archive, Blob, BlobDigest};
use serde::Deserialize;

use super::body::{Body, Parameters, Segment};
use super::failure::Failure;
use crate::app::App;
use crate::fleet::{self, TooManyEdges};
use crate::quota;

const OCTETS: &str = "application/octet-stream";
const FOR_EVER: &str = "public, max-age=31536000, immutable";

#[derive(Deserialize)]
pub(super) struct Poll {
    #[serde(default)]
    since: u64,
    #[serde(default)]
    wait: u32,
}

/// The manifest as soon as there is a newer one, or the current one, freshly signed, when the wait is over.
pub(super) async fn manifest(State(app): State<App>, Parameters(poll): Parameters<Poll>) -> Result<Response, Failure> {
    let wait = Duration::from_secs(u64::from(poll.wait.min(MAX_WAIT_SECONDS)));
    app.publisher.current().ok_or_else(Failure::not_ready)?;
    let newer = app.publisher.newer_than(poll.since, wait);
    let published = tokio::select! {
        published = newer => published,
        () = app.shutdown.begun() => app.publisher.current(),
    };
    let published = published.ok_or_else(Failure::not_ready)?;
    let signed = app.publisher.sign(&published, app.clock.seconds()).map_err(|_| Failure::internal())?;
    Ok(([(CONTENT_TYPE, MANIFEST_TYPE)], shared(signed)).into_response())
}

/// One blob of the last versions. Immutable, so it may be kept for ever by whoever likes.
pub(super) async fn blob(State(app): State<App>, Segment(digest): Segment) -> Result<Response, Failure> {
    let gone = || Failure::not_found("there is no such blob in the last versions: fetch the manifest again");
    let digest: BlobDigest = digest.parse().map_err(|_| gone())?;
    let blob = app.publisher.blob(&digest).ok_or_else(gone)?;
    let etag = format!("\"{digest}\"");
    let headers = [(CONTENT_TYPE, OCTETS), (CACHE_CONTROL, FOR_EVER), (ETAG, etag.as_str())];
    Ok((headers, shared(Contents(blob))).into_response())
}

/// Bytes that many are sent at once, without a copy for each.
fn shared(bytes: impl AsRef<[u8]> + Send + 'static) -> RawBody {
    RawBody::from(Bytes::from_owner(bytes))
}

/// A blob's bytes.
struct Contents(Blob);

impl AsRef<[u8]> for Contents {
    fn as_ref(&self) -> &[u8] {
        self.0.bytes()
    }
}

/// The whole current bundle in one file.
pub(super) async fn bundle(State(app): State<App>) -> Result<Response, Failure> {
    let published = app.publisher.current().ok_or_else(Failure::not_ready)?;
    let signed = app.publisher.sign(&published, app.clock.seconds()).map_err(|_| Failure::internal())?;
    Ok(([(CONTENT_TYPE, OCTETS)], Archive::write(&signed, published.blobs())).into_response())
}

pub(super) async fn report(State(app): State<App>, Body(report): Body<Report>) -> Result<StatusCode, Failure> {
    match fleet::take(&app, report).await? {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(TooManyEdges) => {
            Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_edges", "too many edges report here"))
        }
    }
}

pub(super) async fn leases(
    State(app): State<App>,
    Body(request): Body<LeaseRequest>,
) -> Result<Json<LeaseAnswer>, Failure> {
    Ok(Json(quota::take(&app, request).await?))
}

pub(super) async fn drain(
    State(app): State<App>,
    Body(request): Body<DrainRequest>,
) -> Result<Json<DrainAnswer>, Failure> {
    Ok(Json(quota::drain(&app, &request).await?))
}

//! `/v1/api-keys`: the same keys in the envelope that clients of the payments product expect.
//!
//! Its shape is given from outside: nothing is added to a success.

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use portcullis_api::payments::{ApiKeys, Done, Failed};

use super::auth::By;
use super::body::{Segment, Written};
use super::failure::Failure;
use super::watch::RequestId;
use crate::app::App;
use crate::keys;

/// Whatever is asked for under it gets this envelope.
const PREFIX: &str = "/v1/api-keys";

/// Every key that is not revoked.
#[utoipa::path(get, path = "/v1/api-keys", tag = "payments",
    responses((status = 200, description = "the keys", body = ApiKeys)))]
pub(super) async fn list(State(app): State<App>, By(by): By) -> Result<Response, Failure> {
    let _listing = app.listings.turn(&by).await;
    let data = keys::list_unrevoked(&app, &by).await?;
    // All keys there are: writing them takes long enough to keep other answers waiting.
    let write = move || Json(ApiKeys { success: true, data }).into_response();
    tokio::task::spawn_blocking(write).await.map_err(|_| Failure::internal())
}

/// Revokes a key for good.
#[utoipa::path(delete, path = "/v1/api-keys/{id}", tag = "payments",
    responses((status = 200, description = "it is revoked", body = Done)))]
pub(super) async fn revoke(State(app): State<App>, By(by): By, Segment(id): Segment) -> Result<Written<Done>, Failure> {
    let revoked = keys::revoke(&app, &by, &id).await?;
    let message = "API key revoked successfully".to_owned();
    Ok(Written(StatusCode::OK, revoked.map(|_, _| Done { success: true, message })))
}

/// Writes failures in the product's envelope instead of RFC 9457.
pub(super) async fn envelope(request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with(PREFIX) {
        return next.run(request).await;
    }
    let id = request.extensions().get::<RequestId>().cloned();
    let mut response = next.run(request).await;
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        let failed = Failed {
            success: false,
            code: failure.code.to_owned(),
            message: failure.detail,
            request_id: id.map(|id| id.as_str().to_owned()).unwrap_or_default(),
        };
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *response.body_mut() = Body::from(serde_json::to_vec(&failed).unwrap_or_default());
    }
    response
}

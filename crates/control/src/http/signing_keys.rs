//! `/v1/signing-keys`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use portcullis_api::signing_keys::RotateSigningKey;
use portcullis_api::{Data, SigningKey};

use super::auth::By;
use super::body::{OptionalBody, Segment, Written};
use super::failure::Failure;
use crate::app::App;
use crate::signing_keys;

/// The keys that access tokens are signed with, the newest first.
#[utoipa::path(get, path = "/v1/signing-keys", tag = "signing keys",
    responses((status = 200, description = "the keys", body = Data<SigningKey>)))]
pub(super) async fn list(State(app): State<App>, By(by): By) -> Result<Json<Data<SigningKey>>, Failure> {
    Ok(Json(Data { data: signing_keys::list(&app, &by).await? }))
}

/// Makes another key, which signs in ten minutes, or at once.
#[utoipa::path(post, path = "/v1/signing-keys:rotate", tag = "signing keys", request_body = Option<RotateSigningKey>,
    responses((status = 200, description = "the keys", body = Data<SigningKey>)))]
pub(super) async fn rotate(
    State(app): State<App>,
    By(by): By,
    OptionalBody(request): OptionalBody<RotateSigningKey>,
) -> Result<Written<Data<SigningKey>>, Failure> {
    let rotated = signing_keys::rotate(&app, &by, &request).await?;
    Ok(Written(StatusCode::OK, rotated.map(|data, _| Data { data })))
}

/// Edges refuse at once what that key signed.
#[utoipa::path(delete, path = "/v1/signing-keys/{kid}", tag = "signing keys",
    responses((status = 200, description = "the key", body = SigningKey)))]
pub(super) async fn revoke(
    State(app): State<App>,
    By(by): By,
    Segment(kid): Segment,
) -> Result<Written<SigningKey>, Failure> {
    Ok(Written(StatusCode::OK, signing_keys::revoke(&app, &by, &kid).await?))
}

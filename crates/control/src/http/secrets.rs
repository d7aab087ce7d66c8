//! `/v1/secrets`. A body that may hold a value is never quoted, whatever is wrong with it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use portcullis_api::secrets::{DeleteSecret, ListSecrets};
use portcullis_api::{CreateSecret, Page, ReplaceValue, SecretRecord, UpdateSecret};

use super::auth::By;
use super::body::{Parameters, Segment, Unquoted, Written};
use super::failure::Failure;
use super::tagged::{Retagged, Tagged};
use crate::app::App;
use crate::secrets;

/// Secrets, newest first, without their values: one's own and the organisation's; whoever manages it sees everybody's.
#[utoipa::path(get, path = "/v1/secrets", tag = "secrets", params(ListSecrets),
    responses((status = 200, description = "one page of secrets", body = Page<SecretRecord>)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    Parameters(query): Parameters<ListSecrets>,
) -> Result<Json<Page<SecretRecord>>, Failure> {
    let _listing = app.listings.turn(&by).await;
    Ok(Json(secrets::list(&app, &by, &query).await?))
}

/// Makes a secret. No answer ever holds its value.
#[utoipa::path(post, path = "/v1/secrets", tag = "secrets", request_body = CreateSecret,
    responses((status = 201, description = "the secret, without its value", body = SecretRecord)))]
pub(super) async fn create(
    State(app): State<App>,
    By(by): By,
    Unquoted(request): Unquoted<CreateSecret>,
) -> Result<Retagged<SecretRecord>, Failure> {
    Ok(Retagged(Written(StatusCode::CREATED, secrets::create(&app, &by, &request).await?)))
}

/// One secret, without its value.
#[utoipa::path(get, path = "/v1/secrets/{id}", tag = "secrets",
    responses((status = 200, description = "the secret", body = SecretRecord)))]
pub(super) async fn show(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
) -> Result<Tagged<SecretRecord>, Failure> {
    Ok(Tagged(secrets::show(&app, &by, &id).await?))
}

/// Changes what a secret is said to be for.
#[utoipa::path(patch, path = "/v1/secrets/{id}", tag = "secrets", request_body = UpdateSecret,
    responses((status = 200, description = "the secret", body = SecretRecord)))]
pub(super) async fn update(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
    Unquoted(request): Unquoted<UpdateSecret>,
) -> Result<Retagged<SecretRecord>, Failure> {
    Ok(Retagged(Written(StatusCode::OK, secrets::update(&app, &by, &id, &request).await?)))
}

/// Puts another value in place of the one so far. Skills and keys that use it stay as they are.
#[utoipa::path(put, path = "/v1/secrets/{id}/value", tag = "secrets", request_body = ReplaceValue,
    responses((status = 200, description = "the secret, without its value", body = SecretRecord)))]
pub(super) async fn replace(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
    Unquoted(request): Unquoted<ReplaceValue>,
) -> Result<Retagged<SecretRecord>, Failure> {
    Ok(Retagged(Written(StatusCode::OK, secrets::replace(&app, &by, &id, &request).await?)))
}

/// Removes a secret. One that skills use goes only with `force`: what refers to it finds nothing then.
#[utoipa::path(delete, path = "/v1/secrets/{id}", tag = "secrets", params(DeleteSecret),
    responses((status = 200, description = "the secret as it was", body = SecretRecord)))]
pub(super) async fn remove(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
    Parameters(query): Parameters<DeleteSecret>,
) -> Result<Written<SecretRecord>, Failure> {
    Ok(Written(StatusCode::OK, secrets::remove(&app, &by, &id, &query).await?))
}

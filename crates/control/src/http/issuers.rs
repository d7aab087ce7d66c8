//! `/v1/issuers`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use portcullis_api::issuers::ListIssuers;
use portcullis_api::{CreateIssuer, Issuer, Key, Page, UpdateIssuer};

use super::auth::By;
use super::body::{Body, Parameters, Segment, Written};
use super::failure::Failure;
use crate::app::App;
use crate::issuers;

/// Other people's issuers whose access tokens are accepted, newest first.
#[utoipa::path(get, path = "/v1/issuers", tag = "issuers", params(ListIssuers),
    responses((status = 200, description = "one page of issuers", body = Page<Issuer>)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    Parameters(query): Parameters<ListIssuers>,
) -> Result<Json<Page<Issuer>>, Failure> {
    let _listing = app.listings.turn(&by).await;
    Ok(Json(issuers::list(&app, &by, &query).await?))
}

/// Adds an issuer, with the keys that it publishes now. Its tokens are accepted from then on.
#[utoipa::path(post, path = "/v1/issuers", tag = "issuers", request_body = CreateIssuer,
    responses((status = 201, description = "the issuer", body = Issuer)))]
pub(super) async fn create(
    State(app): State<App>,
    By(by): By,
    Body(request): Body<CreateIssuer>,
) -> Result<Written<Issuer>, Failure> {
    Ok(Written(StatusCode::CREATED, issuers::create(&app, &by, &request).await?))
}

/// One issuer.
#[utoipa::path(get, path = "/v1/issuers/{id}", tag = "issuers",
    responses((status = 200, description = "the issuer", body = Issuer)))]
pub(super) async fn show(State(app): State<App>, By(by): By, Segment(id): Segment) -> Result<Json<Issuer>, Failure> {
    Ok(Json(issuers::show(&app, &by, &id).await?))
}

/// Changes which of its tokens are accepted and what they mean.
#[utoipa::path(patch, path = "/v1/issuers/{id}", tag = "issuers", request_body = UpdateIssuer,
    responses((status = 200, description = "the issuer", body = Issuer)))]
pub(super) async fn update(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
    Body(request): Body<UpdateIssuer>,
) -> Result<Written<Issuer>, Failure> {
    Ok(Written(StatusCode::OK, issuers::update(&app, &by, &id, &request).await?))
}

/// Removes an issuer by revoking its key: none of its tokens is accepted any more.
#[utoipa::path(delete, path = "/v1/issuers/{id}", tag = "issuers",
    responses((status = 200, description = "its key, revoked", body = Key)))]
pub(super) async fn remove(State(app): State<App>, By(by): By, Segment(id): Segment) -> Result<Written<Key>, Failure> {
    Ok(Written(StatusCode::OK, issuers::remove(&app, &by, &id).await?))
}

/// Fetches its keys now. Why they could not be fetched is in `problem`; the last ones stay in force for 72 hours.
#[utoipa::path(post, path = "/v1/issuers/{id}/refresh", tag = "issuers",
    responses((status = 200, description = "the issuer", body = Issuer)))]
pub(super) async fn refresh(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
) -> Result<Written<Issuer>, Failure> {
    Ok(Written(StatusCode::OK, issuers::refresh(&app, &by, &id).await?))
}

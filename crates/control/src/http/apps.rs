//! `/v1/apps` and `/v1/grants`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use portcullis_api::apps::{ListApps, ListGrants};
use portcullis_api::{App as AppRecord, CreateApp, CreatedApp, Grant, Page, UpdateApp};

use super::auth::By;
use super::body::{Body, Parameters, Segment, Written};
use super::failure::Failure;
use crate::app::App;
use crate::apps;

/// Apps that act for people, newest first.
#[utoipa::path(get, path = "/v1/apps", tag = "apps", params(ListApps),
    responses((status = 200, description = "one page of apps", body = Page<AppRecord>)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    Parameters(query): Parameters<ListApps>,
) -> Result<Json<Page<AppRecord>>, Failure> {
    let _listing = app.listings.turn(&by).await;
    Ok(Json(apps::list(&app, &by, &query).await?))
}

/// Registers an app. Its secret, if it has one, is shown this once.
#[utoipa::path(post, path = "/v1/apps", tag = "apps", request_body = CreateApp,
    responses((status = 201, description = "the app", body = CreatedApp)))]
pub(super) async fn create(
    State(app): State<App>,
    By(by): By,
    Body(request): Body<CreateApp>,
) -> Result<(StatusCode, Json<CreatedApp>), Failure> {
    Ok((StatusCode::CREATED, Json(apps::create(&app, &by, &request).await?)))
}

/// One app.
#[utoipa::path(get, path = "/v1/apps/{id}", tag = "apps",
    responses((status = 200, description = "the app", body = AppRecord)))]
pub(super) async fn show(State(app): State<App>, By(by): By, Segment(id): Segment) -> Result<Json<AppRecord>, Failure> {
    Ok(Json(apps::show(&app, &by, &id).await?))
}

/// Changes an app's name, where people are sent back to, and what it may ask for.
#[utoipa::path(patch, path = "/v1/apps/{id}", tag = "apps", request_body = UpdateApp,
    responses((status = 200, description = "the app", body = AppRecord)))]
pub(super) async fn update(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
    Body(request): Body<UpdateApp>,
) -> Result<Json<AppRecord>, Failure> {
    Ok(Json(apps::update(&app, &by, &id, &request).await?))
}

/// Gives an app another secret, which is shown this once. The one before ends at once.
#[utoipa::path(post, path = "/v1/apps/{id}/rotate", tag = "apps",
    responses((status = 201, description = "the app and its new secret", body = CreatedApp)))]
pub(super) async fn rotate(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
) -> Result<(StatusCode, Json<CreatedApp>), Failure> {
    Ok((StatusCode::CREATED, Json(apps::rotate(&app, &by, &id).await?)))
}

/// Revokes an app for good, and everything that anybody allowed it. Edges refuse its access tokens at once.
#[utoipa::path(delete, path = "/v1/apps/{id}", tag = "apps",
    responses((status = 200, description = "the app", body = AppRecord)))]
pub(super) async fn revoke(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
) -> Result<Written<AppRecord>, Failure> {
    Ok(Written(StatusCode::OK, apps::revoke(&app, &by, &id).await?))
}

/// What people allowed apps and did not revoke, newest first: an admin sees all of the organisation, anybody else their own.
#[utoipa::path(get, path = "/v1/grants", tag = "apps", params(ListGrants),
    responses((status = 200, description = "one page of grants", body = Page<Grant>)))]
pub(super) async fn list_grants(
    State(app): State<App>,
    By(by): By,
    Parameters(query): Parameters<ListGrants>,
) -> Result<Json<Page<Grant>>, Failure> {
    let _listing = app.listings.turn(&by).await;
    Ok(Json(apps::list_grants(&app, &by, &query).await?))
}

/// One grant.
#[utoipa::path(get, path = "/v1/grants/{id}", tag = "apps",
    responses((status = 200, description = "the grant", body = Grant)))]
pub(super) async fn show_grant(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
) -> Result<Json<Grant>, Failure> {
    Ok(Json(apps::grant(&app, &by, &id).await?))
}

/// Revokes a grant for good. Edges refuse its access tokens at once, and its refresh tokens are nothing.
#[utoipa::path(delete, path = "/v1/grants/{id}", tag = "apps",
    responses((status = 200, description = "the grant", body = Grant)))]
pub(super) async fn revoke_grant(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
) -> Result<Written<Grant>, Failure> {
    Ok(Written(StatusCode::OK, apps::revoke_grant(&app, &by, &id).await?))
}

//! `/v1/organizations`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use portcullis_api::{CreateOrganization, Data, Organization, UpdateOrganization};

use super::auth::By;
use super::body::{Body, Segment, Written};
use super::failure::Failure;
use super::tagged::{Retagged, Tagged};
use crate::app::App;
use crate::organizations;

/// Makes an organisation.
#[utoipa::path(post, path = "/v1/organizations", tag = "organizations", request_body = CreateOrganization,
    responses((status = 201, description = "the organisation", body = Organization)))]
pub(super) async fn create(
    State(app): State<App>,
    By(by): By,
    Body(request): Body<CreateOrganization>,
) -> Result<Written<Organization>, Failure> {
    Ok(Written(StatusCode::CREATED, organizations::create(&app, &by, &request).await?))
}

/// Every organisation that the caller sees, oldest first.
#[utoipa::path(get, path = "/v1/organizations", tag = "organizations",
    responses((status = 200, description = "the organisations", body = Data<Organization>)))]
pub(super) async fn list(State(app): State<App>, By(by): By) -> Result<Json<Data<Organization>>, Failure> {
    let _listing = app.listings.turn(&by).await;
    Ok(Json(Data { data: organizations::list(&app, &by).await? }))
}

/// One organisation.
#[utoipa::path(get, path = "/v1/organizations/{id}", tag = "organizations",
    responses((status = 200, description = "the organisation", body = Organization)))]
pub(super) async fn show(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
) -> Result<Tagged<Organization>, Failure> {
    Ok(Tagged(organizations::show(&app, &by, &id).await?))
}

/// Changes an organisation's name or state.
#[utoipa::path(patch, path = "/v1/organizations/{id}", tag = "organizations",
    request_body = UpdateOrganization, responses((status = 200, description = "the organisation", body = Organization)))]
pub(super) async fn update(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
    Body(request): Body<UpdateOrganization>,
) -> Result<Retagged<Organization>, Failure> {
    Ok(Retagged(Written(StatusCode::OK, organizations::update(&app, &by, &id, &request).await?)))
}

//! `/v1/organizations`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use portcullis_api::{CreateOrganization, Data, Organization, UpdateOrganization};

use super::auth::By;
use super::body::{Body, Segment, Written};
use super::failure::Failure;
use crate::app::App;
use crate::organizations;

pub(super) async fn create(
    State(app): State<App>,
    By(by): By,
    Body(request): Body<CreateOrganization>,
) -> Result<Written<Organization>, Failure> {
    Ok(Written(StatusCode::CREATED, organizations::create(&app, &by, &request).await?))
}

pub(super) async fn list(State(app): State<App>, By(by): By) -> Result<Json<Data<Organization>>, Failure> {
    let _listing = app.listings.acquire().await;
    Ok(Json(Data { data: organizations::list(&app, &by).await? }))
}

pub(super) async fn show(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
) -> Result<Json<Organization>, Failure> {
    Ok(Json(organizations::show(&app, &by, &id).await?))
}

pub(super) async fn update(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
    Body(request): Body<UpdateOrganization>,
) -> Result<Written<Organization>, Failure> {
    Ok(Written(StatusCode::OK, organizations::update(&app, &by, &id, &request).await?))
}

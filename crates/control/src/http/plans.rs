//! `/v1/plans`, `/v1/organizations/{id}/top-ups` and `/v1/quota`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use portcullis_api::plans::WhichQuota;
use portcullis_api::{CreatePlan, CreateTopUp, Data, Plan, Quota, TopUp, UpdatePlan};

use super::auth::By;
use super::body::{Body, Parameters, Segment, Written};
use super::failure::Failure;
use super::tagged::{Retagged, Tagged};
use crate::app::App;
use crate::quota::{self, plans};

/// Makes a plan.
#[utoipa::path(post, path = "/v1/plans", tag = "plans", request_body = CreatePlan,
    responses((status = 201, description = "the plan", body = Plan)))]
pub(super) async fn create(
    State(app): State<App>,
    By(by): By,
    Body(request): Body<CreatePlan>,
) -> Result<Written<Plan>, Failure> {
    Ok(Written(StatusCode::CREATED, plans::create(&app, &by, &request).await?))
}

/// Every plan, by name.
#[utoipa::path(get, path = "/v1/plans", tag = "plans",
    responses((status = 200, description = "the plans", body = Data<Plan>)))]
pub(super) async fn list(State(app): State<App>, By(by): By) -> Result<Json<Data<Plan>>, Failure> {
    Ok(Json(Data { data: plans::list(&app, &by).await? }))
}

/// One plan.
#[utoipa::path(get, path = "/v1/plans/{name}", tag = "plans",
    responses((status = 200, description = "the plan", body = Plan)))]
pub(super) async fn show(State(app): State<App>, By(by): By, Segment(name): Segment) -> Result<Tagged<Plan>, Failure> {
    Ok(Tagged(plans::show(&app, &by, &name).await?))
}

/// Changes a plan. Limits follow at once, the bounds of periods that run do not.
#[utoipa::path(patch, path = "/v1/plans/{name}", tag = "plans", request_body = UpdatePlan,
    responses((status = 200, description = "the plan", body = Plan)))]
pub(super) async fn update(
    State(app): State<App>,
    By(by): By,
    Segment(name): Segment,
    Body(request): Body<UpdatePlan>,
) -> Result<Retagged<Plan>, Failure> {
    Ok(Retagged(Written(StatusCode::OK, plans::update(&app, &by, &name, &request).await?)))
}

/// Removes a plan that no organisation has.
#[utoipa::path(delete, path = "/v1/plans/{name}", tag = "plans",
    responses((status = 200, description = "the plan as it was", body = Plan)))]
pub(super) async fn remove(
    State(app): State<App>,
    By(by): By,
    Segment(name): Segment,
) -> Result<Written<Plan>, Failure> {
    Ok(Written(StatusCode::OK, plans::remove(&app, &by, &name).await?))
}

/// Gives an organisation more tokens in the period that runs.
#[utoipa::path(post, path = "/v1/organizations/{id}/top-ups", tag = "plans", request_body = CreateTopUp,
    responses((status = 201, description = "the top-up", body = TopUp)))]
pub(super) async fn top_up(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
    Body(request): Body<CreateTopUp>,
) -> Result<Written<TopUp>, Failure> {
    Ok(Written(StatusCode::CREATED, quota::top_up(&app, &by, &id, &request).await?))
}

/// What an organisation got beside its plan's tokens, the latest first.
#[utoipa::path(get, path = "/v1/organizations/{id}/top-ups", tag = "plans",
    responses((status = 200, description = "the top-ups", body = Data<TopUp>)))]
pub(super) async fn top_ups(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
) -> Result<Json<Data<TopUp>>, Failure> {
    Ok(Json(Data { data: quota::top_ups(&app, &by, &id).await? }))
}

/// What is left of an organisation's quota, or of a key's own.
#[utoipa::path(get, path = "/v1/quota", tag = "plans", params(WhichQuota),
    responses((status = 200, description = "the quota", body = Quota)))]
pub(super) async fn quota(
    State(app): State<App>,
    By(by): By,
    Parameters(which): Parameters<WhichQuota>,
) -> Result<Json<Quota>, Failure> {
    Ok(Json(quota::show(&app, &by, &which).await?))
}

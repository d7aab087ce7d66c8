//! `/v1/policy`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use portcullis_api::policy::{
    CheckPolicy, DiffPolicy, ListPolicyVersions, Policy, PolicyCheck, PolicyVersionDifference, PolicyVersionList,
    PublishPolicy, PublishedPolicy, RestorePolicy,
};

use super::auth::By;
use super::body::{Body, OptionalBody, Parameters, Segment, Written};
use super::failure::Failure;
use super::tagged::Tagged;
use crate::app::App;
use crate::policy;

/// The policy in force.
#[utoipa::path(get, path = "/v1/policy", tag = "policy",
    responses((status = 200, description = "the policy", body = Policy)))]
pub(super) async fn show(State(app): State<App>, By(by): By) -> Result<Tagged<Policy>, Failure> {
    Ok(Tagged(policy::show(&app, &by).await?))
}

/// Whether a policy can be published, what is doubtful about it, and what it would change.
#[utoipa::path(post, path = "/v1/policy:check", tag = "policy", request_body = CheckPolicy,
    responses((status = 200, description = "what was found", body = PolicyCheck)))]
pub(super) async fn check(
    State(app): State<App>,
    By(by): By,
    Body(request): Body<CheckPolicy>,
) -> Result<Json<PolicyCheck>, Failure> {
    let _listing = app.listings.turn(&by).await;
    Ok(Json(policy::check(&app, &by, &request.toml).await?))
}

/// Publishes a policy: once answered, edges can fetch it.
#[utoipa::path(post, path = "/v1/policy", tag = "policy", request_body = PublishPolicy,
    responses((status = 201, description = "the new version", body = PublishedPolicy)))]
pub(super) async fn publish(
    State(app): State<App>,
    By(by): By,
    Body(request): Body<PublishPolicy>,
) -> Result<Written<PublishedPolicy>, Failure> {
    Ok(Written(StatusCode::CREATED, policy::publish(&app, &by, &request).await?))
}

/// One page of versions, newest first.
#[utoipa::path(get, path = "/v1/policy/versions", tag = "policy", params(ListPolicyVersions),
    responses((status = 200, description = "the page", body = PolicyVersionList)))]
pub(super) async fn versions(
    State(app): State<App>,
    By(by): By,
    Parameters(query): Parameters<ListPolicyVersions>,
) -> Result<Json<PolicyVersionList>, Failure> {
    Ok(Json(policy::versions(&app, &by, &query).await?))
}

/// One version.
#[utoipa::path(get, path = "/v1/policy/versions/{version}", tag = "policy",
    responses((status = 200, description = "the version", body = Policy)))]
pub(super) async fn version(
    State(app): State<App>,
    By(by): By,
    Segment(version): Segment,
) -> Result<Tagged<Policy>, Failure> {
    Ok(Tagged(policy::version(&app, &by, &version).await?))
}

/// What changed in the text since the version before, or since another.
#[utoipa::path(get, path = "/v1/policy/versions/{version}/diff", tag = "policy", params(DiffPolicy),
    responses((status = 200, description = "what changed", body = PolicyVersionDifference)))]
pub(super) async fn diff(
    State(app): State<App>,
    By(by): By,
    Segment(version): Segment,
    Parameters(query): Parameters<DiffPolicy>,
) -> Result<Json<PolicyVersionDifference>, Failure> {
    let _listing = app.listings.turn(&by).await;
    Ok(Json(policy::diff(&app, &by, &version, &query).await?))
}

/// Publishes an older version's text as a new version.
#[utoipa::path(post, path = "/v1/policy/versions/{version}/restore", tag = "policy",
    request_body = Option<RestorePolicy>,
    responses((status = 201, description = "the new version", body = PublishedPolicy)))]
pub(super) async fn restore(
    State(app): State<App>,
    By(by): By,
    Segment(version): Segment,
    OptionalBody(request): OptionalBody<RestorePolicy>,
) -> Result<Written<PublishedPolicy>, Failure> {
    Ok(Written(StatusCode::CREATED, policy::restore(&app, &by, &version, &request).await?))
}

//! `/v1/skills` and `/v1/published-skills`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use portcullis_api::skills::{DeleteSkill, ListSkills, PublishedSkill};
use portcullis_api::{CreateSkill, InstallSkill, Page, Skill, UpdateSkill, UpgradeSkill, WhichPage};

use super::auth::By;
use super::body::{Body, OptionalBody, Parameters, Segment, Written};
use super::failure::Failure;
use super::tagged::{Retagged, Tagged};
use crate::app::App;
use crate::skills;

/// Skills, newest first: one's own and the organisation's; whoever manages it sees everybody's.
#[utoipa::path(get, path = "/v1/skills", tag = "skills", params(ListSkills),
    responses((status = 200, description = "one page of skills", body = Page<Skill>)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    Parameters(query): Parameters<ListSkills>,
) -> Result<Json<Page<Skill>>, Failure> {
    let _listing = app.listings.turn(&by).await;
    Ok(Json(skills::list(&app, &by, &query).await?))
}

/// Makes a skill. The secrets that it names need not be there yet.
#[utoipa::path(post, path = "/v1/skills", tag = "skills", request_body = CreateSkill,
    responses((status = 201, description = "the skill", body = Skill)))]
pub(super) async fn create(
    State(app): State<App>,
    By(by): By,
    Body(request): Body<CreateSkill>,
) -> Result<Retagged<Skill>, Failure> {
    Ok(Retagged(Written(StatusCode::CREATED, skills::create(&app, &by, &request).await?)))
}

/// One skill, with what its references stand for now.
#[utoipa::path(get, path = "/v1/skills/{id}", tag = "skills",
    responses((status = 200, description = "the skill", body = Skill)))]
pub(super) async fn show(State(app): State<App>, By(by): By, Segment(id): Segment) -> Result<Tagged<Skill>, Failure> {
    let _listing = app.listings.turn(&by).await;
    Ok(Tagged(skills::show(&app, &by, &id).await?))
}

/// Changes what a skill is said to be for, and the services it may use. Other services make a new version, in force at once.
#[utoipa::path(patch, path = "/v1/skills/{id}", tag = "skills", request_body = UpdateSkill,
    responses((status = 200, description = "the skill", body = Skill)))]
pub(super) async fn update(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
    Body(request): Body<UpdateSkill>,
) -> Result<Retagged<Skill>, Failure> {
    Ok(Retagged(Written(StatusCode::OK, skills::update(&app, &by, &id, &request).await?)))
}

/// Removes a skill. One that keys belong to goes only with `force`: they belong to none then.
#[utoipa::path(delete, path = "/v1/skills/{id}", tag = "skills", params(DeleteSkill),
    responses((status = 200, description = "the skill as it was", body = Skill)))]
pub(super) async fn remove(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
    Parameters(query): Parameters<DeleteSkill>,
) -> Result<Written<Skill>, Failure> {
    Ok(Written(StatusCode::OK, skills::remove(&app, &by, &id, &query).await?))
}

/// Lets every organisation install the version in force: they see its name, description, services and the names of secrets.
#[utoipa::path(post, path = "/v1/skills/{id}/publish", tag = "skills",
    responses((status = 200, description = "the skill", body = Skill)))]
pub(super) async fn publish(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
) -> Result<Written<Skill>, Failure> {
    Ok(Written(StatusCode::OK, skills::publish(&app, &by, &id).await?))
}

/// Lets nobody install it any more. What is installed stays as it is.
#[utoipa::path(post, path = "/v1/skills/{id}/unpublish", tag = "skills",
    responses((status = 200, description = "the skill", body = Skill)))]
pub(super) async fn unpublish(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
) -> Result<Written<Skill>, Failure> {
    Ok(Written(StatusCode::OK, skills::unpublish(&app, &by, &id).await?))
}

/// Makes a skill out of a published one. The secrets that it names are those of whoever installs it.
#[utoipa::path(post, path = "/v1/skills/{id}/install", tag = "skills", request_body = Option<InstallSkill>,
    responses((status = 201, description = "the new skill", body = Skill)))]
pub(super) async fn install(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
    OptionalBody(request): OptionalBody<InstallSkill>,
) -> Result<Written<Skill>, Failure> {
    Ok(Written(StatusCode::CREATED, skills::install(&app, &by, &id, &request).await?))
}

/// Takes the version that its publisher has published now.
#[utoipa::path(post, path = "/v1/skills/{id}/upgrade", tag = "skills", request_body = Option<UpgradeSkill>,
    responses((status = 200, description = "the skill", body = Skill)))]
pub(super) async fn upgrade(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
    OptionalBody(request): OptionalBody<UpgradeSkill>,
) -> Result<Written<Skill>, Failure> {
    Ok(Written(StatusCode::OK, skills::upgrade(&app, &by, &id, &request).await?))
}

/// What anybody published, newest first.
#[utoipa::path(get, path = "/v1/published-skills", tag = "skills", params(WhichPage),
    responses((status = 200, description = "one page of published skills", body = Page<PublishedSkill>)))]
pub(super) async fn published(
    State(app): State<App>,
    By(by): By,
    Parameters(query): Parameters<WhichPage>,
) -> Result<Json<Page<PublishedSkill>>, Failure> {
    let _listing = app.listings.turn(&by).await;
    Ok(Json(skills::list_published(&app, &by, &query).await?))
}

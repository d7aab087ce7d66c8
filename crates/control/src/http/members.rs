//! `/v1/organizations/{id}/members`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use portcullis_api::{Member, Page, UpdateMember, WhichPage};

use super::auth::By;
use super::body::{Body, Parameters, Segment, Segments};
use super::failure::Failure;
use crate::accounts;
use crate::app::App;

/// The members of an organisation, those who came first before the others.
#[utoipa::path(get, path = "/v1/organizations/{id}/members", tag = "members", params(WhichPage),
    responses((status = 200, description = "one page of members", body = Page<Member>)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
    Parameters(query): Parameters<WhichPage>,
) -> Result<Json<Page<Member>>, Failure> {
    let _listing = app.listings.turn(&by).await;
    Ok(Json(accounts::list_members(&app, &by, &id, &query).await?))
}

/// Changes a member's role. Only owners make and unmake owners, and one of them stays (409 `last_owner`).
#[utoipa::path(patch, path = "/v1/organizations/{id}/members/{user}", tag = "members", request_body = UpdateMember,
    responses((status = 200, description = "the member", body = Member)))]
pub(super) async fn update(
    State(app): State<App>,
    By(by): By,
    Segments(id, user): Segments,
    Body(request): Body<UpdateMember>,
) -> Result<Json<Member>, Failure> {
    Ok(Json(accounts::change_role(&app, &by, &id, &user, &request).await?))
}

/// Removes a member; their sessions and personal tokens there end at once.
#[utoipa::path(delete, path = "/v1/organizations/{id}/members/{user}", tag = "members",
    responses((status = 204, description = "they are no member any more")))]
pub(super) async fn remove(
    State(app): State<App>,
    By(by): By,
    Segments(id, user): Segments,
) -> Result<StatusCode, Failure> {
    accounts::remove_member(&app, &by, &id, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

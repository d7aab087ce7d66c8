//! `/v1/organizations/{id}/invitations`, and where whoever is invited accepts.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use portcullis_api::accounts::{AcceptInvitation, AcceptedInvitation};
use portcullis_api::{CreateInvitation, CreatedInvitation, Invitation, Page, WhichPage};

use super::auth::By;
use super::body::{Body, Parameters, Segment, Segments};
use super::failure::Failure;
use crate::accounts::{self, Acceptance, Accepted, Password};
use crate::app::App;

/// The invitations of an organisation that are neither accepted nor withdrawn, newest first.
#[utoipa::path(get, path = "/v1/organizations/{id}/invitations", tag = "invitations", params(WhichPage),
    responses((status = 200, description = "one page of invitations", body = Page<Invitation>)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
    Parameters(query): Parameters<WhichPage>,
) -> Result<Json<Page<Invitation>>, Failure> {
    let _listing = app.listings.turn(&by).await;
    Ok(Json(accounts::list_invitations(&app, &by, &id, &query).await?))
}

/// Invites somebody. The link in the answer works once, for seven days, and is shown this once.
#[utoipa::path(post, path = "/v1/organizations/{id}/invitations", tag = "invitations", request_body = CreateInvitation,
    responses((status = 201, description = "the invitation and its link", body = CreatedInvitation)))]
pub(super) async fn create(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
    Body(request): Body<CreateInvitation>,
) -> Result<(StatusCode, Json<CreatedInvitation>), Failure> {
    Ok((StatusCode::CREATED, Json(accounts::invite(&app, &by, &id, &request).await?)))
}

/// Withdraws an invitation: its link no longer works.
#[utoipa::path(delete, path = "/v1/organizations/{id}/invitations/{invitation}", tag = "invitations",
    responses((status = 200, description = "the invitation", body = Invitation)))]
pub(super) async fn withdraw(
    State(app): State<App>,
    By(by): By,
    Segments(id, invitation): Segments,
) -> Result<Json<Invitation>, Failure> {
    Ok(Json(accounts::withdraw(&app, &by, &id, &invitation).await?))
}

/// Accepts an invitation, as somebody new or with the password one has (403 `wrong_password`).
#[utoipa::path(post, path = "/v1/invitations:accept", tag = "invitations", security(()), request_body = AcceptInvitation,
    responses((status = 201, description = "who joined, and where", body = AcceptedInvitation),
        (status = 403, description = "`wrong_password`", body = portcullis_api::Problem, content_type = "application/problem+json"),
        (status = 404, description = "`not_found`: it was used, withdrawn or is too old", body = portcullis_api::Problem, content_type = "application/problem+json")))]
pub(super) async fn accept(
    State(app): State<App>,
    By(by): By,
    Body(request): Body<AcceptInvitation>,
) -> Result<(StatusCode, Json<AcceptedInvitation>), Failure> {
    let acceptance =
        Acceptance { email: request.email, name: request.name, password: Password::typed(request.password.expose()) };
    let Accepted { user, membership } = accounts::accept(&app, &by, request.token.expose(), &acceptance).await?;
    let answer = AcceptedInvitation { user: accounts::shown(user), membership: accounts::membership(membership) };
    Ok((StatusCode::CREATED, Json(answer)))
}

//! `/v1/tokens` and `/v1/me`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use portcullis_api::tokens::ListTokens;
use portcullis_api::{ApiToken, CreateToken, CreatedToken, Me, Page};

use super::auth::By;
use super::body::{Body, Parameters, Segment};
use super::failure::Failure;
use crate::accounts;
use crate::app::App;

/// API tokens, newest first: an admin sees every one, anybody else their own.
#[utoipa::path(get, path = "/v1/tokens", tag = "tokens", params(ListTokens),
    responses((status = 200, description = "one page of tokens", body = Page<ApiToken>)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    Parameters(query): Parameters<ListTokens>,
) -> Result<Json<Page<ApiToken>>, Failure> {
    let _listing = app.listings.turn(&by).await;
    Ok(Json(accounts::list_tokens(&app, &by, &query).await?))
}

/// Makes an API token, which may nothing that its maker may not. The token is shown this once.
#[utoipa::path(post, path = "/v1/tokens", tag = "tokens", request_body = CreateToken,
    responses((status = 201, description = "the token", body = CreatedToken)))]
pub(super) async fn create(
    State(app): State<App>,
    By(by): By,
    Body(request): Body<CreateToken>,
) -> Result<(StatusCode, Json<CreatedToken>), Failure> {
    Ok((StatusCode::CREATED, Json(accounts::create_token(&app, &by, &request).await?)))
}

/// Revokes an API token for good, at once.
#[utoipa::path(delete, path = "/v1/tokens/{id}", tag = "tokens",
    responses((status = 200, description = "the token", body = ApiToken)))]
pub(super) async fn revoke(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
) -> Result<Json<ApiToken>, Failure> {
    Ok(Json(accounts::revoke_token(&app, &by, &id).await?))
}

/// Whom the control plane takes the caller for, and what they may do.
#[utoipa::path(get, path = "/v1/me", tag = "meta", responses((status = 200, description = "the caller", body = Me)))]
pub(super) async fn me(State(app): State<App>, By(by): By) -> Result<Json<Me>, Failure> {
    Ok(Json(accounts::me(&app, &by).await?))
}

//! `/v1/edge-keys`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use portcullis_api::edge_keys::RemoveEdgeKey;
use portcullis_api::{AddEdgeKey, EdgeKey, Page};

use super::auth::By;
use super::body::{Parameters, Segment, Unquoted, Written};
use super::failure::Failure;
use crate::app::App;
use crate::edge_keys;

/// The public keys that secrets are sealed to, oldest first. Whoever seals, seals to each of them.
#[utoipa::path(get, path = "/v1/edge-keys", tag = "edge_keys",
    responses((status = 200, description = "all keys", body = Page<EdgeKey>)))]
pub(super) async fn list(State(app): State<App>, By(by): By) -> Result<Json<Page<EdgeKey>>, Failure> {
    let _listing = app.listings.turn(&by).await;
    Ok(Json(edge_keys::list(&app, &by).await?))
}

/// Adds a public key. Values that are entered from then on are sealed to it, too; those from before have to be entered again.
#[utoipa::path(post, path = "/v1/edge-keys", tag = "edge_keys", request_body = AddEdgeKey,
    responses((status = 201, description = "the key", body = EdgeKey)))]
pub(super) async fn add(
    State(app): State<App>,
    By(by): By,
    Unquoted(request): Unquoted<AddEdgeKey>,
) -> Result<Written<EdgeKey>, Failure> {
    Ok(Written(StatusCode::CREATED, edge_keys::add(&app, &by, &request).await?))
}

/// Removes a public key, and all that is sealed to it: edges that have only its private half can use no secret any more.
#[utoipa::path(delete, path = "/v1/edge-keys/{id}", tag = "edge_keys", params(RemoveEdgeKey),
    responses((status = 200, description = "the key as it was", body = EdgeKey)))]
pub(super) async fn remove(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
    Parameters(query): Parameters<RemoveEdgeKey>,
) -> Result<Written<EdgeKey>, Failure> {
    Ok(Written(StatusCode::OK, edge_keys::remove(&app, &by, &id, &query).await?))
}

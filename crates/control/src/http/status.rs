//! How the control plane and the fleet are doing.

use axum::Json;
use axum::extract::State;
use portcullis_api::Data;
use portcullis_api::status::{Edge, Status};
use portcullis_api::traffic::Traffic;
use serde_json::{Value, json};

use super::auth::By;
use super::failure::Failure;
use crate::app::App;
use crate::{fleet, traffic};

/// A control plane that has published nothing for longer, although there is something, is not well.
const MAX_LAG_SECONDS: u64 = 10;

/// The process is up.
pub(super) async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// Edges can fetch a bundle, and what is stored reaches it.
pub(super) async fn readyz(State(app): State<App>) -> Result<Json<Value>, Failure> {
    app.publisher.current().ok_or_else(Failure::not_ready)?;
    let lag = app.publisher.lag();
    if lag.unreachable {
        return Err(Failure::database_unavailable());
    }
    let behind = lag.seconds;
    if behind > MAX_LAG_SECONDS {
        return Err(Failure::behind(behind));
    }
    Ok(Json(json!({ "status": "ready" })))
}

/// How the control plane is doing.
#[utoipa::path(get, path = "/v1/status", tag = "fleet", responses((status = 200, description = "as of now", body = Status)))]
pub(super) async fn status(State(app): State<App>) -> Json<Status> {
    let published = app.publisher.current();
    let lag = app.publisher.lag();
    let (edges, applied_version) = fleet::summary(&app).await;
    let room = app.policy();
    let policy = room.spec();
    Json(Status {
        version: published.as_ref().map_or(0, |it| it.version()),
        pending_version: lag.pending_version,
        last_publish_error: lag.last_error,
        keys: published.as_ref().map_or(0, |it| it.key_count()),
        policy: policy.name.clone(),
        environments: policy.environments.clone(),
        scopes: policy.scopes.clone(),
        public_key: app.public_key.to_string(),
        edges,
        applied_version,
    })
}

/// Every edge heard of lately.
#[utoipa::path(get, path = "/v1/edges", tag = "fleet",
    responses((status = 200, description = "the edges", body = Data<Edge>)))]
pub(super) async fn edges(State(app): State<App>, By(by): By) -> Result<Json<Data<Edge>>, Failure> {
    Ok(Json(Data { data: fleet::list(&app, &by).await? }))
}

/// What all edges together let through and refused in the last day.
#[utoipa::path(get, path = "/v1/traffic", tag = "fleet",
    responses((status = 200, description = "hour by hour", body = Traffic)))]
pub(super) async fn traffic(State(app): State<App>, By(by): By) -> Result<Json<Traffic>, Failure> {
    Ok(Json(traffic::last_day(&app, &by).await?))
}

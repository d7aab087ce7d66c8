//! The HTTP face: which path answers what, who may call it, how errors look. Handlers are thin: parse, domain, respond.
//!
//! Invariants: who may go where is decided in `auth`, before it is known whether there is anything. Nothing that may hold a key is logged: not paths, not bodies, not queries.

mod address;
mod auth;
mod body;
mod edge;
mod failure;
mod finish;
mod keys;
mod organizations;
mod payments;
pub(crate) mod session;
mod status;
mod watch;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{delete, get, post};

use crate::app::App;
pub(crate) use address::Peer;
pub(crate) use failure::Failure;

/// A batch of a thousand keys with restrictions fits.
const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// Every route.
pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/v1/api-keys", get(payments::list))
        .route("/v1/api-keys/{id}", delete(payments::revoke))
        .route("/v1/keys", get(keys::list).post(keys::create))
        .route("/v1/keys:batch", post(keys::create_batch))
        .route("/v1/keys/{id}", get(keys::show).patch(keys::update).delete(keys::revoke))
        .route("/v1/keys/{id}/rotate", post(keys::rotate))
        .route("/v1/organizations", get(organizations::list).post(organizations::create))
        .route("/v1/organizations/{id}", get(organizations::show).patch(organizations::update))
        .route("/v1/edges", get(status::edges))
        .route("/v1/status", get(status::status))
        .route("/edge/v1/manifest", get(edge::manifest))
        .route("/edge/v1/blobs/{digest}", get(edge::blob))
        .route("/edge/v1/bundle", get(edge::bundle))
        .route("/edge/v1/report", post(edge::report))
        .route("/healthz", get(status::healthz))
        .route("/readyz", get(status::readyz))
        .fallback(async || Failure::not_found("there is no such path"))
        .method_not_allowed_fallback(async || Failure::method_not_allowed())
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn(finish::finish))
        .layer(from_fn_with_state(app.clone(), auth::gate))
        .layer(from_fn(payments::envelope))
        .layer(from_fn(watch::watch))
        .with_state(app)
}

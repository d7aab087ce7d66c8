//! The HTTP face: which path answers what, who may call it, how errors look. Handlers are thin: parse, domain, respond.
//!
//! Invariants: everything under `/edge` wants the edges' token and all else the administrator's, whether it is there or
//! not; only `/healthz`, `/readyz` and `/v1/openapi.json` are open. Nothing that may hold a key is logged: not paths, not bodies, not queries.

mod audit;
mod auth;
mod body;
mod denials;
mod edge;
mod explain;
mod failure;
mod finish;
mod keys;
mod metrics;
mod openapi;
mod organizations;
mod payments;
mod receipts;
mod status;
mod watch;

use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use axum::{Extension, Router};
use portcullis_api::Problem;
use portcullis_api::payments::Failed;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use failure::Failure;
use openapi::Document;

/// A batch of a thousand keys with restrictions fits.
const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// What the description of the API holds beside its operations.
#[derive(OpenApi)]
#[openapi(components(schemas(Problem, Failed)))]
struct Described;

/// Every route.
pub(crate) fn router(app: App) -> Router {
    let (routes, annotated) = management().split_for_parts();
    routes
        .route("/edge/v1/manifest", get(edge::manifest))
        .route("/edge/v1/blobs/{digest}", get(edge::blob))
        .route("/edge/v1/bundle", get(edge::bundle))
        .route("/edge/v1/report", post(edge::report))
        .route("/metrics", get(metrics::metrics))
        .route("/healthz", get(status::healthz))
        .route("/readyz", get(status::readyz))
        .fallback(async || Failure::not_found("there is no such path"))
        .method_not_allowed_fallback(async || Failure::method_not_allowed())
        .layer(Extension(Document::new(annotated)))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn(finish::finish))
        .layer(from_fn_with_state(app.clone(), auth::gate))
        .layer(from_fn(payments::envelope))
        .layer(from_fn_with_state(app.clone(), watch::watch))
        .with_state(app)
}

/// The management API: what is routed here is described in `/v1/openapi.json`.
fn management() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Described::openapi())
        .routes(routes!(payments::list))
        .routes(routes!(payments::revoke))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::create_batch))
        .routes(routes!(keys::find))
        .routes(routes!(keys::import))
        .routes(routes!(keys::show, keys::update, keys::revoke))
        .routes(routes!(keys::rotate))
        .routes(routes!(keys::start_trial, keys::end_trial))
        .routes(routes!(keys::enforce_trial))
        .routes(routes!(explain::explain))
        .routes(routes!(organizations::list, organizations::create))
        .routes(routes!(organizations::show, organizations::update))
        .routes(routes!(denials::observed))
        .routes(routes!(receipts::show))
        .routes(routes!(denials::list))
        .routes(routes!(denials::show))
        .routes(routes!(audit::list))
        .routes(routes!(audit::export))
        .routes(routes!(status::edges))
        .routes(routes!(status::traffic))
        .routes(routes!(status::status))
        .routes(routes!(openapi::document))
}

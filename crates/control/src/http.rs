//! The HTTP face: which path answers what, who may call it, how errors look. Handlers are thin: parse, domain, respond.
//!
//! Invariants: who may go where is decided in `auth`, before it is known whether there is anything. Nothing that may
//! hold a key is logged: not paths, not bodies, not queries.

mod address;
mod apps;
mod arrival;
mod audit;
mod auth;
mod body;
mod denials;
mod edge;
mod edge_keys;
mod explain;
mod failure;
mod finish;
mod idempotency;
mod invitations;
mod issuers;
mod keys;
mod members;
mod metrics;
mod oauth;
mod openapi;
mod organizations;
mod pages;
mod payments;
mod plans;
mod policy;
pub(crate) mod polls;
pub(crate) mod rates;
mod receipts;
mod routes;
mod secrets;
pub(crate) mod session;
mod signing_keys;
mod skills;
mod status;
mod tagged;
mod tally;
mod tokens;
mod usage;
mod watch;
mod webhooks;

use axum::middleware::{from_fn, from_fn_with_state};
use axum::{Extension, Router};
use portcullis_api::Problem;
use portcullis_api::payments::Failed;
use utoipa::OpenApi;
use utoipa_axum::routes;

use crate::app::App;
pub(crate) use address::Peer;
pub(crate) use failure::Failure;
use openapi::Document;
pub use routes::Route;
use routes::Routes;

/// What the description of the API holds beside its operations.
#[derive(OpenApi)]
#[openapi(components(schemas(Problem, Failed)))]
struct Described;

/// What is served.
pub(crate) fn router(app: App) -> Router {
    let (routes, annotated, _) = registered().finish();
    routes
        .fallback(async || Failure::not_found("there is no such path"))
        .method_not_allowed_fallback(async || Failure::method_not_allowed())
        .layer(Extension(Document::new(annotated)))
        .layer(from_fn_with_state(app.clone(), idempotency::once))
        .layer(from_fn(finish::finish))
        .layer(from_fn(tagged::unless_modified))
        .layer(from_fn_with_state(app.clone(), auth::gate))
        .layer(from_fn(payments::envelope))
        .layer(from_fn_with_state(app.clone(), watch::watch))
        .with_state(app)
}

/// Every route, as it was registered.
pub fn routes() -> Vec<Route> {
    registered().finish().2
}

/// Every route. What is registered as `api` is described in `/v1/openapi.json`. Whom a path is for is said in `auth`.
fn registered() -> Routes {
    let routes = Routes::new(Described::openapi())
        .get("/edge/v1/manifest", edge::manifest)
        .get("/edge/v1/blobs/{digest}", edge::blob)
        .get("/edge/v1/bundle", edge::bundle)
        .post("/edge/v1/report", edge::report)
        .post("/edge/v1/leases", edge::leases)
        .post("/edge/v1/drain", edge::drain)
        .post("/oauth/token", oauth::token)
        .post("/oauth/revoke", oauth::revoke)
        .post("/oauth/introspect", oauth::introspect)
        .get("/.well-known/jwks.json", oauth::jwks)
        .get("/.well-known/oauth-authorization-server", oauth::metadata)
        .get("/metrics", metrics::metrics)
        .get("/healthz", status::healthz)
        .get("/readyz", status::readyz);
    pages::register(management(routes))
}

/// The management API.
fn management(routes: Routes) -> Routes {
    routes
        .api(routes!(payments::list))
        .api(routes!(payments::revoke))
        .api(routes!(keys::list, keys::create))
        .api(routes!(keys::create_batch))
        .api(routes!(keys::find))
        .api(routes!(keys::import))
        .api(routes!(keys::show, keys::update, keys::revoke))
        .api(routes!(keys::rotate))
        .api(routes!(keys::start_trial, keys::end_trial))
        .api(routes!(keys::enforce_trial))
        .api(routes!(denials::observed))
        .api(routes!(explain::explain))
        .api(routes!(denials::list))
        .api(routes!(denials::show))
        .api(routes!(receipts::show))
        .api(routes!(organizations::list, organizations::create))
        .api(routes!(organizations::show, organizations::update))
        .api(routes!(plans::top_ups, plans::top_up))
        .api(routes!(plans::list, plans::create))
        .api(routes!(plans::show, plans::update, plans::remove))
        .api(routes!(plans::quota))
        .api(routes!(members::list))
        .api(routes!(members::update, members::remove))
        .api(routes!(invitations::list, invitations::create))
        .api(routes!(invitations::withdraw))
        .api(routes!(invitations::accept))
        .api(routes!(tokens::list, tokens::create))
        .api(routes!(tokens::revoke))
        .api(routes!(tokens::me))
        .api(routes!(apps::list, apps::create))
        .api(routes!(apps::show, apps::update, apps::revoke))
        .api(routes!(apps::rotate))
        .api(routes!(apps::list_grants))
        .api(routes!(apps::show_grant, apps::revoke_grant))
        .api(routes!(webhooks::list, webhooks::create))
        .api(routes!(webhooks::show, webhooks::update, webhooks::remove))
        .api(routes!(webhooks::test))
        .api(routes!(webhooks::deliveries))
        .api(routes!(webhooks::retry))
        .api(routes!(signing_keys::list))
        .api(routes!(signing_keys::rotate))
        .api(routes!(signing_keys::revoke))
        .api(routes!(issuers::list, issuers::create))
        .api(routes!(issuers::show, issuers::update, issuers::remove))
        .api(routes!(issuers::refresh))
        .api(routes!(edge_keys::list, edge_keys::add))
        .api(routes!(edge_keys::remove))
        .api(routes!(secrets::list, secrets::create))
        .api(routes!(secrets::show, secrets::update, secrets::remove))
        .api(routes!(secrets::replace))
        .api(routes!(skills::list, skills::create))
        .api(routes!(skills::show, skills::update, skills::remove))
        .api(routes!(skills::publish))
        .api(routes!(skills::unpublish))
        .api(routes!(skills::install))
        .api(routes!(skills::upgrade))
        .api(routes!(skills::published))
        .api(routes!(policy::show, policy::publish))
        .api(routes!(policy::check))
        .api(routes!(policy::versions))
        .api(routes!(policy::version))
        .api(routes!(policy::diff))
        .api(routes!(policy::restore))
        .api(routes!(usage::list))
        .api(routes!(usage::export))
        .api(routes!(audit::list))
        .api(routes!(audit::export))
        .api(routes!(status::edges))
        .api(routes!(status::traffic))
        .api(routes!(status::status))
        .api(routes!(openapi::document))
}

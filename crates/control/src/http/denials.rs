//! `/v1/denials` and `/v1/keys/{id}/observations`: what edges tell of single requests.

use axum::Json;
use axum::extract::State;
use portcullis_api::denials::{Denial, DenialList, ListDenials};
use portcullis_api::observations::{ListObservations, Observations};

use super::auth::By;
use super::body::{Parameters, Segment};
use super::failure::Failure;
use crate::app::App;
use crate::{denials, observations};

/// One page of denials of the last day, newest first.
#[utoipa::path(get, path = "/v1/denials", tag = "explain", params(ListDenials),
    responses((status = 200, description = "the page", body = DenialList)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    Parameters(query): Parameters<ListDenials>,
) -> Result<Json<DenialList>, Failure> {
    let _listing = app.listings.turn(&by).await;
    Ok(Json(denials::list(&app, &by, &query).await?))
}

/// Why the request with that id was refused, if that was within the last day.
#[utoipa::path(get, path = "/v1/denials/{request_id}", tag = "explain",
    responses((status = 200, description = "the denial", body = Denial)))]
pub(super) async fn show(
    State(app): State<App>,
    By(by): By,
    Segment(request_id): Segment,
) -> Result<Json<Denial>, Failure> {
    Ok(Json(denials::show(&app, &by, &request_id).await?))
}

/// What was let through with a key and would have been denied, and who still uses one that was rotated.
#[utoipa::path(get, path = "/v1/keys/{id}/observations", tag = "keys", params(ListObservations),
    responses((status = 200, description = "what was observed", body = Observations)))]
pub(super) async fn observed(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
    Parameters(query): Parameters<ListObservations>,
) -> Result<Json<Observations>, Failure> {
    Ok(Json(observations::observations(&app, &by, &id, query.kind).await?))
}

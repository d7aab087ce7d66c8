//! `/v1/receipts`.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use portcullis_api::receipts::{MAX_WAIT_SECONDS, ReadReceipt, Receipt};

use super::auth::By;
use super::body::{Parameters, Segment};
use super::failure::Failure;
use crate::app::App;
use crate::error::Error;
use crate::receipts;

/// Where a change is enforced, and how fast the slowest edge was; with `wait`, as soon as the edges enforce it. Each caller
/// waits for eight at once (429).
#[utoipa::path(get, path = "/v1/receipts/{version}", tag = "fleet", params(ReadReceipt),
    responses((status = 200, description = "the receipt, as of now", body = Receipt)))]
pub(super) async fn show(
    State(app): State<App>,
    By(by): By,
    Segment(version): Segment,
    Parameters(query): Parameters<ReadReceipt>,
) -> Result<Json<Receipt>, Failure> {
    let version = version.parse().map_err(|_| Error::NotFound("change"))?;
    let wait = query.wait.unwrap_or(0);
    if wait > MAX_WAIT_SECONDS {
        return Err(Error::invalid("/wait", format!("expected 0 to {MAX_WAIT_SECONDS} seconds")).into());
    }
    let _poll = (wait > 0).then(|| app.polls.begin(&by)).transpose()?;
    Ok(Json(receipts::receipt(&app, &by, version, Duration::from_secs(u64::from(wait))).await?))
}

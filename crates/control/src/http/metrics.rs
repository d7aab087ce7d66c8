//! `/metrics`, for Prometheus.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

use super::auth::By;
use super::failure::Failure;
use crate::app::App;
use crate::metrics;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) async fn metrics(State(app): State<App>, By(by): By) -> Result<impl IntoResponse, Failure> {
    Ok(([(CONTENT_TYPE, OPEN_METRICS)], metrics::text(&app, &by).await?))
}

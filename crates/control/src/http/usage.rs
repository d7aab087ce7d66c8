//! `/v1/usage`.

use axum::Json;
use axum::body::Body as RawBody;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{AppendHeaders, IntoResponse, Response};
use futures_util::TryStreamExt as _;
use portcullis_api::audit::ExportFormat;
use portcullis_api::usage::{EXPORTED_FROM, EXPORTED_TO, ExportUsage, ListUsage, UsageList, UsageRow};

use super::auth::By;
use super::body::Parameters;
use super::failure::Failure;
use crate::app::App;
use crate::caller::Caller;
use crate::usage;

/// What keys did, added up: one page, oldest first.
#[utoipa::path(get, path = "/v1/usage", tag = "usage", params(ListUsage),
    responses((status = 200, description = "the page", body = UsageList)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    Parameters(query): Parameters<ListUsage>,
) -> Result<Json<UsageList>, Failure> {
    let _listing = app.listings.turn(&by).await;
    Ok(Json(usage::list(&app, &by, &query).await?))
}

/// The same, all of it, as a table or as one JSON object a line.
#[utoipa::path(get, path = "/v1/usage/export", tag = "usage", params(ExportUsage),
    responses((status = 200, description = "the sums", content(
        (String = "text/csv"),
        (UsageRow = "application/jsonl"),
    ), headers(
        ("x-portcullis-from" = String, description = "from then on, as it was rounded"),
        ("x-portcullis-to" = String, description = "before then, as it was rounded"),
    ))))]
pub(super) async fn export(
    State(app): State<App>,
    By(by): By,
    Parameters(query): Parameters<ExportUsage>,
) -> Result<Response, Failure> {
    file(app, &by, query).await
}

/// The sums as a file to keep, written as they are read.
pub(super) async fn file(app: App, by: &Caller, query: ExportUsage) -> Result<Response, Failure> {
    let (kind, disposition) = match query.format {
        ExportFormat::Csv => ("text/csv; charset=utf-8; header=present", "attachment; filename=\"usage.csv\""),
        ExportFormat::Jsonl => ("application/jsonl", "attachment; filename=\"usage.jsonl\""),
    };
    let (bounds, pieces) = usage::export(app, by, query).await?;
    // The status is on its way by then: a reader that sees the connection break knows that it does not have all.
    let pieces = pieces.inspect_err(|error| tracing::error!(%error, "an export of usage broke off"));
    let headers = [(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, disposition)];
    let bounds: Vec<_> = [EXPORTED_FROM, EXPORTED_TO].into_iter().zip(bounds).collect();
    Ok((headers, AppendHeaders(bounds), RawBody::from_stream(pieces.map_err(|_| "broke off"))).into_response())
}

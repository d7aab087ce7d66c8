//! `/v1/audit`.

use axum::Json;
use axum::body::Body as RawBody;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::TryStreamExt as _;
use portcullis_api::audit::{AuditList, ExportAudit, ExportFormat, ListAudit};

use super::auth::By;
use super::body::Parameters;
use super::failure::Failure;
use crate::app::App;
use crate::audit;
use crate::caller::Caller;

/// One page of the audit log, newest first.
#[utoipa::path(get, path = "/v1/audit", tag = "audit", params(ListAudit),
    responses((status = 200, description = "the page", body = AuditList)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    Parameters(query): Parameters<ListAudit>,
) -> Result<Json<AuditList>, Failure> {
    let _listing = app.listings.turn(&by).await;
    Ok(Json(audit::list(&app, &by, &query).await?))
}

/// The whole audit log, newest first, as a table or as one JSON object a line.
#[utoipa::path(get, path = "/v1/audit/export", tag = "audit", params(ExportAudit),
    responses((status = 200, description = "the log", content(
        (String = "text/csv"),
        (portcullis_api::audit::AuditEntry = "application/jsonl"),
    ))))]
pub(super) async fn export(
    State(app): State<App>,
    By(by): By,
    Parameters(query): Parameters<ExportAudit>,
) -> Result<Response, Failure> {
    file(app, &by, query)
}

/// The log as a file to keep, written as it is read.
pub(super) fn file(app: App, by: &Caller, query: ExportAudit) -> Result<Response, Failure> {
    let (kind, disposition) = match query.format {
        ExportFormat::Csv => ("text/csv; charset=utf-8; header=present", "attachment; filename=\"audit.csv\""),
        ExportFormat::Jsonl => ("application/jsonl", "attachment; filename=\"audit.jsonl\""),
    };
    let pieces = audit::export(app, by, query)?;
    // The status is on its way by then: a reader that sees the connection break knows that it does not have all.
    let pieces = pieces.inspect_err(|error| tracing::error!(%error, "an export of the audit log broke off"));
    let headers = [(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, disposition)];
    Ok((headers, RawBody::from_stream(pieces.map_err(|_| "broke off"))).into_response())
}

//! `/receipts/{version}`: where a change is enforced. Scripts ask for the one line of it, with `x-fragment`.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};

use super::desk::{Desk, line};
use super::{Html, NO_WAIT};
use crate::app::App;
use crate::error::Error;
use crate::http::body::Segment;
use crate::http::failure::Failure;
use crate::pages::receipt::{ReceiptPage, ReceiptRow};
use crate::pages::shell::Section;
use crate::pages::when::When;
use crate::receipts;

const FRAGMENT: &str = "x-fragment";

pub(super) async fn show(
    State(app): State<App>,
    desk: Desk,
    Segment(version): Segment,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let version = version.parse().map_err(|_| Error::NotFound("change"))?;
    let found = receipts::receipt(&app, &desk.by, version, NO_WAIT).await?;
    let changed = When::parse(&found.changed_at, app.clock.seconds());
    let rows: Vec<_> = found.detail.iter().map(row).collect();
    let receipt = line(found);
    if headers.contains_key(FRAGMENT) {
        return Ok(Html::ok(receipt).into_response());
    }
    let shell = desk.shell(format!("Version {version}"), Section::None);
    Ok(Html::ok(ReceiptPage { shell, receipt, changed, rows }).into_response())
}

fn row(edge: &portcullis_api::receipts::EdgeReceipt) -> ReceiptRow {
    ReceiptRow { edge: edge.edge.clone(), enforced: edge.enforced, silent: edge.silent, ms: edge.ms }
}

//! Requests that edges refused, to be looked up for a day by the id that the client was told.
//!
//! Denials of unknown keys belong to no organisation: they are the operator's to see.

mod explanation;

use portcullis_api::denials::{Denial, DenialList, ListDenials};
use portcullis_engine::Reason;

use crate::access::Permission::KeysRead;
use crate::app::App;
use crate::caller::Caller;
use crate::clock::to_rfc3339;
use crate::error::Error;
use crate::store::{Audience, DenialFilter, DenialRow};

const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 1000;

/// The last denial with that request id.
pub(crate) async fn show(app: &App, by: &Caller, request_id: &str) -> Result<Denial, Error> {
    by.require(KeysRead)?;
    app.fleet.settle().await?;
    let row = app.store.denial(audience(app, by), request_id).await?;
    row.map(denial).ok_or(Error::NotFound("denial: it may be older than a day, or not reported yet"))
}

/// One page of denials, newest first.
pub(crate) async fn list(app: &App, by: &Caller, query: &ListDenials) -> Result<DenialList, Error> {
    by.require(KeysRead)?;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Error::invalid("/limit", format!("expected 1 to {MAX_LIMIT}")));
    }
    let key = query.key.as_deref().map(str::parse).transpose();
    let before = query.cursor.as_deref().map(str::parse).transpose();
    let filter = DenialFilter {
        audience: audience(app, by),
        key: key.map_err(|_| Error::invalid("/key", "expected a key's id: `key_` and 16 characters"))?,
        before: before.map_err(|_| Error::invalid("/cursor", "expected the `next_cursor` of the page before"))?,
        limit: limit + 1,
    };
    app.fleet.settle().await?;
    let mut rows = app.store.denials(&filter).await?;
    let page = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > page;
    rows.truncate(page);
    let next_cursor = rows.last().filter(|_| more).map(|row| row.id.to_string());
    Ok(DenialList { data: rows.into_iter().map(denial).collect(), next_cursor })
}

/// What a reason means and what to do about it.
pub(crate) fn meaning(reason: &str) -> &'static str {
    Reason::from_name(reason).map_or(explanation::UNKNOWN, explanation::of)
}

fn audience(app: &App, by: &Caller) -> Audience {
    Audience { scope: by.scope, strangers: by.require_operator(app).is_ok() }
}

fn denial(row: DenialRow) -> Denial {
    let reason = Reason::from_name(&row.reason);
    let code = reason.map(Reason::code);
    Denial {
        request_id: row.request_id,
        at: to_rfc3339(row.at),
        code: code.map(|it| it.as_str().to_owned()),
        status: code.map(|it| it.status()),
        key: row.key.map(|id| id.to_string()),
        organization: row.organization.map(|id| id.to_string()),
        method: row.method,
        path: row.path,
        address: row.address,
        edge: row.edge,
        explanation: meaning(&row.reason).to_owned(),
        reason: row.reason,
    }
}

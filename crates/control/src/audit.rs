//! Reading the audit log: a page of it, or all of it page by page.
//!
//! It is written with what it tells of, by `App::commit` and its kin, and never here. Invariants: a caller reads what was
//! done to rows it may see; an export never holds more than a page in memory.

mod csv;

use std::sync::Arc;

use futures_util::stream::{Stream, try_unfold};
use portcullis_api::audit::{AuditActor, AuditEntry, AuditList, AuditTarget, ExportAudit, ExportFormat, ListAudit};

use crate::access::Permission::AuditRead;
use crate::app::App;
use crate::caller::Caller;
use crate::clock::millis_to_rfc3339;
use crate::error::Error;
use crate::organizations;
use crate::store::{Action, AuditFilter, AuditRow};

const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 1000;
/// An export reads so many rows at once.
const EXPORTED_AT_ONCE: u32 = 500;

/// One page of the log, newest first.
pub(crate) async fn list(app: &App, by: &Caller, query: &ListAudit) -> Result<AuditList, Error> {
    by.require(AuditRead)?;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Error::invalid("/limit", format!("expected 1 to {MAX_LIMIT}")));
    }
    let before = query.cursor.as_deref().map(str::parse).transpose();
    let before = before.map_err(|_| Error::invalid("/cursor", "expected the `next_cursor` of the page before"))?;
    let mut rows = app.store.audit(&AuditFilter { before, limit: limit + 1, ..filter(by, query)? }).await?;
    let page = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > page;
    rows.truncate(page);
    let next_cursor = rows.last().filter(|_| more).map(|row| row.id.to_string());
    Ok(AuditList { data: rows.into_iter().map(entry).collect(), next_cursor })
}

/// The whole log, newest first, as text in pieces. What is written while it is read is not in it.
pub(crate) fn export(
    app: App,
    by: &Caller,
    query: ExportAudit,
) -> Result<impl Stream<Item = Result<Vec<u8>, Error>> + Send + 'static, Error> {
    by.require(AuditRead)?;
    let ExportAudit { format, organization, actor, action, target, since, until } = query;
    let query = ListAudit { organization, actor, action, target, since, until, limit: None, cursor: None };
    let filter = AuditFilter { limit: EXPORTED_AT_ONCE, ..filter(by, &query)? };
    let heading = match format {
        ExportFormat::Csv => csv::heading(),
        ExportFormat::Jsonl => Vec::new(),
    };
    let by = Arc::new(by.clone());
    Ok(try_unfold(Some((heading, filter)), move |next| {
        let (app, by) = (app.clone(), by.clone());
        async move {
            let Some((mut text, filter)) = next else { return Ok(None) };
            let rows = {
                let _listing = app.listings.turn(&by).await;
                app.store.audit(&filter).await?
            };
            let is_full = rows.len() == usize::try_from(EXPORTED_AT_ONCE).unwrap_or(usize::MAX);
            let last = rows.last().map(|row| row.id).filter(|_| is_full);
            rows.into_iter().map(entry).for_each(|entry| write(format, &entry, &mut text));
            Ok(Some((text, last.map(|id| (Vec::new(), AuditFilter { before: Some(id), ..filter })))))
        }
    }))
}

fn write(format: ExportFormat, entry: &AuditEntry, text: &mut Vec<u8>) {
    match format {
        ExportFormat::Csv => text.extend(csv::line(entry)),
        ExportFormat::Jsonl => {
            text.extend(serde_json::to_vec(entry).unwrap_or_default());
            text.push(b'\n');
        }
    }
}

fn filter(by: &Caller, query: &ListAudit) -> Result<AuditFilter, Error> {
    let time = |pointer, text: &Option<String>| {
        let time = text.as_deref().map(|text| Error::time(pointer, text)).transpose()?;
        Ok::<_, Error>(time.map(|seconds| seconds * 1000))
    };
    if query.action.as_deref().is_some_and(|action| !Action::is_named(action)) {
        return Err(Error::invalid(
            "/action",
            "expected an action such as `key.revoked`, or a kind of them such as `key`",
        ));
    }
    Ok(AuditFilter {
        scope: organizations::narrow(by, query.organization.as_deref())?,
        actor: query.actor.clone(),
        action: query.action.clone(),
        target: query.target.clone(),
        since_ms: time("/since", &query.since)?,
        until_ms: time("/until", &query.until)?,
        before: None,
        limit: MAX_LIMIT,
    })
}

fn entry(row: AuditRow) -> AuditEntry {
    AuditEntry {
        id: row.id,
        at: millis_to_rfc3339(row.at_ms),
        organization: row.organization.to_string(),
        actor: AuditActor { kind: row.actor.kind, id: row.actor.id, name: row.actor.name },
        action: row.action.as_str().to_owned(),
        target: AuditTarget { kind: row.target.kind, id: row.target.id, name: row.target.name },
        detail: serde_json::from_str(&row.detail).unwrap_or_default(),
        address: row.actor.address,
        request_id: row.actor.request_id,
        version: row.version,
    }
}

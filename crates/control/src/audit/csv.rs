//! An entry of the audit log as a line of a table.
//!
//! Invariant: every cell of text is [`harmless`].

use portcullis_api::audit::AuditEntry;

use crate::spreadsheet::{self, harmless};

const COLUMNS: [&str; 14] = [
    "id",
    "at",
    "organization",
    "actor_kind",
    "actor_id",
    "actor_name",
    "action",
    "target_kind",
    "target_id",
    "target_name",
    "detail",
    "address",
    "request_id",
    "version",
];

/// The names of the columns.
pub(super) fn heading() -> Vec<u8> {
    spreadsheet::line(&COLUMNS)
}

/// One entry.
pub(super) fn line(entry: &AuditEntry) -> Vec<u8> {
    let detail = serde_json::to_string(&entry.detail).unwrap_or_default();
    spreadsheet::line::<String>(&[
        entry.id.to_string(),
        entry.at.clone(),
        harmless(&entry.organization),
        harmless(&entry.actor.kind),
        harmless(&entry.actor.id),
        harmless(&entry.actor.name),
        harmless(&entry.action),
        harmless(&entry.target.kind),
        harmless(&entry.target.id),
        harmless(&entry.target.name),
        harmless(&detail),
        harmless(entry.address.as_deref().unwrap_or_default()),
        harmless(&entry.request_id),
        entry.version.map(|version| version.to_string()).unwrap_or_default(),
    ])
}

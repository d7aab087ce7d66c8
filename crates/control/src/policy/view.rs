//! Policies as callers see them. Who published one is for the operator's people only.

use portcullis_api::policy::{Policy, PolicyCheck, PolicyRemark, PolicyVersion};
use portcullis_policy::{Diagnostic, Diagnostics};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::caller::Caller;
use crate::clock::to_rfc3339;
use crate::store::PolicyRow;

/// A version with its text; `current` is the one in force.
pub(super) fn policy(app: &App, by: &Caller, row: &PolicyRow, current: u64) -> Policy {
    Policy { about: about(app, by, row, current), toml: row.toml.clone() }
}

/// A version without its text.
pub(super) fn about(app: &App, by: &Caller, row: &PolicyRow, current: u64) -> PolicyVersion {
    let operator = by.require_operator(app).is_ok();
    PolicyVersion {
        version: row.version,
        current: row.version == current,
        digest: hex::encode(Sha256::digest(row.toml.as_bytes())),
        source: row.source,
        restored_from: row.restored_from,
        note: row.note.clone().filter(|_| operator),
        published_at: to_rfc3339(row.published_at),
        published_by: operator.then(|| row.published_by.clone()),
        bundle_version: row.changed_in,
    }
}

/// A policy that cannot be published.
pub(super) fn refused(problems: &Diagnostics) -> PolicyCheck {
    PolicyCheck { valid: false, problems: remarks(Some(problems)), warnings: Vec::new(), difference: None }
}

/// What was found, in the order of the text.
pub(super) fn remarks(found: Option<&Diagnostics>) -> Vec<PolicyRemark> {
    let remark = |it: &Diagnostic| PolicyRemark {
        line: it.position.as_ref().map(|it| it.line),
        column: it.position.as_ref().map(|it| it.column),
        message: it.message.clone(),
        hint: it.hint.clone(),
    };
    found.map_or(&[][..], Diagnostics::entries).iter().map(remark).collect()
}

//! The audit log as stored, and what is asked about it. It is written with what it tells of: see `change`.

use async_trait::async_trait;

use super::{AuditRow, StoreError};
use crate::caller::Scope;

/// Questions about the audit log.
#[async_trait]
pub(crate) trait Audit {
    /// A page of the log, newest first.
    async fn audit(&self, filter: &AuditFilter) -> Result<Vec<AuditRow>, StoreError>;
}

/// Which rows of the log.
#[derive(Clone, Debug)]
pub(crate) struct AuditFilter {
    /// Only what was done to these organisations' rows.
    pub scope: Scope,
    /// Only what they did: an actor's kind, id or name.
    pub actor: Option<String>,
    /// Only this: an action, or what stands before its point.
    pub action: Option<String>,
    /// Only what was done to it: a target's kind, id or name.
    pub target: Option<String>,
    /// Only from then on, in Unix milliseconds.
    pub since_ms: Option<u64>,
    /// Only before then, in Unix milliseconds.
    pub until_ms: Option<u64>,
    /// Only rows before this one.
    pub before: Option<u64>,
    /// At most this many.
    pub limit: u32,
}

//! `GET /audit`: who did what to what, when, from where.

use askama::Template;

use super::parts::{Code, Pager};
use super::shell::Shell;
use super::when::When;

/// The page.
#[derive(Clone, Debug, Template)]
#[template(path = "audit.html")]
pub(crate) struct Audit {
    pub(crate) shell: Shell,
    pub(crate) filter: AuditFilter,
    /// Actions that occur: `key.created`.
    pub(crate) actions: Vec<String>,
    pub(crate) entries: Vec<AuditRow>,
    pub(crate) pager: Pager,
    /// The same selection as a file.
    pub(crate) csv_href: String,
    pub(crate) jsonl_href: String,
    pub(crate) cli: Code,
}

/// What the log is narrowed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AuditFilter {
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) target: String,
    /// `2026-01-15`
    pub(crate) since: String,
    pub(crate) until: String,
}

impl AuditFilter {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One entry.
#[derive(Clone, Debug)]
pub(crate) struct AuditRow {
    pub(crate) at: When,
    pub(crate) actor: String,
    /// `user`, `token`, `root`
    pub(crate) actor_kind: String,
    /// `key.revoked`
    pub(crate) action: String,
    pub(crate) target: String,
    pub(crate) target_href: Option<String>,
    pub(crate) detail: Vec<(String, String)>,
    pub(crate) address: Option<String>,
    pub(crate) request_id: String,
    /// The bundle version that the change is in.
    pub(crate) version: Option<u64>,
}

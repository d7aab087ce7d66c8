//! A quota and a rate as they are typed: in the forms of plans, and in that of a key's own.

use askama::Template;

use super::form::Problems;
use super::keys::KeyRow;
use super::shell::Shell;

/// What is typed. Empty = none.
#[derive(Clone, Debug, Default)]
pub(crate) struct LimitFields {
    pub(crate) limit: String,
    /// What an empty limit means.
    pub(crate) no_limit: &'static str,
    /// Value, words, whether it is the chosen one.
    pub(crate) periods: Vec<(&'static str, &'static str, bool)>,
    pub(crate) rate_requests: String,
    pub(crate) rate_seconds: String,
    pub(crate) rate_burst: String,
}

/// `GET /keys/{id}/limits`: a key's own.
#[derive(Clone, Debug, Template)]
#[template(path = "key_limits.html")]
pub(crate) struct EditLimits {
    pub(crate) shell: Shell,
    pub(crate) key: KeyRow,
    pub(crate) limits: LimitFields,
    pub(crate) etag: String,
    pub(crate) problems: Problems,
}

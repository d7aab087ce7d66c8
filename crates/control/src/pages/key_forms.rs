//! Forms about keys: create, details, scopes, restrictions, import.

use askama::Template;

use super::form::{Problems, ScopeGroup};
use super::keys::KeyRow;
use super::parts::Code;
use super::restrictions::RestrictionFields;
use super::shell::Shell;
use super::skills::SkillChoice;

/// `GET /keys/new`.
#[derive(Clone, Debug, Template)]
#[template(path = "key_new.html")]
pub(crate) struct NewKey {
    pub(crate) shell: Shell,
    /// Value, label and whether it is chosen.
    pub(crate) kinds: Vec<(&'static str, &'static str, bool)>,
    pub(crate) name: String,
    /// Name and whether it is chosen.
    pub(crate) environments: Vec<(String, bool)>,
    pub(crate) scopes: Vec<ScopeGroup>,
    /// `2026-01-15T12:00`, UTC.
    pub(crate) expires_at: String,
    pub(crate) fields: RestrictionFields,
    pub(crate) metadata: String,
    /// Those that it may belong to.
    pub(crate) skills: Vec<SkillChoice>,
    /// Sent back, so that a form sent twice creates one key.
    pub(crate) idempotency_key: String,
    pub(crate) problems: Problems,
}

/// `GET /keys/{id}/details`: name, expiry, metadata.
#[derive(Clone, Debug, Template)]
#[template(path = "key_details.html")]
pub(crate) struct EditDetails {
    pub(crate) shell: Shell,
    pub(crate) key: KeyRow,
    pub(crate) name: String,
    pub(crate) expires_at: String,
    pub(crate) metadata: String,
    /// Those that it may belong to.
    pub(crate) skills: Vec<SkillChoice>,
    pub(crate) etag: String,
    pub(crate) problems: Problems,
}

/// `GET /keys/{id}/scopes`.
#[derive(Clone, Debug, Template)]
#[template(path = "key_scopes.html")]
pub(crate) struct EditScopes {
    pub(crate) shell: Shell,
    pub(crate) key: KeyRow,
    pub(crate) scopes: Vec<ScopeGroup>,
    pub(crate) try_first: bool,
    pub(crate) etag: String,
    pub(crate) problems: Problems,
}

/// `GET /keys/{id}/restrict`.
#[derive(Clone, Debug, Template)]
#[template(path = "key_restrict.html")]
pub(crate) struct EditRestrictions {
    pub(crate) shell: Shell,
    pub(crate) key: KeyRow,
    pub(crate) fields: RestrictionFields,
    pub(crate) try_first: bool,
    pub(crate) etag: String,
    pub(crate) problems: Problems,
}

/// `GET /keys/import`: digests only, so nobody's key is pasted anywhere.
#[derive(Clone, Debug, Template)]
#[template(path = "import.html")]
pub(crate) struct Import {
    pub(crate) shell: Shell,
    pub(crate) text: String,
    /// `line 3: no such scope ...`
    pub(crate) problems: Vec<String>,
    pub(crate) example: Code,
    pub(crate) digest: Code,
}

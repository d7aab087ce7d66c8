//! `GET /signing-keys`: what access tokens are signed with.

use askama::Template;

use super::form::Problems;
use super::parts::Badge;
use super::shell::Shell;
use super::when::When;

/// All of them.
#[derive(Clone, Debug, Template)]
#[template(path = "signing_keys.html")]
pub(crate) struct SigningKeys {
    pub(crate) shell: Shell,
    pub(crate) rows: Vec<SigningKeyRow>,
    /// Whether the policy mints tokens.
    pub(crate) minted: bool,
    pub(crate) problems: Problems,
}

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct SigningKeyRow {
    pub(crate) kid: String,
    pub(crate) algorithm: String,
    pub(crate) badge: Badge,
    pub(crate) signs_from: When,
    pub(crate) signs_until: Option<When>,
    pub(crate) accepted_until: Option<When>,
    /// What it signed is worth nothing since then, whatever else was planned.
    pub(crate) revoked_at: Option<When>,
}

//! `GET /secrets`: what is known of secrets, which is all but their values, and the forms that take values.
//!
//! Invariant: no page has a place for a value. A form that comes back comes back without it.

use askama::Template;

use super::audit::AuditRow;
use super::form::Problems;
use super::parts::Pager;
use super::shell::Shell;
use super::when::When;

/// All that the viewer may see.
#[derive(Clone, Debug, Template)]
#[template(path = "secrets.html")]
pub(crate) struct Secrets {
    pub(crate) shell: Shell,
    pub(crate) rows: Vec<SecretRow>,
    /// Whether only those are shown that no skill uses, or no edge used lately.
    pub(crate) unused: bool,
    /// The edges' key that those shown are not sealed to; empty = any.
    pub(crate) unsealed: String,
    pub(crate) pager: Pager,
    /// Whether there is nothing to seal a value to.
    pub(crate) no_keys: bool,
}

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct SecretRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) whose: Whose,
    /// How many skills use it.
    pub(crate) skills: u64,
    pub(crate) last_used: Option<When>,
    pub(crate) entered: When,
    pub(crate) entered_by: Option<String>,
    /// Whether some edges cannot use it before its value is entered again.
    pub(crate) unsealed: bool,
}

/// Whose something is, as the viewer sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    Yours,
    Team,
    /// By e-mail address.
    Of(String),
}

impl Whose {
    /// By its owner's address, as the one with this address sees it.
    pub(crate) fn of(owner: Option<&str>, viewer: &str) -> Self {
        match owner {
            None => Self::Team,
            Some(owner) if owner == viewer => Self::Yours,
            Some(owner) => Self::Of(owner.to_owned()),
        }
    }

    /// Whether the viewer's keys may belong to it, if it is a skill.
    pub(crate) fn is_usable(&self) -> bool {
        matches!(self, Self::Yours | Self::Team)
    }

    pub(crate) fn word(&self) -> &str {
        match self {
            Self::Yours => "Yours",
            Self::Team => "The team's",
            Self::Of(owner) => owner,
        }
    }
}

/// `GET /secrets/new`.
#[derive(Clone, Debug, Template)]
#[template(path = "secret_new.html")]
pub(crate) struct NewSecret {
    pub(crate) shell: Shell,
    /// The edges' keys, `id:public key` with spaces between; empty = there is none.
    pub(crate) seal: String,
    /// The id of the organisation whose secret it is: sealed with the value.
    pub(crate) organization: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) team: bool,
    pub(crate) problems: Problems,
}

/// `GET /secrets/{id}`.
#[derive(Clone, Debug, Template)]
#[template(path = "secret.html")]
pub(crate) struct SecretPage {
    pub(crate) shell: Shell,
    pub(crate) secret: SecretRow,
    /// How often its value was entered.
    pub(crate) revision: u64,
    pub(crate) created: When,
    pub(crate) created_by: Option<String>,
    /// The edges' keys that it is not sealed to.
    pub(crate) missing: Vec<String>,
    /// Skills that use it, by id and name.
    pub(crate) skills: Vec<(String, String)>,
    /// Other people's skills that use it.
    pub(crate) more_skills: u64,
    pub(crate) may_change: bool,
    pub(crate) may_delete: bool,
    pub(crate) seal: String,
    /// The id of the organisation whose secret it is.
    pub(crate) organization: String,
    /// As it is, or as it was typed.
    pub(crate) description: String,
    pub(crate) etag: String,
    pub(crate) problems: Problems,
    /// Absent for whoever may not read the log.
    pub(crate) entries: Option<Vec<AuditRow>>,
}

//! `/organization` for its members and `/organizations` for the operator.

use askama::Template;

use super::form::Problems;
use super::parts::{Badge, Code, Pager};
use super::quota::QuotaCard;
use super::shell::Shell;
use super::when::When;

/// `GET /organization`.
#[derive(Clone, Debug, Template)]
#[template(path = "organization.html")]
pub(crate) struct Organization {
    pub(crate) shell: Shell,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created: When,
    pub(crate) quota: QuotaCard,
    pub(crate) time_zone: String,
    pub(crate) members: Vec<Member>,
    pub(crate) pager: Pager,
    pub(crate) invitations: Vec<PendingInvitation>,
    /// The link of an invitation just made: shown this once.
    pub(crate) link: Option<Code>,
    /// The roles that the viewer may give, lowest first.
    pub(crate) roles: Vec<RoleChoice>,
    pub(crate) email: String,
    pub(crate) problems: Problems,
}

/// Somebody who belongs to it.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) role: String,
    pub(crate) joined: When,
    pub(crate) last_seen: Option<When>,
    pub(crate) is_viewer: bool,
    /// Whether the viewer may change or remove them.
    pub(crate) editable: bool,
}

/// An invitation nobody has accepted.
#[derive(Clone, Debug)]
pub(crate) struct PendingInvitation {
    pub(crate) id: String,
    pub(crate) email: Option<String>,
    pub(crate) role: String,
    pub(crate) invited_by: String,
    pub(crate) expires: When,
}

/// A role to give.
#[derive(Clone, Debug)]
pub(crate) struct RoleChoice {
    pub(crate) role: &'static str,
    pub(crate) meaning: &'static str,
}

/// `GET /organizations`.
#[derive(Clone, Debug, Template)]
#[template(path = "organizations.html")]
pub(crate) struct Organizations {
    pub(crate) shell: Shell,
    pub(crate) rows: Vec<OrganizationRow>,
    pub(crate) name: String,
    /// What a new one may have: a plan's name, words, whether it is the chosen one.
    pub(crate) plans: Vec<(String, String, bool)>,
    pub(crate) problems: Problems,
}

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct OrganizationRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) state: Badge,
    pub(crate) plan: Option<String>,
    pub(crate) suspended: bool,
    pub(crate) default: bool,
    pub(crate) created: When,
}

//! Who asks for something: what they may do, where, and what the audit log will call them.
//!
//! Made in one place, where credentials are checked (`http::auth`); everything below takes it as given. Invariant: a
//! caller of one organisation sees and changes rows of that organisation only.

use std::net::IpAddr;

use portcullis_engine::OrganizationId;
use serde::Serialize;

use crate::access::{Permission, Permissions, Role};
use crate::app::App;
use crate::error::Error;
use crate::id::{SessionId, TokenId, UserId};
use crate::tag::Condition;

/// Whoever asks.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Who it is.
    pub who: Who,
    /// The organisation it acts for unless it names another.
    pub organization: OrganizationId,
    /// Whose rows it may see and change.
    pub scope: Scope,
    /// What it may do there.
    pub permissions: Permissions,
    /// Where the request came from.
    pub address: Option<IpAddr>,
    /// The request's id.
    pub request_id: String,
    /// On what condition it changes something that it has read.
    pub condition: Condition,
}

/// The kinds of callers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Whoever holds the administrator's token.
    Root,
    /// The control plane itself.
    System,
    /// Somebody who is not signed in.
    Visitor,
    /// A person, signed in.
    User {
        /// Which person.
        id: UserId,
        /// Their e-mail address.
        email: String,
        /// What they are in the organisation.
        role: Role,
        /// The session they are signed in by.
        session: SessionId,
    },
    /// A program with an API token.
    Token {
        /// Which token.
        id: TokenId,
        /// What people call it.
        name: String,
        /// Whose it is, if it is personal: the person, their e-mail address and what they are in the organisation.
        owner: Option<(UserId, String, Role)>,
    },
}

/// Whose rows a caller may see and change. Queries are bound by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Everyone's.
    All,
    /// One organisation's.
    Only(OrganizationId),
}

impl Scope {
    /// Whether it covers an organisation's rows.
    pub(crate) fn covers(self, organization: OrganizationId) -> bool {
        self.only().is_none_or(|only| only == organization)
    }

    /// The one organisation; `None` = every one.
    pub(crate) fn only(self) -> Option<OrganizationId> {
        match self {
            Self::All => None,
            Self::Only(organization) => Some(organization),
        }
    }

    /// The part of it that belongs to an organisation; `None` if there is none.
    pub(crate) fn within(self, organization: OrganizationId) -> Option<Self> {
        self.covers(organization).then_some(Self::Only(organization))
    }
}

impl Caller {
    /// Fails unless the caller may do this.
    pub(crate) fn require(&self, permission: Permission) -> Result<(), Error> {
        if self.permissions.has(permission) { Ok(()) } else { Err(Error::Forbidden(permission)) }
    }

    /// Fails if the caller changes this on the condition that it is as they read it, and it is not.
    pub(crate) fn still_sees(&self, shown: &impl Serialize) -> Result<(), Error> {
        if self.condition.allows(shown) { Ok(()) } else { Err(Error::Changed) }
    }

    /// Fails unless the caller stands in the operator's own organisation.
    pub(crate) fn require_operator(&self, app: &App) -> Result<(), Error> {
        if self.organization == app.default_organization { Ok(()) } else { Err(Error::OperatorOnly) }
    }

    /// Whether which edges there are may be told.
    pub(crate) fn sees_edges(&self, app: &App) -> bool {
        self.permissions.has(Permission::EdgesRead) && self.require_operator(app).is_ok()
    }

    /// Whoever holds the administrator's token: may do everything, in every organisation.
    pub(crate) fn root(organization: OrganizationId, address: Option<IpAddr>, request_id: String) -> Self {
        let permissions = Permissions::all();
        let condition = Condition::Always;
        Self { who: Who::Root, organization, scope: Scope::All, permissions, address, request_id, condition }
    }

    /// Somebody of whom nothing is known: may do nothing.
    pub(crate) fn visitor(organization: OrganizationId, address: Option<IpAddr>, request_id: String) -> Self {
        let (scope, permissions) = (Scope::Only(organization), Permissions::default());
        let condition = Condition::Always;
        Self { who: Who::Visitor, organization, scope, permissions, address, request_id, condition }
    }

    /// The control plane acting by itself, for the organisation it is of.
    pub(crate) fn system(organization: OrganizationId) -> Self {
        Self {
            who: Who::System,
            organization,
            scope: Scope::All,
            permissions: Permissions::all(),
            address: None,
            request_id: String::new(),
            condition: Condition::Always,
        }
    }

    /// The e-mail address of the person behind it, if there is one.
    pub(crate) fn email(&self) -> Option<&str> {
        match &self.who {
            Who::User { email, .. } | Who::Token { owner: Some((_, email, _)), .. } => Some(email),
            Who::Root | Who::System | Who::Visitor | Who::Token { owner: None, .. } => None,
        }
    }

    /// What people call it: an e-mail address, a token's name.
    pub(crate) fn name(&self) -> &str {
        match &self.who {
            Who::Root => "administrator's token",
            Who::System => "control plane",
            Who::Visitor => "",
            Who::User { email, .. } => email,
            Who::Token { name, .. } => name,
        }
    }

    /// The person behind it, if there is one.
    pub(crate) fn user(&self) -> Option<UserId> {
        match &self.who {
            Who::User { id, .. } | Who::Token { owner: Some((id, _, _)), .. } => Some(*id),
            Who::Root | Who::System | Who::Visitor | Who::Token { owner: None, .. } => None,
        }
    }

    /// Whose grants alone the caller sees: whoever does not manage the organisation sees what they allowed themselves.
    pub(crate) fn sees_grants_of(&self) -> Option<UserId> {
        self.user().filter(|_| self.role().is_some_and(|role| role > Role::Admin))
    }

    /// The id of the person behind it, or of the service token.
    pub(crate) fn maker(&self) -> Option<String> {
        match &self.who {
            Who::Token { id, owner: None, .. } => Some(id.to_string()),
            _ => self.user().map(|id| id.to_string()),
        }
    }

    /// The id of the token that it is made with, or else of the person.
    pub(crate) fn means(&self) -> Option<String> {
        match &self.who {
            Who::Token { id, .. } => Some(id.to_string()),
            _ => self.maker(),
        }
    }

    /// What the person behind it is in the organisation. The administrator counts as an owner.
    pub(crate) fn role(&self) -> Option<Role> {
        match &self.who {
            Who::User { role, .. } | Who::Token { owner: Some((_, _, role)), .. } => Some(*role),
            Who::Root | Who::System => Some(Role::Owner),
            Who::Visitor | Who::Token { owner: None, .. } => None,
        }
    }
}

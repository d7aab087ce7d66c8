//! A change as it goes to the database: what is written, and what the audit log says of it. Both or neither.
//!
//! Invariant: nothing that a person or a program asks for is written without a row in the audit log.

use portcullis_engine::{KeyId, OrganizationId};
use serde_json::{Map, Value};

use super::Write;
use crate::caller::{Caller, Who};
use crate::id::UserId;

/// Writes that belong together, and their audit rows.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// What is written, in this order.
    pub writes: Vec<Write>,
    /// What the audit log says of it.
    pub audit: Vec<AuditRow>,
    actor: Actor,
    at_ms: u64,
}

/// One row of the audit log. It never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuditRow {
    /// Its place in the log, as read; 0 in a row that is not written yet.
    pub id: u64,
    /// When, in Unix milliseconds.
    pub at_ms: u64,
    /// Whose rows were changed.
    pub organization: OrganizationId,
    /// Who did it.
    pub actor: Actor,
    /// What was done.
    pub action: Action,
    /// What it was done to.
    pub target: Target,
    /// More about it: a JSON object as text.
    pub detail: String,
    /// The bundle version that contains it, if it changed the bundle, as read.
    pub version: Option<u64>,
}

/// Who did something, as it was then: names change, the log does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Actor {
    /// `user`, `token`, `credential`, `root`, `system`, `visitor`.
    pub kind: String,
    /// Their id; only users, tokens and credentials have one.
    pub id: String,
    /// What they were called: an e-mail address, a token's or credential's name.
    pub name: String,
    /// Where the request came from.
    pub address: Option<String>,
    /// The request's id.
    pub request_id: String,
}

/// What something was done to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// What it is: `key`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// What it was called then.
    pub name: String,
}

impl Target {
    /// Something with an id and a name.
    pub(crate) fn new(kind: &'static str, id: impl ToString, name: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), id: id.to_string(), name: name.into() }
    }
}

macro_rules! actions {
    ($($name:ident $text:literal,)+) => {
        /// What can be done. NEVER CHANGE a text: rows that were written hold it, and people filter by it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Action {
            $($name,)+
        }

        impl Action {
            /// Every action there is.
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)+];

            /// Its text: `key.created`.
            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// Whether every member of its detail is a change, told as `[before, after]`; of no other action any is.
            pub(crate) fn tells_changes(self) -> bool {
                matches!(
                    self,
                    Self::KeyUpdated
                        | Self::KeyRestricted
                        | Self::KeyDisabled
                        | Self::KeyEnabled
                        | Self::KeyTrialEnforced
                        | Self::PlanUpdated
                )
            }

            /// Whether a text is an action's, or what stands before the point of one.
            pub(crate) fn is_named(text: &str) -> bool {
                let kind = |it: &Self| it.as_str().split_once('.').is_some_and(|(kind, _)| kind == text);
                Self::ALL.iter().any(|it| it.as_str() == text || kind(it))
            }
        }
    };
}

actions! {
    KeyCreated "key.created",
    KeyImported "key.imported",
    KeyUpdated "key.updated",
    KeyRestricted "key.restricted",
    KeyDisabled "key.disabled",
    KeyEnabled "key.enabled",
    KeyTrialStarted "key.trial_started",
    KeyTrialEnded "key.trial_ended",
    KeyTrialEnforced "key.trial_enforced",
    KeyRotated "key.rotated",
    KeyRevoked "key.revoked",
    OrganizationCreated "organization.created",
    OrganizationUpdated "organization.updated",
    UserCreated "user.created",
    UserUpdated "user.updated",
    PasswordChanged "user.password_changed",
    SignedIn "session.started",
    SignInFailed "session.refused",
    SignedOut "session.ended",
    SessionMoved "session.moved",
    MemberAdded "member.added",
    MemberChanged "member.changed",
    MemberRemoved "member.removed",
    InvitationCreated "invitation.created",
    InvitationAccepted "invitation.accepted",
    InvitationWithdrawn "invitation.withdrawn",
    TokenCreated "token.created",
    TokenRevoked "token.revoked",
    PolicyPublished "policy.published",
    PolicyRestored "policy.restored",
    AppCreated "app.created",
    AppUpdated "app.updated",
    AppSecretRotated "app.secret_rotated",
    AppRevoked "app.revoked",
    AppAllowed "app.allowed",
    GrantCreated "grant.created",
    GrantReused "grant.reused",
    GrantRevoked "grant.revoked",
    WebhookCreated "webhook.created",
    WebhookUpdated "webhook.updated",
    WebhookDeleted "webhook.deleted",
    WebhookTested "webhook.tested",
    WebhookRetried "webhook.retried",
    WebhookGivenUp "webhook.given_up",
    DatabaseRestored "database.restored",
    PlanCreated "plan.created",
    PlanUpdated "plan.updated",
    PlanDeleted "plan.deleted",
    OrganizationToppedUp "organization.topped_up",
    SigningKeyMade "signing_key.created",
    SigningKeyRotated "signing_key.rotated",
    SigningKeyRetired "signing_key.retired",
    SigningKeyRevoked "signing_key.revoked",
    AccessTokenMinted "access_token.minted",
    AccessTokenRefused "access_token.refused",
    IssuerCreated "issuer.created",
    IssuerUpdated "issuer.updated",
    IssuerKeysChanged "issuer.keys_changed",
    IssuerFailed "issuer.failed",
    SecretCreated "secret.created",
    SecretReplaced "secret.replaced",
    SecretUpdated "secret.updated",
    SecretDeleted "secret.deleted",
    SkillCreated "skill.created",
    SkillUpdated "skill.updated",
    SkillPublished "skill.published",
    SkillUnpublished "skill.unpublished",
    SkillInstalled "skill.installed",
    SkillUpgraded "skill.upgraded",
    SkillDeleted "skill.deleted",
    EdgeKeyAdded "edge_key.added",
    EdgeKeyRemoved "edge_key.removed",
}

impl std::str::FromStr for Action {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|it| it.as_str() == text).ok_or(())
    }
}

impl Change {
    /// A change with nothing in it yet.
    pub(crate) fn new(by: &Caller, at_ms: u64) -> Self {
        Self { writes: Vec::new(), audit: Vec::new(), actor: Actor::of(by), at_ms }
    }

    /// The same, by a person who is not signed in yet and proved who they are.
    pub(crate) fn by_user(visitor: &Caller, id: UserId, email: &str, at_ms: u64) -> Self {
        let actor = Actor { kind: "user".to_owned(), id: id.to_string(), name: email.to_owned(), ..Actor::of(visitor) };
        Self { writes: Vec::new(), audit: Vec::new(), actor, at_ms }
    }

    /// The same, by a credential that proved itself.
    pub(crate) fn by_credential(visitor: &Caller, id: KeyId, name: &str, at_ms: u64) -> Self {
        let actor =
            Actor { kind: "credential".to_owned(), id: id.to_string(), name: name.to_owned(), ..Actor::of(visitor) };
        Self { writes: Vec::new(), audit: Vec::new(), actor, at_ms }
    }

    /// One write, and what the log says of it.
    pub(crate) fn add(mut self, write: Write, organization: OrganizationId, action: Action, target: Target) -> Self {
        self.writes.push(write);
        self.note(organization, action, target)
    }

    /// What the log calls whoever asks.
    pub(crate) fn actor_name(&self) -> &str {
        &self.actor.name
    }

    /// A write that belongs to what the log already says.
    pub(crate) fn also(mut self, write: Write) -> Self {
        self.writes.push(write);
        self
    }

    /// A row in the log without a write.
    pub(crate) fn note(mut self, organization: OrganizationId, action: Action, target: Target) -> Self {
        let (at_ms, actor) = (self.at_ms, self.actor.clone());
        let detail = String::from("{}");
        self.audit.push(AuditRow { id: 0, at_ms, organization, actor, action, target, detail, version: None });
        self
    }

    /// More about the last row of the log.
    pub(crate) fn detail(mut self, members: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        let members: Map<_, _> = members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        if let Some(row) = self.audit.last_mut() {
            row.detail = Value::Object(members).to_string();
        }
        self
    }

    /// Everything of another change behind this one's.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.writes.extend(other.writes);
        self.audit.extend(other.audit);
        self
    }
}

impl Actor {
    fn of(by: &Caller) -> Self {
        let (kind, id) = match &by.who {
            Who::Root => ("root", String::new()),
            Who::System => ("system", String::new()),
            Who::Visitor => ("visitor", String::new()),
            Who::User { id, .. } => ("user", id.to_string()),
            Who::Token { id, .. } => ("token", id.to_string()),
        };
        let name = by.name().to_owned();
        let address = by.address.map(|it| it.to_string());
        Self { kind: kind.to_owned(), id, name, address, request_id: by.request_id.clone() }
    }
}

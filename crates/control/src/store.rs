//! What the control plane remembers, behind traits: rows in, rows out, every write in one transaction.
//!
//! One trait and one file of rows for each kind of thing; SQL is in `sql`, compiled for both databases. It knows nothing
//! of HTTP and decides nothing. Invariant: a change either is in the database, with its rows in the audit log and, if
//! edges have to know of it, with a new, higher version, or did not happen.

mod accounts;
mod answers;
mod change;
mod denials;
mod fleet;
mod keys;
mod migrations;
mod observations;
mod organizations;
mod policies;
mod postgres;
mod sqlite;

use async_trait::async_trait;
use portcullis_api::edge::SampleKind;
use portcullis_bundle::OrganizationEntry;
use portcullis_engine::KeyId;

pub(crate) use accounts::{
    AccountWrite, ActiveSession, ActiveToken, InvitationRow, Invitations, MemberRow, Members, MembershipRow,
    SessionRow, Sessions, Slice, TokenRow, Tokens, UserRow, Users,
};
pub(crate) use answers::{Answers, Claim, Claimed};
pub(crate) use change::{Action, AuditRow, Change, Target};
pub(crate) use denials::{Audience, DENIALS, DenialFilter, DenialRow, Denials};
pub(crate) use fleet::{
    Before, Count, EdgeRow, Edges, Heard, HeardEdge, HeardVm, Missing, ProgressRow, Reports, SLOT_MS, VERSIONS_KEPT,
    VmRow, add,
};
pub(crate) use keys::{BundleKey, KeyRow, KeySummary, Keys, TrialRow, UnrevokedKey, Visitor};
use keys::{published_status, with_trial};
pub(crate) use observations::{OBSERVATIONS, OBSERVATIONS_OF_A_KEY, Observations, Seen, Sighting};
pub(crate) use organizations::{OrganizationRow, Organizations};
pub(crate) use policies::{KeyGroup, Policies, PolicyRow};
pub(crate) use postgres::PostgresStore;
pub(crate) use sqlite::SqliteStore;

/// Everything the control plane asks of a database.
#[async_trait]
pub(crate) trait Store:
    Answers
    + Denials
    + Edges
    + Invitations
    + Keys
    + Members
    + Observations
    + Organizations
    + Policies
    + Reports
    + Sessions
    + Tokens
    + Users
    + Send
    + Sync
{
    /// Does all of a change or none. If edges have to know of it, it takes a new version, higher than every one before
    /// and at least `version_floor`. Returns the version that contains it.
    async fn write(&self, change: &Change, version_floor: u64) -> Result<u64, StoreError>;

    /// Takes a new version without a change.
    async fn take_version(&self, version_floor: u64) -> Result<u64, StoreError>;

    /// The version that contains every write so far.
    async fn version(&self) -> Result<u64, StoreError>;

    /// Everything that changed after `version`, as of one moment. Keys revoked before `revoked_since` are left out.
    async fn changes(&self, version: u64, revoked_since: u64) -> Result<Changes, StoreError>;

    /// Lets go of the database.
    async fn close(&self);
}

/// One change.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    /// A new key.
    InsertKey(KeyRow),
    /// A key's new state; refused with [`StoreError::Conflict`] if the row changed since it was read.
    ReplaceKey(KeyRow),
    /// A new organisation.
    InsertOrganization(OrganizationRow),
    /// An organisation's new state; refused with [`StoreError::Conflict`] if the row changed since it was read.
    ReplaceOrganization(OrganizationRow),
    /// What was observed of a key is about something that is no longer so.
    ForgetObservations(KeyId, SampleKind),
    /// A new policy; refused with [`StoreError::Conflict`] if its version is taken.
    PublishPolicy(PolicyRow),
    /// About people, sessions, invitations and tokens.
    Account(AccountWrite),
}

impl Write {
    /// Whether edges have to know of it.
    pub(crate) fn changes_bundle(&self) -> bool {
        match self {
            Self::InsertKey(_)
            | Self::ReplaceKey(_)
            | Self::InsertOrganization(_)
            | Self::ReplaceOrganization(_)
            | Self::PublishPolicy(_) => true,
            Self::ForgetObservations(..) | Self::Account(_) => false,
        }
    }
}

/// What changed, as of one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    /// The version of that moment.
    pub version: u64,
    /// New state of the keys that changed.
    pub keys: Vec<BundleKey>,
    /// New state of the organisations that changed.
    pub organizations: Vec<OrganizationEntry>,
    /// The newest policy, if it changed.
    pub policy: Option<PolicyRow>,
}

/// What can go wrong with a database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The row changed between read and write: read it again.
    #[error("the row changed since it was read")]
    Conflict,
    /// Something with the same id or digest is there already; nothing was written.
    #[error("there is one with the same id or digest already")]
    Duplicate,
    /// Nobody would be left who owns the organisation.
    #[error("nobody would be left who owns the organisation")]
    LastOwner,
    /// The database refused or could not be reached.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The database's schema could not be brought up to date.
    #[error("database schema: {0}")]
    Schema(#[from] sqlx::migrate::MigrateError),
    /// A stored value that this version cannot read.
    #[error("database: column `{column}` holds a value that cannot be read")]
    Unreadable {
        /// The column.
        column: &'static str,
    },
}

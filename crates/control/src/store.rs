//! What the control plane remembers, behind a trait: rows in, rows out, every write in one transaction.
//!
//! It knows nothing of HTTP and decides nothing: rules about keys are in `keys`, about organisations in
//! `organizations`. Invariant: a write either is in the database with a new, higher version, or did not happen.

mod sqlite;
mod sqlite_keys;
mod sqlite_organizations;

use async_trait::async_trait;
use portcullis_bundle::OrganizationEntry;
use portcullis_engine::spec::RestrictionsSpec;
use portcullis_engine::{KeyDigest, KeyId, KeyStatus, OrganizationId, OrganizationState};

pub(crate) use sqlite::SqliteStore;

/// Everything the control plane asks of a database.
#[async_trait]
pub(crate) trait Store: Send + Sync {
    /// Does all of `writes` or none, and returns the version that contains them: higher than every one before, and
    /// at least `version_floor`. With no writes it only takes a new version.
    async fn write(&self, writes: &[Write], version_floor: u64) -> Result<u64, StoreError>;

    /// The version that contains every write so far.
    async fn version(&self) -> Result<u64, StoreError>;

    /// One key.
    async fn key(&self, id: KeyId) -> Result<Option<KeyRow>, StoreError>;

    /// A page of keys, newest first.
    async fn keys(&self, filter: &KeyFilter) -> Result<Vec<KeyRow>, StoreError>;

    /// Every key that is not revoked, newest first.
    async fn unrevoked_keys(&self) -> Result<Vec<UnrevokedKey>, StoreError>;

    /// One organisation.
    async fn organization(&self, id: OrganizationId) -> Result<Option<OrganizationRow>, StoreError>;

    /// Every organisation, oldest first.
    async fn organizations(&self) -> Result<Vec<OrganizationRow>, StoreError>;

    /// Everything that changed after `version`, as of one moment. Keys revoked before `revoked_since` are left out.
    async fn changes(&self, version: u64, revoked_since: u64) -> Result<Changes, StoreError>;

    /// Remembers when keys were last used; an earlier time never replaces a later one. Takes no new version.
    async fn record_use(&self, uses: &[(KeyId, u64)]) -> Result<(), StoreError>;

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
}

/// A key as stored. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyRow {
    /// Its public name.
    pub id: KeyId,
    /// SHA-256 of the key.
    pub digest: KeyDigest,
    /// What people call it.
    pub name: String,
    /// Its first characters and `...`.
    pub display: String,
    /// What it starts with.
    pub prefix: String,
    /// The environment it belongs to.
    pub environment: String,
    /// The organisation it belongs to.
    pub organization: OrganizationId,
    /// Sorted, without duplicates, separated by one space.
    pub scopes: String,
    /// Compiled once before it was stored.
    pub restrictions: Option<RestrictionsSpec>,
    /// Whether it is switched on.
    pub enabled: bool,
    /// The e-mail address of whoever asked for it.
    pub created_by: Option<String>,
    /// When it was created.
    pub created_at: u64,
    /// The version it was created in, as read: tells which of two keys of one second is newer.
    pub created_in: u64,
    /// From when on it no longer works.
    pub expires_at: Option<u64>,
    /// When it was revoked.
    pub revoked_at: Option<u64>,
    /// When an edge last let it pass.
    pub last_used: Option<u64>,
    /// The key that it was rotated to.
    pub successor: Option<KeyId>,
    /// The version it last changed in, as read.
    pub changed_in: u64,
}

/// What a listing of all keys needs of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnrevokedKey {
    /// Its public name, as stored.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it starts with.
    pub prefix: String,
    /// When it was created, in Unix seconds.
    pub created_at: u64,
    /// When an edge last let it pass.
    pub last_used: Option<u64>,
}

/// An organisation as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrganizationRow {
    /// Its public name.
    pub id: OrganizationId,
    /// What people call it.
    pub name: String,
    /// Whether its keys work.
    pub state: OrganizationState,
    /// Whether keys created without an organisation belong to it.
    pub is_default: bool,
    /// When it was created, in Unix seconds.
    pub created_at: u64,
    /// The version it last changed in, as read.
    pub changed_in: u64,
}

/// Which keys to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyFilter {
    /// Only this organisation's.
    pub organization: Option<OrganizationId>,
    /// Only those in this state at that time.
    pub status: Option<(portcullis_api::KeyStatus, u64)>,
    /// Only those after this one: the version it was created in, and its id.
    pub after: Option<(u64, KeyId)>,
    /// At most this many.
    pub limit: u32,
}

/// What a publisher needs to know of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BundleKey {
    /// SHA-256 of the key.
    pub digest: KeyDigest,
    /// Its public name.
    pub id: KeyId,
    /// The organisation it belongs to.
    pub organization: OrganizationId,
    /// Whether it works at all.
    pub status: KeyStatus,
    /// From when on it no longer works.
    pub expires_at: Option<u64>,
    /// When it was revoked.
    pub revoked_at: Option<u64>,
    /// Sorted, without duplicates, separated by one space.
    pub scopes: String,
    /// The stored JSON: equal restrictions have equal text.
    pub restrictions: Option<String>,
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
}

/// What can go wrong with a database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The row changed between read and write: read it again.
    #[error("the row changed since it was read")]
    Conflict,
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

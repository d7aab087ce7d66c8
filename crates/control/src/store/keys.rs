//! Keys as stored, and what is asked about them.
//!
//! Rows only; what may happen to a key is decided in `keys`. Invariant: every question names whose rows it is about.

use async_trait::async_trait;
use portcullis_engine::spec::RestrictionsSpec;
use portcullis_engine::{KeyDigest, KeyId, KeyStatus, OrganizationId};

use super::StoreError;
use crate::caller::Scope;

/// Questions about keys.
#[async_trait]
pub(crate) trait Keys {
    /// One key in scope.
    async fn key(&self, scope: Scope, id: KeyId) -> Result<Option<KeyRow>, StoreError>;

    /// A page of keys, newest first.
    async fn keys(&self, filter: &KeyFilter) -> Result<Vec<KeyRow>, StoreError>;

    /// Every key in scope that is not revoked, newest first.
    async fn unrevoked_keys(&self, scope: Scope) -> Result<Vec<UnrevokedKey>, StoreError>;

    /// Remembers when keys were last used; an earlier time never replaces a later one. Takes no new version.
    async fn record_use(&self, uses: &[(KeyId, u64)]) -> Result<(), StoreError>;
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

/// Which keys to list.
#[derive(Clone, Debug)]
pub(crate) struct KeyFilter {
    /// Only these organisations'.
    pub scope: Scope,
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

//! Published policies as stored, and what is asked about them.
//!
//! Rows only; what may be published is decided in `policy`. Invariant: versions are counted from 1 without a gap, and a
//! version that is stored never changes.

use async_trait::async_trait;
use portcullis_api::policy::PolicySource;

use super::StoreError;
use crate::caller::Scope;

/// Questions about policies.
#[async_trait]
pub(crate) trait Policies {
    /// The version in force; `None` before the first start is through.
    async fn newest_policy(&self) -> Result<Option<PolicyRow>, StoreError>;

    /// The newest version that came from a file.
    async fn newest_policy_of_a_file(&self) -> Result<Option<PolicyRow>, StoreError>;

    /// One version.
    async fn policy(&self, version: u64) -> Result<Option<PolicyRow>, StoreError>;

    /// Versions before one, newest first, at most so many.
    async fn policies(&self, before: Option<u64>, limit: u32) -> Result<Vec<PolicyRow>, StoreError>;

    /// The keys in scope that work at a time, by what a policy looks at. Examples are taken from a scope of their own.
    async fn key_groups(&self, scope: Scope, examples: Scope, now: u64) -> Result<Vec<KeyGroup>, StoreError>;
}

/// A policy as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyRow {
    /// Counted from 1.
    pub version: u64,
    /// Its text.
    pub toml: String,
    /// Where it came from.
    pub source: PolicySource,
    /// The version whose text it has, if it was restored.
    pub restored_from: Option<u64>,
    /// Why it was published.
    pub note: Option<String>,
    /// When, in Unix seconds.
    pub published_at: u64,
    /// Who published it, as the audit log calls them.
    pub published_by: String,
    /// The bundle version that brought it, as read.
    pub changed_in: u64,
}

/// Keys that every policy treats alike, as long as neither restrictions nor organisations are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyGroup {
    /// What they start with.
    pub prefix: String,
    /// The environment they were made for.
    pub environment: String,
    /// Their scopes, separated by one space.
    pub scopes: String,
    /// How many there are.
    pub keys: u64,
    /// Ids and names of some.
    pub examples: Vec<(String, String)>,
}

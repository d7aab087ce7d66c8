//! Other people's issuers as stored: whose access tokens are accepted, with which keys, for which row of `keys`.
//!
//! Rows and questions only; when keys are fetched is decided in `issuers`. Invariant: of one URL and one audience there is
//! one issuer at most whose key is not revoked.

use std::collections::BTreeMap;

use async_trait::async_trait;
use portcullis_engine::KeyId;
use portcullis_token::Jwk;

use super::{KeyRow, Slice, StoreError};
use crate::caller::Scope;

/// An issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IssuerRow {
    /// The row of `keys` that its tokens speak for.
    pub key: KeyId,
    /// The exact text of `iss`.
    pub issuer: String,
    /// One of these must be in `aud`.
    pub audiences: Vec<String>,
    /// Accepted `typ`.
    pub types: Vec<String>,
    /// Where its keys are; `None` = where its own configuration says.
    pub jwks_uri: Option<String>,
    /// Where scopes stand in its tokens.
    pub scope_claim: String,
    /// Scopes for each value of that claim; empty = the values are scopes.
    pub scope_map: BTreeMap<String, Vec<String>>,
    /// Its keys, as they were last fetched.
    pub jwks: Vec<Jwk>,
    /// How fetching them goes.
    pub fetched: Fetched,
    /// The version that contains its last change.
    pub changed_in: u64,
}

/// How fetching an issuer's keys goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fetched {
    /// When they were last fetched, in Unix seconds.
    pub at: u64,
    /// When they are fetched next, in Unix milliseconds.
    pub next_ms: u64,
    /// How often they could not be, since then.
    pub failures: u64,
    /// What was wrong the last time.
    pub problem: Option<String>,
}

/// An issuer and its row of `keys`.
#[derive(Clone, Debug)]
pub(crate) struct OwnedIssuer {
    /// The issuer.
    pub row: IssuerRow,
    /// The key that its tokens speak for.
    pub key: KeyRow,
}

/// What can be written about issuers.
#[derive(Clone, Debug)]
pub(crate) enum IssuerWrite {
    /// A new one; refused with [`StoreError::Duplicate`] if it is [taken](Issuers::issuer_is_taken).
    Insert(IssuerRow),
    /// One's new state; refused likewise, and with [`StoreError::Conflict`] if the row changed since it was read.
    Replace(IssuerRow),
}

/// Questions about issuers whose keys are not revoked, and what whoever fetches does with them.
#[async_trait]
pub(crate) trait Issuers {
    /// One of them.
    async fn issuer(&self, scope: Scope, key: KeyId) -> Result<Option<OwnedIssuer>, StoreError>;

    /// Newest first.
    async fn issuers(&self, scope: Scope, slice: &Slice) -> Result<Vec<OwnedIssuer>, StoreError>;

    /// Whether another than that one has the URL and one of the audiences; or it gets audiences that it had not, and another
    /// organisation has had the URL since: edges take the first that a token could mean, so that one's tokens would become its.
    async fn issuer_is_taken(&self, row: &IssuerRow) -> Result<bool, StoreError>;

    /// Those whose keys are to be fetched by now, the longest overdue first.
    async fn due_issuers(&self, now_ms: u64, most: u32) -> Result<Vec<OwnedIssuer>, StoreError>;

    /// Takes one as it was read, so that nobody else fetches its keys until then. `false` if somebody was faster.
    async fn claim_issuer(&self, row: &IssuerRow, until_ms: u64) -> Result<bool, StoreError>;

    /// Writes down how it went: edges need not know. `false` if the row was changed since it was read: then it was another
    /// fetch's, and nothing is written.
    async fn settle_issuer(&self, row: &IssuerRow) -> Result<bool, StoreError>;
}

//! Requests that edges refused, as stored: for a day, and no more than so many.

use async_trait::async_trait;
use portcullis_engine::{KeyId, OrganizationId};

use super::StoreError;
use crate::caller::Scope;

/// The earliest go first.
pub(crate) const DENIALS: u32 = 100_000;

/// Questions about denials.
#[async_trait]
pub(crate) trait Denials {
    /// The last denial with that request id that is for those to see.
    async fn denial(&self, audience: Audience, request_id: &str) -> Result<Option<DenialRow>, StoreError>;

    /// A page of denials, newest first.
    async fn denials(&self, filter: &DenialFilter) -> Result<Vec<DenialRow>, StoreError>;

    /// Forgets denials before that time, and what is too much.
    async fn forget_denials(&self, before: u64) -> Result<(), StoreError>;
}

/// Whose denials are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Audience {
    /// Those of keys in scope.
    pub scope: Scope,
    /// And those of no known key.
    pub strangers: bool,
}

/// Which denials to list.
#[derive(Clone, Debug)]
pub(crate) struct DenialFilter {
    /// For whom.
    pub audience: Audience,
    /// Only those of this key.
    pub key: Option<KeyId>,
    /// Only those stored before this one.
    pub before: Option<u64>,
    /// At most this many.
    pub limit: u32,
}

/// A denial as stored. All text is the edge's, bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DenialRow {
    /// Its place in the order of arrival, as read.
    pub id: u64,
    /// The request's id.
    pub request_id: Option<String>,
    /// When, in Unix seconds.
    pub at: u64,
    /// The reason's name.
    pub reason: String,
    /// The key.
    pub key: Option<KeyId>,
    /// The key's organisation, as read.
    pub organization: Option<OrganizationId>,
    /// The method.
    pub method: String,
    /// The path.
    pub path: Option<String>,
    /// The client's address.
    pub address: Option<String>,
    /// The edge that told of it.
    pub edge: String,
}

//! Requests that were let through and are told of all the same, as stored: what a restriction would have refused, and who
//! still uses a key that was rotated.

use async_trait::async_trait;
use portcullis_api::edge::SampleKind;
use portcullis_engine::KeyId;

use super::StoreError;
use crate::caller::Scope;

/// Further ones of a key are counted together, without saying from where to where.
pub(crate) const OBSERVATIONS_OF_A_KEY: u32 = 500;
/// In all; those seen longest ago go first.
pub(crate) const OBSERVATIONS: u32 = 200_000;

/// Questions about observations.
#[async_trait]
pub(crate) trait Observations {
    /// What was seen of a key, the most frequent first.
    async fn observations(&self, key: KeyId, kind: Option<SampleKind>) -> Result<Vec<(Sighting, Seen)>, StoreError>;

    /// The key that was rotated to that one.
    async fn predecessor(&self, scope: Scope, key: KeyId) -> Result<Option<KeyId>, StoreError>;

    /// Forgets what was last seen before that time, and what is too much.
    async fn forget_observations(&self, before: u64) -> Result<(), StoreError>;
}

/// What is alike in requests that are counted together. Empty text = not known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sighting {
    /// With which key.
    pub key: KeyId,
    /// Why it is told.
    pub kind: SampleKind,
    /// Why it would have been refused.
    pub reason: String,
    /// From where.
    pub address: String,
    /// From which page.
    pub referrer: String,
    /// By which method.
    pub method: String,
    /// Where to.
    pub path: String,
}

impl Sighting {
    /// The same, without saying from where to where.
    pub(crate) fn summary(&self) -> Self {
        let (key, kind, reason) = (self.key, self.kind, self.reason.clone());
        let empty = String::new;
        Self { key, kind, reason, address: empty(), referrer: empty(), method: empty(), path: empty() }
    }
}

/// How often and when. Times are Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// How many requests.
    pub requests: u64,
    /// When the first was reported.
    pub first: u64,
    /// When the last was reported.
    pub last: u64,
}

impl Seen {
    /// Adds what was seen later.
    pub(crate) fn absorb(&mut self, later: Self) {
        self.requests = self.requests.saturating_add(later.requests);
        (self.first, self.last) = (self.first.min(later.first), self.last.max(later.last));
    }
}

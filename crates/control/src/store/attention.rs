//! How many keys are in which state, and which of them somebody has to look after: what is asked for an overview.
//!
//! What makes a key overdue or idle is decided in `keys`; here it is a moment to compare with.

use async_trait::async_trait;
use portcullis_engine::KeyId;

use super::StoreError;
use crate::caller::Scope;

/// Questions about all keys at once.
#[async_trait]
pub(crate) trait Attention {
    /// How many keys in scope are in which state.
    async fn key_counts(&self, scope: Scope, marks: &Marks) -> Result<KeyCounts, StoreError>;

    /// Those in scope that somebody has to look after: who expires soon first, then the oldest.
    async fn keys_to_look_after(&self, scope: Scope, marks: &Marks, limit: u32) -> Result<Vec<KeyId>, StoreError>;
}

/// Moments that tell states apart, in Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marks {
    /// Expired is what expires by then.
    pub now: u64,
    /// Overdue is what was made before.
    pub overdue: u64,
    /// Idle is what was neither made nor used since.
    pub idle: u64,
    /// What expires by then does so soon.
    pub soon: u64,
}

/// How many keys there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyCounts {
    /// Those that work.
    pub active: u64,
    /// Those that are switched off.
    pub disabled: u64,
    /// Those past their expiry.
    pub expired: u64,
    /// Those revoked for good.
    pub revoked: u64,
    /// Those that should have been rotated.
    pub overdue: u64,
    /// Those that work and are not used.
    pub idle: u64,
    /// Those that are overdue, idle or expire soon.
    pub to_look_after: u64,
}

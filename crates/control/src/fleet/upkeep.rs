//! Forgetting what is of no more use.

use super::{Fleet, GONE_AFTER_MS};
use crate::store::{Before, SLOT_MS, StoreError};

const MINUTE_MS: u64 = 60 * 1000;
const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;
/// Counts of an edge that is gone are kept for when it comes back.
const EDGE_DAYS: u64 = 7;
const OBSERVATION_DAYS: u64 = 30;

impl Fleet {
    /// Forgets a little of everything that is old.
    pub(super) async fn upkeep(&self, now_ms: u64) {
        self.known().forget_gone(now_ms);
        let done = self.forget(now_ms).await;
        let _ = done.inspect_err(|error| tracing::error!(%error, "what edges reported long ago stays"));
    }

    async fn forget(&self, now_ms: u64) -> Result<(), StoreError> {
        let now = now_ms / 1000;
        let before = Before {
            // Longer than any VM is asked about: a control plane that was away must find them as they were.
            vm_ms: now_ms.saturating_sub(6 * GONE_AFTER_MS),
            edge_ms: now_ms.saturating_sub(EDGE_DAYS * DAY * 1000),
            slot: now_ms.saturating_sub(2 * MINUTE_MS) / SLOT_MS,
            hour: now.saturating_sub(2 * DAY),
        };
        self.store.forget_reports(&before).await?;
        self.store.forget_observations(now.saturating_sub(OBSERVATION_DAYS * DAY)).await?;
        self.store.forget_denials(now.saturating_sub(DAY)).await
    }
}

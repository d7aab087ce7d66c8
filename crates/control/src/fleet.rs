//! What edges report: which version each enforces, what it let through and what it refused. Whoever asks is answered from
//! the database, with all that was heard before.
//!
//! Edges number their reports. One with a number is answered once it is written, and counts once however often it comes;
//! those that come while others are being written are then written together. One without, of an older edge, is collected
//! in memory and written in the background, and counts as often as it comes. Invariants: whatever edges send, memory is
//! bounded; a report that was answered is written, unless the database refuses what is in it, or it had no number and the process
//! is killed within [`WRITE_EVERY`].

mod held;
mod intake;
mod list;
mod pending;
mod plain;
mod upkeep;
mod usage;
mod writing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::store::{Store, StoreError};

pub(crate) use held::{Holders, holders, in_need_of, lately};
pub(crate) use intake::{TooManyEdges, take};
pub(crate) use list::{list, names, summary};
use pending::Pending;
pub(crate) use usage::rule_as_counted;

/// Who has not reported for this long is silent: a dozen reports are missing.
pub(crate) const SILENT_AFTER_MS: u64 = 60 * 1000;
/// Who has not reported for this long is gone.
pub(crate) const GONE_AFTER_MS: u64 = 10 * 60 * 1000;
/// What nobody waits for is written no more often.
const WRITE_EVERY: Duration = Duration::from_millis(200);
const RETRY_AFTER: Duration = Duration::from_secs(1);
const UPKEEP_EVERY: Duration = Duration::from_secs(60);
const MAX_EDGES: usize = 4096;
const MAX_VMS: usize = 256;
/// Reasons that this version does not know; further ones are all called [`OTHER`].
const MAX_STRANGE_REASONS: usize = 64;
pub(crate) const OTHER: &str = "other";

/// What was heard of edges and is not written yet.
pub(crate) struct Fleet {
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
    pending: Mutex<Pending>,
    known: Mutex<Known>,
    /// Held by the one who writes.
    writing: tokio::sync::Mutex<()>,
    /// Something is there to be written.
    heard: Notify,
    /// For those who wait for reports.
    reported: Notify,
}

/// Whom this process has heard of, and in which words.
#[derive(Debug, Default)]
struct Known {
    /// When VMs last reported, in Unix milliseconds.
    edges: BTreeMap<String, BTreeMap<String, u64>>,
    strange_reasons: BTreeSet<String>,
    /// Edges that told what this version cannot read.
    newer: BTreeSet<String>,
    routes: usage::Routes,
}

impl Fleet {
    /// Nothing heard yet.
    pub(crate) fn new(store: Arc<dyn Store>, metrics: Arc<Metrics>) -> Self {
        Self {
            store,
            metrics,
            pending: Mutex::default(),
            known: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
            heard: Notify::new(),
            reported: Notify::new(),
        }
    }

    /// Writes what was heard so far. What could not be written stays for the next time.
    pub(crate) async fn settle(self: &Arc<Self>) -> Result<(), StoreError> {
        let fleet = self.clone();
        // A task of its own: whoever waits may go away, and what was taken must not go with it.
        let written = tokio::spawn(async move { fleet.write().await }).await;
        written.unwrap_or(Err(StoreError::Database(sqlx::Error::WorkerCrashed)))
    }

    /// Returns with the next report.
    pub(crate) fn next_report(&self) -> Notified<'_> {
        self.reported.notified()
    }

    /// Writes what is heard, as long as the process lives. Never returns.
    pub(crate) async fn run(self: Arc<Self>, clock: Clock) {
        let mut upkeep = tokio::time::interval_at(tokio::time::Instant::now() + UPKEEP_EVERY, UPKEEP_EVERY);
        loop {
            tokio::select! {
                () = self.heard.notified() => {
                    match self.settle().await {
                        Ok(()) => tokio::time::sleep(WRITE_EVERY).await,
                        Err(error) => {
                            tracing::error!(%error, "what edges report is not written; trying again");
                            tokio::time::sleep(RETRY_AFTER).await;
                        }
                    }
                }
                _ = upkeep.tick() => self.upkeep(clock.millis()).await,
            }
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Fleet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fleet")
    }
}

impl Known {
    /// Whether a VM may report: it did before, or there is room for one more.
    fn admit(&mut self, edge: &str, vm: &str, now_ms: u64) -> bool {
        let has_room = match self.edges.get(edge) {
            None => self.edges.len() < MAX_EDGES,
            Some(vms) => vms.contains_key(vm) || vms.len() < MAX_VMS,
        };
        if has_room {
            self.edges.entry(edge.to_owned()).or_default().insert(vm.to_owned(), now_ms);
        }
        has_room
    }

    fn forget_gone(&mut self, now_ms: u64) {
        self.edges.retain(|_, vms| {
            vms.retain(|_, at_ms| now_ms.saturating_sub(*at_ms) <= GONE_AFTER_MS);
            !vms.is_empty()
        });
        self.newer.retain(|edge| self.edges.contains_key(edge));
        self.routes.forget_old(now_ms);
    }
}

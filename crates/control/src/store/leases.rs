//! Leases as stored, and what processes of edges do with them: each call is one transaction, durable before it is answered.
//!
//! What a call does is worked out in `quota`; here is what it is about and what came of it.

use async_trait::async_trait;
use portcullis_api::edge::{FloorsAfter, FloorsUpTo, Grant, MeterState};
use portcullis_engine::{OrganizationId, Subject};

use super::StoreError;
use crate::quota::{MeterRow, Metered};

/// Processes of edges, and what they hold.
#[async_trait]
pub(crate) trait Leases {
    /// Takes in what a process says and grants what it wants.
    async fn lease(&self, call: &LeaseCall) -> Result<LeaseOutcome, StoreError>;

    /// Puts in doubt what processes hold that did not call in time; how many such processes there were.
    async fn close_boots(&self, now_ms: u64) -> Result<u64, StoreError>;

    /// Tells every process of an edge to give everything back; how many are alive.
    async fn drain(&self, edge: &str, now_ms: u64, until_ms: u64) -> Result<u64, StoreError>;

    /// What the processes of an edge that are told to stop still hold, and what those held that are gone.
    async fn outstanding(&self, edge: &str, now_ms: u64) -> Result<(u64, u64), StoreError>;

    /// Whether any process of that edge called, and is not forgotten.
    async fn knows_edge(&self, edge: &str) -> Result<bool, StoreError>;

    /// Whether a subject's tokens are counted, how, and its last meter that has begun.
    async fn meter(&self, subject: Subject, now: u64) -> Result<(Option<Metered>, Option<MeterRow>), StoreError>;

    /// Tokens held by processes that are alive, and by others, all meters together.
    async fn held(&self, now_ms: u64) -> Result<(u64, u64), StoreError>;

    /// What was topped up, the latest first.
    async fn top_ups(&self, organization: OrganizationId) -> Result<Vec<TopUpRow>, StoreError>;

    /// Forgets what is of no use any more; whether there is more of it.
    async fn forget_leases(&self, now_ms: u64) -> Result<bool, StoreError>;
}

/// One call of one process.
#[derive(Clone, Debug, Default)]
pub(crate) struct LeaseCall {
    /// Its edge.
    pub edge: String,
    /// The process.
    pub boot: String,
    /// When it came, in Unix milliseconds.
    pub now_ms: u64,
    /// Of which meters it tells, and what it wants of them.
    pub meters: Vec<(Subject, MeterState)>,
    /// Which floors it asks for.
    pub floors: Option<FloorsAfter>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LeaseOutcome {
    /// What it has now of what it asked for.
    pub grants: Vec<Grant>,
    /// Of whom nobody counts.
    pub unmetered: Vec<Subject>,
    /// Of whom it gives everything back.
    pub recall: Vec<String>,
    /// How far the list of floors goes.
    pub floors: Option<FloorsUpTo>,
    /// Whether it is about to be stopped.
    pub drain: bool,
    /// Tokens that were granted.
    pub granted: u64,
}

/// Tokens beside the plan's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TopUpRow {
    /// Whose.
    pub organization: OrganizationId,
    /// For which period.
    pub period: crate::quota::Period,
    /// How many.
    pub tokens: u64,
    /// Why.
    pub note: String,
    /// When, in Unix seconds.
    pub created_at: u64,
}

//! What edges reported, as collected in memory and as stored, and what is asked about it.
//!
//! Rows only; what a report may say is decided in `fleet`. Invariant: everything in here adds up or takes the later, so
//! replicas may write what they heard in any order.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use portcullis_seal::KeyName;

use super::StoreError;
use crate::caller::Scope;

/// So long a piece of time the requests of an edge are added up in, for its rate.
pub(crate) const SLOT_MS: u64 = 5_000;
/// A VM's last versions; earlier ones are forgotten.
pub(crate) const VERSIONS_KEPT: u32 = 256;

/// Forgetting what edges reported.
#[async_trait]
pub(crate) trait Reports {
    /// Forgets what is of no more use, a little at a time. `true` if there is more.
    async fn forget_reports(&self, before: &Before) -> Result<bool, StoreError>;
}

/// Questions about edges.
#[async_trait]
pub(crate) trait Edges {
    /// Every VM that reported at or after that time, by edge and VM.
    async fn vms(&self, since_ms: u64) -> Result<Vec<VmRow>, StoreError>;

    /// Every edge that reported at or after that time, with its counts, and its requests in slots from that one on; by
    /// name.
    async fn edges(&self, since_ms: u64, since_slot: u64) -> Result<Vec<EdgeRow>, StoreError>;

    /// How far every VM that reported at or after that time is with a version.
    async fn progress(&self, version: u64, since_ms: u64) -> Result<Vec<ProgressRow>, StoreError>;

    /// When the change of that version was made; `None` if there is none, or only somebody else's. With a kind of target,
    /// only what was done to such.
    async fn changed_at(&self, scope: Scope, to: Option<&str>, version: u64) -> Result<Option<u64>, StoreError>;

    /// What is in versions after `version` and not after `published`; no more than `most` of them.
    async fn missing(&self, version: u64, published: u64, most: u32) -> Result<Missing, StoreError>;

    /// What all edges together counted in the hours from that one on.
    async fn traffic(&self, since_hour: u64) -> Result<Vec<(u64, Count, u64)>, StoreError>;
}

/// What a number of requests is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Count {
    /// Let through.
    Allowed,
    /// Refused, for that reason.
    Denied(String),
    /// Let through, and something would have refused it for that reason.
    Observed(String),
    /// Let through, and there was no room to say more.
    Unsampled,
}

/// What was heard since it was last stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// By name.
    pub edges: BTreeMap<String, HeardEdge>,
    /// By hour (Unix seconds) and what was counted.
    pub traffic: BTreeMap<(u64, Count), u64>,
}

/// What was heard of one edge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HeardEdge {
    /// When it last reported, in Unix milliseconds.
    pub reported_at_ms: u64,
    /// By VM.
    pub vms: BTreeMap<String, HeardVm>,
    /// What it counted.
    pub counts: BTreeMap<Count, u64>,
    /// Its requests by slot of [`SLOT_MS`].
    pub requests: BTreeMap<u64, u64>,
    /// The last errors, and when.
    pub errors: Option<(u64, Vec<String>)>,
}

/// What was heard of one VM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HeardVm {
    /// When it last reported, in Unix milliseconds.
    pub reported_at_ms: u64,
    /// How old its bundle was then.
    pub bundle_age_seconds: u64,
    /// The edges' keys that it had then; `None` = it did not tell.
    pub edge_keys: Option<BTreeSet<KeyName>>,
    /// The versions it enforced, and when it first said so.
    pub versions: BTreeMap<u64, u64>,
}

/// A VM as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VmRow {
    /// Its edge.
    pub edge: String,
    /// Its id.
    pub vm: String,
    /// The highest version it reported.
    pub applied_version: u64,
    /// How old its bundle was at its last report.
    pub bundle_age_seconds: u64,
    /// The edges' keys that it had then; `None` = it did not tell.
    pub edge_keys: Option<BTreeSet<KeyName>>,
    /// When that was, in Unix milliseconds.
    pub reported_at_ms: u64,
}

/// An edge as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EdgeRow {
    /// Its name.
    pub edge: String,
    /// When it first reported, in Unix milliseconds.
    pub first_report_ms: u64,
    /// What it counted.
    pub counts: Vec<(Count, u64)>,
    /// Its requests in the slots asked for.
    pub requests: u64,
    /// The last errors.
    pub errors: Vec<String>,
}

/// How far a VM is with a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProgressRow {
    /// Its edge.
    pub edge: String,
    /// The highest version it reported.
    pub applied_version: u64,
    /// When it last reported, in Unix milliseconds.
    pub reported_at_ms: u64,
    /// When it first reported the version or a later one.
    pub reached_ms: Option<u64>,
    /// The earliest version known of it: whether it was there before the one asked about.
    pub oldest: Option<u64>,
}

/// Changes that somebody does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Missing {
    /// How many.
    pub changes: u64,
    /// When the oldest was made, in Unix milliseconds.
    pub since_ms: Option<u64>,
}

/// Whatever is older is of no more use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Before {
    /// VMs, in Unix milliseconds.
    pub vm_ms: u64,
    /// Edges, in Unix milliseconds.
    pub edge_ms: u64,
    /// Slots.
    pub slot: u64,
    /// Hours, in Unix seconds.
    pub hour: u64,
}

impl Heard {
    /// Adds what was heard after it.
    pub(crate) fn absorb(&mut self, later: Self) {
        for (name, edge) in later.edges {
            self.edges.entry(name).or_default().absorb(edge);
        }
        add(&mut self.traffic, later.traffic);
    }
}

impl HeardEdge {
    fn absorb(&mut self, later: Self) {
        self.reported_at_ms = self.reported_at_ms.max(later.reported_at_ms);
        for (name, vm) in later.vms {
            self.vms.entry(name).or_default().absorb(vm);
        }
        add(&mut self.counts, later.counts);
        add(&mut self.requests, later.requests);
        self.errors = later.errors.or(self.errors.take());
    }
}

impl HeardVm {
    fn absorb(&mut self, later: Self) {
        if later.reported_at_ms >= self.reported_at_ms {
            (self.reported_at_ms, self.bundle_age_seconds) = (later.reported_at_ms, later.bundle_age_seconds);
            self.edge_keys = later.edge_keys;
        }
        for (version, at_ms) in later.versions {
            self.versions.entry(version).or_insert(at_ms);
        }
    }
}

/// Adds numbers to numbers.
pub(crate) fn add<K: Ord>(sums: &mut BTreeMap<K, u64>, more: impl IntoIterator<Item = (K, u64)>) {
    for (name, number) in more {
        let sum = sums.entry(name).or_default();
        *sum = sum.saturating_add(number);
    }
}

//! What edges report: which version each enforces, and what it refused. In memory: a restart forgets, edges report again.
//!
//! Invariant: whatever edges send, memory is bounded.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use portcullis_api::edge::Report;
use portcullis_api::status::{Edge, EdgeVm};

use crate::clock::to_rfc3339;

/// Who has not reported for this long is gone.
const GONE_AFTER_SECONDS: u64 = 10 * 60;
const MAX_EDGES: usize = 4096;
const MAX_VMS: usize = 256;
const MAX_REASONS: usize = 64;
const MAX_ERRORS: usize = 8;
const MAX_TEXT: usize = 300;

/// Every edge heard of lately.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    edges: Mutex<BTreeMap<String, State>>,
}

#[derive(Debug, Default)]
struct State {
    vms: BTreeMap<String, Vm>,
    denied: BTreeMap<String, u64>,
    observed: BTreeMap<String, u64>,
    errors: Vec<String>,
}

#[derive(Debug)]
struct Vm {
    applied_version: u64,
    bundle_age_seconds: u64,
    reported_at: u64,
}

impl Fleet {
    /// Takes a report in. `false` if there are too many edges already.
    pub(crate) fn report(&self, report: &Report, now: u64) -> bool {
        let mut edges = self.alive(now);
        if !edges.contains_key(&report.edge) && edges.len() >= MAX_EDGES {
            return false;
        }
        let state = edges.entry(report.edge.clone()).or_default();
        if !state.vms.contains_key(&report.vm) && state.vms.len() >= MAX_VMS {
            return false;
        }
        let vm = Vm {
            applied_version: report.applied_version,
            bundle_age_seconds: report.bundle_age_seconds,
            reported_at: now,
        };
        state.vms.insert(report.vm.clone(), vm);
        add(&mut state.denied, &report.denied);
        add(&mut state.observed, &report.observed);
        if !report.errors.is_empty() {
            state.errors =
                report.errors.iter().take(MAX_ERRORS).map(|text| text.chars().take(MAX_TEXT).collect()).collect();
        }
        true
    }

    /// Every edge heard of lately.
    pub(crate) fn list(&self, now: u64) -> Vec<Edge> {
        self.alive(now).iter().map(|(name, state)| state.shown(name)).collect()
    }

    fn alive(&self, now: u64) -> MutexGuard<'_, BTreeMap<String, State>> {
        let mut edges = self.edges.lock().unwrap_or_else(PoisonError::into_inner);
        edges.retain(|_, state| {
            state.vms.retain(|_, vm| now.saturating_sub(vm.reported_at) <= GONE_AFTER_SECONDS);
            !state.vms.is_empty()
        });
        edges
    }
}

impl State {
    fn shown(&self, name: &str) -> Edge {
        let vm = |(vm, it): (&String, &Vm)| EdgeVm {
            vm: vm.clone(),
            applied_version: it.applied_version,
            last_report: to_rfc3339(it.reported_at),
        };
        Edge {
            edge: name.to_owned(),
            vms: self.vms.iter().map(vm).collect(),
            applied_version: self.vms.values().map(|vm| vm.applied_version).min().unwrap_or(0),
            last_report: to_rfc3339(self.vms.values().map(|vm| vm.reported_at).max().unwrap_or(0)),
            bundle_age_seconds: self.vms.values().map(|vm| vm.bundle_age_seconds).max().unwrap_or(0),
            denied: self.denied.clone(),
            observed: self.observed.clone(),
            errors: self.errors.clone(),
        }
    }
}

fn add(totals: &mut BTreeMap<String, u64>, counts: &BTreeMap<String, u64>) {
    for (reason, count) in counts {
        if totals.len() < MAX_REASONS || totals.contains_key(reason) {
            let total = totals.entry(reason.chars().take(MAX_TEXT).collect()).or_default();
            *total = total.saturating_add(*count);
        }
    }
}

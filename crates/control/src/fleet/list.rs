//! The edges as people and programs see them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use portcullis_api::status::{Edge, EdgeVm};

use super::{GONE_AFTER_MS, SILENT_AFTER_MS, held};
use crate::access::Permission::EdgesRead;
use crate::app::App;
use crate::caller::Caller;
use crate::clock::to_rfc3339;
use crate::error::Error;
use crate::store::{Count, EdgeRow, Missing, SLOT_MS, VmRow};

/// The rate is that of the last minute.
const RATE_MS: u64 = 60 * 1000;
/// More changes than this are not counted.
const MOST_MISSING: u32 = 1000;

/// Every edge heard of lately. Only the operator sees them.
pub(crate) async fn list(app: &App, by: &Caller) -> Result<Vec<Edge>, Error> {
    by.require(EdgesRead)?;
    by.require_operator(app)?;
    app.fleet.settle().await?;
    let now_ms = app.clock.millis();
    let since_ms = now_ms.saturating_sub(GONE_AFTER_MS);
    let mut vms = by_edge(app.store.vms(since_ms).await?);
    let rows = app.store.edges(since_ms, now_ms.saturating_sub(RATE_MS) / SLOT_MS + 1).await?;
    let alive = |row: EdgeRow| vms.remove(&row.edge).map(|vms| (row, vms));
    let rows: Vec<_> = rows.into_iter().filter_map(alive).collect();
    let missing = missing(app, rows.iter().map(|(_, vms)| applied_version(vms, now_ms)).collect()).await?;
    Ok(rows.into_iter().map(|(row, vms)| edge(row, vms, &missing, now_ms)).collect())
}

/// How many edges were heard of lately, and the version that all of them enforce at least. While the database cannot be
/// asked, it is what this process heard itself.
pub(crate) async fn summary(app: &App) -> (usize, Option<u64>) {
    stored_summary(app).await.unwrap_or_else(|error| {
        tracing::error!(%error, "the stored edges cannot be read");
        (app.fleet.known().edges.len(), None)
    })
}

async fn stored_summary(app: &App) -> Result<(usize, Option<u64>), Error> {
    app.fleet.settle().await?;
    let now_ms = app.clock.millis();
    let vms = by_edge(app.store.vms(now_ms.saturating_sub(GONE_AFTER_MS)).await?);
    Ok((vms.len(), vms.values().map(|vms| applied_version(vms, now_ms)).min()))
}

/// What the edges are called that were heard of lately.
pub(crate) async fn names(app: &App) -> Result<Vec<String>, Error> {
    app.fleet.settle().await?;
    let since_ms = app.clock.millis().saturating_sub(GONE_AFTER_MS);
    Ok(by_edge(app.store.vms(since_ms).await?).into_keys().collect())
}

pub(super) fn by_edge(rows: Vec<VmRow>) -> BTreeMap<String, Vec<VmRow>> {
    let mut edges = BTreeMap::<_, Vec<_>>::new();
    for row in rows {
        edges.entry(row.edge.clone()).or_default().push(row);
    }
    edges
}

/// What is published and not in those versions. Who enforces nothing yet refuses everything, and misses nothing.
async fn missing(app: &App, versions: BTreeSet<u64>) -> Result<HashMap<u64, Missing>, Error> {
    let published = app.publisher.current().map_or(0, |it| it.version());
    let mut all = HashMap::new();
    for version in versions.into_iter().filter(|it| (1..published).contains(it)) {
        all.insert(version, app.store.missing(version, published, MOST_MISSING).await?);
    }
    Ok(all)
}

pub(super) fn is_silent(reported_at_ms: u64, now_ms: u64) -> bool {
    now_ms.saturating_sub(reported_at_ms) > SILENT_AFTER_MS
}

/// VMs that fell silent are probably gone; they count only if all did.
fn applied_version(vms: &[VmRow], now_ms: u64) -> u64 {
    let alive = vms.iter().filter(|vm| !is_silent(vm.reported_at_ms, now_ms)).map(|vm| vm.applied_version).min();
    alive.or(vms.iter().map(|vm| vm.applied_version).min()).unwrap_or(0)
}

fn edge(row: EdgeRow, vms: Vec<VmRow>, missing: &HashMap<u64, Missing>, now_ms: u64) -> Edge {
    let last_ms = vms.iter().map(|vm| vm.reported_at_ms).max().unwrap_or(0);
    let applied_version = applied_version(&vms, now_ms);
    let missing = missing.get(&applied_version).copied().unwrap_or_default();
    let mut edge = Edge {
        requests_per_second: rate(&row, now_ms),
        edge: row.edge,
        silent: is_silent(last_ms, now_ms),
        edge_keys: held::held(&vms, now_ms).as_ref().map(held::ids),
        applied_version,
        versions_behind: missing.changes,
        seconds_behind: missing.since_ms.map_or(0, |since_ms| now_ms.saturating_sub(since_ms) / 1000),
        last_report: to_rfc3339(last_ms / 1000),
        bundle_age_seconds: vms.iter().map(|vm| vm.bundle_age_seconds).max().unwrap_or(0),
        vms: vms.into_iter().map(|vm| shown(vm, now_ms)).collect(),
        allowed: 0,
        denied: BTreeMap::new(),
        denied_total: 0,
        observed: BTreeMap::new(),
        observed_total: 0,
        unsampled: 0,
        errors: row.errors,
    };
    for (count, number) in row.counts {
        match count {
            Count::Allowed => edge.allowed = number,
            Count::Unsampled => edge.unsampled = number,
            Count::Denied(reason) => {
                edge.denied_total = edge.denied_total.saturating_add(number);
                edge.denied.insert(reason, number);
            }
            Count::Observed(reason) => {
                edge.observed_total = edge.observed_total.saturating_add(number);
                edge.observed.insert(reason, number);
            }
        }
    }
    edge
}

fn shown(vm: VmRow, now_ms: u64) -> EdgeVm {
    EdgeVm {
        silent: is_silent(vm.reported_at_ms, now_ms),
        vm: vm.vm,
        applied_version: vm.applied_version,
        edge_keys: vm.edge_keys.as_ref().map(held::ids),
        last_report: to_rfc3339(vm.reported_at_ms / 1000),
    }
}

/// To a tenth. An edge that is new is not averaged over a time before it was there.
fn rate(row: &EdgeRow, now_ms: u64) -> f64 {
    let over_ms = now_ms.saturating_sub(row.first_report_ms).clamp(SLOT_MS, RATE_MS);
    let tenths = row.requests.saturating_mul(10_000).div_euclid(over_ms);
    f64::from(u32::try_from(tenths).unwrap_or(u32::MAX)) / 10.0
}

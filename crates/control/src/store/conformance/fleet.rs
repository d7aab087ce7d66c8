//! What edges report.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::Fixture;
use super::rows::{NOW, change, key, organization_id, put, two_organizations, with};
use crate::caller::Scope;
use crate::store::{Before, Count, EdgeRow, Heard, HeardEdge, HeardVm, Missing, ProgressRow, VmRow, Write};

const NOW_MS: u64 = NOW * 1000;

/// What one VM of an edge told at a time.
fn told(edge: &str, vm: &str, at_ms: u64, versions: &[(u64, u64)]) -> Heard {
    let vm_heard =
        HeardVm { reported_at_ms: at_ms, bundle_age_seconds: 3, versions: versions.iter().copied().collect() };
    let heard = HeardEdge {
        reported_at_ms: at_ms,
        vms: [(vm.to_owned(), vm_heard)].into(),
        counts: [(Count::Allowed, 10), (Count::Denied("revoked".to_owned()), 2)].into(),
        requests: [(100, 12)].into(),
        errors: None,
    };
    let traffic = [((NOW, Count::Allowed), 10), ((NOW, Count::Observed("ip".to_owned())), 1)].into();
    Heard { edges: [(edge.to_owned(), heard)].into(), traffic }
}

pub(super) async fn reports_add_up_whoever_writes_them(it: Fixture) {
    let writing = (0..6_u64).map(|round| {
        let store = it.store.clone();
        // Each names several edges, as replicas do that hear of the same ones.
        let mut heard = Heard::default();
        ["a", "b", "c"]
            .into_iter()
            .for_each(|edge| heard.absorb(told(edge, "vm", NOW_MS + round, &[(7, NOW_MS + round)])));
        async move { store.record_reports(&heard).await.unwrap() }
    });
    join_all(writing.map(tokio::spawn).collect::<Vec<_>>()).await.into_iter().for_each(|done| done.unwrap());
    let edges = it.store.edges(100).await.unwrap();
    assert_eq!(edges.iter().map(|row| row.edge.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    let EdgeRow { mut counts, requests, errors, .. } = edges[1].clone();
    counts.sort();
    assert_eq!(counts, [(Count::Allowed, 60), (Count::Denied("revoked".to_owned()), 12)]);
    assert_eq!((requests, errors), (72, vec![]));
    assert_eq!(it.store.edges(101).await.unwrap()[1].requests, 0, "slots before are not counted");
    let mut traffic = it.store.traffic(NOW).await.unwrap();
    traffic.sort();
    assert_eq!(traffic, [(NOW, Count::Allowed, 180), (NOW, Count::Observed("ip".to_owned()), 18)]);
    assert_eq!(it.store.traffic(NOW + 1).await.unwrap(), []);
}

pub(super) async fn what_is_late_changes_nothing(it: Fixture) {
    let mut news = told("a", "vm", NOW_MS + 5, &[(9, NOW_MS + 5)]);
    news.edges.get_mut("a").unwrap().errors = Some((NOW_MS + 5, vec!["new \"error\"".to_owned()]));
    let mut late = told("a", "vm", NOW_MS, &[(8, NOW_MS)]);
    late.edges.get_mut("a").unwrap().errors = Some((NOW_MS, vec!["late".to_owned()]));
    for heard in [&news, &late] {
        it.store.record_reports(heard).await.unwrap();
    }
    let row = VmRow {
        edge: "a".to_owned(),
        vm: "vm".to_owned(),
        applied_version: 9,
        bundle_age_seconds: 3,
        reported_at_ms: NOW_MS + 5,
    };
    assert_eq!(it.store.vms(NOW_MS + 5).await.unwrap(), [row]);
    assert_eq!(it.store.vms(NOW_MS + 6).await.unwrap(), []);
    assert_eq!(it.store.edges(0).await.unwrap()[0].errors, ["new \"error\""]);
}

pub(super) async fn progress_and_receipts_follow_versions(it: Fixture) {
    it.store.record_reports(&told("a", "vm", NOW_MS + 30, &[(5, NOW_MS + 10), (8, NOW_MS + 30)])).await.unwrap();
    it.store.record_reports(&told("b", "vm", NOW_MS + 20, &[(5, NOW_MS + 20)])).await.unwrap();
    let row = |edge: &str, applied_version, reported, reached| ProgressRow {
        edge: edge.to_owned(),
        applied_version,
        reported_at_ms: NOW_MS + reported,
        reached_ms: reached,
        oldest: Some(5),
    };
    for (version, a, b) in [(4, Some(NOW_MS + 10), Some(NOW_MS + 20)), (6, Some(NOW_MS + 30), None), (9, None, None)] {
        let expected = [row("a", 8, 30, a), row("b", 5, 20, b)];
        assert_eq!(it.store.progress(version, 0).await.unwrap(), expected, "{version}");
    }
    two_organizations(&*it.store).await;
    let version = put(&*it.store, Write::InsertKey(key(1, 2))).await;
    for (scope, expected) in [
        (Scope::All, Some(NOW_MS)),
        (Scope::Only(organization_id(2)), Some(NOW_MS)),
        (Scope::Only(organization_id(1)), None),
    ] {
        assert_eq!(it.store.changed_at(scope, version).await.unwrap(), expected, "{scope:?}");
    }
    assert_eq!(it.store.changed_at(Scope::All, version + 1).await.unwrap(), None);
}

pub(super) async fn the_age_of_what_is_missing_is_told(it: Fixture) {
    two_organizations(&*it.store).await;
    let version = it.store.version().await.unwrap();
    for number in 0..3 {
        it.store.write(&with(change(1), Write::InsertKey(key(number, 1))), 0).await.unwrap();
    }
    for (after, published, most, changes) in [
        (version, version + 3, 10, 3),
        (version, version + 3, 2, 2),
        (version + 1, version + 2, 10, 1),
        (version + 3, version + 3, 10, 0),
    ] {
        let expected = Missing { changes, since_ms: (changes > 0).then_some(NOW_MS) };
        assert_eq!(it.store.missing(after, published, most).await.unwrap(), expected, "{after} {published} {most}");
    }
}

pub(super) async fn what_is_old_is_forgotten(it: Fixture) {
    it.store.record_reports(&told("old", "vm", NOW_MS, &[(1, NOW_MS)])).await.unwrap();
    it.store.record_reports(&told("new", "vm", NOW_MS + 1, &[(1, NOW_MS)])).await.unwrap();
    let before = Before { vm_ms: NOW_MS + 1, edge_ms: NOW_MS + 1, slot: 100, hour: NOW };
    it.store.forget_reports(&before).await.unwrap();
    let names = |rows: Vec<EdgeRow>| rows.into_iter().map(|row| row.edge).collect::<Vec<_>>();
    assert_eq!(names(it.store.edges(0).await.unwrap()), ["new"]);
    assert_eq!(it.store.vms(0).await.unwrap().len(), 1);
    assert_eq!(it.store.edges(0).await.unwrap()[0].requests, 12);
    it.store.forget_reports(&Before { slot: 101, hour: NOW + 1, ..before }).await.unwrap();
    assert_eq!(it.store.edges(0).await.unwrap()[0].requests, 0);
    assert_eq!(it.store.traffic(0).await.unwrap(), []);
    let nothing = Heard { edges: BTreeMap::new(), traffic: BTreeMap::new() };
    it.store.record_reports(&nothing).await.unwrap();
}

//! What edges report.

use std::collections::BTreeMap;

use super::Fixture;
use super::rows::{NOW, change, key, organization_id, put, take_in, two_organizations, with};
use crate::caller::Scope;
use crate::store::{Before, Count, Heard, HeardEdge, HeardVm, Missing, Noted, Store, Write};

const NOW_MS: u64 = NOW * 1000;

/// One report of VM `v` of an edge: when, the version it enforces, and some counts.
fn heard(edge: &str, after_ms: u64, version: u64) -> Heard {
    let at_ms = NOW_MS + after_ms;
    let versions = [(version, at_ms)].into();
    let vm = HeardVm { reported_at_ms: at_ms, bundle_age_seconds: after_ms, versions, ..HeardVm::default() };
    let counts = BTreeMap::from([(Count::Allowed, 3), (Count::Denied("no_rule".to_owned()), 1)]);
    let traffic = counts.iter().map(|(count, number)| ((NOW, count.clone()), *number)).collect();
    let errors = Some((at_ms, vec![format!("error {after_ms}")]));
    let requests = [(at_ms / 5000, 4)].into();
    let edge_heard = HeardEdge { reported_at_ms: at_ms, vms: [("v".to_owned(), vm)].into(), counts, requests, errors };
    Heard { edges: [(edge.to_owned(), edge_heard)].into(), traffic }
}

async fn record(store: &dyn Store, heard: Heard) {
    take_in(store, Noted { heard, ..Noted::default() }).await;
}

pub(super) async fn reports_add_up_and_the_later_wins_in_whatever_order(it: Fixture) {
    for (after_ms, version) in [(0, 7), (9_000, 9), (4_000, 8)] {
        record(&*it.store, heard("e", after_ms, version)).await;
    }
    record(&*it.store, heard("f", 0, 7)).await;
    let vms = it.store.vms(0).await.unwrap();
    assert_eq!(vms.len(), 2);
    assert_eq!((vms[0].edge.as_str(), vms[0].vm.as_str(), vms[0].applied_version), ("e", "v", 9));
    assert_eq!((vms[0].bundle_age_seconds, vms[0].reported_at_ms), (9_000, NOW_MS + 9_000));
    assert_eq!(it.store.vms(NOW_MS + 1).await.unwrap().len(), 1);
    let edges = it.store.edges(NOW_MS + 1, NOW_MS / 5000 + 1).await.unwrap();
    assert_eq!(edges.len(), 1);
    let expected = vec![(Count::Allowed, 9), (Count::Denied("no_rule".to_owned()), 3)];
    assert_eq!(
        (edges[0].first_report_ms, edges[0].requests, &edges[0].errors),
        (NOW_MS, 4, &vec!["error 9000".to_owned()])
    );
    let mut counts = edges[0].counts.clone();
    counts.sort();
    assert_eq!(counts, expected);
    let mut traffic = it.store.traffic(NOW).await.unwrap();
    traffic.sort();
    assert_eq!(traffic, [(NOW, Count::Allowed, 12), (NOW, Count::Denied("no_rule".to_owned()), 4)]);
    assert_eq!(it.store.traffic(NOW + 1).await.unwrap(), []);
}

pub(super) async fn progress_is_when_a_version_was_first_reported(it: Fixture) {
    for (after_ms, version) in [(0, 7), (100, 9), (200, 9), (50, 9), (300, 12)] {
        record(&*it.store, heard("e", after_ms, version)).await;
    }
    for (version, reached, oldest) in
        [(7, Some(0), 7), (8, Some(100), 7), (9, Some(100), 7), (10, Some(300), 7), (13, None, 7)]
    {
        let rows = it.store.progress(version, 0).await.unwrap();
        let reached = reached.map(|after_ms| NOW_MS + after_ms);
        assert_eq!(
            (rows[0].reached_ms, rows[0].oldest, rows[0].applied_version),
            (reached, Some(oldest), 12),
            "{version}"
        );
    }
    assert_eq!(it.store.progress(7, NOW_MS + 301).await.unwrap(), []);
    let mut many = heard("e", 400, 12);
    let versions = &mut many.edges.get_mut("e").unwrap().vms.get_mut("v").unwrap().versions;
    versions.extend((13..300).map(|version| (version, NOW_MS + version)));
    record(&*it.store, many).await;
    assert_eq!(it.store.progress(7, 0).await.unwrap()[0].oldest, Some(44), "the last 256 are kept");
}

pub(super) async fn a_change_is_known_by_its_version_to_those_it_belongs_to(it: Fixture) {
    two_organizations(&*it.store).await;
    let insert = |number| with(change(1), Write::InsertKey(key(number, 1)));
    let both = insert(1).and(with(change(2), Write::InsertKey(key(2, 2))));
    let first = it.store.write(&both, 100).await.unwrap();
    let second = it.store.write(&insert(3), 200).await.unwrap();
    let bare = it.store.take_version(300).await.unwrap();
    let only = |number| Scope::Only(organization_id(number));
    for (scope, version, is_known) in [
        (Scope::All, first, true),
        (only(1), first, true),
        (only(2), first, true),
        (only(2), second, false),
        (only(3), first, false),
        (Scope::All, bare, false),
    ] {
        let at = it.store.changed_at(scope, None, version).await.unwrap();
        assert_eq!(at, Some(NOW_MS).filter(|_| is_known), "{scope:?} {version}");
    }
    for (to, is_known) in [("key", true), ("organization", false)] {
        let at = it.store.changed_at(Scope::All, Some(to), first).await.unwrap();
        assert_eq!(at, Some(NOW_MS).filter(|_| is_known), "{to}");
    }
    for (version, published, most, changes) in
        [(0, bare, 2, 2), (first - 1, bare, 9, 2), (first, bare, 9, 1), (first - 1, first, 9, 1), (second, bare, 9, 0)]
    {
        let since_ms = Some(NOW_MS).filter(|_| changes > 0);
        let missing = it.store.missing(version, published, most).await.unwrap();
        assert_eq!(missing, Missing { changes, since_ms }, "{version} {published}");
    }
}

pub(super) async fn what_is_old_is_forgotten(it: Fixture) {
    let names: Vec<_> = (0..120).map(|number| format!("e{number}")).collect();
    for name in &names {
        record(&*it.store, heard(name, 0, 7)).await;
    }
    record(&*it.store, heard("f", 1000, 7)).await;
    let none = Before { vm_ms: NOW_MS, edge_ms: NOW_MS, slot: NOW_MS / 5000, hour: NOW };
    assert!(!it.store.forget_reports(&none).await.unwrap());
    assert_eq!((it.store.vms(0).await.unwrap().len(), it.store.edges(0, 0).await.unwrap().len()), (121, 121));
    let all = Before { vm_ms: NOW_MS + 1, edge_ms: NOW_MS + 1, slot: NOW_MS, hour: NOW + 1 };
    assert!(it.store.forget_reports(&all).await.unwrap(), "a hundred at once");
    assert!(!it.store.forget_reports(&all).await.unwrap());
    assert_eq!(it.store.vms(0).await.unwrap().len(), 1);
    let edges = it.store.edges(0, 0).await.unwrap();
    assert_eq!((edges.len(), edges[0].requests, edges[0].counts.len()), (1, 0, 2));
    assert_eq!(it.store.traffic(0).await.unwrap(), []);
    record(&*it.store, heard("e1", 0, 9)).await;
    assert_eq!(it.store.progress(9, 0).await.unwrap()[0].oldest, Some(9), "what it was before is forgotten");
    assert_eq!(it.store.edges(0, 0).await.unwrap()[0].counts.len(), 2);
}

pub(super) async fn reports_of_the_same_edges_from_many_replicas_lose_nothing(it: Fixture) {
    put(&*it.store, Write::InsertOrganization(super::rows::organization(1))).await;
    let all = ["a", "b", "c", "d"].iter().fold(Heard::default(), |mut all, name| {
        all.absorb(heard(name, 0, 7));
        all
    });
    let replicas = (0..8).map(|_| {
        let (store, all) = (it.store.clone(), all.clone());
        tokio::spawn(async move {
            for _ in 0..10 {
                record(&*store, all.clone()).await;
            }
        })
    });
    for replica in futures_util::future::join_all(replicas.collect::<Vec<_>>()).await {
        replica.unwrap();
    }
    let edges = it.store.edges(0, 0).await.unwrap();
    let allowed = |counts: &[(Count, u64)]| counts.iter().find(|it| it.0 == Count::Allowed).map(|it| it.1);
    assert!(edges.len() == 4 && edges.iter().all(|edge| allowed(&edge.counts) == Some(240)), "{edges:?}");
}

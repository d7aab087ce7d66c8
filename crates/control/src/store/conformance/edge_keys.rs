//! Which of the edges' keys edges have, and which edges have one alone.

use super::Fixture;
use super::accounts::people;
use super::rows::{NOW, take_in};
use super::secrets::{EVER, boxes, edge_key, key_name, refused, secret, write};
use crate::store::{Heard, HeardEdge, HeardVm, Lately, Noted, SecretWrite, Store, StoreError};

const NOW_MS: u64 = NOW * 1000;

/// Whoever reported since then.
fn since(ms: u64) -> Lately {
    Lately { there_ms: ms, known_ms: ms }
}

/// One report of a VM: when, and which keys it has.
async fn report(store: &dyn Store, edge: &str, vm: &str, after_ms: u64, keys: Option<&[u8]>) {
    let at_ms = NOW_MS + after_ms;
    let edge_keys = keys.map(|numbers| numbers.iter().map(|number| key_name(*number)).collect());
    let vms = [(vm.to_owned(), HeardVm { reported_at_ms: at_ms, edge_keys, ..HeardVm::default() })].into();
    let heard = HeardEdge { reported_at_ms: at_ms, vms, ..HeardEdge::default() };
    let heard = Heard { edges: [(edge.to_owned(), heard)].into(), ..Heard::default() };
    take_in(store, Noted { heard, ..Noted::default() }).await;
}

pub(super) async fn what_an_edge_has_is_what_it_told_last(it: Fixture) {
    let store = &*it.store;
    for (after_ms, told, expected) in [
        (0, None, None),
        (10, Some(&[2, 1][..]), Some(&[1, 2][..])),
        (5, Some(&[3]), Some(&[1, 2])),
        (10, Some(&[2]), Some(&[2])),
        (20, Some(&[]), Some(&[])),
        (30, Some(&[9]), Some(&[9])),
        (40, None, None),
    ] {
        report(store, "e", "v", after_ms, told).await;
        let vms = store.vms(0).await.unwrap();
        let expected = expected.map(|numbers| numbers.iter().map(|number| key_name(*number)).collect());
        assert_eq!(vms[0].edge_keys, expected, "{after_ms} {told:?}");
    }
}

pub(super) async fn a_key_that_an_edge_has_alone_stays_unless_that_is_said(it: Fixture) {
    let store = &*it.store;
    people::<0>(store).await;
    for number in [1, 2, 3] {
        write(store, SecretWrite::InsertKey(edge_key(number), 4)).await;
    }
    for (edge, vm, after_ms, keys) in [
        ("alone", "a", 0, Some(&[1][..])),
        ("alone", "b", 0, Some(&[1])),
        ("both", "a", 0, Some(&[1, 2])),
        ("late", "a", 100, Some(&[1])),
        ("mixed", "a", 0, Some(&[1, 2])),
        ("mixed", "b", 0, Some(&[1, 9])),
        ("none", "a", 0, Some(&[])),
        ("other", "a", 0, Some(&[2])),
        ("silent", "a", 0, None),
    ] {
        report(store, edge, vm, after_ms, keys).await;
    }
    for (number, since_ms, expected) in [
        (1, 0, &["alone", "late", "mixed"][..]),
        (1, NOW_MS + 100, &["late"]),
        (1, NOW_MS + 101, &[]),
        (2, 0, &["other"]),
        (3, 0, &[]),
        (9, 0, &[]),
    ] {
        let edges = store.edges_in_need_of(key_name(number), since(since_ms)).await.unwrap();
        assert_eq!(edges, expected, "{number} {since_ms}");
    }

    let delete =
        |number, force, since_ms| SecretWrite::DeleteKey { key: key_name(number), force, lately: since(since_ms) };
    let late = refused(store, delete(1, false, NOW_MS + 100)).await;
    assert!(matches!(late, StoreError::Conflict), "{late:?}");
    write(store, delete(3, false, 0)).await;
    write(store, delete(2, true, 0)).await;
    assert_eq!(
        store.edges_in_need_of(key_name(1), since(0)).await.unwrap(),
        ["alone", "both", "late", "mixed"],
        "by now"
    );
    write(store, delete(1, false, NOW_MS + 101)).await;
    assert_eq!(store.edge_keys(crate::caller::Scope::All, None).await.unwrap(), []);
}

pub(super) async fn an_edge_needs_a_key_that_some_secret_is_sealed_to_beside_others(it: Fixture) {
    let store = &*it.store;
    people::<0>(store).await;
    for number in [1, 2, 3] {
        write(store, SecretWrite::InsertKey(edge_key(number), 4)).await;
    }
    write(store, SecretWrite::Insert(secret(1, 1, None, "one"), boxes(&[1, 2, 3]))).await;
    for (edge, keys) in [("berlin", &[1, 3][..]), ("oslo", &[1, 2]), ("paris", &[2]), ("rome", &[1, 2, 3])] {
        report(store, edge, "a", 0, Some(keys)).await;
    }
    let needs = async |number| store.edges_in_need_of(key_name(number), since(0)).await.unwrap();
    assert_eq!(needs(1).await, [""; 0], "each has another that the secret is sealed to");
    assert_eq!(needs(2).await, ["paris"]);
    write(store, SecretWrite::DeleteKey { key: key_name(3), force: true, lately: EVER }).await;
    write(store, SecretWrite::InsertKey(edge_key(3), 4)).await;
    assert_eq!(needs(1).await, ["berlin"], "nothing is sealed to its other key");
    let delete = SecretWrite::DeleteKey { key: key_name(1), force: false, lately: EVER };
    assert!(matches!(refused(store, delete).await, StoreError::Conflict));
}

pub(super) async fn who_fell_silent_counts_unless_others_of_its_edge_are_there(it: Fixture) {
    let store = &*it.store;
    write(store, SecretWrite::InsertKey(edge_key(1), 4)).await;
    for (edge, vm, after_ms, keys) in [
        ("alone", "a", 50, &[1][..]),
        ("gone", "a", 49, &[1]),
        ("restarted", "a", 50, &[1]),
        ("restarted", "b", 100, &[]),
        ("there", "a", 100, &[1]),
    ] {
        report(store, edge, vm, after_ms, Some(keys)).await;
    }
    let lately = Lately { there_ms: NOW_MS + 100, known_ms: NOW_MS + 50 };
    assert_eq!(store.edges_in_need_of(key_name(1), lately).await.unwrap(), ["alone", "there"]);
}

//! Versions, and what changed between them.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use portcullis_engine::OrganizationState;

use super::Fixture;
use super::rows::{NOW, change, key, key_id, organization, organization_id, put, two_organizations, with};
use crate::caller::Scope;
use crate::store::{Action, KeyRow, OrganizationRow, StoreError, Target, Write};

pub(super) async fn versions_rise_and_keep_to_the_floor(it: Fixture) {
    assert_eq!(it.store.version().await.unwrap(), 0);
    let write = with(change(1), Write::InsertOrganization(organization(1)));
    assert_eq!(it.store.write(&write, 1000).await.unwrap(), 1000);
    let write = with(change(2), Write::InsertOrganization(organization(2)));
    assert_eq!(it.store.write(&write, 5).await.unwrap(), 1001, "a floor below is no floor");
    assert_eq!(it.store.take_version(1001).await.unwrap(), 1002);
    assert_eq!(it.store.take_version(NOW * 1000).await.unwrap(), NOW * 1000);
    assert_eq!(it.store.version().await.unwrap(), NOW * 1000);
}

pub(super) async fn what_edges_need_not_know_takes_no_version(it: Fixture) {
    let version = it.store.take_version(7).await.unwrap();
    let note = change(1).note(organization_id(1), Action::SignedIn, Target::new("user", "usr_1", "ada@example.com"));
    assert_eq!(it.store.write(&note, NOW * 1000).await.unwrap(), version);
    assert_eq!(it.store.version().await.unwrap(), version);
}

pub(super) async fn a_version_is_advanced_to_once(it: Fixture) {
    for (wanted, expected) in [(500, 500), (500, 500), (400, 500), (501, 501)] {
        assert_eq!(it.store.advance_to(wanted).await.unwrap(), expected);
        assert_eq!(it.store.version().await.unwrap(), expected);
    }
}

pub(super) async fn changes_are_those_after_a_version(it: Fixture) {
    two_organizations(&*it.store).await;
    let start = it.store.version().await.unwrap();
    put(&*it.store, Write::InsertKey(key(1, 1))).await;
    let middle = put(&*it.store, Write::InsertKey(KeyRow { scopes: "a:b".to_owned(), ..key(2, 2) })).await;
    let row = it.store.organization(Scope::All, organization_id(1)).await.unwrap().unwrap();
    let state = OrganizationState::Suspended;
    let end = put(&*it.store, Write::ReplaceOrganization(OrganizationRow { state, ..row })).await;
    for (after, keys, organizations) in
        [(0, vec![1, 2], 2), (start, vec![1, 2], 1), (middle - 1, vec![2], 1), (middle, vec![], 1), (end, vec![], 0)]
    {
        let changes = it.store.changes(after, 0).await.unwrap();
        let mut ids: Vec<_> = changes.keys.iter().map(|key| key.id).collect();
        ids.sort();
        let expected: Vec<_> = keys.into_iter().map(key_id).collect();
        assert_eq!((ids, changes.organizations.len(), changes.version), (expected, organizations, end), "{after}");
    }
    let changes = it.store.changes(middle, 0).await.unwrap();
    assert_eq!((changes.organizations[0].id, changes.organizations[0].state), (organization_id(1), state));
    let changes = it.store.changes(middle - 1, 0).await.unwrap();
    let found = &changes.keys[0];
    assert_eq!(
        (found.digest, found.organization, found.scopes.as_str()),
        (key(2, 2).digest, organization_id(2), "a:b")
    );
}

pub(super) async fn those_who_start_with_nothing_need_no_key_revoked_long_ago(it: Fixture) {
    two_organizations(&*it.store).await;
    let start = it.store.version().await.unwrap();
    for (number, revoked_at) in [(1, Some(NOW - 1)), (2, Some(NOW)), (3, None)] {
        put(&*it.store, Write::InsertKey(KeyRow { revoked_at, ..key(number, 1) })).await;
    }
    for (after, since, expected) in [(0, NOW, 2), (0, NOW + 1, 1), (start, NOW + 1, 3)] {
        assert_eq!(it.store.changes(after, since).await.unwrap().keys.len(), expected, "{after} {since}");
    }
}

pub(super) async fn a_reader_beside_many_writers_misses_nothing(it: Fixture) {
    const WRITERS: u16 = 8;
    const EACH: u16 = 25;
    two_organizations(&*it.store).await;
    let writers = (0..WRITERS).map(|writer| {
        let store = it.store.clone();
        async move {
            for number in 0..EACH {
                let row = key(writer * EACH + number, 1);
                store.write(&with(change(1), Write::InsertKey(row)), 0).await.unwrap();
            }
        }
    });
    let writing = tokio::spawn(join_all(writers.map(tokio::spawn).collect::<Vec<_>>()));
    let (mut seen, mut version, mut looks) = (BTreeSet::new(), 0, 0);
    while seen.len() < usize::from(WRITERS * EACH) {
        let is_over = writing.is_finished();
        let changes = it.store.changes(version, 0).await.unwrap();
        assert!(changes.version >= version);
        for key in changes.keys {
            assert!(seen.insert(key.id), "each once");
        }
        version = changes.version;
        looks += 1;
        assert!(!is_over || seen.len() == usize::from(WRITERS * EACH), "{} were missed", seen.len());
        tokio::task::yield_now().await;
    }
    writing.await.unwrap().into_iter().for_each(|done| done.unwrap());
    assert!(looks > 2, "the test must look while others write");
    assert_eq!(it.store.version().await.unwrap(), version, "each write took one version, and nobody else any");
}

pub(super) async fn many_writers_of_one_row_lose_no_update(it: Fixture) {
    two_organizations(&*it.store).await;
    put(&*it.store, Write::InsertKey(key(1, 1))).await;
    let add = |letter: char| {
        let store = it.store.clone();
        async move {
            loop {
                let row = store.key(Scope::All, key_id(1)).await.unwrap().unwrap();
                let row = KeyRow { name: format!("{}{letter}", row.name), ..row };
                match store.write(&with(change(1), Write::ReplaceKey(row)), 0).await {
                    Err(StoreError::Conflict) => {}
                    done => return done.unwrap(),
                }
            }
        }
    };
    let versions = join_all(('a'..='j').map(add).map(tokio::spawn).collect::<Vec<_>>()).await;
    let versions: BTreeSet<_> = versions.into_iter().map(|done| done.unwrap()).collect();
    assert_eq!(versions.len(), 10, "a version each");
    let row = it.store.key(Scope::All, key_id(1)).await.unwrap().unwrap();
    let letters: BTreeSet<_> = row.name.chars().skip("key 1".len()).collect();
    assert_eq!(letters, ('a'..='j').collect());
}

//! What edges tell of single requests: observations and denials.

use portcullis_api::edge::SampleKind;

use super::Fixture;
use super::rows::{NOW, change, key, key_id, organization_id, put, take_in, two_organizations};
use crate::caller::Scope;
use crate::store::{Audience, DenialFilter, DenialRow, KeyRow, Noted, Seen, Sighting, Store, Write};

fn sighting(number: u16, kind: SampleKind, path: &str) -> Sighting {
    Sighting {
        key: key_id(number),
        kind,
        reason: "no_scopes".to_owned(),
        address: "192.0.2.1".to_owned(),
        referrer: String::new(),
        method: "GET".to_owned(),
        path: path.to_owned(),
    }
}

fn seen(requests: u64, after: u64) -> Seen {
    Seen { requests, first: NOW + after, last: NOW + after }
}

async fn observe(store: &dyn Store, seen: &[(Sighting, Seen)]) {
    take_in(store, Noted { seen: seen.iter().cloned().collect(), ..Noted::default() }).await;
}

async fn deny(store: &dyn Store, denials: &[DenialRow]) {
    take_in(store, Noted { denials: denials.to_vec(), ..Noted::default() }).await;
}

pub(super) async fn observations_are_counted_together_and_forgotten(it: Fixture) {
    two_organizations(&*it.store).await;
    put(&*it.store, Write::InsertKey(key(1, 1))).await;
    let (trial, retiring) = (sighting(1, SampleKind::Trial, "/ü"), sighting(1, SampleKind::Retiring, "/b"));
    let nobodys = sighting(2, SampleKind::Trial, "/a");
    observe(&*it.store, &[(trial.clone(), seen(2, 0)), (nobodys, seen(1, 0))]).await;
    observe(&*it.store, &[(trial.clone(), seen(3, 9)), (retiring.clone(), seen(1, 5))]).await;
    let together = Seen { requests: 5, first: NOW, last: NOW + 9 };
    let found = it.store.observations(key_id(1), None).await.unwrap();
    assert_eq!(found, [(trial.clone(), together), (retiring.clone(), seen(1, 5))]);
    assert_eq!(
        it.store.observations(key_id(2), None).await.unwrap(),
        [],
        "of a key that does not exist nothing is kept"
    );
    let trials = async || it.store.observations(key_id(1), Some(SampleKind::Trial)).await.unwrap();
    assert_eq!(trials().await, [(trial, together)]);
    let forget = change(1).also(Write::ForgetObservations(key_id(1), SampleKind::Trial));
    it.store.write(&forget, 0).await.unwrap();
    assert_eq!(trials().await, []);
    it.store.forget_observations(NOW + 5).await.unwrap();
    assert_eq!(it.store.observations(key_id(1), None).await.unwrap().len(), 1);
    it.store.forget_observations(NOW + 6).await.unwrap();
    assert_eq!(it.store.observations(key_id(1), None).await.unwrap(), []);
}

pub(super) async fn the_key_before_a_rotation_is_found(it: Fixture) {
    two_organizations(&*it.store).await;
    put(&*it.store, Write::InsertKey(KeyRow { successor: Some(key_id(2)), ..key(1, 1) })).await;
    put(&*it.store, Write::InsertKey(key(2, 1))).await;
    let only = |number| Scope::Only(organization_id(number));
    for (scope, of, before) in
        [(Scope::All, 2, Some(1)), (only(1), 2, Some(1)), (only(2), 2, None), (Scope::All, 1, None)]
    {
        let found = it.store.predecessor(scope, key_id(of)).await.unwrap();
        assert_eq!(found, before.map(key_id), "{scope:?} {of}");
    }
}

pub(super) async fn a_key_has_so_many_observations_and_the_rest_is_counted(it: Fixture) {
    two_organizations(&*it.store).await;
    put(&*it.store, Write::InsertKey(key(1, 1))).await;
    let many: Vec<_> = (0..510).map(|n| (sighting(1, SampleKind::Observe, &format!("/{n:03}")), seen(1, 0))).collect();
    observe(&*it.store, &many).await;
    observe(&*it.store, &many).await;
    let found = it.store.observations(key_id(1), None).await.unwrap();
    let rest = found.iter().find(|(sighting, _)| sighting.path.is_empty()).unwrap();
    assert_eq!((found.len(), rest.1.requests, rest.0.reason.as_str()), (501, 20, "no_scopes"));
}

fn denial(request_id: Option<&str>, number: Option<u16>, after: u64) -> DenialRow {
    DenialRow {
        id: 0,
        request_id: request_id.map(str::to_owned),
        at: NOW + after,
        reason: "no_rule".to_owned(),
        key: number.map(key_id),
        organization: None,
        method: "GET".to_owned(),
        path: Some("/ü".to_owned()),
        address: None,
        edge: "e".to_owned(),
    }
}

pub(super) async fn denials_are_there_for_those_whose_key_it_was(it: Fixture) {
    two_organizations(&*it.store).await;
    put(&*it.store, Write::InsertKey(key(1, 1))).await;
    put(&*it.store, Write::InsertKey(key(2, 2))).await;
    let claimed = DenialRow { organization: Some(organization_id(2)), ..denial(Some("a"), Some(1), 0) };
    let rows = [claimed, denial(Some("b"), Some(2), 1), denial(Some("c"), Some(3), 2), denial(None, None, 3)];
    deny(&*it.store, &rows).await;
    deny(&*it.store, &rows[..3]).await;
    let only = |number| Scope::Only(organization_id(number));
    let filter =
        |scope, strangers| DenialFilter { audience: Audience { scope, strangers }, key: None, before: None, limit: 9 };
    let listed = async |filter: DenialFilter| {
        let rows = it.store.denials(&filter).await.unwrap();
        rows.iter().map(|row| row.at - NOW).collect::<Vec<_>>()
    };
    for (scope, strangers, expected) in [
        (Scope::All, true, vec![3, 2, 1, 0]),
        (only(1), false, vec![0]),
        (only(1), true, vec![3, 2, 0]),
        (only(2), false, vec![1]),
        (only(3), false, vec![]),
    ] {
        assert_eq!(listed(filter(scope, strangers)).await, expected, "{scope:?} {strangers}");
        let audience = Audience { scope, strangers };
        for (id, after) in [("a", 0), ("b", 1), ("c", 2)] {
            let found = it.store.denial(audience, id).await.unwrap();
            assert_eq!(found.is_some(), expected.contains(&after), "{scope:?} {strangers} {id}");
        }
    }
    assert_eq!(listed(DenialFilter { key: Some(key_id(2)), ..filter(Scope::All, true) }).await, [1]);
    let first = it.store.denials(&DenialFilter { limit: 2, ..filter(Scope::All, true) }).await.unwrap();
    assert_eq!((first[0].organization, first[1].key), (None, None), "of no known key");
    assert_eq!(listed(DenialFilter { before: Some(first[1].id), ..filter(Scope::All, true) }).await, [1, 0]);
    let audience = Audience { scope: only(1), strangers: false };
    let found = it.store.denial(audience, "a").await.unwrap().unwrap();
    assert_eq!(found.organization, Some(organization_id(1)), "the key's, whatever the edge says");
    it.store.forget_denials(NOW + 2).await.unwrap();
    assert_eq!(listed(filter(Scope::All, true)).await, [3, 2]);
}

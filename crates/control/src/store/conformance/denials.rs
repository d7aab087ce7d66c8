//! What edges refused.

use super::Fixture;
use super::rows::{NOW, key, key_id, organization_id, put, two_organizations};
use crate::caller::Scope;
use crate::store::{Audience, DenialFilter, DenialRow, Write};

fn denial(number: u64, of: Option<u16>) -> DenialRow {
    DenialRow {
        id: 0,
        request_id: Some(format!("req-{number}")),
        at: NOW + number,
        reason: "revoked".to_owned(),
        key: of.map(key_id),
        organization: None,
        method: "GET".to_owned(),
        path: Some("/v1/x".to_owned()),
        address: None,
        edge: "edge-1".to_owned(),
    }
}

fn audience(scope: Scope, strangers: bool) -> Audience {
    Audience { scope, strangers }
}

pub(super) async fn denials_are_for_those_who_may_see_them(it: Fixture) {
    two_organizations(&*it.store).await;
    put(&*it.store, Write::InsertKey(key(1, 1))).await;
    // One of a key, one of none, one of a key that is not there.
    it.store.record_denials(&[denial(1, Some(1)), denial(2, None), denial(3, Some(9))]).await.unwrap();
    it.store.record_denials(&[denial(1, Some(1))]).await.unwrap();
    let (all, one, two) = (Scope::All, Scope::Only(organization_id(1)), Scope::Only(organization_id(2)));
    for (audience, expected) in [
        (audience(all, true), vec![3, 2, 1]),
        (audience(one, true), vec![3, 2, 1]),
        (audience(one, false), vec![1]),
        (audience(two, false), vec![]),
        (audience(two, true), vec![3, 2]),
    ] {
        let filter = DenialFilter { audience, key: None, before: None, limit: 10 };
        let found = it.store.denials(&filter).await.unwrap();
        let found: Vec<_> = found.iter().map(|row| row.at - NOW).collect();
        assert_eq!(found, expected, "{audience:?}");
        for number in 1..=3 {
            let one = it.store.denial(audience, &format!("req-{number}")).await.unwrap();
            assert_eq!(one.is_some(), expected.contains(&number), "{audience:?} {number}");
        }
    }
    let first = it.store.denial(audience(all, true), "req-1").await.unwrap().unwrap();
    assert_eq!(first, DenialRow { id: first.id, organization: Some(organization_id(1)), ..denial(1, Some(1)) });
    let third = it.store.denial(audience(all, true), "req-3").await.unwrap().unwrap();
    assert_eq!((third.key, third.organization), (None, None));
}

pub(super) async fn denials_are_listed_newest_first_and_forgotten(it: Fixture) {
    two_organizations(&*it.store).await;
    put(&*it.store, Write::InsertKey(key(1, 1))).await;
    let rows: Vec<_> = (0..10).map(|number| denial(number, (number % 2 == 0).then_some(1))).collect();
    it.store.record_denials(&rows).await.unwrap();
    let list = async |key, before, limit| {
        let filter = DenialFilter { audience: audience(Scope::All, true), key, before, limit };
        let rows = it.store.denials(&filter).await.unwrap();
        let next = rows.last().map(|row| row.id);
        (rows.iter().map(|row| row.at - NOW).collect::<Vec<_>>(), next)
    };
    let (first, next) = list(Some(key_id(1)), None, 3).await;
    assert_eq!((first, list(Some(key_id(1)), next, 3).await.0), (vec![8, 6, 4], vec![2, 0]));
    it.store.forget_denials(NOW + 8).await.unwrap();
    assert_eq!(list(None, None, 10).await.0, [9, 8]);
}

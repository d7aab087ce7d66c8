//! All keys at once.

use super::Fixture;
use super::rows::{NOW, key, key_id, organization_id, put, two_organizations};
use crate::caller::Scope;
use crate::store::{KeyCounts, KeyRow, Marks, Write};

const MARKS: Marks = Marks { now: NOW, overdue: NOW - 90, idle: NOW - 30, soon: NOW + 14 };

pub(super) async fn keys_are_counted_by_their_state(it: Fixture) {
    two_organizations(&*it.store).await;
    let fresh = KeyRow { created_at: NOW, ..key(0, 1) };
    for (number, row) in [
        fresh.clone(),
        KeyRow { created_at: NOW - 31, last_used: Some(NOW - 30), ..fresh.clone() },
        KeyRow { created_at: NOW - 31, last_used: Some(NOW - 31), ..fresh.clone() }, // idle
        KeyRow { created_at: NOW - 40, ..fresh.clone() },                            // idle
        KeyRow { created_at: NOW - 91, last_used: Some(NOW), ..fresh.clone() },      // overdue
        KeyRow { created_at: NOW - 92, enabled: false, ..fresh.clone() },            // overdue, disabled
        KeyRow { enabled: false, expires_at: Some(NOW), ..fresh.clone() },           // disabled
        KeyRow { created_at: NOW - 99, expires_at: Some(NOW), ..fresh.clone() },     // expired
        KeyRow { expires_at: Some(NOW + 14), ..fresh.clone() },                      // soon
        KeyRow { expires_at: Some(NOW + 15), ..fresh.clone() },
        KeyRow { created_at: NOW - 99, revoked_at: Some(NOW), ..fresh.clone() }, // revoked
        KeyRow { organization: organization_id(2), created_at: NOW - 99, ..fresh },
    ]
    .into_iter()
    .enumerate()
    {
        let other = key(u16::try_from(number).unwrap(), 1);
        put(&*it.store, Write::InsertKey(KeyRow { id: other.id, digest: other.digest, ..row })).await;
    }
    let (mine, none) = (Scope::Only(organization_id(1)), Scope::Only(organization_id(3)));
    let counts = KeyCounts { active: 7, disabled: 2, expired: 1, revoked: 1, overdue: 2, idle: 2, to_look_after: 5 };
    assert_eq!(it.store.key_counts(mine, &MARKS).await.unwrap(), counts);
    assert_eq!(it.store.key_counts(none, &MARKS).await.unwrap(), KeyCounts::default());
    let all = it.store.key_counts(Scope::All, &MARKS).await.unwrap();
    assert_eq!((all.active, all.overdue, all.idle, all.to_look_after), (8, 3, 3, 6));
    for (limit, expected) in [(2, &[8, 5][..]), (9, &[8, 5, 4, 3, 2])] {
        let ids: Vec<_> = expected.iter().copied().map(key_id).collect();
        assert_eq!(it.store.keys_to_look_after(mine, &MARKS, limit).await.unwrap(), ids);
    }
}

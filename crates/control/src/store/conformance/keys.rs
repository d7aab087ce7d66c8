//! Keys.

use futures_util::future::join_all;
use portcullis_api::KeyStatus::{self, Active, Disabled, Expired, Revoked};
use portcullis_engine::spec::RestrictionsSpec;

use super::Fixture;
use super::rows::{NOW, change, key, key_id, organization_id, put, two_organizations, with};
use crate::caller::Scope;
use crate::store::{KeyFilter, KeyRow, Store, StoreError, UnrevokedKey, Write};

fn everything(number: u16) -> KeyRow {
    let restrictions: RestrictionsSpec =
        serde_json::from_str(r#"{"ip":{"allow":["10.0.0.0/8"]},"referrer":{"allow":["https://*.example.com/"]}}"#)
            .unwrap();
    KeyRow {
        name: "Ünï \"x\" 'y' \\ %_".to_owned(),
        scopes: "refunds:read refunds:write".to_owned(),
        restrictions: Some(restrictions),
        enabled: false,
        created_by: Some("ada@example.com".to_owned()),
        expires_at: Some(u64::from(u32::MAX)),
        revoked_at: Some(NOW + 1),
        last_used: Some(NOW + 2),
        successor: Some(key_id(7)),
        ..key(number, 1)
    }
}

async fn insert(store: &dyn Store, row: KeyRow) -> KeyRow {
    let version = put(store, Write::InsertKey(row.clone())).await;
    KeyRow { created_in: version, changed_in: version, ..row }
}

pub(super) async fn keys_come_back_as_they_were_written(it: Fixture) {
    two_organizations(&*it.store).await;
    for row in [key(1, 1), everything(2)] {
        let expected = insert(&*it.store, row).await;
        assert_eq!(it.store.key(Scope::All, expected.id).await.unwrap(), Some(expected));
    }
    let old = it.store.key(Scope::All, key_id(1)).await.unwrap().unwrap();
    let new = KeyRow { id: old.id, digest: old.digest, created_in: old.created_in, last_used: None, ..everything(1) };
    let new = KeyRow { changed_in: old.changed_in, ..new };
    let changed_in = put(&*it.store, Write::ReplaceKey(new.clone())).await;
    // What a key was made with stays.
    let expected = KeyRow { changed_in, created_by: None, ..new };
    assert_eq!(it.store.key(Scope::All, expected.id).await.unwrap(), Some(expected));
    assert_eq!(it.store.key(Scope::All, key_id(9)).await.unwrap(), None);
}

pub(super) async fn keys_are_there_for_their_own_scope(it: Fixture) {
    two_organizations(&*it.store).await;
    insert(&*it.store, key(1, 1)).await;
    for (scope, expected) in
        [(Scope::All, 1), (Scope::Only(organization_id(1)), 1), (Scope::Only(organization_id(2)), 0)]
    {
        assert_eq!(it.store.key(scope, key_id(1)).await.unwrap().into_iter().count(), expected, "{scope:?}");
        assert_eq!(it.store.keys(&filter(scope, None)).await.unwrap().len(), expected, "{scope:?}");
        assert_eq!(it.store.unrevoked_keys(scope).await.unwrap().len(), expected, "{scope:?}");
    }
}

pub(super) async fn a_stale_key_is_not_written_nor_is_what_came_with_it(it: Fixture) {
    two_organizations(&*it.store).await;
    let row = insert(&*it.store, key(1, 1)).await;
    let version = put(&*it.store, Write::ReplaceKey(row.clone())).await;
    let both = with(with(change(1), Write::InsertKey(key(2, 1))), Write::ReplaceKey(row));
    let refused = it.store.write(&both, 0).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    assert_eq!(it.store.key(Scope::All, key_id(2)).await.unwrap(), None);
    assert_eq!(it.store.version().await.unwrap(), version);
}

pub(super) async fn a_digest_is_there_once(it: Fixture) {
    two_organizations(&*it.store).await;
    let row = insert(&*it.store, key(1, 1)).await;
    let same = KeyRow { digest: row.digest, ..key(2, 2) };
    let refused = it.store.write(&with(change(2), Write::InsertKey(same)), 0).await.unwrap_err();
    assert!(refused.is_duplicate(), "{refused}");
}

fn filter(scope: Scope, status: Option<(KeyStatus, u64)>) -> KeyFilter {
    KeyFilter { scope, status, after: None, limit: 1000 }
}

pub(super) async fn pages_of_keys_are_newest_first_and_miss_none(it: Fixture) {
    two_organizations(&*it.store).await;
    let mut expected = Vec::new();
    for batch in 0..5_u16 {
        let rows: Vec<_> = (0..3).map(|number| key(batch * 3 + number, 1)).collect();
        expected.splice(0..0, rows.iter().rev().map(|row| row.id));
        let batch = rows.into_iter().fold(change(1), |change, row| with(change, Write::InsertKey(row)));
        it.store.write(&batch, 0).await.unwrap();
    }
    for limit in [1, 2, 4, 15, 100] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = KeyFilter { after, limit, ..filter(Scope::Only(organization_id(1)), None) };
            let page = it.store.keys(&page).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some((last.created_in, last.id));
            found.extend(page.into_iter().map(|row| row.id));
        }
        assert_eq!(found, expected, "{limit} at a time");
    }
}

pub(super) async fn keys_are_listed_by_state(it: Fixture) {
    two_organizations(&*it.store).await;
    for (number, enabled, expires_at, revoked_at) in [
        (1, true, None, None),
        (2, true, Some(NOW + 1), None),
        (3, true, Some(NOW), None),
        (4, false, Some(NOW), None),
        (5, false, None, None),
        (6, false, Some(NOW), Some(NOW)),
        (7, true, None, Some(NOW)),
    ] {
        insert(&*it.store, KeyRow { enabled, expires_at, revoked_at, ..key(number, 1) }).await;
    }
    for (status, expected) in [(Active, vec![2, 1]), (Expired, vec![3]), (Disabled, vec![5, 4]), (Revoked, vec![7, 6])]
    {
        let found = it.store.keys(&filter(Scope::All, Some((status, NOW)))).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|row| row.id).collect();
        assert_eq!(found, expected.into_iter().map(key_id).collect::<Vec<_>>(), "{status:?}");
    }
}

pub(super) async fn what_is_not_revoked_is_listed(it: Fixture) {
    two_organizations(&*it.store).await;
    insert(&*it.store, KeyRow { revoked_at: Some(NOW), ..key(1, 1) }).await;
    insert(&*it.store, key(2, 2)).await;
    let row = insert(&*it.store, KeyRow { enabled: false, last_used: Some(NOW), ..key(3, 1) }).await;
    let expected = UnrevokedKey {
        id: row.id.to_string(),
        name: row.name,
        prefix: row.prefix,
        created_at: row.created_at,
        last_used: row.last_used,
    };
    assert_eq!(it.store.unrevoked_keys(Scope::Only(organization_id(1))).await.unwrap(), [expected]);
    assert_eq!(it.store.unrevoked_keys(Scope::All).await.unwrap().len(), 2);
}

pub(super) async fn use_is_remembered_and_never_goes_back(it: Fixture) {
    two_organizations(&*it.store).await;
    insert(&*it.store, key(1, 1)).await;
    let version = it.store.version().await.unwrap();
    for (time, expected) in [(NOW + 5, NOW + 5), (NOW + 3, NOW + 5), (NOW + 9, NOW + 9)] {
        it.store.record_use(&[(key_id(9), time), (key_id(1), time)]).await.unwrap();
        let found = it.store.key(Scope::All, key_id(1)).await.unwrap().unwrap();
        assert_eq!(found.last_used, Some(expected));
    }
    assert_eq!(it.store.version().await.unwrap(), version, "edges need not know");
}

pub(super) async fn reports_from_many_sides_do_not_keep_each_other_waiting(it: Fixture) {
    two_organizations(&*it.store).await;
    let rows = (0..100).fold(change(1), |change, number| with(change, Write::InsertKey(key(number, 1))));
    it.store.write(&rows, 0).await.unwrap();
    let reports = (0..8_u64).map(|round| {
        let store = it.store.clone();
        async move {
            let mut uses: Vec<_> = (0..100).map(|number| (key_id(number), NOW + round)).collect();
            // Each names them in another order, and changes come in between.
            uses.rotate_left(usize::try_from(round).unwrap() * 12);
            store.record_use(&uses).await.unwrap();
            let row = store.key(Scope::All, key_id(u16::try_from(round).unwrap())).await.unwrap().unwrap();
            store.write(&with(change(1), Write::ReplaceKey(row)), 0).await.unwrap();
        }
    });
    join_all(reports.map(tokio::spawn)).await.into_iter().for_each(|done| done.unwrap());
    for number in 0..100 {
        let found = it.store.key(Scope::All, key_id(number)).await.unwrap().unwrap();
        assert_eq!(found.last_used, Some(NOW + 7));
    }
}

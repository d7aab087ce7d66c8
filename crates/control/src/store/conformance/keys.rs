//! Keys.

use futures_util::future::join_all;
use portcullis_api::KeyKind;
use portcullis_bundle::Layout;
use portcullis_engine::spec::RestrictionsSpec;
use portcullis_engine::{KeyDigest, KeyId};

use super::Fixture;
use super::rows::{NOW, change, key, key_id, organization_id, put, take_in, two_organizations, with};
use crate::caller::Scope;
use crate::secret::SecretDigest;
use crate::store::{
    Change, KeyRow, KeySummary, MOST_IN_BUCKET, Noted, Store, StoreError, TrialRow, UnrevokedKey, Write,
};

fn everything(number: u16) -> KeyRow {
    let restrictions: RestrictionsSpec =
        serde_json::from_str(r#"{"ip":{"allow":["10.0.0.0/8"]},"referrer":{"allow":["https://*.example.com/"]}}"#)
            .unwrap();
    KeyRow {
        name: "Ünï \"x\" 'y' \\ %_".to_owned(),
        scopes: "refunds:read refunds:write".to_owned(),
        trial: Some(TrialRow { scopes: Some("a:b".to_owned()), restrictions: Some(restrictions.clone()), since: NOW }),
        metadata: [("team \"x\"".to_owned(), "Zürich".to_owned())].into(),
        restrictions: Some(restrictions),
        quota: Some(portcullis_api::KeyQuota { limit: 5, period: portcullis_api::QuotaPeriod::Day }),
        rate: Some(portcullis_api::plans::Rate { requests: 1, seconds: 2, burst: 3 }),
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

pub(super) async fn rows_of_every_kind_come_back(it: Fixture) {
    two_organizations(&*it.store).await;
    for (number, kind) in (1..).zip(KeyKind::ALL) {
        let secret = (kind == KeyKind::Credential).then(|| SecretDigest::from_bytes(&[7; 32]).unwrap());
        let digest = KeyDigest::of_token_key(key_id(number));
        let expected = insert(&*it.store, KeyRow { kind, digest, secret, ..key(number, 1) }).await;
        assert_eq!(it.store.key_with_digest(Scope::All, &digest).await.unwrap(), Some(expected));
    }
    let mut kinds = Vec::new();
    it.store.summaries(0, &mut |summary| kinds.push(summary.kind)).await.unwrap();
    kinds.sort_unstable();
    assert_eq!(kinds, KeyKind::ALL);
    let listed = it.store.unrevoked_keys(Scope::All).await.unwrap();
    assert_eq!(listed.len(), 1, "nobody sends the others");
    for wrong in ["kind = 'app'", "secret = 'short'"] {
        let refused = it.sql(&format!("UPDATE keys SET {wrong}")).await.unwrap_err();
        assert!(refused.to_lowercase().contains("check"), "{refused}");
    }
}

pub(super) async fn keys_are_there_for_their_own_scope(it: Fixture) {
    two_organizations(&*it.store).await;
    insert(&*it.store, key(1, 1)).await;
    for (scope, expected) in
        [(Scope::All, 1), (Scope::Only(organization_id(1)), 1), (Scope::Only(organization_id(2)), 0)]
    {
        assert_eq!(it.store.key(scope, key_id(1)).await.unwrap().into_iter().count(), expected, "{scope:?}");
        let digest = key(1, 1).digest;
        assert_eq!(it.store.key_with_digest(scope, &digest).await.unwrap().into_iter().count(), expected, "{scope:?}");
        assert_eq!(it.store.keys(scope, &[key_id(1)]).await.unwrap().len(), expected, "{scope:?}");
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
    let refused = it.store.write(&with(change(2), Write::InsertKey(same)), 0).await;
    assert!(matches!(refused, Err(StoreError::Duplicate)), "{refused:?}");
    let digests: Vec<_> = (1..=1000).map(|number| key(number, 1).digest).collect();
    assert_eq!(it.store.taken_digests(&digests).await.unwrap(), [row.digest]);
    assert_eq!(it.store.taken_digests(&[]).await.unwrap(), []);
}

pub(super) async fn no_more_digests_that_begin_alike_are_imported_than_a_bucket_bears(it: Fixture) {
    two_organizations(&*it.store).await;
    let alike = |number: u32| {
        let mut bytes = [7; 32];
        bytes[28..].copy_from_slice(&number.to_be_bytes());
        KeyRow { digest: KeyDigest::from_bytes(bytes), ..key(number.try_into().unwrap(), 1) }
    };
    let import = |row: KeyRow, keys| change(1).also(Write::ImportKey(row, Layout::for_counts(keys, 1)));
    let many = (0..MOST_IN_BUCKET).map(|number| import(alike(number), 0)).reduce(Change::and).unwrap();
    it.store.write(&many, 0).await.unwrap();
    let (one_more, more) = (alike(MOST_IN_BUCKET), alike(MOST_IN_BUCKET + 1));
    for keys in [0, 100_000] {
        let both = import(key(2000, 1), keys).and(import(one_more.clone(), keys));
        match it.store.write(&both, 0).await {
            Err(StoreError::Crowded(digest)) => assert_eq!(digest, one_more.digest),
            other => panic!("{other:?}"),
        }
        assert_eq!(it.store.key(Scope::All, key_id(2000)).await.unwrap(), None, "nothing was imported");
    }
    // Nobody else is kept from anything.
    let others = KeyRow { id: key_id(2001), organization: organization_id(2), ..one_more.clone() };
    it.store.write(&change(2).also(Write::ImportKey(others, Layout::for_counts(0, 1))), 0).await.unwrap();
    // As few keys as the layout is for are no longer there: by now this one has another bucket.
    it.store.write(&import(key(2000, 1), 0), 0).await.unwrap();
    // It was made here.
    put(&*it.store, Write::InsertKey(alike(MOST_IN_BUCKET + 2))).await;
    let refused = it.store.write(&import(more, 0), 0).await;
    assert!(matches!(refused, Err(StoreError::Crowded(_))), "{refused:?}");
}

pub(super) async fn a_text_with_a_nul_is_told_apart(it: Fixture) {
    two_organizations(&*it.store).await;
    let row = KeyRow { name: "a\0b".to_owned(), ..key(1, 1) };
    match it.store.write(&with(change(1), Write::InsertKey(row.clone())), 0).await {
        // SQLite has room for it.
        Ok(_) => assert_eq!(it.store.key(Scope::All, row.id).await.unwrap().unwrap().name, row.name),
        Err(error) => assert!(matches!(error, StoreError::Nul), "{error:?}"),
    }
}

pub(super) async fn keys_come_newest_first(it: Fixture) {
    two_organizations(&*it.store).await;
    for batch in 0..3_u16 {
        let rows = (0..3).map(|number| key(batch * 3 + number, 1));
        let batch = rows.fold(change(1), |change, row| with(change, Write::InsertKey(row)));
        it.store.write(&batch, 0).await.unwrap();
    }
    for (numbers, expected) in
        [(vec![1, 8, 99, 4, 3], vec![8, 4, 3, 1]), ((0..9).collect(), (0..9).rev().collect()), (vec![], vec![])]
    {
        let ids: Vec<_> = numbers.iter().map(|number| key_id(*number)).collect();
        let found = it.store.keys(Scope::Only(organization_id(1)), &ids).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|row| row.id).collect();
        assert_eq!(found, expected.into_iter().map(key_id).collect::<Vec<_>>(), "{numbers:?}");
    }
}

pub(super) async fn summaries_are_of_what_changed(it: Fixture) {
    two_organizations(&*it.store).await;
    let first = insert(&*it.store, everything(1)).await;
    let second = insert(&*it.store, key(2, 2)).await;
    for (after, expected) in
        [(0, vec![&first, &second]), (first.changed_in, vec![&second]), (second.changed_in, vec![])]
    {
        let mut found = Vec::new();
        it.store.summaries(after, &mut |summary| found.push(summary)).await.unwrap();
        found.sort_by_key(|summary| summary.id);
        assert_eq!(found, expected.into_iter().map(summary).collect::<Vec<_>>(), "{after}");
    }
}

/// Whoever has nothing reads keys in another way than whoever has some.
pub(super) async fn all_keys_are_those_that_changed_since_the_first(it: Fixture) {
    let store = &*it.store;
    two_organizations(store).await;
    let mut rows = Vec::new();
    for number in 1..=9 {
        let row = if number % 2 == 0 { everything(number) } else { key(number, 1) };
        let revoked_at = (number == 8).then_some(NOW + 1);
        rows.push(insert(store, KeyRow { revoked_at, ..row }).await);
    }
    let before_any = rows.iter().map(|row| row.created_in).min().unwrap() - 1;
    let mut found = [Vec::new(), Vec::new()];
    for (after, found) in [0, before_any].into_iter().zip(&mut found) {
        store.summaries(after, &mut |it| found.push(it)).await.unwrap();
    }
    let [all, since] = &mut found;
    let oldest_first: Vec<_> = rows.iter().map(summary).collect();
    assert_eq!(*all, oldest_first);
    since.sort_by_key(|it| it.created_in);
    assert_eq!(*since, oldest_first);
    let told = async |after, revoked_since| {
        let mut keys = store.changes(after, revoked_since).await.unwrap().keys;
        keys.sort_by_key(|key| key.id);
        keys
    };
    let all = told(0, NOW + 1).await;
    assert_eq!(all.iter().map(|key| key.id).collect::<Vec<_>>(), rows.iter().map(|row| row.id).collect::<Vec<_>>());
    assert_eq!(told(before_any, NOW + 1).await, all);
    let unrevoked: Vec<_> = all.iter().filter(|key| key.revoked_at.is_none()).cloned().collect();
    assert_eq!(
        (told(0, NOW + 2).await, unrevoked.len()),
        (unrevoked, 8),
        "nobody starts with what was revoked long ago"
    );
    assert_eq!(told(before_any, NOW + 2).await, all, "but it is news");
}

fn summary(row: &KeyRow) -> KeySummary {
    let row = row.clone();
    KeySummary {
        id: row.id,
        kind: row.kind,
        name: row.name,
        display: row.display,
        environment: row.environment,
        organization: row.organization,
        metadata: row.metadata,
        enabled: row.enabled,
        created_by: row.created_by,
        created_at: row.created_at,
        created_in: row.created_in,
        expires_at: row.expires_at,
        revoked_at: row.revoked_at,
        last_used: row.last_used,
        changed_in: row.changed_in,
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

async fn use_keys(store: &dyn Store, uses: impl IntoIterator<Item = (KeyId, u64)>) {
    take_in(store, Noted { uses: uses.into_iter().collect(), ..Noted::default() }).await;
}

pub(super) async fn use_is_remembered_and_never_goes_back(it: Fixture) {
    two_organizations(&*it.store).await;
    insert(&*it.store, key(1, 1)).await;
    let version = it.store.version().await.unwrap();
    for (time, expected) in [(NOW + 5, NOW + 5), (NOW + 3, NOW + 5), (NOW + 9, NOW + 9)] {
        use_keys(&*it.store, [(key_id(9), time), (key_id(1), time)]).await;
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
            // Changes come in between.
            use_keys(&*store, (0..100).map(|number| (key_id(number), NOW + round))).await;
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

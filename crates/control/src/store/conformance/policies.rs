//! Published policies, and the keys that they are compared for.

use portcullis_api::policy::PolicySource;

use super::Fixture;
use super::rows::{NOW, change, key, organization_id, put, two_organizations, with};
use crate::caller::Scope;
use crate::store::{KeyGroup, KeyRow, PolicyRow, StoreError, Write};

fn policy(version: u64, source: PolicySource) -> PolicyRow {
    PolicyRow {
        version,
        toml: format!("name = \"{version}\""),
        source,
        restored_from: (source == PolicySource::Restore).then_some(1),
        note: (version > 1).then(|| format!("note {version}")),
        published_at: NOW,
        published_by: "ada@example.com".to_owned(),
        changed_in: 0,
    }
}

pub(super) async fn policies_are_kept_and_the_newest_is_in_force(it: Fixture) {
    assert_eq!(it.store.newest_policy().await.unwrap(), None);
    assert_eq!(it.store.changes(0, 0).await.unwrap().policy, None);
    let mut rows = Vec::new();
    for (version, source) in [(1, PolicySource::File), (2, PolicySource::Api), (3, PolicySource::Restore)] {
        let row = policy(version, source);
        let changed_in = put(it.store.as_ref(), Write::PublishPolicy(row.clone())).await;
        rows.push(PolicyRow { changed_in, ..row });
    }
    let newest = rows.last().cloned();
    assert_eq!(it.store.newest_policy().await.unwrap(), newest);
    assert_eq!(it.store.newest_policy_of_a_file().await.unwrap(), rows.first().cloned());
    assert_eq!(it.store.policy(2).await.unwrap(), rows.get(1).cloned());
    assert_eq!(it.store.policy(4).await.unwrap(), None);
    let versions = async |before, limit| -> Vec<u64> {
        it.store.policies(before, limit).await.unwrap().iter().map(|row| row.version).collect()
    };
    assert_eq!(versions(None, 9).await, [3, 2, 1]);
    assert_eq!(versions(Some(3), 1).await, [2]);
    for (since, expected) in [(0, newest.clone()), (rows[1].changed_in, newest), (rows[2].changed_in, None)] {
        assert_eq!(it.store.changes(since, 0).await.unwrap().policy, expected);
    }
    let taken = with(change(1), Write::PublishPolicy(policy(3, PolicySource::Api)));
    let before = it.store.version().await.unwrap();
    assert!(matches!(it.store.write(&taken, 0).await, Err(StoreError::Conflict)));
    assert_eq!((it.store.version().await.unwrap(), versions(None, 9).await.len()), (before, 3));
}

pub(super) async fn keys_are_counted_by_what_a_policy_looks_at(it: Fixture) {
    two_organizations(it.store.as_ref()).await;
    let scoped = |row: KeyRow, scopes: &str| KeyRow { scopes: scopes.to_owned(), ..row };
    let mut rows: Vec<_> = (1..=7).map(|number| scoped(key(number, 1), "a:read")).collect();
    rows.push(scoped(key(8, 2), "a:read"));
    rows.push(scoped(key(9, 2), "a:read b:read"));
    rows.push(KeyRow { prefix: "sk_test_".to_owned(), environment: "test".to_owned(), ..key(10, 1) });
    rows.push(KeyRow { revoked_at: Some(NOW), ..key(11, 1) });
    rows.push(KeyRow { enabled: false, ..key(12, 1) });
    rows.push(KeyRow { expires_at: Some(NOW), ..key(13, 1) });
    for row in rows {
        put(it.store.as_ref(), Write::InsertKey(row)).await;
    }
    let groups = async |counted, examples| -> Vec<(String, u64, usize)> {
        let shown =
            |it: KeyGroup| (format!("{} {} {}", it.prefix, it.environment, it.scopes), it.keys, it.examples.len());
        it.store.key_groups(counted, examples, NOW).await.unwrap().into_iter().map(shown).collect()
    };
    let group = |name: &str, keys, examples| (name.to_owned(), keys, examples);
    let (one, two) = (Scope::Only(organization_id(1)), Scope::Only(organization_id(2)));
    assert_eq!(
        groups(Scope::All, Scope::All).await,
        [
            group("sk_live_ live a:read", 8, 5),
            group("sk_live_ live a:read b:read", 1, 1),
            group("sk_test_ test ", 1, 1)
        ]
    );
    assert_eq!(
        groups(Scope::All, two).await,
        [
            group("sk_live_ live a:read", 8, 1),
            group("sk_live_ live a:read b:read", 1, 1),
            group("sk_test_ test ", 1, 0)
        ]
    );
    assert_eq!(groups(one, one).await, [group("sk_live_ live a:read", 7, 5), group("sk_test_ test ", 1, 1)]);
}

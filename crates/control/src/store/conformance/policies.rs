//! Published policies.

use portcullis_api::policy::PolicySource;

use super::Fixture;
use super::rows::{NOW, change, key, key_id, organization_id, put, two_organizations};
use crate::caller::Scope;
use crate::store::{KeyRow, PolicyRow, Store, StoreError, Write};

fn policy(version: u64, source: PolicySource) -> PolicyRow {
    PolicyRow {
        version,
        toml: format!("name = \"Ünï {version}\""),
        source,
        restored_from: (source == PolicySource::Restore).then_some(1),
        note: (version > 1).then(|| "why".to_owned()),
        published_at: NOW + version,
        published_by: "ada@example.com".to_owned(),
        changed_in: 0,
    }
}

async fn publish(store: &dyn Store, row: PolicyRow) -> PolicyRow {
    let changed_in = store.write(&change(1).also(Write::PublishPolicy(row.clone())), 0).await.unwrap();
    PolicyRow { changed_in, ..row }
}

pub(super) async fn policies_are_kept_in_versions(it: Fixture) {
    assert_eq!(it.store.newest_policy().await.unwrap(), None);
    let mut rows = Vec::new();
    for (version, source) in [(1, PolicySource::File), (2, PolicySource::Api), (3, PolicySource::Restore)] {
        rows.push(publish(&*it.store, policy(version, source)).await);
    }
    assert_eq!(it.store.newest_policy().await.unwrap().as_ref(), Some(&rows[2]));
    assert_eq!(it.store.newest_policy_of_a_file().await.unwrap().as_ref(), Some(&rows[0]));
    assert_eq!(it.store.policy(2).await.unwrap().as_ref(), Some(&rows[1]));
    assert_eq!(it.store.policy(4).await.unwrap(), None);
    rows.reverse();
    for (before, limit, expected) in
        [(None, 9, &rows[..]), (None, 2, &rows[..2]), (Some(3), 9, &rows[1..]), (Some(1), 9, &[])]
    {
        assert_eq!(it.store.policies(before, limit).await.unwrap(), expected, "{before:?} {limit}");
    }
}

pub(super) async fn a_policy_s_version_is_taken_once(it: Fixture) {
    publish(&*it.store, policy(1, PolicySource::File)).await;
    let version = it.store.version().await.unwrap();
    let same = PolicyRow { toml: "other".to_owned(), ..policy(1, PolicySource::Api) };
    let refused = it.store.write(&change(1).also(Write::PublishPolicy(same)), 0).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    assert_eq!(it.store.version().await.unwrap(), version);
    assert_eq!(it.store.newest_policy().await.unwrap().unwrap().toml, policy(1, PolicySource::File).toml);
}

pub(super) async fn a_new_policy_is_a_change(it: Fixture) {
    let first = publish(&*it.store, policy(1, PolicySource::File)).await;
    let second = publish(&*it.store, policy(2, PolicySource::Api)).await;
    let bare = it.store.take_version(0).await.unwrap();
    for (after, expected) in
        [(0, Some(&second)), (first.changed_in, Some(&second)), (second.changed_in, None), (bare, None)]
    {
        assert_eq!(it.store.changes(after, 0).await.unwrap().policy.as_ref(), expected, "{after}");
    }
}

pub(super) async fn keys_are_grouped_by_what_a_policy_looks_at(it: Fixture) {
    two_organizations(&*it.store).await;
    for number in 0..8 {
        let scopes = if number < 7 { "a:b" } else { "a:c" }.to_owned();
        put(&*it.store, Write::InsertKey(KeyRow { scopes, ..key(number, 1) })).await;
    }
    let dead = [
        KeyRow { enabled: false, ..key(20, 1) },
        KeyRow { expires_at: Some(NOW), ..key(21, 1) },
        KeyRow { revoked_at: Some(NOW), ..key(22, 1) },
    ];
    for row in dead {
        put(&*it.store, Write::InsertKey(row)).await;
    }
    put(&*it.store, Write::InsertKey(KeyRow { scopes: "a:b".to_owned(), ..key(30, 2) })).await;
    let (all, one, two) = (Scope::All, Scope::Only(organization_id(1)), Scope::Only(organization_id(2)));
    let counts = async |scope, examples| {
        let groups = it.store.key_groups(scope, examples, NOW).await.unwrap();
        groups.iter().map(|group| (group.scopes.clone(), group.keys, group.examples.len())).collect::<Vec<_>>()
    };
    let group = |scopes: &str, keys, examples| (scopes.to_owned(), keys, examples);
    assert_eq!(counts(all, all).await, [group("a:b", 8, 5), group("a:c", 1, 1)]);
    assert_eq!(counts(one, one).await, [group("a:b", 7, 5), group("a:c", 1, 1)]);
    assert_eq!(counts(all, two).await, [group("a:b", 8, 1), group("a:c", 1, 0)]);
    let groups = it.store.key_groups(two, two, NOW).await.unwrap();
    assert_eq!(groups[0].examples, [(key_id(30).to_string(), "key 30".to_owned())]);
}

//! Secrets, and the edges' keys that they are sealed to.

use portcullis_engine::SecretId;
use portcullis_seal::{KeyName, PublicKey};

use super::Fixture;
use super::accounts::{ALL, join, people, put_account, refused as account_refused};
use super::rows::{NOW, change, organization_id, put, take_in, with};
use super::skills::{self, skill};
use crate::access::Role;
use crate::caller::Scope;
use crate::store::{
    AccountWrite, Boxes, EdgeKeyRow, Lately, Noted, SecretFilter, SecretRow, SecretWrite, ShownSecret, SkillWrite,
    Slice, Store, StoreError, UserRow, Write,
};

pub(super) fn edge_key(number: u8) -> EdgeKeyRow {
    EdgeKeyRow {
        key: PublicKey::from_bytes([number; 32]),
        description: format!("Ünï {number}"),
        created_by: Some("ada@example.com".to_owned()),
        created_at: NOW + u64::from(number),
    }
}

pub(super) fn key_name(number: u8) -> KeyName {
    edge_key(number).key.name()
}

/// Something sealed to each of these.
pub(super) fn boxes(numbers: &[u8]) -> Boxes {
    Boxes(numbers.iter().map(|number| (key_name(*number), vec![*number, 0, 255])).collect())
}

/// Every VM counts that was ever heard of.
pub(super) const EVER: Lately = Lately { there_ms: 0, known_ms: 0 };

pub(super) fn secret_id(number: u8) -> SecretId {
    SecretId::from_bytes([number; 10])
}

pub(super) fn secret(number: u8, organization: u8, owner: Option<&UserRow>, name: &str) -> SecretRow {
    SecretRow {
        id: secret_id(number),
        organization: organization_id(organization),
        owner: owner.map(|it| it.id),
        name: name.to_owned(),
        description: "Ünï 'x'".to_owned(),
        revision: 1,
        created_by: Some("ada".to_owned()),
        created_at: NOW + u64::from(number),
        replaced_by: Some("ada".to_owned()),
        replaced_at: NOW + u64::from(number),
        last_used: None,
        changed_in: 0,
    }
}

pub(super) async fn write(store: &dyn Store, write: SecretWrite) -> u64 {
    put(store, Write::Secret(write)).await
}

pub(super) async fn refused(store: &dyn Store, write: SecretWrite) -> StoreError {
    store.write(&with(change(1), Write::Secret(write)), 0).await.unwrap_err()
}

/// Writes one, sealed to these.
pub(super) async fn insert(store: &dyn Store, row: SecretRow, numbers: &[u8]) -> SecretRow {
    let changed_in = write(store, SecretWrite::Insert(row.clone(), boxes(numbers))).await;
    SecretRow { changed_in, ..row }
}

async fn found(store: &dyn Store, number: u8) -> Option<ShownSecret> {
    store.secret(Scope::All, secret_id(number)).await.unwrap()
}

fn numbers(shown: &[ShownSecret]) -> Vec<u8> {
    shown.iter().map(|it| it.row.id.as_bytes()[0]).collect()
}

pub(super) async fn secrets_come_back_as_they_were_written(it: Fixture) {
    let store = &*it.store;
    let [ada] = people(store).await;
    join(store, &ada, 1, Role::Member, NOW).await;
    write(store, SecretWrite::InsertKey(edge_key(1), 4)).await;
    let team = insert(store, secret(1, 1, None, "token"), &[1]).await;
    let own = insert(store, secret(2, 1, Some(&ada), "token"), &[1]).await;
    let shown =
        |row: &SecretRow, owner_email| ShownSecret { row: row.clone(), owner_email, unsealed: vec![], skills: vec![] };
    let (team, own) = (shown(&team, None), shown(&own, Some(ada.email.clone())));
    for (scope, expected) in [(Scope::Only(organization_id(1)), Some(&own)), (Scope::Only(organization_id(2)), None)] {
        assert_eq!(store.secret(scope, secret_id(2)).await.unwrap().as_ref(), expected);
    }
    for (owner, expected) in [(None, &team), (Some(ada.id), &own)] {
        let found = store.secret_named(organization_id(1), owner, "token").await.unwrap();
        assert_eq!(found.as_ref(), Some(expected));
        assert_eq!(store.secret_named(organization_id(2), owner, "token").await.unwrap(), None);
    }
    assert_eq!(store.secret_count(organization_id(1)).await.unwrap(), 2);

    let described = SecretRow { description: "new".to_owned(), ..own.row.clone() };
    let changed_in = write(store, SecretWrite::Describe(described.clone())).await;
    let described = SecretRow { changed_in, ..described };
    assert_eq!(found(store, 2).await.unwrap().row, described);
    let replaced = SecretRow { revision: 2, replaced_at: NOW + 9, replaced_by: None, ..described };
    let changed_in = write(store, SecretWrite::Replace(replaced.clone(), boxes(&[1]))).await;
    assert_eq!(found(store, 2).await.unwrap().row, SecretRow { changed_in, ..replaced.clone() });
    for late in [SecretWrite::Describe(replaced.clone()), SecretWrite::Replace(replaced, boxes(&[1]))] {
        let late = refused(store, late).await;
        assert!(matches!(late, StoreError::Conflict), "it changed since it was read: {late:?}");
    }
    write(store, SecretWrite::Delete(secret_id(2))).await;
    assert_eq!(found(store, 2).await, None);
    let twice = refused(store, SecretWrite::Delete(secret_id(2))).await;
    assert!(matches!(twice, StoreError::Conflict), "{twice:?}");
    assert_eq!(it.text("SELECT secret_id FROM secret_boxes").await, [secret_id(1).to_string()], "its box went");
}

pub(super) async fn a_name_is_there_once_for_each_owner(it: Fixture) {
    let store = &*it.store;
    let [ada, bob] = people(store).await;
    for (user, organization) in [(&ada, 1), (&ada, 2), (&bob, 1)] {
        join(store, user, organization, Role::Member, NOW).await;
    }
    write(store, SecretWrite::InsertKey(edge_key(1), 4)).await;
    let owners = [(1, None), (2, None), (1, Some(&ada)), (2, Some(&ada)), (1, Some(&bob))];
    for (number, (organization, owner)) in (1..).zip(owners) {
        insert(store, secret(number, organization, owner, "token"), &[1]).await;
    }
    for (organization, owner) in owners {
        let twin = SecretWrite::Insert(secret(99, organization, owner, "token"), boxes(&[1]));
        let twin = refused(store, twin).await;
        assert!(matches!(twin, StoreError::Duplicate), "{organization} {owner:?}: {twin:?}");
    }
    let stranger = refused(store, SecretWrite::Insert(secret(99, 2, Some(&bob), "token"), boxes(&[1]))).await;
    assert!(matches!(stranger, StoreError::Conflict), "no member of it: {stranger:?}");
}

pub(super) async fn a_secret_is_sealed_to_exactly_the_keys_that_are_there(it: Fixture) {
    let store = &*it.store;
    people::<0>(store).await;
    let none = refused(store, SecretWrite::Insert(secret(1, 1, None, "a"), boxes(&[]))).await;
    assert!(matches!(none, StoreError::Conflict), "there is no key at all: {none:?}");
    for number in [1, 2] {
        write(store, SecretWrite::InsertKey(edge_key(number), 4)).await;
    }
    let row = insert(store, secret(1, 1, None, "a"), &[2, 1]).await;
    for wrong in [&[][..], &[1], &[1, 3], &[1, 2, 3], &[1, 2, 2]] {
        for late in [
            SecretWrite::Insert(secret(2, 1, None, "b"), boxes(wrong)),
            SecretWrite::Replace(row.clone(), boxes(wrong)),
        ] {
            let late = refused(store, late).await;
            assert!(matches!(late, StoreError::Conflict), "{wrong:?}: {late:?}");
        }
    }
    let sizes = store.box_sizes(organization_id(1)).await.unwrap();
    assert_eq!(sizes, [(row.id, boxes(&[1, 2]).size())].into());
    assert_eq!(store.secrets_of(organization_id(1)).await.unwrap(), std::slice::from_ref(&row));
    assert_eq!(published(store).await, [(row, boxes(&[1, 2]))]);
}

/// What the skills of the first organisation can be published with.
async fn published(store: &dyn Store) -> Vec<(SecretRow, Boxes)> {
    let mut changes = store.changes(1, 0).await.unwrap().skills;
    changes.retain(|(organization, _)| *organization == organization_id(1));
    changes.remove(0).1.secrets
}

pub(super) async fn the_keys_of_edges_come_and_go(it: Fixture) {
    let store = &*it.store;
    let [ada] = people(store).await;
    join(store, &ada, 1, Role::Member, NOW).await;
    write(store, SecretWrite::InsertKey(edge_key(1), 2)).await;
    insert(store, secret(1, 1, None, "team"), &[1]).await;
    insert(store, secret(2, 1, Some(&ada), "own"), &[1]).await;
    write(store, SecretWrite::InsertKey(edge_key(2), 2)).await;
    insert(store, secret(3, 2, None, "other"), &[1, 2]).await;
    let twin = refused(store, SecretWrite::InsertKey(edge_key(1), 2)).await;
    assert!(matches!(twin, StoreError::Duplicate), "{twin:?}");
    let third = refused(store, SecretWrite::InsertKey(edge_key(3), 2)).await;
    assert!(matches!(third, StoreError::Conflict), "{third:?}");

    let (here, there) = (Scope::Only(organization_id(1)), Scope::Only(organization_id(2)));
    let stranger = crate::id::UserId::generate().unwrap();
    for (scope, seen_by, expected) in
        [(Scope::All, None, 2), (here, None, 2), (here, Some(ada.id), 2), (here, Some(stranger), 1), (there, None, 0)]
    {
        let keys = store.edge_keys(scope, seen_by).await.unwrap();
        assert_eq!(keys, [(edge_key(1), 0), (edge_key(2), expected)], "{scope:?} {seen_by:?}");
    }
    assert_eq!(found(store, 1).await.unwrap().unsealed, [key_name(2)]);
    for (number, alone) in [(1, 2), (2, 0), (9, 0)] {
        assert_eq!(store.sealed_to_alone(key_name(number)).await.unwrap(), alone);
    }

    let delete = |number, force| SecretWrite::DeleteKey { key: key_name(number), force, lately: EVER };
    for late in [delete(1, false), delete(9, false), delete(9, true)] {
        let late = refused(store, late).await;
        assert!(matches!(late, StoreError::Conflict), "{late:?}");
    }
    write(store, delete(1, true)).await;
    assert_eq!(store.edge_keys(Scope::All, None).await.unwrap(), [(edge_key(2), 2)]);
    let left = published(store).await;
    assert!(left.iter().all(|(_, left)| *left == Boxes::default()), "its boxes went, the secrets stay");
    assert_eq!((left.len(), store.box_sizes(organization_id(1)).await.unwrap()), (2, [].into()));
    let row = found(store, 1).await.unwrap().row;
    write(store, SecretWrite::Replace(SecretRow { revision: 2, ..row }, boxes(&[2]))).await;
    assert_eq!(found(store, 1).await.unwrap().unsealed, []);
}

pub(super) async fn secrets_are_filtered_and_read_in_pages(it: Fixture) {
    let store = &*it.store;
    let [ada, bob] = people(store).await;
    for user in [&ada, &bob] {
        join(store, user, 1, Role::Member, NOW).await;
    }
    write(store, SecretWrite::InsertKey(edge_key(1), 4)).await;
    for (number, owner, name) in
        [(1, None, "a"), (2, None, "b"), (3, Some(&ada), "a"), (4, Some(&bob), "a"), (5, None, "c")]
    {
        insert(store, secret(number, 1, owner, name), &[1]).await;
    }
    insert(store, secret(6, 2, None, "a"), &[1]).await;
    write(store, SecretWrite::InsertKey(edge_key(2), 4)).await;
    let row = found(store, 5).await.unwrap().row;
    write(store, SecretWrite::Replace(row, boxes(&[1, 2]))).await;
    skills::write(store, SkillWrite::Insert(skill(1, 1, None, "s", &["a", "b"]))).await;
    take_in(store, Noted { secrets: [(secret_id(2), NOW + 50)].into(), ..Noted::default() }).await;

    let here = Scope::Only(organization_id(1));
    let (all, unused) =
        (SecretFilter::default(), |since| SecretFilter { unused_since: Some(since), ..Default::default() });
    let seen_by = |user: &UserRow| SecretFilter { seen_by: Some(user.id), ..SecretFilter::default() };
    let unsealed = SecretFilter { unsealed: Some(key_name(2)), ..SecretFilter::default() };
    for (scope, filter, expected) in [
        (Scope::All, all, vec![6, 5, 4, 3, 2, 1]),
        (here, all, vec![5, 4, 3, 2, 1]),
        (here, seen_by(&ada), vec![5, 3, 2, 1]),
        (here, seen_by(&bob), vec![5, 4, 2, 1]),
        (here, unsealed, vec![4, 3, 2, 1]),
        // 3 to 5 are what no skill finds; 1 was never used, 2 was.
        (here, unused(NOW), vec![5, 4, 3]),
        (here, unused(NOW + 1), vec![5, 4, 3]),
        (here, unused(NOW + 50), vec![5, 4, 3, 1]),
        (here, unused(NOW + 51), vec![5, 4, 3, 2, 1]),
    ] {
        let (mut read, mut after) = (Vec::new(), None);
        loop {
            let page = store.secrets(scope, &filter, &Slice { after, limit: 2 }).await.unwrap();
            read.extend(numbers(&page));
            let Some(last) = page.last().filter(|_| page.len() == 2) else { break };
            after = Some((last.row.created_at, last.row.id.to_string()));
        }
        assert_eq!(read, expected, "{filter:?}");
        assert_eq!(numbers(&store.secrets(scope, &filter, &ALL).await.unwrap()), expected, "{filter:?}");
    }
}

pub(super) async fn use_of_a_secret_is_remembered_and_never_goes_back(it: Fixture) {
    let store = &*it.store;
    people::<0>(store).await;
    write(store, SecretWrite::InsertKey(edge_key(1), 4)).await;
    let row = insert(store, secret(1, 1, None, "a"), &[1]).await;
    let version = store.version().await.unwrap();
    for (time, expected) in [(NOW + 5, NOW + 5), (NOW + 3, NOW + 5), (NOW + 9, NOW + 9)] {
        let secrets = [(secret_id(1), time), (secret_id(9), time)].into();
        take_in(store, Noted { secrets, ..Noted::default() }).await;
        let expected = SecretRow { last_used: Some(expected), ..row.clone() };
        assert_eq!(found(store, 1).await.unwrap().row, expected, "nothing else of it changes");
    }
    assert_eq!(store.version().await.unwrap(), version, "edges need not know");
}

pub(super) async fn whoever_leaves_leaves_no_secrets_behind(it: Fixture) {
    let store = &*it.store;
    let [ada, bob] = people(store).await;
    let here = join(store, &ada, 1, Role::Member, NOW).await;
    for (user, organization) in [(&ada, 2), (&bob, 1)] {
        join(store, user, organization, Role::Member, NOW).await;
    }
    write(store, SecretWrite::InsertKey(edge_key(1), 4)).await;
    let remove = |row| AccountWrite::RemoveMember(row, NOW + 1);
    for (number, organization, owner) in [(1, 1, Some(&ada)), (2, 1, None), (3, 2, Some(&ada)), (4, 1, Some(&bob))] {
        insert(store, secret(number, organization, owner, "a"), &[1]).await;
        skills::write(store, SkillWrite::Insert(skill(number, organization, owner, "s", &["a"]))).await;
    }
    let late = account_refused(store, remove(here.clone())).await;
    assert!(matches!(late, StoreError::Conflict), "what is theirs has to go before: {late:?}");
    let change = change(1).also(Write::Secret(SecretWrite::DeleteOf(organization_id(1), ada.id)));
    store.write(&change.also(Write::Account(remove(here))), 0).await.unwrap();
    let left = store.secrets(Scope::All, &SecretFilter::default(), &ALL).await.unwrap();
    assert_eq!(numbers(&left), [4, 3, 2]);
    let left = store.skills(Scope::All, None, &ALL).await.unwrap();
    assert_eq!(left.iter().map(|it| it.row.id.as_bytes()[0]).collect::<Vec<_>>(), [4, 3, 2]);
    for late in [
        Write::Secret(SecretWrite::Insert(secret(9, 1, Some(&ada), "b"), boxes(&[1]))),
        Write::Skill(SkillWrite::Insert(skill(9, 1, Some(&ada), "t", &[]))),
    ] {
        let late = store.write(&with(super::rows::change(1), late), 0).await.unwrap_err();
        assert!(matches!(late, StoreError::Conflict), "{late:?}");
    }
    put_account(store, AccountWrite::InsertMember(super::accounts::member(&ada, 1, Role::Member, NOW + 2))).await;
}

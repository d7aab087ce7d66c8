//! People, what they are where, and the invitations that made them so.

use futures_util::future::join_all;

use super::Fixture;
use super::rows::{NOW, change, organization_id, two_organizations};
use crate::access::Role;
use crate::accounts::PasswordHash;
use crate::id::{InvitationId, UserId};
use crate::secret::SecretDigest;
use crate::store::{AccountWrite, InvitationRow, MemberRow, MembershipRow, Slice, Store, StoreError, UserRow, Write};

pub(super) const ALL: Slice = Slice { after: None, limit: 100 };

pub(super) fn hash(text: &str) -> PasswordHash {
    PasswordHash::stored(text.to_owned())
}

pub(super) fn digest(number: u8) -> SecretDigest {
    SecretDigest::from_bytes(&[number; 32]).unwrap()
}

pub(super) fn user(name: &str) -> UserRow {
    UserRow {
        id: UserId::generate().unwrap(),
        email: format!("{name}@example.com"),
        name: name.to_owned(),
        password: hash("$argon2id$1"),
        created_at: NOW,
    }
}

pub(super) async fn write(store: &dyn Store, write: AccountWrite) -> Result<(), StoreError> {
    store.write(&change(1).also(Write::Account(write)), 0).await.map(drop)
}

/// A new person who is a member.
pub(super) async fn member(store: &dyn Store, name: &str, organization: u8, role: Role) -> MemberRow {
    let user = user(name);
    write(store, AccountWrite::InsertUser(user.clone())).await.unwrap();
    join(store, &user, organization, role).await
}

pub(super) async fn join(store: &dyn Store, user: &UserRow, organization: u8, role: Role) -> MemberRow {
    let row = MemberRow {
        organization: organization_id(organization),
        user: user.id,
        email: user.email.clone(),
        name: user.name.clone(),
        role,
        created_at: NOW + u64::from(organization),
        last_seen: None,
    };
    write(store, AccountWrite::InsertMember(row.clone())).await.unwrap();
    row
}

pub(super) async fn people_are_known_by_id_and_address(it: Fixture) {
    assert!(!it.store.has_users().await.unwrap());
    let ada = user("ada");
    write(&*it.store, AccountWrite::InsertUser(ada.clone())).await.unwrap();
    assert!(it.store.has_users().await.unwrap());
    assert_eq!(it.store.user(ada.id).await.unwrap().as_ref(), Some(&ada));
    assert_eq!(it.store.user_by_email("ada@example.com").await.unwrap().as_ref(), Some(&ada));
    assert_eq!(it.store.user_by_email("ADA@example.com").await.unwrap(), None);
    let same = UserRow { id: UserId::generate().unwrap(), ..ada.clone() };
    assert!(matches!(write(&*it.store, AccountWrite::InsertUser(same)).await, Err(StoreError::Conflict)));
    write(&*it.store, AccountWrite::RenameUser(ada.id, "Ada".to_owned())).await.unwrap();
    let set = |from: &str, to: &str| AccountWrite::SetPassword { user: ada.id, from: hash(from), to: hash(to) };
    write(&*it.store, set("$argon2id$1", "$argon2id$2")).await.unwrap();
    let stale = write(&*it.store, set("$argon2id$1", "$argon2id$3")).await;
    assert!(matches!(stale, Err(StoreError::Conflict)), "{stale:?}");
    let expected = UserRow { name: "Ada".to_owned(), password: hash("$argon2id$2"), ..ada };
    assert_eq!(it.store.user(expected.id).await.unwrap(), Some(expected));
}

pub(super) async fn members_are_those_of_their_organization(it: Fixture) {
    two_organizations(&*it.store).await;
    let ada = member(&*it.store, "ada", 1, Role::Owner).await;
    let bob = member(&*it.store, "bob", 1, Role::Viewer).await;
    let both = it.store.user(bob.user).await.unwrap().unwrap();
    join(&*it.store, &both, 2, Role::Member).await;
    assert_eq!(it.store.member(organization_id(1), ada.user).await.unwrap().as_ref(), Some(&ada));
    assert_eq!(it.store.member(organization_id(2), ada.user).await.unwrap(), None);
    let twice = write(&*it.store, AccountWrite::InsertMember(bob.clone())).await;
    assert!(matches!(twice, Err(StoreError::Conflict)), "{twice:?}");
    let mut expected = [ada.clone(), bob.clone()];
    expected.sort_by_key(|row| row.user.to_string());
    assert_eq!(it.store.members(organization_id(1), &ALL).await.unwrap(), expected);
    let after = Some((expected[0].created_at, expected[0].user.to_string()));
    assert_eq!(it.store.members(organization_id(1), &Slice { after, limit: 1 }).await.unwrap(), expected[1..]);
    let at = |number, role| MembershipRow {
        organization: organization_id(number),
        name: format!("organisation {number}"),
        role,
    };
    assert_eq!(it.store.memberships(bob.user).await.unwrap(), [at(1, Role::Viewer), at(2, Role::Member)]);
    write(&*it.store, AccountWrite::SetRole(bob.clone(), Role::Admin)).await.unwrap();
    let stale = write(&*it.store, AccountWrite::SetRole(bob.clone(), Role::Member)).await;
    assert!(matches!(stale, Err(StoreError::Conflict)), "{stale:?}");
    write(&*it.store, AccountWrite::RemoveMember(MemberRow { role: Role::Admin, ..bob.clone() }, NOW)).await.unwrap();
    assert_eq!(it.store.memberships(bob.user).await.unwrap(), [at(2, Role::Member)]);
}

pub(super) async fn the_last_owner_stays_whoever_goes_at_once(it: Fixture) {
    two_organizations(&*it.store).await;
    let ada = member(&*it.store, "ada", 1, Role::Owner).await;
    for refused in [AccountWrite::SetRole(ada.clone(), Role::Viewer), AccountWrite::RemoveMember(ada.clone(), NOW)] {
        let refused = write(&*it.store, refused).await;
        assert!(matches!(refused, Err(StoreError::LastOwner)), "{refused:?}");
    }
    let bob = member(&*it.store, "bob", 1, Role::Owner).await;
    let leaving = [ada, bob].map(|row| {
        let store = it.store.clone();
        tokio::spawn(async move { write(&*store, AccountWrite::RemoveMember(row, NOW)).await.is_ok() })
    });
    let left: Vec<_> = join_all(leaving).await.into_iter().map(|done| done.unwrap()).collect();
    assert_eq!(left.iter().filter(|left| **left).count(), 1, "{left:?}");
    assert_eq!(it.store.members(organization_id(1), &ALL).await.unwrap().len(), 1);
}

fn invitation(number: u8) -> InvitationRow {
    InvitationRow {
        id: InvitationId::generate().unwrap(),
        digest: digest(number),
        organization: organization_id(1),
        email: (number > 1).then(|| "ada@example.com".to_owned()),
        is_first: number == 1,
        role: Role::Admin,
        created_by: "somebody".to_owned(),
        created_at: NOW + u64::from(number),
        expires_at: NOW + 100,
        accepted_at: None,
        withdrawn_at: None,
    }
}

pub(super) async fn an_invitation_is_accepted_once_or_withdrawn(it: Fixture) {
    two_organizations(&*it.store).await;
    let rows: Vec<_> = (1..=4).map(invitation).collect();
    for row in &rows {
        write(&*it.store, AccountWrite::InsertInvitation(row.clone())).await.unwrap();
    }
    let expected: Vec<_> = rows.iter().rev().cloned().collect();
    assert_eq!(it.store.invitations(organization_id(1), &ALL).await.unwrap(), expected, "newest first");
    assert_eq!(it.store.invitations(organization_id(2), &ALL).await.unwrap(), []);
    let after = Some((expected[0].created_at, expected[0].id.to_string()));
    assert_eq!(it.store.invitations(organization_id(1), &Slice { after, limit: 2 }).await.unwrap(), expected[1..3]);
    assert_eq!(it.store.invitation(organization_id(1), rows[1].id).await.unwrap().as_ref(), Some(&rows[1]));
    assert_eq!(it.store.invitation(organization_id(2), rows[1].id).await.unwrap(), None);
    assert_eq!(it.store.invitation_by_digest(digest(2)).await.unwrap().as_ref(), Some(&rows[1]));
    assert_eq!(it.store.invitation_by_digest(digest(9)).await.unwrap(), None);

    write(&*it.store, AccountWrite::WithdrawFirst(NOW)).await.unwrap();
    let accepting = (0..4).map(|_| {
        let (store, id) = (it.store.clone(), rows[1].id);
        tokio::spawn(async move { write(&*store, AccountWrite::AcceptInvitation(id, NOW)).await.is_ok() })
    });
    let accepted = join_all(accepting.collect::<Vec<_>>()).await.into_iter().filter(|done| *done.as_ref().unwrap());
    assert_eq!(accepted.count(), 1, "once");
    write(&*it.store, AccountWrite::WithdrawInvitation(rows[2].id, NOW)).await.unwrap();
    for refused in [
        AccountWrite::AcceptInvitation(rows[0].id, NOW),
        AccountWrite::AcceptInvitation(rows[2].id, NOW),
        AccountWrite::AcceptInvitation(rows[3].id, NOW + 100),
        AccountWrite::WithdrawInvitation(rows[1].id, NOW),
    ] {
        let refused = write(&*it.store, refused).await;
        assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    }
    assert_eq!(it.store.invitations(organization_id(1), &ALL).await.unwrap(), [rows[3].clone()]);
    let withdrawn = it.store.invitation(organization_id(1), rows[0].id).await.unwrap().unwrap();
    assert_eq!((withdrawn.withdrawn_at, withdrawn.is_open(NOW)), (Some(NOW), false));
}

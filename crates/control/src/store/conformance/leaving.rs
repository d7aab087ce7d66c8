//! What is left of those who leave: nothing that they began comes later, and nothing of theirs goes to whoever comes next.

use super::Fixture;
use super::accounts::{ALL, invitation, join, people, put_account, refused, session, token};
use super::rows::{NOW, organization_id};
use crate::access::Role;
use crate::accounts::PasswordHash;
use crate::store::{AccountWrite, InvitationRow, StoreError, UserRow};

fn by(maker: String) -> InvitationRow {
    InvitationRow { made_by: Some(maker), ..invitation(organization_id(1), NOW) }
}

pub(super) async fn whoever_left_invites_nobody_and_makes_no_token(it: Fixture) {
    let store = &*it.store;
    let [ada, bob] = people(store).await;
    join(store, &bob, 1, Role::Owner, NOW).await;
    let row = join(store, &ada, 1, Role::Admin, NOW).await;
    let (personal, service) = (token(Some(&ada), 1, NOW), token(None, 1, NOW));
    for token in [&personal, &service] {
        put_account(store, AccountWrite::InsertToken(token.clone())).await;
    }
    let makers = [ada.id.to_string(), personal.id.to_string(), service.id.to_string()];
    for maker in &makers {
        put_account(store, AccountWrite::InsertInvitation(by(maker.clone()))).await;
    }
    put_account(store, AccountWrite::RemoveMember(row, NOW + 1)).await;
    let left = store.invitations(organization_id(1), &ALL).await.unwrap();
    assert_eq!(left.iter().map(|it| it.made_by.clone()).collect::<Vec<_>>(), [Some(makers[2].clone())]);
    for maker in &makers[..2] {
        let late = refused(store, AccountWrite::InsertInvitation(by(maker.clone()))).await;
        assert!(matches!(late, StoreError::Conflict), "{late:?}");
    }
    let late = refused(store, AccountWrite::InsertToken(token(Some(&ada), 1, NOW))).await;
    assert!(matches!(late, StoreError::Conflict), "{late:?}");
    put_account(store, AccountWrite::InsertInvitation(by(makers[2].clone()))).await;
    put_account(store, AccountWrite::RevokeToken(service.id, NOW + 1)).await;
    let late = refused(store, AccountWrite::InsertInvitation(by(makers[2].clone()))).await;
    assert!(matches!(late, StoreError::Conflict), "{late:?}");
    assert_eq!(store.invitations(organization_id(1), &ALL).await.unwrap(), []);
}

pub(super) async fn whoever_may_invite_no_more_invites_nobody(it: Fixture) {
    let store = &*it.store;
    let [ada] = people(store).await;
    let row = join(store, &ada, 1, Role::Admin, NOW).await;
    let personal = token(Some(&ada), 1, NOW);
    put_account(store, AccountWrite::InsertToken(personal.clone())).await;
    put_account(store, AccountWrite::InsertInvitation(by(personal.id.to_string()))).await;
    put_account(store, AccountWrite::SetRole(row, Role::Viewer, NOW + 1)).await;
    assert_eq!(store.invitations(organization_id(1), &ALL).await.unwrap(), []);
    for maker in [ada.id.to_string(), personal.id.to_string()] {
        let late = refused(store, AccountWrite::InsertInvitation(by(maker))).await;
        assert!(matches!(late, StoreError::Conflict), "{late:?}");
    }
}

pub(super) async fn who_revokes_all_tokens_withdraws_what_was_made_with_them(it: Fixture) {
    let store = &*it.store;
    let [ada] = people(store).await;
    join(store, &ada, 1, Role::Admin, NOW).await;
    let personal = token(Some(&ada), 1, NOW);
    put_account(store, AccountWrite::InsertToken(personal.clone())).await;
    put_account(store, AccountWrite::InsertInvitation(by(personal.id.to_string()))).await;
    put_account(store, AccountWrite::InsertInvitation(by(ada.id.to_string()))).await;
    put_account(store, AccountWrite::RevokeTokensOf(ada.id, NOW + 1)).await;
    assert_eq!(store.invitations(organization_id(1), &ALL).await.unwrap(), []);
}

pub(super) async fn an_account_goes_to_another_when_it_is_a_member_of_nothing(it: Fixture) {
    let store = &*it.store;
    let [ada, bob] = people(store).await;
    join(store, &bob, 1, Role::Owner, NOW).await;
    let row = join(store, &ada, 1, Role::Member, NOW).await;
    let password = PasswordHash::stored("new".to_owned());
    let to = UserRow { name: "Another".to_owned(), password, ..ada.clone() };
    let taken = AccountWrite::TakeOver { from: ada.password.clone(), to: to.clone(), at: NOW + 2 };
    assert!(matches!(refused(store, taken.clone()).await, StoreError::Conflict), "she is a member");
    let mine = token(Some(&ada), 1, NOW);
    put_account(store, AccountWrite::InsertToken(mine.clone())).await;
    put_account(store, AccountWrite::RemoveMember(row, NOW + 1)).await;
    // As one that was begun before she was removed comes after it.
    let late = session(&ada, 1);
    put_account(store, AccountWrite::InsertSession(late.clone(), 0)).await;
    put_account(store, taken.clone()).await;
    assert!(matches!(refused(store, taken).await, StoreError::Conflict), "its password is another by now");
    assert_eq!(store.user(ada.id).await.unwrap(), Some(to.clone()));
    join(store, &to, 1, Role::Member, NOW + 2).await;
    assert!(store.session(late.digest, NOW, NOW).await.unwrap().is_none());
    assert!(store.token_by_digest(mine.digest, NOW).await.unwrap().is_none());
}

//! People, what they are where, and how they come in.

use portcullis_engine::OrganizationId;

use super::Fixture;
use super::rows::{NOW, organization_id, put, two_organizations};
use crate::access::Role;
use crate::accounts::PasswordHash;
use crate::caller::Scope;
use crate::id::{InvitationId, SessionId, TokenId, UserId};
use crate::secret::{Purpose, Secret};
use crate::store::{
    AccountWrite, InvitationRow, MemberRow, SessionRow, Slice, Store, StoreError, TokenRow, UserRow, Write,
};

pub(super) const ALL: Slice = Slice { after: None, limit: 100 };

fn user(email: &str) -> UserRow {
    UserRow {
        id: UserId::generate().unwrap(),
        email: email.to_owned(),
        name: format!("Ünï '{email}'"),
        password: PasswordHash::stored("$argon2id$".to_owned()),
        created_at: NOW,
    }
}

pub(super) fn member(user: &UserRow, organization: u8, role: Role, created_at: u64) -> MemberRow {
    let (email, name) = (user.email.clone(), user.name.clone());
    let organization = organization_id(organization);
    MemberRow { organization, user: user.id, email, name, role, created_at, last_seen: None }
}

pub(super) fn session(user: &UserRow, organization: u8) -> SessionRow {
    SessionRow {
        id: SessionId::generate().unwrap(),
        digest: Secret::generate(Purpose::Session).unwrap().digest(),
        user: user.id,
        organization: organization_id(organization),
        address: Some("2001:db8::1".to_owned()),
        agent: "Ünï".to_owned(),
        created_at: NOW,
        last_seen: NOW,
        expires_at: NOW + 100,
    }
}

pub(super) fn token(owner: Option<&UserRow>, organization: u8, created_at: u64) -> TokenRow {
    TokenRow {
        id: TokenId::generate().unwrap(),
        digest: Secret::generate(Purpose::Token).unwrap().digest(),
        display: "pct_abc...".to_owned(),
        name: "ci".to_owned(),
        organization: organization_id(organization),
        owner: owner.map(|it| it.id),
        owner_email: owner.map(|it| it.email.clone()),
        scopes: "keys:read members:write".parse().unwrap(),
        created_by: "ada".to_owned(),
        created_at,
        expires_at: Some(NOW + 100),
        revoked_at: None,
        last_used: None,
    }
}

pub(super) fn invitation(organization: OrganizationId, created_at: u64) -> InvitationRow {
    InvitationRow {
        id: InvitationId::generate().unwrap(),
        digest: Secret::generate(Purpose::Invitation).unwrap().digest(),
        organization,
        email: Some("ada@example.com".to_owned()),
        is_first: false,
        role: Role::Admin,
        created_by: "root".to_owned(),
        made_by: None,
        created_at,
        expires_at: NOW + 100,
        accepted_at: None,
        withdrawn_at: None,
    }
}

pub(super) async fn put_account(store: &dyn Store, write: AccountWrite) {
    put(store, Write::Account(write)).await;
}

pub(super) async fn refused(store: &dyn Store, write: AccountWrite) -> StoreError {
    let change = super::rows::with(super::rows::change(1), Write::Account(write));
    store.write(&change, 0).await.unwrap_err()
}

pub(super) async fn join(store: &dyn Store, user: &UserRow, organization: u8, role: Role, at: u64) -> MemberRow {
    let row = member(user, organization, role, at);
    put_account(store, AccountWrite::InsertMember(row.clone())).await;
    row
}

pub(super) async fn people<const N: usize>(store: &dyn Store) -> [UserRow; N] {
    two_organizations(store).await;
    let people = std::array::from_fn(|number| user(&format!("p{number}@example.com")));
    for user in &people {
        put_account(store, AccountWrite::InsertUser(user.clone())).await;
    }
    people
}

pub(super) async fn people_are_found_by_id_and_address_of_which_there_is_one(it: Fixture) {
    let store = &*it.store;
    assert!(!store.has_users().await.unwrap());
    let [ada] = people(store).await;
    assert!(store.has_users().await.unwrap());
    assert_eq!(store.user(ada.id).await.unwrap(), Some(ada.clone()));
    assert_eq!(store.user_by_email("p0@example.com").await.unwrap(), Some(ada.clone()));
    assert_eq!(store.user_by_email("' OR 1 = 1 --").await.unwrap(), None);
    let same = UserRow { id: UserId::generate().unwrap(), ..ada.clone() };
    assert!(matches!(refused(store, AccountWrite::InsertUser(same)).await, StoreError::Conflict));
    put_account(store, AccountWrite::RenameUser(ada.id, "Ada".to_owned())).await;
    let (from, to) = (ada.password.clone(), PasswordHash::stored("new".to_owned()));
    let change = AccountWrite::SetPassword { user: ada.id, from, to: to.clone() };
    put_account(store, change.clone()).await;
    assert!(matches!(refused(store, change).await, StoreError::Conflict), "it was changed since");
    put_account(store, AccountWrite::HoldPassword(ada.id, to.clone())).await;
    let held = AccountWrite::HoldPassword(ada.id, ada.password.clone());
    assert!(matches!(refused(store, held).await, StoreError::Conflict), "as above");
    let now = store.user(ada.id).await.unwrap().unwrap();
    assert_eq!((now.name.as_str(), now.password), ("Ada", to));
}

pub(super) async fn members_are_listed_in_order_and_an_owner_stays(it: Fixture) {
    let store = &*it.store;
    let [ada, bob, eve] = people(store).await;
    let first = join(store, &ada, 1, Role::Owner, NOW + 2).await;
    let second = join(store, &bob, 1, Role::Owner, NOW + 1).await;
    join(store, &ada, 2, Role::Viewer, NOW).await;
    assert!(matches!(refused(store, AccountWrite::InsertMember(first.clone())).await, StoreError::Conflict));
    assert_eq!(store.members(organization_id(1), &ALL).await.unwrap(), [second.clone(), first.clone()]);
    let after = Some((second.created_at, second.user.to_string()));
    let rest = store.members(organization_id(1), &Slice { after, limit: 5 }).await.unwrap();
    assert_eq!(rest, std::slice::from_ref(&first));
    assert_eq!(store.member(organization_id(1), eve.id).await.unwrap(), None);
    let places: Vec<_> = store.memberships(ada.id).await.unwrap();
    let places: Vec<_> = places.iter().map(|it| (it.organization, it.role, it.name.as_str())).collect();
    let expected =
        [(organization_id(2), Role::Viewer, "organisation 2"), (organization_id(1), Role::Owner, "organisation 1")];
    assert_eq!(places, expected);

    put_account(store, AccountWrite::SetRole(second.clone(), Role::Member, NOW)).await;
    assert!(matches!(refused(store, AccountWrite::SetRole(second, Role::Admin, NOW)).await, StoreError::Conflict));
    for write in
        [AccountWrite::SetRole(first.clone(), Role::Admin, NOW), AccountWrite::RemoveMember(first.clone(), NOW)]
    {
        assert!(matches!(refused(store, write).await, StoreError::LastOwner));
    }
    assert_eq!(store.member(organization_id(1), ada.id).await.unwrap().unwrap().role, Role::Owner);
}

pub(super) async fn owners_who_leave_at_once_leave_one_behind(it: Fixture) {
    let store = &*it.store;
    let [ada, bob, eve] = people(store).await;
    for round in 0..6 {
        let number = round + 10;
        put(store, Write::InsertOrganization(super::rows::organization(number))).await;
        let mut leaving = Vec::new();
        for user in [&ada, &bob, &eve] {
            let row = join(store, user, number, Role::Owner, NOW).await;
            let leave = AccountWrite::RemoveMember(row, NOW);
            let change = super::rows::with(super::rows::change(1), Write::Account(leave));
            let store = it.store.clone();
            leaving.push(tokio::spawn(async move { store.write(&change, 0).await }));
        }
        for done in futures_util::future::join_all(leaving).await {
            assert!(matches!(done.unwrap(), Ok(_) | Err(StoreError::LastOwner)));
        }
        assert_eq!(store.members(organization_id(number), &ALL).await.unwrap().len(), 1);
    }
}

pub(super) async fn whoever_leaves_loses_what_they_had_there_alone(it: Fixture) {
    let store = &*it.store;
    let [ada, bob] = people(store).await;
    join(store, &bob, 1, Role::Owner, NOW).await;
    let (here, there) = (session(&ada, 1), session(&ada, 2));
    let (mine, elsewhere, service) = (token(Some(&ada), 1, NOW), token(Some(&ada), 2, NOW), token(None, 1, NOW));
    let row = join(store, &ada, 1, Role::Member, NOW).await;
    join(store, &ada, 2, Role::Member, NOW).await;
    for session in [&here, &there] {
        put_account(store, AccountWrite::InsertSession(session.clone(), 0)).await;
    }
    for token in [&mine, &elsewhere, &service] {
        put_account(store, AccountWrite::InsertToken(token.clone())).await;
    }
    let works = async |token: &TokenRow| store.token_by_digest(token.digest, NOW).await.unwrap().is_some();
    assert!(works(&mine).await && works(&elsewhere).await && works(&service).await);
    put_account(store, AccountWrite::RemoveMember(row, NOW + 1)).await;
    assert!(!works(&mine).await && works(&elsewhere).await && works(&service).await);
    assert_eq!(store.token(Scope::All, None, mine.id).await.unwrap().unwrap().revoked_at, Some(NOW + 1));
    assert!(store.session(here.digest, NOW, NOW).await.unwrap().is_none());
    let left = store.session(there.digest, NOW, NOW).await.unwrap().unwrap();
    assert_eq!((left.session, left.email, left.role), (there, ada.email, Role::Member));
}

pub(super) async fn an_invitation_is_accepted_or_withdrawn_once(it: Fixture) {
    let store = &*it.store;
    two_organizations(store).await;
    let (one, two, other) = (
        invitation(organization_id(1), NOW),
        invitation(organization_id(1), NOW + 1),
        invitation(organization_id(2), NOW),
    );
    let first = InvitationRow { is_first: true, email: None, ..invitation(organization_id(1), NOW + 2) };
    for row in [&one, &two, &other, &first] {
        put_account(store, AccountWrite::InsertInvitation(row.clone())).await;
    }
    assert_eq!(store.invitation_by_digest(one.digest).await.unwrap(), Some(one.clone()));
    assert_eq!(store.invitation(organization_id(2), one.id).await.unwrap(), None);
    let listed = async |slice: &Slice| store.invitations(organization_id(1), slice).await.unwrap();
    assert_eq!(listed(&ALL).await, [first.clone(), two.clone(), one.clone()]);
    let after = Some((two.created_at, two.id.to_string()));
    assert_eq!(listed(&Slice { after, limit: 5 }).await, std::slice::from_ref(&one));

    let late = AccountWrite::AcceptInvitation(one.id, NOW + 100);
    assert!(matches!(refused(store, late).await, StoreError::Conflict));
    put_account(store, AccountWrite::AcceptInvitation(one.id, NOW + 5)).await;
    put_account(store, AccountWrite::WithdrawInvitation(two.id, NOW + 6)).await;
    put_account(store, AccountWrite::WithdrawFirst(NOW + 7)).await;
    for id in [one.id, two.id, first.id] {
        for write in [AccountWrite::AcceptInvitation(id, NOW), AccountWrite::WithdrawInvitation(id, NOW)] {
            assert!(matches!(refused(store, write).await, StoreError::Conflict));
        }
    }
    assert!(listed(&ALL).await.is_empty());
    let found = store.invitation(organization_id(1), one.id).await.unwrap();
    assert_eq!(found, Some(InvitationRow { accepted_at: Some(NOW + 5), ..one }));
    assert!(store.invitation(organization_id(2), other.id).await.unwrap().unwrap().is_open(NOW));
}

pub(super) async fn a_session_is_there_until_it_ends(it: Fixture) {
    let store = &*it.store;
    let [ada] = people(store).await;
    join(store, &ada, 1, Role::Owner, NOW).await;
    let (one, two) = (session(&ada, 1), session(&ada, 1));
    put_account(store, AccountWrite::InsertSession(one.clone(), 0)).await;
    put_account(store, AccountWrite::InsertSession(two.clone(), 0)).await;
    for (now, seen_since, expected) in
        [(NOW, NOW, true), (NOW + 99, NOW, true), (NOW + 100, NOW, false), (NOW, NOW + 1, false)]
    {
        let found = store.session(one.digest, now, seen_since).await.unwrap();
        assert_eq!(found.map(|it| it.session).as_ref(), expected.then_some(&one), "{now} {seen_since}");
        assert_eq!(store.sessions(ada.id, now, seen_since).await.unwrap().len(), if expected { 2 } else { 0 });
    }
    store.session_seen(one.id, NOW + 50).await.unwrap();
    store.session_seen(one.id, NOW + 40).await.unwrap();
    let seen = store.session(one.digest, NOW + 60, NOW + 50).await.unwrap().unwrap();
    assert_eq!(seen.session.last_seen, NOW + 50);
    let member = store.member(organization_id(1), ada.id).await.unwrap().unwrap();
    assert_eq!(member.last_seen, Some(NOW + 50));

    put_account(store, AccountWrite::MoveSession(one.id, organization_id(2))).await;
    assert_eq!(store.session(one.digest, NOW, NOW).await.unwrap(), None, "no member there");
    join(store, &ada, 2, Role::Viewer, NOW).await;
    assert_eq!(store.session(one.digest, NOW, NOW).await.unwrap().unwrap().role, Role::Viewer);

    let other = UserId::generate().unwrap();
    assert!(matches!(refused(store, AccountWrite::EndSession(other, two.id)).await, StoreError::Conflict));
    put_account(store, AccountWrite::EndSessions(ada.id, Some(two.id))).await;
    let left: Vec<_> = store.sessions(ada.id, NOW, NOW).await.unwrap();
    assert_eq!(left, std::slice::from_ref(&two));
    put_account(store, AccountWrite::EndSession(ada.id, two.id)).await;
    let old = SessionRow { created_at: NOW + 200, expires_at: NOW + 500, last_seen: NOW + 200, ..session(&ada, 1) };
    put_account(store, AccountWrite::InsertSession(session(&ada, 1), 0)).await;
    put_account(store, AccountWrite::InsertSession(old, 0)).await;
    assert_eq!(store.sessions(ada.id, 0, 0).await.unwrap().len(), 1, "what has ended is gone");
}

pub(super) async fn a_token_works_for_its_scope_until_it_ends(it: Fixture) {
    let store = &*it.store;
    let [ada, bob] = people(store).await;
    for user in [&ada, &bob] {
        join(store, user, 1, Role::Admin, NOW).await;
    }
    let (adas, service, other) = (token(Some(&ada), 1, NOW), token(None, 1, NOW + 1), token(None, 2, NOW + 2));
    for row in [&adas, &service, &other] {
        put_account(store, AccountWrite::InsertToken(row.clone())).await;
    }
    for (row, now, role, works) in
        [(&adas, NOW + 99, Some(Role::Admin), true), (&adas, NOW + 100, None, false), (&service, NOW, None, true)]
    {
        let found = store.token_by_digest(row.digest, now).await.unwrap();
        let expected = works.then(|| (row.clone(), role));
        assert_eq!(found.map(|it| (it.row, it.role)), expected, "{now}");
    }
    let ours = Scope::Only(organization_id(1));
    let listed = async |scope, owner, slice: &Slice| store.tokens(scope, owner, slice).await.unwrap();
    assert_eq!(listed(Scope::All, None, &ALL).await, [other.clone(), service.clone(), adas.clone()]);
    assert_eq!(listed(ours, None, &ALL).await, [service.clone(), adas.clone()]);
    assert_eq!(listed(ours, Some(ada.id), &ALL).await, std::slice::from_ref(&adas));
    assert!(listed(ours, Some(bob.id), &ALL).await.is_empty());
    let after = Some((service.created_at, service.id.to_string()));
    assert_eq!(listed(Scope::All, None, &Slice { after, limit: 9 }).await, std::slice::from_ref(&adas));
    for (scope, owner, expected) in [
        (Scope::All, None, true),
        (ours, Some(ada.id), true),
        (ours, Some(bob.id), false),
        (Scope::Only(organization_id(2)), None, false),
    ] {
        assert_eq!(store.token(scope, owner, adas.id).await.unwrap().is_some(), expected, "{scope:?}");
    }
    store.token_used(adas.id, NOW + 5).await.unwrap();
    store.token_used(adas.id, NOW + 4).await.unwrap();
    assert_eq!(store.token(ours, None, adas.id).await.unwrap().unwrap().last_used, Some(NOW + 5));
    put_account(store, AccountWrite::RevokeToken(adas.id, NOW + 6)).await;
    assert!(matches!(refused(store, AccountWrite::RevokeToken(adas.id, NOW)).await, StoreError::Conflict));
    assert_eq!(store.token_by_digest(adas.digest, NOW).await.unwrap(), None);
    let (bobs, newer) = (token(Some(&bob), 1, NOW), token(Some(&ada), 1, NOW));
    for row in [&bobs, &newer] {
        put_account(store, AccountWrite::InsertToken(row.clone())).await;
    }
    put_account(store, AccountWrite::RevokeTokensOf(ada.id, NOW + 7)).await;
    let revoked_at = async |row: &TokenRow| store.token(Scope::All, None, row.id).await.unwrap().unwrap().revoked_at;
    let all = [revoked_at(&adas).await, revoked_at(&newer).await, revoked_at(&bobs).await, revoked_at(&service).await];
    assert_eq!(all, [Some(NOW + 6), Some(NOW + 7), None, None]);
}

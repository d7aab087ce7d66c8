//! Sessions and API tokens: what people and programs prove who they are with.

use super::Fixture;
use super::accounts::{ALL, digest, join, member, write};
use super::rows::{NOW, organization_id, two_organizations};
use crate::access::{Permission, Role};
use crate::caller::Scope;
use crate::id::{SessionId, TokenId};
use crate::store::{AccountWrite, ActiveSession, ActiveToken, MemberRow, SessionRow, Slice, TokenRow};

fn session(number: u8, of: &MemberRow) -> SessionRow {
    SessionRow {
        id: SessionId::generate().unwrap(),
        digest: digest(number),
        user: of.user,
        organization: of.organization,
        address: Some("192.0.2.1".to_owned()),
        agent: "Ünï".to_owned(),
        created_at: NOW + u64::from(number),
        last_seen: NOW + u64::from(number),
        expires_at: NOW + 1000,
    }
}

pub(super) async fn a_session_ends_by_time_by_word_and_with_the_membership(it: Fixture) {
    two_organizations(&*it.store).await;
    let ada = member(&*it.store, "ada", 1, Role::Owner).await;
    let bob = member(&*it.store, "bob", 1, Role::Viewer).await;
    let rows: Vec<_> = (1..=3).map(|number| session(number, &bob)).collect();
    for row in rows.iter().chain([&session(4, &ada)]) {
        write(&*it.store, AccountWrite::InsertSession(row.clone(), 0)).await.unwrap();
    }
    let active = ActiveSession {
        session: rows[0].clone(),
        email: "bob@example.com".to_owned(),
        name: "bob".to_owned(),
        role: Role::Viewer,
    };
    assert_eq!(it.store.session(digest(1), NOW, NOW).await.unwrap(), Some(active));
    for (number, now, seen_since, expected) in
        [(1, NOW + 999, NOW, true), (1, NOW + 1000, NOW, false), (1, NOW, NOW + 2, false), (9, NOW, NOW, false)]
    {
        let found = it.store.session(digest(number), now, seen_since).await.unwrap();
        assert_eq!(found.is_some(), expected, "{number} {now} {seen_since}");
    }
    let ids = async |now, since| {
        it.store.sessions(bob.user, now, since).await.unwrap().into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(NOW, NOW).await, [rows[2].id, rows[1].id, rows[0].id]);
    it.store.session_seen(rows[0].id, NOW + 50).await.unwrap();
    it.store.session_seen(rows[0].id, NOW + 40).await.unwrap();
    assert_eq!(ids(NOW, NOW + 50).await, [rows[0].id]);

    let user = it.store.user(bob.user).await.unwrap().unwrap();
    join(&*it.store, &user, 2, Role::Admin).await;
    write(&*it.store, AccountWrite::MoveSession(rows[0].id, organization_id(2))).await.unwrap();
    let moved = it.store.session(digest(1), NOW, NOW).await.unwrap().unwrap();
    assert_eq!((moved.session.organization, moved.role), (organization_id(2), Role::Admin));
    write(&*it.store, AccountWrite::EndSession(bob.user, rows[1].id)).await.unwrap();
    assert_eq!(ids(NOW, NOW).await, [rows[2].id, rows[0].id]);
    // With the membership there, the session there; the one elsewhere stays.
    write(&*it.store, AccountWrite::RemoveMember(bob.clone(), NOW)).await.unwrap();
    assert_eq!(ids(NOW, NOW).await, [rows[0].id]);
    write(&*it.store, AccountWrite::EndSessions(bob.user, Some(rows[0].id))).await.unwrap();
    assert_eq!(ids(NOW, NOW).await, [rows[0].id]);
    write(&*it.store, AccountWrite::EndSessions(bob.user, None)).await.unwrap();
    assert_eq!(ids(NOW, NOW).await, []);
    assert!(it.store.session(digest(4), NOW, NOW).await.unwrap().is_some(), "somebody else's");
}

fn token(number: u8, organization: u8, owner: Option<&MemberRow>) -> TokenRow {
    TokenRow {
        id: TokenId::generate().unwrap(),
        digest: digest(number),
        display: "pct_abcd...".to_owned(),
        name: format!("token {number}"),
        organization: organization_id(organization),
        owner: owner.map(|it| it.user),
        owner_email: owner.map(|it| it.email.clone()),
        scopes: [Permission::KeysRead, Permission::AuditRead].into_iter().collect(),
        created_by: "somebody".to_owned(),
        created_at: NOW + u64::from(number),
        expires_at: (number == 2).then_some(NOW + 10),
        revoked_at: None,
        last_used: None,
    }
}

pub(super) async fn a_token_works_until_it_ends_or_its_owner_leaves(it: Fixture) {
    two_organizations(&*it.store).await;
    member(&*it.store, "ada", 1, Role::Owner).await;
    let bob = member(&*it.store, "bob", 1, Role::Member).await;
    let rows = [token(1, 1, None), token(2, 1, Some(&bob)), token(3, 2, None), token(4, 1, Some(&bob))];
    for row in &rows {
        write(&*it.store, AccountWrite::InsertToken(row.clone())).await.unwrap();
    }
    let works = async |number, now| it.store.token_by_digest(digest(number), now).await.unwrap();
    assert_eq!(works(1, NOW).await, Some(ActiveToken { row: rows[0].clone(), role: None }));
    assert_eq!(works(2, NOW + 9).await, Some(ActiveToken { row: rows[1].clone(), role: Some(Role::Member) }));
    assert_eq!((works(2, NOW + 10).await, works(9, NOW).await), (None, None));

    let one = Scope::Only(organization_id(1));
    for (scope, owner, expected) in [
        (Scope::All, None, vec![4, 3, 2, 1]),
        (one, None, vec![4, 2, 1]),
        (one, Some(bob.user), vec![4, 2]),
        (Scope::Only(organization_id(2)), Some(bob.user), vec![]),
    ] {
        let found = it.store.tokens(scope, owner, &ALL).await.unwrap();
        let found: Vec<_> = found.iter().map(|row| row.created_at - NOW).collect();
        assert_eq!(found, expected, "{scope:?} {owner:?}");
        for (number, row) in (1..).zip(&rows) {
            let one = it.store.token(scope, owner, row.id).await.unwrap();
            assert_eq!(one.as_ref(), expected.contains(&number).then_some(row), "{scope:?} {owner:?} {number}");
        }
    }
    let after = Some((rows[3].created_at, rows[3].id.to_string()));
    assert_eq!(it.store.tokens(one, None, &Slice { after, limit: 1 }).await.unwrap(), [rows[1].clone()]);

    for (time, expected) in [(NOW + 5, NOW + 5), (NOW + 3, NOW + 5)] {
        it.store.token_used(rows[0].id, time).await.unwrap();
        assert_eq!(it.store.token(one, None, rows[0].id).await.unwrap().unwrap().last_used, Some(expected));
    }
    write(&*it.store, AccountWrite::RevokeToken(rows[0].id, NOW)).await.unwrap();
    assert!(write(&*it.store, AccountWrite::RevokeToken(rows[0].id, NOW)).await.is_err(), "once");
    assert_eq!(works(1, NOW).await, None);
    write(&*it.store, AccountWrite::RemoveMember(bob, NOW + 1)).await.unwrap();
    assert_eq!(works(4, NOW).await, None);
    assert_eq!(it.store.token(one, None, rows[3].id).await.unwrap().unwrap().revoked_at, Some(NOW + 1));
    assert!(works(3, NOW).await.is_some());
}

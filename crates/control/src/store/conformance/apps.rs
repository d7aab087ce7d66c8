//! Apps, what people allow them, and that what is to be used once is.

use futures_util::future::join_all;
use portcullis_api::KeyKind;
use portcullis_engine::{KeyDigest, KeyId};

use super::Fixture;
use super::accounts::{ALL, join, people, put_account};
use super::rows::{NOW, change, key, key_id, organization_id, put, with};
use crate::access::Role;
use crate::caller::Scope;
use crate::id::AppId;
use crate::secret::{Purpose, Secret};
use crate::store::{
    AccountWrite, AppRow, AppWrite, Change, CodeRow, GrantRow, GrantsOf, KeyRow, RefreshRow, Slice, Store, StoreError,
    UserRow, Write,
};

fn app(organization: u8) -> AppRow {
    AppRow {
        id: AppId::generate().unwrap(),
        organization: organization_id(organization),
        name: "Ünï 'app'".to_owned(),
        secret: Some(Secret::generate(Purpose::Credential).unwrap().digest()),
        redirect_uris: vec!["https://a.example/cb?x='1'".to_owned(), "com.example.app:/cb".to_owned()],
        scopes: "skills:read skills:write".to_owned(),
        environments: vec!["live".to_owned()],
        everyone: false,
        created_by: "ada".to_owned(),
        created_at: NOW,
        revoked_at: None,
        last_used: None,
        revision: 0,
    }
}

async fn write(store: &dyn Store, write: AppWrite) {
    put(store, Write::App(write)).await;
}

async fn refused(store: &dyn Store, write: AppWrite) -> StoreError {
    store.write(&with(change(1), Write::App(write)), 0).await.unwrap_err()
}

async fn registered(store: &dyn Store, organization: u8) -> AppRow {
    let row = app(organization);
    write(store, AppWrite::Insert(row.clone())).await;
    row
}

fn code(app: &AppRow, user: &UserRow, organization: u8) -> CodeRow {
    CodeRow {
        digest: Secret::generate(Purpose::Code).unwrap().digest(),
        app: app.id,
        user: user.id,
        organization: organization_id(organization),
        environment: "live".to_owned(),
        scopes: "skills:read".to_owned(),
        redirect_uri: "https://a.example/cb".to_owned(),
        challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned(),
        expires_at: NOW + 60,
        used: None,
    }
}

fn refresh_token(grant: KeyId, at: u64) -> RefreshRow {
    let digest = Secret::generate(Purpose::Refresh).unwrap().digest();
    RefreshRow { digest, grant, created_at: at, expires_at: at + 100, used_at: None }
}

/// What redeeming a code writes.
fn redemption(code: &CodeRow, number: u16) -> (Change, GrantRow, RefreshRow) {
    let id = key_id(number);
    let row = key(number, 1);
    let (digest, organization) = (KeyDigest::of_token_key(id), code.organization);
    let row = KeyRow { kind: KeyKind::Grant, digest, organization, scopes: code.scopes.clone(), ..row };
    let grant = GrantRow {
        id,
        app: code.app,
        user: code.user,
        organization: code.organization,
        scopes: code.scopes.clone(),
        created_at: NOW + u64::from(number),
    };
    let refresh = refresh_token(id, NOW);
    let change = with(change(1), Write::InsertKey(row))
        .also(Write::App(AppWrite::Redeem(code.digest, grant.clone())))
        .also(Write::App(AppWrite::InsertRefresh(refresh.clone())));
    (change, grant, refresh)
}

async fn granted(store: &dyn Store, app: &AppRow, user: &UserRow, organization: u8, number: u16) -> RefreshRow {
    let code = code(app, user, organization);
    write(store, AppWrite::InsertCode(code.clone())).await;
    let (change, _, refresh) = redemption(&code, number);
    store.write(&change, 0).await.unwrap();
    refresh
}

async fn held(store: &dyn Store) -> Vec<KeyId> {
    let mut ids: Vec<_> = store.grants(Scope::All, None, &ALL).await.unwrap().iter().map(|it| it.row.id).collect();
    ids.sort_unstable();
    ids
}

pub(super) async fn apps_come_back_as_they_were_written(it: Fixture) {
    let store = &*it.store;
    let [_] = people(store).await;
    let (mine, theirs) = (registered(store, 1).await, registered(store, 2).await);
    for (scope, id, found) in [
        (Scope::All, mine.id, Some(&mine)),
        (Scope::Only(organization_id(1)), mine.id, Some(&mine)),
        (Scope::Only(organization_id(1)), theirs.id, None),
    ] {
        assert_eq!(store.app(scope, id).await.unwrap().as_ref(), found);
    }
    assert_eq!(store.apps(Scope::Only(organization_id(2)), &ALL).await.unwrap(), std::slice::from_ref(&theirs));
    let first = store.apps(Scope::All, &Slice { after: None, limit: 1 }).await.unwrap().remove(0);
    let after = Slice { after: Some((first.created_at, first.id.to_string())), limit: 9 };
    assert_eq!(store.apps(Scope::All, &after).await.unwrap().len(), 1);
    let public = AppRow { secret: None, everyone: true, revoked_at: Some(NOW), scopes: String::new(), ..mine.clone() };
    write(store, AppWrite::Replace(public.clone())).await;
    let again = AppRow { revision: 1, ..public };
    assert_eq!(store.app(Scope::All, mine.id).await.unwrap(), Some(again.clone()));
    assert!(matches!(refused(store, AppWrite::Replace(mine.clone())).await, StoreError::Conflict));
    for (now, expected) in [(NOW + 5, NOW + 5), (NOW + 1, NOW + 5)] {
        store.app_used(mine.id, now).await.unwrap();
        assert_eq!(store.app(Scope::All, mine.id).await.unwrap().unwrap().last_used, Some(expected));
    }
}

pub(super) async fn of_many_who_redeem_a_code_one_has_a_grant(it: Fixture) {
    let store = &*it.store;
    let [ada] = people(store).await;
    join(store, &ada, 1, Role::Owner, NOW).await;
    let app = registered(store, 1).await;
    let code = code(&app, &ada, 1);
    write(store, AppWrite::InsertCode(code.clone())).await;
    assert_eq!(store.code(code.digest).await.unwrap(), Some(code.clone()));
    let all: Vec<_> = (1..=8).map(|number| redemption(&code, number).0).collect();
    let written = join_all(all.iter().map(|change| store.write(change, 0))).await;
    let refused: Vec<_> = written.iter().filter_map(|it| it.as_ref().err()).collect();
    assert!(refused.len() == 7 && refused.iter().all(|it| matches!(it, StoreError::Conflict)), "{written:?}");
    let held = held(store).await;
    let used = store.code(code.digest).await.unwrap().unwrap().used.unwrap();
    assert_eq!(held, [used.1]);
    assert_eq!(store.changes(0, 0).await.unwrap().keys.len(), 1, "nothing of the others is left");
    let found = store.grant(Scope::Only(organization_id(1)), Some(ada.id), used.1).await.unwrap().unwrap();
    assert_eq!((found.app_name, found.email, found.held), (app.name.clone(), ada.email.clone(), code.scopes.clone()));
    assert!(store.grant(Scope::Only(organization_id(2)), None, used.1).await.unwrap().is_none());
}

pub(super) async fn of_many_who_use_a_refresh_token_one_does(it: Fixture) {
    let store = &*it.store;
    let [ada] = people(store).await;
    join(store, &ada, 1, Role::Owner, NOW).await;
    let app = registered(store, 1).await;
    let first = granted(store, &app, &ada, 1, 1).await;
    let nexts: Vec<_> = (0..8).map(|_| refresh_token(first.grant, NOW + 1)).collect();
    let used = join_all(nexts.iter().map(|next| store.refresh(first.digest, next))).await;
    assert_eq!(used.iter().filter(|it| *it.as_ref().unwrap()).count(), 1, "{used:?}");
    assert_eq!(store.refresh_token(first.digest).await.unwrap().unwrap().used_at, Some(NOW + 1));
    let (mut next, mut stored) = (None, 0);
    for row in &nexts {
        let found = store.refresh_token(row.digest).await.unwrap();
        stored += usize::from(found.is_some());
        next = next.or(found);
    }
    assert_eq!(stored, 1);
    let next = next.unwrap();
    let late = refresh_token(first.grant, NOW + 200);
    assert!(!store.refresh(next.digest, &late).await.unwrap(), "it is over by then");
    write(store, AppWrite::EndGrants(GrantsOf::Grant(first.grant), NOW + 2)).await;
    assert!(!store.refresh(next.digest, &refresh_token(first.grant, NOW + 3)).await.unwrap(), "the grant is revoked");
}

pub(super) async fn grants_end_together(it: Fixture) {
    let store = &*it.store;
    let [ada, bob] = people(store).await;
    for (user, organization) in [(&ada, 1), (&ada, 2), (&bob, 1)] {
        join(store, user, organization, Role::Owner, NOW).await;
    }
    let (one, two) = (registered(store, 1).await, registered(store, 2).await);
    let mut number = 0;
    for (of, expected, codes) in [
        (GrantsOf::App(one.id), vec![false, false, true, false], 1),
        (GrantsOf::Member(organization_id(1), ada.id), vec![false, true, true, true], 3),
        (GrantsOf::User(ada.id), vec![false, false, false, true], 1),
    ] {
        let mut made = Vec::new();
        let mut open = Vec::new();
        for (app, user, organization) in [(&one, &ada, 1), (&one, &ada, 2), (&two, &ada, 2), (&one, &bob, 1)] {
            number += 1;
            made.push(granted(store, app, user, organization, number).await.grant);
            let code = code(app, user, organization);
            write(store, AppWrite::InsertCode(code.clone())).await;
            open.push(code.digest);
        }
        let before = store.version().await.unwrap();
        let there_are = refused(store, AppWrite::NoGrants(of)).await;
        assert!(matches!(there_are, StoreError::Conflict), "{of:?}: {there_are:?}");
        write(store, AppWrite::EndGrants(of, NOW + 1)).await;
        write(store, AppWrite::NoGrants(of)).await;
        let held = held(store).await;
        let lives: Vec<_> = made.iter().map(|id| held.contains(id)).collect();
        assert_eq!(lives, expected, "{of:?}");
        let told = store.changes(before, 0).await.unwrap().keys;
        assert_eq!(told.len(), expected.iter().filter(|it| !**it).count(), "edges hear of it: {of:?}");
        assert!(told.iter().all(|it| it.revoked_at == Some(NOW + 1)));
        let mut left = 0;
        for digest in open {
            left += usize::from(store.code(digest).await.unwrap().is_some());
        }
        assert_eq!(left, codes, "{of:?}");
        for id in held {
            let end = AppWrite::EndGrants(GrantsOf::Grant(id), NOW + 2);
            write(store, end.clone()).await;
            assert!(matches!(refused(store, end).await, StoreError::Conflict), "once");
        }
        it.sql("DELETE FROM authorization_codes").await.unwrap();
    }
}

pub(super) async fn whoever_left_allows_nothing_nor_does_a_revoked_app_get_it(it: Fixture) {
    let store = &*it.store;
    let [ada, bob] = people(store).await;
    let row = join(store, &ada, 1, Role::Member, NOW).await;
    join(store, &bob, 1, Role::Owner, NOW).await;
    let app = registered(store, 1).await;
    let (before, later) = (code(&app, &ada, 1), code(&app, &bob, 1));
    for code in [&before, &later] {
        write(store, AppWrite::InsertCode(code.clone())).await;
    }
    put_account(store, AccountWrite::RemoveMember(row, NOW + 1)).await;
    let late = refused(store, AppWrite::InsertCode(code(&app, &ada, 1))).await;
    assert!(matches!(late, StoreError::Conflict), "{late:?}");
    write(store, AppWrite::Replace(AppRow { revoked_at: Some(NOW + 1), ..app.clone() })).await;
    let late = refused(store, AppWrite::InsertCode(code(&app, &bob, 1))).await;
    assert!(matches!(late, StoreError::Conflict), "{late:?}");
    for (number, code) in [(1, before), (2, later)] {
        let late = store.write(&redemption(&code, number).0, 0).await.unwrap_err();
        assert!(matches!(late, StoreError::Conflict), "{late:?}");
    }
    assert_eq!((held(store).await, store.changes(0, 0).await.unwrap().keys.len()), (Vec::new(), 0));
}

pub(super) async fn what_is_over_is_forgotten(it: Fixture) {
    let store = &*it.store;
    let [ada] = people(store).await;
    join(store, &ada, 1, Role::Owner, NOW).await;
    let app = registered(store, 1).await;
    let (late, refresh) = (code(&app, &ada, 1), granted(store, &app, &ada, 1, 1).await);
    write(store, AppWrite::InsertCode(late.clone())).await;
    let too_late = store.write(&redemption(&CodeRow { expires_at: 0, ..late.clone() }, 70).0, 0).await.unwrap_err();
    assert!(matches!(too_late, StoreError::Conflict), "a code is nothing after a minute: {too_late:?}");
    for (before, codes, tokens) in [(NOW + 60, true, true), (NOW + 61, false, true), (NOW + 101, false, false)] {
        store.forget_redeemed(before).await.unwrap();
        let left = (
            store.code(late.digest).await.unwrap().is_some(),
            store.refresh_token(refresh.digest).await.unwrap().is_some(),
        );
        assert_eq!(left, (codes, tokens), "{before}");
    }
}

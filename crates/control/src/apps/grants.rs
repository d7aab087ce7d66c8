//! Grants as people see and revoke them, and when they end by themselves.
//!
//! Invariant: whoever leaves an organisation, or may make no keys there any more, has allowed nothing there.

use portcullis_api as api;
use portcullis_api::Page;
use portcullis_api::apps::ListGrants;
use portcullis_api::keys::KeyStatus;
use portcullis_engine::{KeyId, OrganizationId};
use serde_json::json;

use crate::access::Permission::{KeysRead, KeysWrite};
use crate::access::Role;
use crate::accounts::pages;
use crate::app::{App, Committed};
use crate::caller::{Caller, Scope};
use crate::clock::to_rfc3339;
use crate::error::Error;
use crate::id::UserId;
use crate::organizations;
use crate::store::{Action, AppWrite, Change, GrantsOf, ShownGrant, Slice, StoreError, Target, Write};

/// One page of what was allowed and not revoked, newest first: every grant in sight of an admin, their own in that of
/// anybody else.
pub(crate) async fn list_grants(app: &App, by: &Caller, query: &ListGrants) -> Result<Page<api::Grant>, Error> {
    by.require(KeysRead)?;
    let scope = organizations::narrow(by, query.organization.as_deref())?;
    let (slice, now) = (pages::slice(query.limit, query.cursor.as_deref())?, app.clock.seconds());
    let own = by.user().filter(|_| query.own == Some(true));
    let rows = app.store.grants(scope, own.or_else(|| by.sees_grants_of()), &slice).await?;
    Ok(pages::page(rows, &slice, |it| (it.row.created_at, it.row.id.to_string()), |it| shown(it, now)))
}

/// One grant.
pub(crate) async fn grant(app: &App, by: &Caller, id: &str) -> Result<api::Grant, Error> {
    by.require(KeysRead)?;
    Ok(shown(find(app, by, id).await?, app.clock.seconds()))
}

/// Revokes a grant for good: edges take none of its access tokens any more, and its refresh tokens are nothing. Revoking it
/// again changes nothing.
pub(crate) async fn revoke_grant(app: &App, by: &Caller, id: &str) -> Result<Committed<api::Grant>, Error> {
    by.require(KeysWrite)?;
    app.change(async || {
        let (mut found, now) = (find(app, by, id).await?, app.clock.seconds());
        if found.revoked_at.is_some() {
            let version = app.store.version().await?;
            return app.published(version, shown(found, now)).await;
        }
        let change = ending(Change::new(by, app.clock.millis()), &found, Action::GrantRevoked, now);
        found.revoked_at = Some(now);
        app.commit(change, shown(found, now)).await
    })
    .await
}

/// Ends a grant; nothing if it ended before. Edges may hear of it later.
pub(super) async fn end(app: &App, by: &Caller, found: &ShownGrant, action: Action) -> Result<(), Error> {
    let change = ending(Change::new(by, app.clock.millis()), found, action, app.clock.seconds());
    match app.commit(change, ()).await {
        Err(Error::NotPublished(_) | Error::Store(StoreError::Conflict)) => Ok(()),
        done => done.map(drop),
    }
}

/// A grant's end, and what the log says of it.
fn ending(change: Change, found: &ShownGrant, action: Action, now: u64) -> Change {
    let target = Target::new("grant", found.row.id, &found.app_name);
    let write = Write::App(AppWrite::EndGrants(GrantsOf::Grant(found.row.id), now));
    let detail = [("app", json!(found.row.app.to_string())), ("user", json!(found.email))];
    change.add(write, found.row.organization, action, target).detail(detail)
}

/// Stores that somebody is a member no more, or is something else from now on, and with it that what they allowed there ends,
/// if they may not go on allowing it. Refused with [`StoreError::Conflict`] if they just allowed something.
pub(crate) async fn record_standing(
    app: &App,
    change: Change,
    organization: OrganizationId,
    user: UserId,
    role: Option<Role>,
) -> Result<(), Error> {
    let may = role.is_some_and(|it| it.permissions(organization == app.default_organization).has(KeysWrite));
    if may { app.record(change).await } else { without(app, change, GrantsOf::Member(organization, user)).await }
}

/// The same of a person, wherever they allowed something.
pub(crate) async fn record_without(app: &App, change: Change, user: UserId) -> Result<(), Error> {
    without(app, change, GrantsOf::User(user)).await
}

/// Stores a change, and that these end; waits for the edges only if there are some, or they have to know of the change.
async fn without(app: &App, change: Change, of: GrantsOf) -> Result<(), Error> {
    let (scope, user) = match of {
        GrantsOf::Member(organization, user) => (Scope::Only(organization), Some(user)),
        GrantsOf::User(user) => (Scope::All, Some(user)),
        GrantsOf::Grant(_) | GrantsOf::App(_) => (Scope::All, None),
    };
    let grants = app.store.grants(scope, user, &Slice { after: None, limit: u32::MAX }).await?;
    if grants.is_empty() {
        let change = change.also(Write::App(AppWrite::NoGrants(of)));
        return match change.writes.iter().any(Write::changes_bundle) {
            true => app.commit(change, ()).await.map(drop),
            false => app.record(change).await,
        };
    }
    let change = grants.iter().fold(change, |change, it| {
        let target = Target::new("grant", it.row.id, &it.app_name);
        change.note(it.row.organization, Action::GrantRevoked, target)
    });
    let end = Write::App(AppWrite::EndGrants(of, app.clock.seconds()));
    app.commit(change.also(end), ()).await.map(drop)
}

async fn find(app: &App, by: &Caller, id: &str) -> Result<ShownGrant, Error> {
    let id: KeyId = id.parse().map_err(|_| Error::NotFound("grant"))?;
    app.store.grant(by.scope, by.sees_grants_of(), id).await?.ok_or(Error::NotFound("grant"))
}

fn shown(found: ShownGrant, now: u64) -> api::Grant {
    api::Grant {
        id: found.row.id.to_string(),
        app: found.row.app.to_string(),
        app_name: found.app_name,
        user: found.row.user.to_string(),
        email: found.email,
        organization: found.row.organization.to_string(),
        environment: found.environment,
        scopes: found.row.scopes.split_ascii_whitespace().map(str::to_owned).collect(),
        status: match (found.revoked_at, found.enabled, found.expires_at) {
            (Some(_), ..) => KeyStatus::Revoked,
            (None, false, _) => KeyStatus::Disabled,
            (None, true, Some(expiry)) if expiry <= now => KeyStatus::Expired,
            (None, true, _) => KeyStatus::Active,
        },
        created_at: to_rfc3339(found.row.created_at),
        expires_at: found.expires_at.map(to_rfc3339),
        revoked_at: found.revoked_at.map(to_rfc3339),
        last_used: found.last_used.map(to_rfc3339),
    }
}

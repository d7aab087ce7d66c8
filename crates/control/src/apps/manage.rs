//! Registering, changing and revoking apps.
//!
//! All of it takes the right to manage the organisation. Invariant: an app's secret is in the answer to whoever registers
//! it or asks for another, and in no other.

use portcullis_api as api;
use portcullis_api::apps::ListApps;
use portcullis_api::{CreateApp, CreatedApp, Page, UpdateApp};
use serde_json::json;

use super::fields::{environments, everyone, redirect_uris, scopes, shown};
use crate::access::Permission::OrganizationsWrite;
use crate::access_tokens;
use crate::accounts::pages;
use crate::app::{App, Committed};
use crate::caller::{Caller, Scope};
use crate::error::Error;
use crate::id::AppId;
use crate::keys;
use crate::organizations;
use crate::secret::{Purpose, Secret};
use crate::store::{Action, AppRow, AppWrite, Change, GrantsOf, Slice, Target, Write};

/// An organisation registers no more.
const MOST: u32 = 100;

/// Registers an app. Its secret is in this answer and nowhere else.
pub(crate) async fn create(app: &App, by: &Caller, request: &CreateApp) -> Result<CreatedApp, Error> {
    by.require(OrganizationsWrite)?;
    let organization = organizations::resolve(app, by, request.organization.as_deref()).await?;
    let policy = app.policy();
    access_tokens::required(&policy, "", "an app")?;
    let secret = if request.public { None } else { Some(Secret::generate(Purpose::Credential)?) };
    let row = AppRow {
        id: AppId::generate()?,
        organization,
        name: keys::name(&policy, &request.name)?,
        secret: secret.as_ref().map(Secret::digest),
        redirect_uris: redirect_uris(app, &request.redirect_uris)?,
        scopes: scopes(&policy, &request.scopes)?,
        environments: environments(&policy, request.environments.as_deref())?,
        everyone: everyone(app, by, request.everyone)?,
        created_by: by.name().to_owned(),
        created_at: app.clock.seconds(),
        revoked_at: None,
        last_used: None,
        revision: 0,
    };
    let others = app.store.apps(Scope::Only(organization), &Slice { after: None, limit: MOST }).await?;
    if others.len() >= usize::try_from(MOST).unwrap_or(usize::MAX) {
        let detail = format!("an organisation registers at most {MOST} apps: change one that is there");
        return Err(Error::invalid("/organization", detail));
    }
    let record = shown(&row);
    let change = change(app, by, &row, Action::AppCreated, AppWrite::Insert(row.clone()));
    app.record(told(change, &record)).await?;
    Ok(CreatedApp { record, secret: secret.map(|it| api::Secret::new(it.expose())) })
}

/// One page of apps, newest first.
pub(crate) async fn list(app: &App, by: &Caller, query: &ListApps) -> Result<Page<api::App>, Error> {
    by.require(OrganizationsWrite)?;
    let scope = organizations::narrow(by, query.organization.as_deref())?;
    let slice = pages::slice(query.limit, query.cursor.as_deref())?;
    let rows = app.store.apps(scope, &slice).await?;
    Ok(pages::page(rows, &slice, |row| (row.created_at, row.id.to_string()), |row| shown(&row)))
}

/// One app.
pub(crate) async fn show(app: &App, by: &Caller, id: &str) -> Result<api::App, Error> {
    Ok(shown(&find(app, by, id).await?))
}

/// Changes what may change in an app's life.
pub(crate) async fn update(app: &App, by: &Caller, id: &str, request: &UpdateApp) -> Result<api::App, Error> {
    app.change(async || {
        let from = find(app, by, id).await?;
        by.still_sees(&shown(&from))?;
        let to = changed(app, by, unrevoked(from.clone())?, request)?;
        let record = shown(&to);
        if from == to {
            return Ok(record);
        }
        let change = change(app, by, &to, Action::AppUpdated, AppWrite::Replace(to.clone()));
        app.record(told(change, &record)).await?;
        Ok(record)
    })
    .await
}

fn changed(app: &App, by: &Caller, mut row: AppRow, request: &UpdateApp) -> Result<AppRow, Error> {
    let policy = app.policy();
    if let Some(text) = keys::given("/name", &request.name)? {
        row.name = keys::name(&policy, text)?;
    }
    if let Some(list) = keys::given("/redirect_uris", &request.redirect_uris)? {
        row.redirect_uris = redirect_uris(app, list)?;
    }
    if let Some(list) = keys::given("/scopes", &request.scopes)? {
        row.scopes = scopes(&policy, list)?;
    }
    if let Some(list) = keys::given("/environments", &request.environments)? {
        row.environments = environments(&policy, Some(list))?;
    }
    if let Some(is_wanted) = keys::given("/everyone", &request.everyone)? {
        row.everyone = everyone(app, by, *is_wanted)?;
    }
    Ok(row)
}

/// Gives an app another secret; the one before ends at once.
pub(crate) async fn rotate(app: &App, by: &Caller, id: &str) -> Result<CreatedApp, Error> {
    let secret = Secret::generate(Purpose::Credential)?;
    app.change(async || {
        let row = unrevoked(find(app, by, id).await?)?;
        by.still_sees(&shown(&row))?;
        if row.secret.is_none() {
            return Err(Error::invalid("", "a public app has no secret: register another app that is not public"));
        }
        let row = AppRow { secret: Some(secret.digest()), ..row };
        let record = shown(&row);
        app.record(change(app, by, &row, Action::AppSecretRotated, AppWrite::Replace(row.clone()))).await?;
        Ok(CreatedApp { record, secret: Some(api::Secret::new(secret.expose())) })
    })
    .await
}

/// Revokes an app for good, and with it all that anybody allowed it: edges take none of its access tokens any more.
/// Revoking it again changes nothing.
pub(crate) async fn revoke(app: &App, by: &Caller, id: &str) -> Result<Committed<api::App>, Error> {
    app.change(async || {
        let mut row = find(app, by, id).await?;
        by.still_sees(&shown(&row))?;
        if row.revoked_at.is_some() {
            let version = app.store.version().await?;
            return app.published(version, shown(&row)).await;
        }
        let now = app.clock.seconds();
        row.revoked_at = Some(now);
        let record = shown(&row);
        let (id, end) = (row.id, |of| Write::App(AppWrite::EndGrants(of, now)));
        let change = change(app, by, &row, Action::AppRevoked, AppWrite::Replace(row.clone()));
        app.commit(change.also(end(GrantsOf::App(id))), record).await
    })
    .await
}

async fn find(app: &App, by: &Caller, id: &str) -> Result<AppRow, Error> {
    by.require(OrganizationsWrite)?;
    let id: AppId = id.parse().map_err(|_| Error::NotFound("app"))?;
    app.store.app(by.scope, id).await?.ok_or(Error::NotFound("app"))
}

fn unrevoked(row: AppRow) -> Result<AppRow, Error> {
    match row.revoked_at {
        None => Ok(row),
        Some(_) => Err(Error::invalid("", "the app is revoked for good: register another")),
    }
}

/// Something done to an app, and what the log says of it.
fn change(app: &App, by: &Caller, row: &AppRow, action: Action, write: AppWrite) -> Change {
    let target = Target::new("app", row.id, &row.name);
    Change::new(by, app.clock.millis()).add(Write::App(write), row.organization, action, target)
}

fn told(change: Change, record: &api::App) -> Change {
    change.detail([
        ("redirect_uris", json!(record.redirect_uris)),
        ("scopes", json!(record.scopes)),
        ("environments", json!(record.environments)),
        ("public", json!(record.public)),
        ("everyone", json!(record.everyone)),
    ])
}

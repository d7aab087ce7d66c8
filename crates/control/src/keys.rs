//! The life of a key: created, shown, restricted, tried, rotated, revoked. Every front end comes through here.
//!
//! It speaks no HTTP and no SQL. Invariants: a key's text exists only in the value that `create`, `create_batch` and
//! `rotate` return; a revoked key never works again; rotation never makes a key work longer than it would have.

mod attention;
mod creation;
mod credentials;
mod directory;
mod fields;
mod history;
mod import;
mod life;
mod listing;
mod material;
mod metadata;
mod question;
mod restrictions;
mod rotation;
mod trial;
mod view;

use portcullis_api::{Key, KeyKind, KeyStatus, Patch, UpdateKey};
use portcullis_engine::KeyId;

use crate::access::Permission::{KeysRead, KeysWrite};
use crate::app::{App, Committed};
use crate::caller::Caller;
use crate::error::Error;
use crate::skills;
use crate::store::{Action, Change, KeyRow, Target, Write};

pub(crate) use attention::attention;
pub(crate) use creation::{create, create_batch, create_once};
pub(crate) use directory::Directory;
pub(crate) use fields::{GRANT_DAYS, email, given, known_environment, misleads, name, no_secret, scopes};
pub(crate) use import::{import, import_csv};
pub(crate) use listing::{find, list, list_unrevoked, names};
pub(crate) use material::stand_in;
pub(crate) use rotation::{predecessor, rotate};
pub(crate) use trial::{end_trial, enforce_trial, start_trial};
pub(crate) use view::{key, status};

/// So many keys are made or imported at once, at most.
const MAX_BATCH: usize = 1000;

/// One key.
pub(crate) async fn show(app: &App, by: &Caller, id: &str) -> Result<Key, Error> {
    by.require(KeysRead)?;
    Ok(key(row(app, by, id).await?, app.clock.seconds()))
}

/// A key that the caller is about to change.
pub(crate) async fn editable(app: &App, by: &Caller, id: &str) -> Result<Key, Error> {
    by.require(KeysWrite)?;
    Ok(key(unrevoked(app, by, id).await?, app.clock.seconds()))
}

/// Changes what may change in a key's life.
pub(crate) async fn update(app: &App, by: &Caller, id: &str, request: &UpdateKey) -> Result<Committed<Key>, Error> {
    by.require(KeysWrite)?;
    app.change(async || {
        let before = changeable(found(app, by, id).await?)?;
        let mut row = before.clone();
        fields::apply(&app.policy(), request, &mut row)?;
        match &request.skill {
            Patch::Keep if *request == disabling() => {}
            Patch::Keep => skills::may_use(app, by, &before).await?,
            Patch::Clear => row.skill = None,
            Patch::Set(named) => row.skill = Some(skills::usable(app, by, row.organization, named).await?),
        }
        by.still_sees(&key(before.clone(), app.clock.seconds()))?;
        let (action, detail) = history::of_update(&before, &row);
        let shown = key(row.clone(), app.clock.seconds());
        app.commit(replacement(app, by, row, action).detail(detail), shown).await
    })
    .await
}

/// What anybody may do to a key, whosever skill it belongs to.
fn disabling() -> UpdateKey {
    UpdateKey { enabled: Patch::Set(false), ..UpdateKey::default() }
}

/// Revokes a key for good. The record stays; revoking it again changes nothing.
pub(crate) async fn revoke(app: &App, by: &Caller, id: &str) -> Result<Committed<Key>, Error> {
    by.require(KeysWrite)?;
    app.change(async || {
        let mut row = row(app, by, id).await?;
        let now = app.clock.seconds();
        if row.revoked_at.is_some() {
            return app.published(row.changed_in, key(row, now)).await;
        }
        row.revoked_at = Some(now);
        let shown = key(row.clone(), now);
        app.commit(replacement(app, by, row, Action::KeyRevoked), shown).await
    })
    .await
}

/// One that the caller sees, and that is as they read it.
pub(crate) async fn row(app: &App, by: &Caller, id: &str) -> Result<KeyRow, Error> {
    let row = found(app, by, id).await?;
    by.still_sees(&key(row.clone(), app.clock.seconds()))?;
    Ok(row)
}

/// One that the caller sees.
async fn found(app: &App, by: &Caller, id: &str) -> Result<KeyRow, Error> {
    let id: KeyId = id.parse().map_err(|_| Error::NotFound("key"))?;
    let row = app.store.key(by.scope, id).await?.ok_or(Error::NotFound("key"))?;
    // A grant is no less somebody's own for being a key as well.
    if let (KeyKind::Grant, Some(user)) = (row.kind, by.sees_grants_of()) {
        app.store.grant(by.scope, Some(user), id).await?.ok_or(Error::NotFound("key"))?;
    }
    Ok(row)
}

/// One that can still be changed.
async fn unrevoked(app: &App, by: &Caller, id: &str) -> Result<KeyRow, Error> {
    changeable(row(app, by, id).await?)
}

fn changeable(row: KeyRow) -> Result<KeyRow, Error> {
    match row.revoked_at {
        None => Ok(row),
        Some(_) => Err(Error::KeyState { status: KeyStatus::Revoked, hint: "a revoked key cannot be changed" }),
    }
}

/// A number of keys that can be made at once.
fn check_count(count: usize) -> Result<(), Error> {
    if (1..=MAX_BATCH).contains(&count) {
        return Ok(());
    }
    Err(Error::invalid("/keys", format!("expected 1 to {MAX_BATCH} keys, got {count}")))
}

/// A key's new state, and what the log says of it.
fn replacement(app: &App, by: &Caller, row: KeyRow, action: Action) -> Change {
    let (organization, target) = (row.organization, Target::new("key", row.id, &row.name));
    Change::new(by, app.clock.millis()).add(Write::ReplaceKey(row), organization, action, target)
}

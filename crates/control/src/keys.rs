//! The life of a key: created, shown, restricted, rotated, revoked. Every front end comes through here.
//!
//! It speaks no HTTP and no SQL. Invariants: a key's text exists only in the value that `create`, `create_batch` and
//! `rotate` return; a revoked key never works again; rotation never makes a key work longer than it would have.

mod fields;
mod history;
mod material;
mod view;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use portcullis_api::keys::{CreateKeys, ListKeys};
use portcullis_api::payments::ApiKeyEntry;
use portcullis_api::{ApiKey, CreateKey, CreatedKey, Key, KeyList, KeyStatus, RotateKey, UpdateKey};
use portcullis_engine::spec::KeyFormatSpec;
use portcullis_engine::{KeyId, OrganizationId};

use crate::access::Permission::{KeysRead, KeysWrite};
use crate::app::{App, Committed};
use crate::caller::Caller;
use crate::clock::MAX_TIME;
use crate::error::Error;
use crate::organizations;
use crate::policy::PolicyRoom;
use crate::random;
use crate::store::{Action, Change, KeyFilter, KeyRow, Target, Write};

pub(crate) use fields::{email, given, name};
use material::KeyMaterial;
pub(crate) use view::{key, status};

const MAX_BATCH: usize = 1000;

/// A key's row and its text, before both go their own ways.
struct Made {
    row: KeyRow,
    text: ApiKey,
}

/// Makes a key.
pub(crate) async fn create(app: &App, by: &Caller, request: CreateKey) -> Result<Committed<CreatedKey>, Error> {
    by.require(KeysWrite)?;
    let organization = organizations::resolve(app, by, request.organization.as_deref()).await?;
    let policy = app.policy();
    let made = make(app, by, &policy, request, organization)?;
    app.ready().await?;
    let issued = app.issue(made.insertion(app, by), ()).await?;
    Ok(issued.map(|(), published| made.into_answer(app, &policy, published)))
}

/// Makes many keys: all or none.
pub(crate) async fn create_batch(
    app: &App,
    by: &Caller,
    request: CreateKeys,
) -> Result<Committed<Vec<CreatedKey>>, Error> {
    by.require(KeysWrite)?;
    if request.keys.is_empty() || request.keys.len() > MAX_BATCH {
        return Err(Error::invalid("/keys", format!("expected 1 to {MAX_BATCH} keys, got {}", request.keys.len())));
    }
    let policy = app.policy();
    let mut made = Vec::with_capacity(request.keys.len());
    let mut named = HashMap::new();
    for (index, key) in request.keys.into_iter().enumerate() {
        let at = |error: Error| error.within(&format!("/keys/{index}"));
        let organization = match named.entry(key.organization.clone()) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                *new.insert(organizations::resolve(app, by, key.organization.as_deref()).await.map_err(at)?)
            }
        };
        made.push(make(app, by, &policy, key, organization).map_err(at)?);
    }
    let change = Change::new(by, app.clock.millis());
    let change = made.iter().fold(change, |change, it| change.and(it.insertion(app, by)));
    app.ready().await?;
    let issued = app.issue(change, ()).await?;
    Ok(issued.map(|(), published| made.into_iter().map(|it| it.into_answer(app, &policy, published)).collect()))
}

/// One page of keys.
pub(crate) async fn list(app: &App, by: &Caller, query: ListKeys) -> Result<KeyList, Error> {
    by.require(KeysRead)?;
    let now = app.clock.seconds();
    let filter = fields::filter(by, &query, now)?;
    let page = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let mut rows = app.store.keys(&KeyFilter { limit: filter.limit + 1, ..filter }).await?;
    let more = rows.len() > page;
    rows.truncate(page);
    let next_cursor = rows.last().filter(|_| more).map(fields::cursor_after);
    Ok(KeyList { data: rows.into_iter().map(|row| key(row, now)).collect(), next_cursor })
}

/// Every key that is not revoked, newest first.
pub(crate) async fn list_unrevoked(app: &App, by: &Caller) -> Result<Vec<ApiKeyEntry>, Error> {
    by.require(KeysRead)?;
    Ok(app.store.unrevoked_keys(by.scope).await?.into_iter().map(view::entry).collect())
}

/// One key.
pub(crate) async fn show(app: &App, by: &Caller, id: &str) -> Result<Key, Error> {
    by.require(KeysRead)?;
    Ok(key(find(app, by, id).await?, app.clock.seconds()))
}

/// Changes what may change in a key's life.
pub(crate) async fn update(app: &App, by: &Caller, id: &str, request: &UpdateKey) -> Result<Committed<Key>, Error> {
    by.require(KeysWrite)?;
    app.change(async || {
        let mut row = find(app, by, id).await?;
        if row.revoked_at.is_some() {
            return Err(Error::KeyState { status: KeyStatus::Revoked, hint: "a revoked key cannot be changed" });
        }
        let before = row.clone();
        fields::apply(&app.policy(), request, &mut row)?;
        let (action, detail) = history::of_update(&before, &row);
        let shown = key(row.clone(), app.clock.seconds());
        app.commit(replacement(app, by, row, action).detail(detail), shown).await
    })
    .await
}

/// Makes a key like that one, which then works for `overlap_seconds` more and never longer than it would have.
///
/// Once only: by then its expiry is that of the overlap, which no successor should have.
pub(crate) async fn rotate(
    app: &App,
    by: &Caller,
    id: &str,
    request: &RotateKey,
) -> Result<Committed<CreatedKey>, Error> {
    by.require(KeysWrite)?;
    app.ready().await?;
    app.change(async || {
        let mut old = find(app, by, id).await?;
        let (now, policy) = (app.clock.seconds(), app.policy());
        let made = successor(&policy, &old, now)?;
        let end = now.saturating_add(u64::from(request.overlap_seconds)).min(MAX_TIME);
        old.expires_at = Some(old.expires_at.map_or(end, |expiry| expiry.min(end)));
        old.successor = Some(made.row.id);
        let detail = history::of_rotation(&old, &made.row);
        let change = replacement(app, by, old, Action::KeyRotated).detail(detail).and(made.insertion(app, by));
        let issued = app.issue(change, ()).await?;
        Ok(issued.map(|(), published| made.into_answer(app, &policy, published)))
    })
    .await
}

/// Revokes a key for good. The record stays; revoking it again changes nothing.
pub(crate) async fn revoke(app: &App, by: &Caller, id: &str) -> Result<Committed<Key>, Error> {
    by.require(KeysWrite)?;
    app.change(async || {
        let mut row = find(app, by, id).await?;
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

async fn find(app: &App, by: &Caller, id: &str) -> Result<KeyRow, Error> {
    let id: KeyId = id.parse().map_err(|_| Error::NotFound("key"))?;
    app.store.key(by.scope, id).await?.ok_or(Error::NotFound("key"))
}

/// A key's new state, and what the log says of it.
fn replacement(app: &App, by: &Caller, row: KeyRow, action: Action) -> Change {
    let (organization, target) = (row.organization, Target::new("key", row.id, &row.name));
    Change::new(by, app.clock.millis()).add(Write::ReplaceKey(row), organization, action, target)
}

fn make(
    app: &App,
    by: &Caller,
    policy: &PolicyRoom,
    request: CreateKey,
    organization: OrganizationId,
) -> Result<Made, Error> {
    let format = fields::environment(policy, &request.environment)?;
    let now = app.clock.seconds();
    let created_by = request.created_by.as_deref().or(by.email());
    let row = |material: &KeyMaterial| -> Result<KeyRow, Error> {
        Ok(KeyRow {
            id: random::key_id()?,
            digest: material.digest,
            name: fields::name(policy, &request.name)?,
            display: material.display.clone(),
            prefix: format.prefix.clone(),
            environment: format.environment.clone(),
            organization,
            scopes: fields::scopes(policy, &request.scopes)?,
            restrictions: {
                let sent = request.restrictions.as_ref();
                sent.map(|it| fields::restrictions(policy, it)).transpose()?.flatten()
            },
            enabled: true,
            created_by: created_by.map(|it| fields::email(policy, "/created_by", it)).transpose()?,
            created_at: now,
            created_in: 0,
            expires_at: request.expires_at.as_deref().map(|it| fields::expires_later(now, it)).transpose()?,
            revoked_at: None,
            last_used: None,
            successor: None,
            changed_in: 0,
        })
    };
    Made::new(format, row)
}

/// A new key with everything that the old one has: prefix, environment, scopes, restrictions, organisation, expiry.
fn successor(policy: &PolicyRoom, old: &KeyRow, now: u64) -> Result<Made, Error> {
    if let (Some(successor), None) = (old.successor, old.revoked_at) {
        return Err(Error::Rotated(successor));
    }
    match status(old, now) {
        KeyStatus::Active => {}
        status => {
            return Err(Error::KeyState { status, hint: "only a key that works can be rotated; create a new one" });
        }
    }
    let format = policy.format_with(&old.prefix).ok_or(Error::KeyState {
        status: KeyStatus::Active,
        hint: "but the policy has no format with its prefix any more; create a new one",
    })?;
    Made::new(format, |material| {
        Ok(KeyRow {
            id: random::key_id()?,
            digest: material.digest,
            display: material.display.clone(),
            created_at: now,
            created_in: 0,
            last_used: None,
            successor: None,
            changed_in: 0,
            ..old.clone()
        })
    })
}

impl Made {
    fn new(format: &KeyFormatSpec, row: impl FnOnce(&KeyMaterial) -> Result<KeyRow, Error>) -> Result<Self, Error> {
        let material = KeyMaterial::generate(format)?;
        Ok(Self { row: row(&material)?, text: material.text })
    }

    /// Storing it, and what the log says of it.
    fn insertion(&self, app: &App, by: &Caller) -> Change {
        let target = Target::new("key", self.row.id, &self.row.name);
        Change::new(by, app.clock.millis())
            .add(Write::InsertKey(self.row.clone()), self.row.organization, Action::KeyCreated, target)
            .detail(history::of_creation(&self.row))
    }

    fn into_answer(self, app: &App, policy: &PolicyRoom, published: bool) -> CreatedKey {
        let authorization = ApiKey::new(policy.usage(self.text.expose()));
        CreatedKey { record: key(self.row, app.clock.seconds()), key: self.text, authorization, published }
    }
}

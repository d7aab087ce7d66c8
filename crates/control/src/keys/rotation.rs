//! Rotation: a new key like the old one, which goes on working for an overlap.
//!
//! Invariants: the new key has the old one's prefix, environment, scopes, restrictions, trial, metadata, limits, skill and
//! expiry, and goes on with what is left of its quota; the
//! old one never works longer than it would have, and what does not work is not revived; nobody comes by a key of another's skill.

use portcullis_api::{CreatedKey, Key, KeyKind, KeyStatus, RotateKey};
use portcullis_engine::KeyId;

use super::creation::Made;
use super::material::Material;
use super::{history, replacement, row, status};
use crate::access::Permission::{KeysRead, KeysWrite};
use crate::access_tokens;
use crate::app::{App, Committed};
use crate::caller::Caller;
use crate::clock::MAX_TIME;
use crate::error::Error;
use crate::policy::PolicyRoom;
use crate::random;
use crate::skills;
use crate::store::{Action, KeyRow};

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
        let mut old = row(app, by, id).await?;
        skills::may_use(app, by, &old).await?;
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

/// The key that was rotated to that one, if there is one that the caller sees.
pub(crate) async fn predecessor(app: &App, by: &Caller, key: &Key) -> Result<Option<Key>, Error> {
    by.require(KeysRead)?;
    let id = key.id.parse().map_err(|_| Error::NotFound("key"))?;
    match app.store.predecessor(by.scope, id).await? {
        Some(id) => Ok(Some(super::show(app, by, &id.to_string()).await?)),
        None => Ok(None),
    }
}

/// A new key with everything that the old one has.
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
    let id = random::key_id()?;
    let material = material(policy, old, id)?;
    let row = KeyRow {
        id,
        digest: material.digest,
        secret: material.secret,
        display: material.display,
        created_at: now,
        created_in: 0,
        last_used: None,
        successor: None,
        meter: Some(old.meter.unwrap_or(old.id)),
        changed_in: 0,
        ..old.clone()
    };
    Ok(Made { row, handed: material.handed })
}

fn material(policy: &PolicyRoom, old: &KeyRow, id: KeyId) -> Result<Material, Error> {
    match old.kind {
        KeyKind::ApiKey => {
            let format = policy.format_with(&old.prefix).ok_or(Error::KeyState {
                status: KeyStatus::Active,
                hint: "but the policy has no format with its prefix any more; create a new one",
            })?;
            Ok(Material::key(format)?)
        }
        KeyKind::Credential => {
            access_tokens::required(policy, "", "a credential")?;
            Ok(Material::credential(id)?)
        }
        KeyKind::Grant | KeyKind::Issuer => {
            Err(Error::invalid("", "only API keys and credentials are rotated: this has no secret of its own"))
        }
    }
}

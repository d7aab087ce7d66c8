//! What the operator does with signing keys: look at them, replace the one that signs, revoke one.
//!
//! Invariant: after a revocation another key signs, if the policy mints tokens.

use portcullis_api::SigningKey;
use portcullis_api::signing_keys::RotateSigningKey;
use serde_json::json;

use super::schedule::{self, AHEAD, Phase};
use super::{keep, new, replacement, target, terms};
use crate::access::Permission::{PolicyRead, PolicyWrite};
use crate::app::{App, Committed};
use crate::caller::Caller;
use crate::clock::to_rfc3339;
use crate::error::Error;
use crate::store::{Action, TokenKeyRow};

/// Every key that is or was accepted lately, the newest first.
pub(crate) async fn list(app: &App, by: &Caller) -> Result<Vec<SigningKey>, Error> {
    by.require(PolicyRead)?;
    by.require_operator(app)?;
    let rows = app.store.token_keys().await?;
    Ok(shown(&rows, app.clock.seconds()))
}

/// Makes another key, which signs as soon as it was published for long enough; or, if nothing may be signed with the present
/// one any more, at once.
pub(crate) async fn rotate(
    app: &App,
    by: &Caller,
    request: &RotateSigningKey,
) -> Result<Committed<Vec<SigningKey>>, Error> {
    may_change(app, by)?;
    keep(app).await?;
    app.change(async || {
        let policy = app.policy();
        let tokens = policy.spec().tokens.as_ref().ok_or_else(not_minted)?;
        let (terms, now) = (terms(app, tokens), app.clock.seconds());
        let read = app.store.token_keys().await?;
        let next = schedule::next(&read, now).map(|row| (row.kid.clone(), row.signs_from));
        let rows = match (next, request.now) {
            (Some((kid, _)), true) => schedule::hurried(read.clone(), &kid, now, terms),
            (Some((_, from)), false) => {
                let detail = format!(
                    "the next key is there already and signs from {}\nhint: `now` has it sign at once",
                    to_rfc3339(from)
                );
                return Err(Error::invalid("", detail));
            }
            (None, at_once) => {
                let from = if at_once { now } else { now + AHEAD };
                schedule::followed(read.clone(), new(app, terms.algorithm, now, from)?, terms)
            }
        };
        let value = shown(&rows, now);
        let Some(newest) = rows.last() else { return Err(Error::Broken) };
        let (about, from) = (target(newest), to_rfc3339(newest.signs_from));
        let change = replacement(app, by, read, rows).note(app.default_organization, Action::SigningKeyRotated, about);
        app.commit(change.detail([("signs_from", json!(from))]), value).await
    })
    .await
}

/// Edges refuse at once whatever that key signed. If it was the one that signs, another does from now on.
pub(crate) async fn revoke(app: &App, by: &Caller, kid: &str) -> Result<Committed<SigningKey>, Error> {
    may_change(app, by)?;
    app.change(async || {
        let read = app.store.token_keys().await?;
        let (policy, now) = (app.policy(), app.clock.seconds());
        let row = read.iter().find(|row| row.kid == kid).cloned().ok_or(Error::NotFound("signing key"))?;
        let mut rows = schedule::revoked(read.clone(), kid, now);
        if let Some(tokens) = policy.spec().tokens.as_ref() {
            let terms = terms(app, tokens);
            if Phase::of(&row, &read, now) == Phase::Active {
                rows = match schedule::next(&read, now).map(|row| row.kid.clone()) {
                    Some(next) => schedule::hurried(rows, &next, now, terms),
                    None => schedule::followed(rows, new(app, terms.algorithm, now, now)?, terms),
                };
            }
        }
        let value = rows.iter().find(|row| row.kid == kid).map(|row| view(row, &rows, now)).ok_or(Error::Broken)?;
        if row.revoked_at.is_some() {
            return app.published(app.store.version().await?, value).await;
        }
        let change = replacement(app, by, read, rows);
        app.commit(change.note(app.default_organization, Action::SigningKeyRevoked, target(&row)), value).await
    })
    .await
}

fn may_change(app: &App, by: &Caller) -> Result<(), Error> {
    by.require(PolicyWrite)?;
    by.require_operator(app)
}

fn not_minted() -> Error {
    Error::invalid("", "the policy mints no access tokens\nhint: add `[tokens]` with an `audience` to it")
}

fn shown(rows: &[TokenKeyRow], now: u64) -> Vec<SigningKey> {
    let mut sorted: Vec<_> = rows.iter().collect();
    sorted.sort_by(|one, other| (other.signs_from, &other.kid).cmp(&(one.signs_from, &one.kid)));
    sorted.into_iter().map(|row| view(row, rows, now)).collect()
}

fn view(row: &TokenKeyRow, rows: &[TokenKeyRow], now: u64) -> SigningKey {
    SigningKey {
        kid: row.kid.clone(),
        algorithm: row.algorithm.clone(),
        state: Phase::of(row, rows, now).as_str().to_owned(),
        created_at: to_rfc3339(row.created_at),
        signs_from: to_rfc3339(row.signs_from),
        signs_until: row.signs_until.map(to_rfc3339),
        accepted_until: row.accepted_until.map(to_rfc3339),
        revoked_at: row.revoked_at.map(to_rfc3339),
    }
}

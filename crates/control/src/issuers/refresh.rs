//! Fetching keys again, every quarter of an hour, and what becomes of it.
//!
//! Control planes that share a database each look; a claim is a time until which nobody else fetches an issuer's keys, and
//! who dies with one leaves them to the others. Invariants: what an issuer withdrew counts no more once its set was read, even
//! if nothing is left; if it cannot be read, the last good keys stay for three days; edges hear of keys only if they are
//! others than before.

use std::collections::BTreeSet;
use std::time::Duration;

use portcullis_token::Jwk;
use serde_json::json;
use tokio::task::JoinSet;

use super::fetch::{self, Problem};
use crate::app::{App, Committed};
use crate::caller::Caller;
use crate::clock::HOUR;
use crate::error::Error;
use crate::random;
use crate::store::{Action, Change, Fetched, IssuerRow, IssuerWrite, OwnedIssuer, StoreError, Target, Write};

const EVERY_MS: u64 = 15 * 60 * 1000;
/// After the first failure; twice as long after each further one, up to what it is without any.
const AGAIN_MS: u64 = 60 * 1000;
/// Longer than fetching can take, with what is written before and after it.
const CLAIM_MS: u64 = 60 * 1000;
/// Keys that could not be fetched anew for so many hours count no more: whoever lost one may have withdrawn it long ago, and
/// whoever keeps the answer from us would keep it in force.
const KEPT_HOURS: u64 = 72;
const LOOK_EVERY: Duration = Duration::from_secs(1);
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// More than can be due of so few organisations as are served at once.
const LOOKED_AT: u32 = 160;

/// Fetches, as long as the process lives. Never returns. What breaks off is begun again: edges do not depend on it.
pub(crate) async fn run(app: App) {
    loop {
        let mut running = JoinSet::new();
        running.spawn(look(app.clone()));
        running.join_next().await;
        tracing::error!("fetching issuers' keys broke off: its panic is above; it begins again");
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

async fn look(app: App) {
    loop {
        if let Err(error) = fetch_due(&app).await {
            tracing::error!(%error, "issuers' keys are not fetched; trying again");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn fetch_due(app: &App) -> Result<(), Error> {
    let now_ms = app.clock.millis();
    let mut fetching = JoinSet::new();
    let due = app.store.due_issuers(now_ms, LOOKED_AT).await?;
    let mut organizations = BTreeSet::new();
    for due in due.into_iter().filter(|it| organizations.insert(it.key.organization)) {
        // What gets none now is still due in a second.
        let Some(turn) = app.fetches.turn_now(due.key.organization) else { continue };
        if app.store.claim_issuer(&due.row, now_ms.saturating_add(CLAIM_MS)).await? {
            let app = app.clone();
            fetching.spawn(async move {
                let _turn = turn;
                let by = Caller::system(due.key.organization);
                let done = again(&app, &by, &due).await;
                let name = &due.row.issuer;
                done.map_or_else(
                    |error| tracing::warn!(%error, issuer = name, "an issuer's keys are not fetched"),
                    drop,
                );
            });
        }
    }
    while fetching.join_next().await.is_some() {}
    Ok(())
}

/// Fetches an issuer's keys again. The answer is what is stored then, whether or not they could be fetched.
pub(super) async fn again(app: &App, by: &Caller, owned: &OwnedIssuer) -> Result<Committed<OwnedIssuer>, Error> {
    let row = &owned.row;
    let found = fetch::keys(app, &row.issuer, row.jwks_uri.as_deref()).await;
    let stored = OwnedIssuer { row: outcome(app, row, found), key: owned.key.clone() };
    let failed = failure(row, &stored);
    if stored.row.jwks != row.jwks {
        let kids: Vec<_> = stored.row.jwks.iter().map(|it| it.kid.clone()).collect();
        let write = IssuerWrite::Replace(stored.row.clone());
        let change = change(app, by, &stored, Action::IssuerKeysChanged, write).detail([("kids", json!(kids))]);
        let change = failed.into_iter().fold(change, |change, tell| tell(change));
        return match app.commit(change, stored).await {
            // Somebody changed it meanwhile, and fetched for that.
            Err(Error::Store(StoreError::Conflict)) => Err(Error::Contended),
            other => other,
        };
    }
    if !app.store.settle_issuer(&stored.row).await? {
        return Err(Error::Contended);
    }
    if let Some(tell) = failed {
        app.record(tell(Change::new(by, app.clock.millis()))).await?;
    }
    app.published(row.changed_in, stored).await
}

/// What the log says of an issuer that has a problem now and had none.
fn failure(row: &IssuerRow, stored: &OwnedIssuer) -> Option<impl FnOnce(Change) -> Change + use<>> {
    let problem = stored.row.fetched.problem.clone().filter(|_| row.fetched.problem.is_none())?;
    let (organization, target) = (stored.key.organization, target(stored));
    Some(move |change: Change| {
        change.note(organization, Action::IssuerFailed, target).detail([("problem", json!(problem))])
    })
}

/// Something done to an issuer, and what the log says of it.
pub(super) fn change(app: &App, by: &Caller, owned: &OwnedIssuer, action: Action, write: IssuerWrite) -> Change {
    Change::new(by, app.clock.millis()).add(Write::Issuer(write), owned.key.organization, action, target(owned))
}

fn target(owned: &OwnedIssuer) -> Target {
    Target::new("issuer", owned.key.id, &owned.key.name)
}

/// The issuer as it is from now on.
fn outcome(app: &App, row: &IssuerRow, found: Result<Vec<Jwk>, Problem>) -> IssuerRow {
    let (jwks, fetched) = match found {
        Ok(jwks) => (jwks, now(app)),
        Err(problem) => without(app, row, &problem),
    };
    IssuerRow { jwks, fetched, ..row.clone() }
}

/// The keys that count although none were found, and how fetching goes.
fn without(app: &App, row: &IssuerRow, problem: &Problem) -> (Vec<Jwk>, Fetched) {
    let (jwks, at, problem) = match problem {
        Problem::NoKeys(_) => (Vec::new(), app.clock.seconds(), problem.to_string()),
        _ if row.fetched.at.saturating_add(KEPT_HOURS * HOUR) > app.clock.seconds() => {
            (row.jwks.clone(), row.fetched.at, problem.to_string())
        }
        _ => {
            (Vec::new(), row.fetched.at, format!("{problem}; for {KEPT_HOURS} hours now, so none of them is accepted"))
        }
    };
    let failures = row.fetched.failures.saturating_add(1);
    let wait = AGAIN_MS.saturating_mul(1 << (failures - 1).min(10)).min(EVERY_MS);
    let next_ms = app.clock.millis().saturating_add(spread(wait));
    (jwks, Fetched { at, next_ms, failures, problem: Some(problem) })
}

/// Keys were fetched now.
pub(super) fn now(app: &App) -> Fetched {
    let next_ms = app.clock.millis().saturating_add(spread(EVERY_MS));
    Fetched { at: app.clock.seconds(), next_ms, failures: 0, problem: None }
}

/// Up to a fifth longer, so that what was added together is not fetched together. Without randomness it is as planned.
fn spread(wait: u64) -> u64 {
    let [part] = random::bytes::<1>().unwrap_or_default();
    wait + wait / 5 * u64::from(part) / 255
}

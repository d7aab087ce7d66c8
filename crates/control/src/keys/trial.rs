//! Trials: scopes and restrictions that edges look at beside those that are set, and only tell what they would deny.
//!
//! Invariant: neither starting nor ending a trial changes what a key may do; enforcing it does, and says so in the log.

use portcullis_api::edge::SampleKind;
use portcullis_api::keys::StartTrial;
use portcullis_api::{Key, restrictions as api};
use portcullis_engine::spec::RestrictionsSpec;

use super::{fields, history, key, replacement, restrictions, unrevoked};
use crate::access::Permission::KeysWrite;
use crate::app::{App, Committed};
use crate::caller::Caller;
use crate::error::Error;
use crate::policy::PolicyRoom;
use crate::skills;
use crate::store::{Action, KeyRow, TrialRow, Write};

/// Tries scopes, restrictions or both on a key, in place of any trial before.
pub(crate) async fn start_trial(
    app: &App,
    by: &Caller,
    id: &str,
    request: &StartTrial,
) -> Result<Committed<Key>, Error> {
    by.require(KeysWrite)?;
    let trial = parse(&app.policy(), request, app.clock.seconds())?;
    app.change(async || {
        let mut row = unrevoked(app, by, id).await?;
        row.trial = Some(trial.clone());
        let shown = key(row.clone(), app.clock.seconds());
        let detail = history::of_trial(&trial);
        let forget = forget_observations(&row);
        app.commit(replacement(app, by, row, Action::KeyTrialStarted).detail(detail).also(forget), shown).await
    })
    .await
}

/// Ends a trial and leaves the key as it is. Without one nothing changes.
pub(crate) async fn end_trial(app: &App, by: &Caller, id: &str) -> Result<Committed<Key>, Error> {
    by.require(KeysWrite)?;
    app.change(async || {
        let mut row = unrevoked(app, by, id).await?;
        let now = app.clock.seconds();
        let Some(trial) = row.trial.take() else {
            return app.published(row.changed_in, key(row, now)).await;
        };
        let shown = key(row.clone(), now);
        let detail = history::of_trial(&trial);
        let forget = forget_observations(&row);
        app.commit(replacement(app, by, row, Action::KeyTrialEnded).detail(detail).also(forget), shown).await
    })
    .await
}

/// Sets what was tried, and ends the trial.
pub(crate) async fn enforce_trial(app: &App, by: &Caller, id: &str) -> Result<Committed<Key>, Error> {
    by.require(KeysWrite)?;
    app.change(async || {
        let mut row = unrevoked(app, by, id).await?;
        skills::may_use(app, by, &row).await?;
        let before = row.clone();
        let TrialRow { scopes, restrictions, since: _ } = row.trial.take().ok_or(Error::NotFound("trial"))?;
        row.scopes = scopes.unwrap_or(row.scopes);
        row.restrictions = merged(row.restrictions, restrictions);
        let (_, detail) = history::of_update(&before, &row);
        let shown = key(row.clone(), app.clock.seconds());
        let forget = forget_observations(&row);
        app.commit(replacement(app, by, row, Action::KeyTrialEnforced).detail(detail).also(forget), shown).await
    })
    .await
}

/// What was observed is about one trial.
fn forget_observations(row: &KeyRow) -> Write {
    Write::ForgetObservations(row.id, SampleKind::Trial)
}

fn parse(policy: &PolicyRoom, request: &StartTrial, now: u64) -> Result<TrialRow, Error> {
    let scopes = request.scopes.as_deref().map(|list| fields::scopes(policy, list)).transpose()?;
    let enforced = request.restrictions.clone().map(enforced);
    let restrictions = enforced.map(|it| restrictions::restrictions(policy, &it)).transpose()?.flatten();
    if scopes.is_none() && restrictions.is_none() {
        return Err(Error::invalid("", "expected `scopes`, `restrictions` or both: a trial of nothing tells nothing"));
    }
    Ok(TrialRow { scopes, restrictions, since: now })
}

/// What is tried would be enforced, whatever its modes say.
fn enforced(sent: api::RestrictionsSpec) -> api::RestrictionsSpec {
    let mode = api::ModeSpec::Enforce;
    api::RestrictionsSpec {
        ip: sent.ip.map(|it| api::IpSpec { mode, ..it }),
        referrer: sent.referrer.map(|it| api::ReferrerSpec { mode, ..it }),
        endpoint: sent.endpoint.map(|it| api::EndpointSpec { mode, ..it }),
    }
}

/// As the edge reads a trial: a kind that it does not name stays as it is.
fn merged(own: Option<RestrictionsSpec>, tried: Option<RestrictionsSpec>) -> Option<RestrictionsSpec> {
    let Some(tried) = tried else { return own };
    let own = own.unwrap_or_default();
    Some(RestrictionsSpec {
        ip: tried.ip.or(own.ip),
        referrer: tried.referrer.or(own.referrer),
        endpoint: tried.endpoint.or(own.endpoint),
        limits: own.limits,
        skill: own.skill,
        trial: None,
    })
}

//! `/keys/{id}`: one key, what is tried on it, who still uses it, what was refused.

use axum::extract::State;
use portcullis_api::denials::ListDenials;
use portcullis_api::edge::SampleKind;
use portcullis_api::observations::Observation as Seen;
use portcullis_api::{Key, KeyStatus};

use super::desk::Desk;
use super::rotation::rotations;
use super::{Html, audit, denials, limits, quota, usage};
use crate::app::App;
use crate::error::Error;
use crate::http::body::Segment;
use crate::http::failure::Failure;
use crate::observations::observations;
use crate::pages::explain::ExplainFields;
use crate::pages::key::KeyPage;
use crate::pages::keys::KeyRow;
use crate::pages::restrictions;
use crate::pages::shell::Section;
use crate::pages::trial::{Observation, Observed, Trial};
use crate::pages::when::When;
use crate::{denials as refused, keys, skills};

/// More is in the listing of denials.
const DENIALS: u32 = 10;
const CHART_DAYS: u64 = 30;

pub(super) async fn show(State(app): State<App>, desk: Desk, Segment(id): Segment) -> Result<Html<KeyPage>, Failure> {
    let _listing = app.listings.turn(&desk.by).await;
    let key = keys::show(&app, &desk.by, &id).await?;
    let now = app.clock.seconds();
    let seen = observations(&app, &desk.by, &key.id, None).await?.data;
    let wanted = ListDenials { key: Some(key.id.clone()), limit: Some(DENIALS), cursor: None };
    let refused = refused::list(&app, &desk.by, &wanted).await?.data;
    let observed = of_kind(&seen, SampleKind::Observe, now);
    Ok(Html::ok(KeyPage {
        shell: desk.shell(key.name.clone(), Section::Keys),
        key: KeyRow::new(&key, key.idle, now),
        organization: desk.viewer.organization.clone(),
        skill: skill(&app, &desk, &key).await?,
        revoked: key.revoked_at.as_deref().map(|at| When::parse(at, now)),
        restrictions: restrictions::list(key.restrictions.as_ref()),
        trial: trial(&key, &seen, now),
        observed: Some(Observed { observations: observed }).filter(|it| !it.observations.is_empty()),
        is_rotated: key.successor.is_some(),
        rotations: rotations(&app, &desk, &key, &seen).await?,
        explain: ExplainFields { method: "GET".to_owned(), ..ExplainFields::default() },
        quota: Some(quota::card(&app, &desk, Some(key.id.clone())).await?).filter(|it| it.meter.is_some()),
        rate: key.rate.map(limits::rate_words),
        chart: usage::chart(&app, &desk, "key-chart", CHART_DAYS, Some(key.id.clone())).await?,
        denials: denials::rows(&app, &desk, refused).await?,
        entries: audit::history(&app, &desk, &key.id).await?,
        scopes: key.scopes,
        metadata: key.metadata.into_iter().collect(),
    }))
}

/// What it belongs to.
async fn skill(app: &App, desk: &Desk, key: &Key) -> Result<Option<(String, Option<String>)>, Error> {
    let Some(id) = key.skill.clone() else { return Ok(None) };
    match skills::show(app, &desk.by, &id).await {
        Ok(found) => Ok(Some((id, Some(found.name)))),
        Err(Error::NotFound(_) | Error::Forbidden(_)) => Ok(Some((id, None))),
        Err(error) => Err(error),
    }
}

fn trial(key: &Key, seen: &[Seen], now: u64) -> Option<Trial> {
    let trial = key.trial.as_ref().filter(|_| key.status != KeyStatus::Revoked)?;
    Some(Trial {
        since: When::parse(&trial.since, now),
        scopes: trial.scopes.clone(),
        restrictions: trial.restrictions.as_ref().map(|spec| restrictions::list(Some(spec))),
        observations: of_kind(seen, SampleKind::Trial, now),
    })
}

pub(super) fn of_kind(seen: &[Seen], kind: SampleKind, now: u64) -> Vec<Observation> {
    seen.iter().filter(|it| it.kind == kind).map(|it| observation(it, now)).collect()
}

fn observation(seen: &Seen, now: u64) -> Observation {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    // What there was no room for is counted together, and nothing more is known of it.
    let path = if seen.method.is_none() { "various".to_owned() } else { text(&seen.path) };
    Observation {
        reason: text(&seen.reason),
        address: text(&seen.address),
        referrer: text(&seen.referrer),
        method: text(&seen.method),
        path,
        count: seen.count,
        last_seen: When::parse(&seen.last_seen, now),
    }
}

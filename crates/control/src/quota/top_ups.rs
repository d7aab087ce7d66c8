//! Top-ups: tokens beside the plan's, for the period that runs.

use portcullis_api::{CreateTopUp, TopUp};
use portcullis_engine::Subject;
use serde_json::json;

use super::fields;
use super::period::Period;
use crate::access::Permission::{OrganizationsRead, OrganizationsWrite};
use crate::app::{App, Committed};
use crate::caller::Caller;
use crate::clock::to_rfc3339;
use crate::error::Error;
use crate::keys::misleads;
use crate::organizations::{TARGET, find_seen};
use crate::store::{Action, Change, Target, TopUpRow, Write};

const MAX_NOTE: usize = 200;

/// Gives an organisation more, at once.
pub(crate) async fn top_up(app: &App, by: &Caller, id: &str, request: &CreateTopUp) -> Result<Committed<TopUp>, Error> {
    by.require(OrganizationsWrite)?;
    let organization = find_seen(app, by, id).await?;
    by.require_operator(app)?;
    let tokens = fields::top_up(request.tokens)?;
    let note = note(app, &request.note)?;
    // The period may end, or be another, before it is written.
    app.change(async || {
        let now = app.clock.seconds();
        let (metered, last) = app.store.meter(Subject::Organization(organization.id), now).await?;
        let Some(metered) = metered else { return Err(Error::Unmetered) };
        let period = Period::at(&metered.rule, last.map(|it| it.period), now);
        let row = TopUpRow { organization: organization.id, period, tokens, note: note.clone(), created_at: now };
        let detail = [("tokens", json!(tokens)), ("note", json!(row.note)), ("until", json!(to_rfc3339(period.end)))];
        let (shown, target) = (shown(row.clone()), Target::new(TARGET, organization.id, &organization.name));
        let change = Change::new(by, app.clock.millis());
        let change = change.add(Write::TopUp(row), organization.id, Action::OrganizationToppedUp, target);
        app.commit(change.detail(detail), shown).await
    })
    .await
}

/// What an organisation got, the latest first.
pub(crate) async fn top_ups(app: &App, by: &Caller, id: &str) -> Result<Vec<TopUp>, Error> {
    by.require(OrganizationsRead)?;
    let organization = find_seen(app, by, id).await?;
    Ok(app.store.top_ups(organization.id).await?.into_iter().map(shown).collect())
}

fn note(app: &App, text: &str) -> Result<String, Error> {
    let note = text.trim();
    if note.chars().count() > MAX_NOTE || note.chars().any(misleads) {
        return Err(Error::invalid("/note", format!("expected at most {MAX_NOTE} characters on one line")));
    }
    if app.policy().spots_secret_in(note) {
        return Err(Error::invalid("/note", "this looks like a key or a token, which must not be stored"));
    }
    Ok(note.to_owned())
}

fn shown(row: TopUpRow) -> TopUp {
    TopUp {
        tokens: row.tokens,
        note: row.note,
        created_at: to_rfc3339(row.created_at),
        period_start: to_rfc3339(row.period.start),
        period_end: to_rfc3339(row.period.end),
    }
}

//! What happens to a key at the press of a button: off and on, rotated, revoked, its trial ended or enforced.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use portcullis_api::{Key, KeyStatus, Patch, RotateKey, UpdateKey};
use serde::Deserialize;

use super::desk::Desk;
use super::done::{Done, done};
use super::{Html, new_key};
use crate::app::{App, Committed};
use crate::error::Error;
use crate::http::body::Segment;
use crate::http::failure::Failure;
use crate::http::session::Form;
use crate::keys;
use crate::pages::form::Problems;
use crate::pages::key::{Overlap, RotatePage};
use crate::pages::keys::{KeyRow, Replaced};
use crate::pages::message::Confirm;
use crate::pages::shell::Section;
use crate::pages::when::When;

/// A form without fields.
#[derive(Deserialize)]
pub(super) struct Nothing {}

pub(super) async fn disable(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Failure> {
    switch(&app, &desk, &id, false, Done::KeyDisabled).await
}

pub(super) async fn enable(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Failure> {
    switch(&app, &desk, &id, true, Done::KeyEnabled).await
}

async fn switch(app: &App, desk: &Desk, id: &str, enabled: bool, what: Done) -> Result<Redirect, Failure> {
    let request = UpdateKey { enabled: Patch::Set(enabled), ..UpdateKey::default() };
    Ok(to_key(&keys::update(app, &desk.by, id, &request).await?, what))
}

pub(super) async fn ask_to_revoke(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
) -> Result<Html<Confirm>, Failure> {
    let key = keys::editable(&app, &desk.by, &id).await?;
    let used = match &key.last_used {
        Some(at) => format!("It was last used at {at}."),
        None => "No edge has reported yet that it let it pass; reports come some seconds late.".to_owned(),
    };
    let page = format!("/keys/{}", key.id);
    Ok(Html::ok(Confirm {
        shell: desk.shell(format!("Revoke {}", key.name), Section::Keys),
        question: format!("Revoke {}?", key.name),
        points: vec![
            "Every request with it gets 401, on all edges within a second.".to_owned(),
            used,
            "It cannot be undone: a revoked key never works again.".to_owned(),
        ],
        action: format!("{page}/revoke"),
        hidden: Vec::new(),
        yes: "Revoke the key".to_owned(),
        danger: true,
        back: page,
    }))
}

pub(super) async fn revoke(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Failure> {
    Ok(to_key(&keys::revoke(&app, &desk.by, &id).await?, Done::KeyRevoked))
}

pub(super) async fn end_trial(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Failure> {
    Ok(to_key(&keys::end_trial(&app, &desk.by, &id).await?, Done::TrialEnded))
}

pub(super) async fn enforce_trial(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Failure> {
    Ok(to_key(&keys::enforce_trial(&app, &desk.by, &id).await?, Done::TrialEnforced))
}

fn to_key(changed: &Committed<Key>, what: Done) -> Redirect {
    done(&format!("/keys/{}", changed.value.id), what, Some(changed.version))
}

pub(super) async fn rotation(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
) -> Result<Html<RotatePage>, Failure> {
    let key = keys::editable(&app, &desk.by, &id).await?;
    if let Some(successor) = key.successor.as_deref().and_then(|id| id.parse().ok()) {
        return Err(Error::Rotated(successor).into());
    }
    let asked = Asked { overlap: Overlap::Day.value().to_owned(), hours: String::new() };
    Ok(Html::ok(rotate_form(&app, &desk, &key, asked, Problems::default())))
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    overlap: String,
    #[serde(default)]
    hours: String,
}

const HOUR: u32 = 60 * 60;
const MAX_HOURS: u32 = 365 * 24;

impl Asked {
    fn seconds(&self) -> Result<u32, Problems> {
        match Overlap::parse(&self.overlap) {
            Some(Overlap::Custom) => match self.hours.trim().parse() {
                Ok(hours @ 1..=MAX_HOURS) => Ok(hours * HOUR),
                _ => Err(Problems(vec![("hours", format!("Expected 1 to {MAX_HOURS} hours."))])),
            },
            Some(overlap) => overlap.value().parse().map_err(|_| Problems::default()),
            None => Err(Problems(vec![("overlap", "Choose one.".to_owned())])),
        }
    }
}

pub(super) async fn rotate(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(asked): Form<Asked>,
) -> Result<Response, Failure> {
    let overlap_seconds = match asked.seconds() {
        Ok(seconds) => seconds,
        Err(problems) => {
            let key = keys::editable(&app, &desk.by, &id).await?;
            return Ok(Html::again(rotate_form(&app, &desk, &key, asked, problems)).into_response());
        }
    };
    let created = keys::rotate(&app, &desk.by, &id, &RotateKey { overlap_seconds }).await?;
    let (old, now) = (keys::show(&app, &desk.by, &id).await?, app.clock.seconds());
    let works = old.status == KeyStatus::Active;
    let replaced = Replaced {
        id: old.id,
        name: old.name,
        works_until: old.expires_at.filter(|_| works).map(|at| When::parse(&at, now)),
    };
    Ok(new_key::shown(&app, &desk, created, Some(replaced)).await?.into_response())
}

fn rotate_form(app: &App, desk: &Desk, key: &Key, asked: Asked, problems: Problems) -> RotatePage {
    RotatePage {
        shell: desk.shell(format!("Rotate {}", key.name), Section::Keys),
        key: KeyRow::new(key, key.idle, app.clock.seconds()),
        problems,
        overlap: Overlap::parse(&asked.overlap).unwrap_or(Overlap::Day),
        hours: super::fields::again(&app.policy(), &asked.hours),
    }
}

//! `/grants`: what people allowed apps, and taking it back.

use axum::extract::State;
use axum::response::Redirect;
use portcullis_api::Grant;
use portcullis_api::apps::ListGrants;
use portcullis_api::keys::KeyStatus;
use serde::Deserialize;

use super::Html;
use super::desk::Desk;
use super::done::{Done, done};
use super::key_life::Nothing;
use crate::app::App;
use crate::apps;
use crate::http::body::{Parameters, Segment};
use crate::http::failure::Failure;
use crate::http::session::Form;
use crate::pages::apps::{GrantRow, Grants};
use crate::pages::message::Confirm;
use crate::pages::parts::{Badge, Pager, Tone};
use crate::pages::shell::Section;
use crate::pages::when::When;

const HERE: &str = "/grants";
const ALL: &str = "/grants?all=true";
const ROWS: u32 = 50;

/// Whose, and which page of them.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    all: bool,
    cursor: Option<String>,
}

pub(super) async fn list(
    State(app): State<App>,
    desk: Desk,
    Parameters(Asked { all, cursor }): Parameters<Asked>,
) -> Result<Html<Grants>, Failure> {
    let may_all = desk.viewer.can.organizations_write;
    let all = all && may_all;
    let cursor = cursor.filter(|it| !it.is_empty());
    let organization = Some(desk.by.organization.to_string());
    let query = ListGrants { organization, own: Some(!all), limit: Some(ROWS), cursor: cursor.clone() };
    let _listing = app.listings.turn(&desk.by).await;
    let found = apps::list_grants(&app, &desk.by, &query).await?;
    let (here, now) = (if all { ALL } else { HERE }, app.clock.seconds());
    let join = if all { "&" } else { "?" };
    Ok(Html::ok(Grants {
        shell: desk.shell(if all { "Apps that members allowed" } else { "Apps you allowed" }, Section::Grants),
        all,
        may_all,
        pager: Pager {
            shown: found.data.len(),
            first: cursor.map(|_| here.to_owned()),
            next: found.next_cursor.map(|cursor| format!("{here}{join}cursor={cursor}")),
        },
        rows: found.data.into_iter().map(|it| row(it, now)).collect(),
    }))
}

pub(super) async fn ask_to_revoke(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
) -> Result<Html<Confirm>, Failure> {
    let found = apps::grant(&app, &desk.by, &id).await?;
    Ok(Html::ok(Confirm {
        shell: desk.shell("Revoke a grant", Section::Grants),
        question: format!("Revoke what {} may?", found.app_name),
        points: vec![
            format!("It acts for {} no more: edges refuse its access tokens at once.", found.email),
            "It can ask again.".to_owned(),
        ],
        action: format!("{HERE}/{}/revoke", found.id),
        hidden: Vec::new(),
        yes: "Revoke it".to_owned(),
        danger: true,
        back: HERE.to_owned(),
    }))
}

pub(super) async fn revoke(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Failure> {
    let revoked = apps::revoke_grant(&app, &desk.by, &id).await?;
    Ok(done(HERE, Done::GrantRevoked, Some(revoked.version)))
}

fn row(it: Grant, now: u64) -> GrantRow {
    GrantRow {
        state: match it.status {
            KeyStatus::Active => Badge::new(Tone::Good, "Active"),
            KeyStatus::Disabled => Badge::new(Tone::Quiet, "Disabled"),
            KeyStatus::Expired => Badge::new(Tone::Quiet, "Expired"),
            KeyStatus::Revoked => Badge::new(Tone::Bad, "Revoked"),
        },
        created: When::parse(&it.created_at, now),
        last_used: it.last_used.map(|at| When::parse(&at, now)),
        id: it.id,
        app: it.app_name,
        email: it.email,
        environment: it.environment,
        scopes: it.scopes,
    }
}

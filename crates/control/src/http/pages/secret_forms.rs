//! Forms about secrets: enter one, enter its value again, say what it is for.
//!
//! Invariant: a form that cannot be accepted comes back with everything but the value.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use portcullis_api::{CreateSecret, ReplaceValue, UpdateSecret};
use serde::Deserialize;

use super::desk::Desk;
use super::done::{Done, done};
use super::secrets::{HERE, one};
use super::{Html, fields, sealing};
use crate::access::Permission::SecretsWrite;
use crate::app::App;
use crate::error::Error;
use crate::http::body::{Parameters, Segment};
use crate::http::failure::Failure;
use crate::http::session::{Fields, Form};
use crate::pages::form::Problems;
use crate::pages::secrets::NewSecret;
use crate::pages::shell::Section;
use crate::secrets;

/// What a link fills in.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    name: String,
    team: String,
}

pub(super) async fn form(
    State(app): State<App>,
    desk: Desk,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Html<NewSecret>, Failure> {
    desk.by.require(SecretsWrite)?;
    Ok(Html::ok(NewSecret {
        shell: desk.shell("Enter a secret", Section::Secrets),
        seal: sealing::keys(&app, &desk.by).await?,
        organization: desk.by.organization.to_string(),
        // What is no name is perhaps a value that somebody put into an address.
        name: secrets::name(&app, "/name", &wanted.name).unwrap_or_default(),
        description: String::new(),
        team: wanted.team == "true",
        problems: Problems::default(),
    }))
}

pub(super) async fn create(State(app): State<App>, desk: Desk, Form(sent): Form<Fields>) -> Result<Response, Failure> {
    match entered(&app, &desk, &sent).await {
        Ok(redirect) => Ok(redirect),
        Err(error) => Ok(Html::again(NewSecret {
            shell: desk.shell("Enter a secret", Section::Secrets),
            problems: sealing::wrong(error)?,
            seal: sealing::keys(&app, &desk.by).await?,
            organization: desk.by.organization.to_string(),
            name: sealing::again(&app, &sent, "name"),
            description: sealing::again(&app, &sent, "description"),
            team: fields::is_team(&sent),
        })
        .into_response()),
    }
}

async fn entered(app: &App, desk: &Desk, sent: &Fields) -> Result<Response, Error> {
    let value = sealing::value(sent)?;
    let request = CreateSecret {
        name: sent.get("name").to_owned(),
        description: Some(sent.get("description").to_owned()),
        team: fields::is_team(sent),
        organization: None,
        sealed: value.sealed,
        value: value.plain,
    };
    let made = secrets::create(app, &desk.by, &request).await?;
    Ok(done(&format!("{HERE}/{}", made.value.id), Done::SecretEntered, Some(made.version)).into_response())
}

pub(super) async fn replace(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(sent): Form<Fields>,
) -> Result<Response, Failure> {
    match replaced(&app, &desk, &id, &sent).await {
        Ok(redirect) => Ok(redirect),
        Err(error) => refused(&app, &desk, &id, None, error).await,
    }
}

async fn replaced(app: &App, desk: &Desk, id: &str, sent: &Fields) -> Result<Response, Error> {
    let value = sealing::value(sent)?;
    let request = ReplaceValue { sealed: value.sealed, value: value.plain };
    let saved = secrets::replace(app, &desk.by, id, &request).await?;
    Ok(done(&format!("{HERE}/{}", saved.value.id), Done::SecretReplaced, Some(saved.version)).into_response())
}

pub(super) async fn describe(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(sent): Form<Fields>,
) -> Result<Response, Failure> {
    let request = UpdateSecret { description: sent.get("description").to_owned() };
    match secrets::update(&app, &desk.holding(sent.get("etag")), &id, &request).await {
        Ok(saved) => {
            let here = format!("{HERE}/{}", saved.value.id);
            Ok(done(&here, Done::SecretUpdated, Some(saved.version)).into_response())
        }
        Err(error) => refused(&app, &desk, &id, Some(sealing::again(&app, &sent, "description")), error).await,
    }
}

/// The page with what was wrong, and with what was typed as its description.
async fn refused(app: &App, desk: &Desk, id: &str, typed: Option<String>, error: Error) -> Result<Response, Failure> {
    let problems = sealing::wrong(error)?;
    let found = secrets::show(app, &desk.by, id).await?;
    let description = typed.unwrap_or_else(|| found.description.clone());
    Ok(Html::again(one(app, desk, found, description, problems).await?).into_response())
}

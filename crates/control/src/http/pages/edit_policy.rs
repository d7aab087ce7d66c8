//! `/policy/edit`, `/policy/preview`, `/policy/publish`: another text, what it would change, and then in force.
//!
//! Invariants: what is published in the page was compared with the version in force; if that changed, it is shown again. A
//! whole key that was pasted into the text is not.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use portcullis_api::policy::{self as api, PolicyDifference, PolicyRemark, PublishPolicy};
use serde::Deserialize;

use super::desk::Desk;
use super::done::{Done, done};
use super::policy::base;
use super::problems::sentence;
use super::{Html, fields};
use crate::access::Permission::PolicyWrite;
use crate::app::App;
use crate::error::Error;
use crate::http::failure::Failure;
use crate::http::session::Form;
use crate::pages::policy::{AccessChange, Difference, PolicyCheck, PolicyEdit, PolicyProblem};
use crate::pages::shell::Section;
use crate::pages::text_diff::TextDiff;
use crate::policy;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    toml: String,
    note: String,
    base_version: String,
}

impl Sent {
    /// Browsers end lines as networks do; files do not.
    fn toml(&self) -> String {
        self.toml.replace("\r\n", "\n")
    }
}

pub(super) async fn form(State(app): State<App>, desk: Desk) -> Result<Html<PolicyEdit>, Failure> {
    desk.by.require(PolicyWrite)?;
    let current = policy::show(&app, &desk.by).await?;
    let shell = desk.shell("Edit the policy", Section::Policy);
    let base_version = current.about.version;
    Ok(Html::ok(PolicyEdit { shell, base_version, toml: current.toml, note: String::new(), check: None }))
}

pub(super) async fn preview(
    State(app): State<App>,
    desk: Desk,
    Form(sent): Form<Sent>,
) -> Result<Html<PolicyEdit>, Failure> {
    desk.by.require(PolicyWrite)?;
    checked(&app, &desk, &sent, StatusCode::OK).await
}

pub(super) async fn publish(State(app): State<App>, desk: Desk, Form(sent): Form<Sent>) -> Result<Response, Failure> {
    let note = Some(sent.note.clone()).filter(|note| !note.trim().is_empty());
    let request = PublishPolicy { toml: sent.toml(), note, base_version: Some(base(&sent.base_version)) };
    let (status, error) = match policy::publish(&app, &desk.by, &request).await {
        Ok(published) => return Ok(done("/policy", Done::PolicyPublished, Some(published.version)).into_response()),
        Err(error @ Error::PolicyMoved { .. }) => (StatusCode::CONFLICT, error),
        Err(error @ Error::Invalid { .. }) => (StatusCode::UNPROCESSABLE_ENTITY, error),
        Err(error) => return Err(error.into()),
    };
    let is_listed = matches!(&error, Error::Invalid { pointer, .. } if pointer == "/toml");
    let desk = if is_listed { desk } else { desk.troubled(sentence(&error.to_string())) };
    Ok(checked(&app, &desk, &sent, status).await?.into_response())
}

/// The editor with what the check found, on top of the version in force.
async fn checked(app: &App, desk: &Desk, sent: &Sent, status: StatusCode) -> Result<Html<PolicyEdit>, Failure> {
    let _listing = app.listings.turn(&desk.by).await;
    let toml = sent.toml();
    let check = policy::check(app, &desk.by, &toml).await?;
    let status = if check.valid { status } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = PolicyEdit {
        shell: desk.shell("Edit the policy", Section::Policy),
        base_version: policy::show(app, &desk.by).await?.about.version,
        toml: policy::masked(app, &toml).await?,
        note: fields::again(&app.policy(), &sent.note),
        check: Some(found(check)),
    };
    Ok(Html(status, page))
}

fn found(check: api::PolicyCheck) -> PolicyCheck {
    let problem = |it: PolicyRemark| PolicyProblem {
        line: it.line,
        column: it.column,
        message: sentence(&it.message),
        hint: it.hint.map(|hint| sentence(&hint)),
    };
    let warning = |it: PolicyRemark| {
        let line = it.line.map(|line| format!("Line {line}: ")).unwrap_or_default();
        let hint = it.hint.map(|hint| format!(" {}", sentence(&hint))).unwrap_or_default();
        format!("{line}{}{hint}", sentence(&it.message))
    };
    PolicyCheck {
        problems: check.problems.into_iter().map(problem).collect(),
        warnings: check.warnings.into_iter().map(warning).collect(),
        difference: check.difference.map(difference),
    }
}

/// Whom a policy changes something for.
pub(super) fn difference(found: PolicyDifference) -> Difference {
    let change = |it: api::AccessChange| AccessChange {
        method: it.method,
        path: it.path,
        keys: it.keys,
        examples: it.examples.into_iter().map(|key| (key.id, key.name)).collect(),
    };
    let endpoint = |it: api::Endpoint| (it.method, it.path);
    Difference {
        summary: sentence(&found.summary),
        loses: found.loses.into_iter().map(change).collect(),
        gains: found.gains.into_iter().map(change).collect(),
        opens: found.opens.into_iter().map(endpoint).collect(),
        closes: found.closes.into_iter().map(endpoint).collect(),
        notes: found.notes.iter().map(|note| sentence(note)).collect(),
        text: TextDiff::new("text-difference", "What changes in the text", found.text),
    }
}

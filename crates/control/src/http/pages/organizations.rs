//! `/organizations`: all of them, for the operator.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use portcullis_api::organizations::OrganizationState;
use portcullis_api::{CreateOrganization, Organization, Patch, Plan, UpdateOrganization};
use serde::Deserialize;

use super::desk::Desk;
use super::done::{Done, done};
use super::key_life::Nothing;
use super::problems::beside;
use super::{Html, fields};
use crate::access::Permission::OrganizationsWrite;
use crate::app::App;
use crate::error::Error;
use crate::http::body::Segment;
use crate::http::failure::Failure;
use crate::http::session::Form;
use crate::organizations;
use crate::pages::form::Problems;
use crate::pages::message::Confirm;
use crate::pages::organization::{OrganizationRow, Organizations};
use crate::pages::parts::{Badge, Tone};
use crate::pages::shell::Section;
use crate::pages::when::When;
use crate::quota::plans;

const HERE: &str = "/organizations";

pub(super) async fn list(State(app): State<App>, desk: Desk) -> Result<Html<Organizations>, Failure> {
    Ok(Html::ok(page(&app, &desk, &Sent::default(), Problems::default()).await?))
}

async fn page(app: &App, desk: &Desk, sent: &Sent, problems: Problems) -> Result<Organizations, Error> {
    desk.by.require_operator(app)?;
    let now = app.clock.seconds();
    let row = |it: Organization| {
        let (state, suspended) = match &it.state {
            OrganizationState::Active => (Badge::new(Tone::Good, "Active"), false),
            OrganizationState::Suspended => (Badge::new(Tone::Bad, "Suspended"), true),
            OrganizationState::QuotaExhaustedUntil(_) => (Badge::new(Tone::Warn, "Quota exhausted"), false),
        };
        let created = When::parse(&it.created_at, now);
        OrganizationRow { id: it.id, name: it.name, state, plan: it.plan, suspended, default: it.default, created }
    };
    let _listing = app.listings.turn(&desk.by).await;
    let rows = organizations::list(app, &desk.by).await?.into_iter().map(row).collect();
    Ok(Organizations {
        shell: desk.shell("Organisations", Section::Organizations),
        rows,
        name: fields::again(&app.policy(), &sent.name),
        plans: choices(plans::list(app, &desk.by).await?, &sent.plan),
        problems,
    })
}

/// What a new organisation may have. Without a word it gets the default plan, if there is one.
fn choices(plans: Vec<Plan>, chosen: &str) -> Vec<(String, String, bool)> {
    let (defaults, others): (Vec<_>, Vec<_>) = plans.into_iter().partition(|it| it.default);
    let unsaid = defaults.into_iter().next();
    let unsaid = unsaid.map_or("None: nobody counts".to_owned(), |it| format!("{}, the default", it.display_name));
    let others = others.into_iter().map(|it| (it.name.clone(), it.display_name, it.name == chosen));
    std::iter::once((String::new(), unsaid, chosen.is_empty())).chain(others).collect()
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    name: String,
    plan: String,
}

pub(super) async fn create(State(app): State<App>, desk: Desk, Form(sent): Form<Sent>) -> Result<Response, Failure> {
    let plan = Some(sent.plan.clone()).filter(|it| !it.is_empty());
    let request = CreateOrganization { name: sent.name.clone(), plan, ..CreateOrganization::default() };
    match organizations::create(&app, &desk.by, &request).await {
        Ok(made) => Ok(done(HERE, Done::OrganizationCreated, Some(made.version)).into_response()),
        Err(error) => {
            let problems = beside(error, &[("", "name"), ("/plan", "plan")])?;
            Ok(Html::again(page(&app, &desk, &sent, problems).await?).into_response())
        }
    }
}

pub(super) async fn ask_to_suspend(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
) -> Result<Html<Confirm>, Failure> {
    desk.by.require(OrganizationsWrite)?;
    desk.by.require_operator(&app)?;
    let organization = organizations::show(&app, &desk.by, &id).await?;
    Ok(Html::ok(Confirm {
        shell: desk.shell(format!("Suspend {}", organization.name), Section::Organizations),
        question: format!("Suspend {}?", organization.name),
        points: vec![
            "Every request with one of its keys gets 403, on all edges within a second.".to_owned(),
            "Its people can still sign in.".to_owned(),
            "It can be resumed: its keys work again then.".to_owned(),
        ],
        action: format!("{HERE}/{}/suspend", organization.id),
        hidden: Vec::new(),
        yes: "Suspend it".to_owned(),
        danger: true,
        back: HERE.to_owned(),
    }))
}

pub(super) async fn suspend(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Failure> {
    set(&app, &desk, &id, OrganizationState::Suspended, Done::OrganizationSuspended).await
}

pub(super) async fn resume(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Failure> {
    set(&app, &desk, &id, OrganizationState::Active, Done::OrganizationResumed).await
}

async fn set(app: &App, desk: &Desk, id: &str, state: OrganizationState, what: Done) -> Result<Redirect, Failure> {
    let request = UpdateOrganization { state: Patch::Set(state), ..UpdateOrganization::default() };
    let changed = organizations::update(app, &desk.by, id, &request).await?;
    Ok(done(HERE, what, Some(changed.version)))
}

//! `/plans`, for the operator: what organisations may use.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use portcullis_api::{CreatePlan, LostLeases, Patch, Plan, QuotaPeriod, UpdatePlan};

use super::desk::Desk;
use super::done::{Done, done};
use super::key_life::Nothing;
use super::limits::{chosen, number, period, rate};
use super::problems::{Places, beside};
use super::{Html, fields, limits};
use crate::access::Permission::OrganizationsWrite;
use crate::app::App;
use crate::error::Error;
use crate::http::body::Segment;
use crate::http::failure::Failure;
use crate::http::session::{Fields, Form};
use crate::pages::form::Problems;
use crate::pages::message::Confirm;
use crate::pages::parts::{Badge, Tone};
use crate::pages::plans::{PlanFields, PlanPage, PlanRow, Plans};
use crate::pages::shell::Section;
use crate::quota::plans;

const HERE: &str = "/plans";
const NO_LIMIT: &str = "no limit";
const PLACES: &Places = &[
    ("/name", "name"),
    ("/display_name", "display_name"),
    ("/limit", "limit"),
    ("/period", "period"),
    ("/rate", "rate_requests"),
    ("/lost_leases", "lost_leases"),
    ("", "display_name"),
];

pub(super) async fn list(State(app): State<App>, desk: Desk) -> Result<Html<Plans>, Failure> {
    Ok(Html::ok(page(&app, &desk, shown(&CreatePlan::default()), Problems::default()).await?))
}

async fn page(app: &App, desk: &Desk, fields: PlanFields, problems: Problems) -> Result<Plans, Error> {
    let rows = plans::list(app, &desk.by).await?.into_iter().map(row).collect();
    Ok(Plans { shell: desk.shell("Plans", Section::Plans), rows, fields, problems })
}

pub(super) async fn create(State(app): State<App>, desk: Desk, Form(sent): Form<Fields>) -> Result<Response, Failure> {
    let problems = match create_as_sent(&app, &desk, &sent).await {
        Ok(version) => return Ok(done(HERE, Done::PlanCreated, Some(version)).into_response()),
        Err(error) => beside(error, PLACES)?,
    };
    Ok(Html::again(page(&app, &desk, again(&app, &sent), problems).await?).into_response())
}

async fn create_as_sent(app: &App, desk: &Desk, sent: &Fields) -> Result<u64, Error> {
    desk.by.require(OrganizationsWrite)?;
    let request = CreatePlan {
        name: sent.get("name").trim().to_owned(),
        display_name: Some(sent.get("display_name").trim().to_owned()).filter(|it| !it.is_empty()),
        limit: number("/limit", sent.get("limit"))?,
        period: period("/period", sent)?,
        rate: rate(sent)?,
        lost_leases: lost_leases(sent)?,
        default: sent.has("default"),
    };
    Ok(plans::create(app, &desk.by, &request).await?.version)
}

pub(super) async fn show(
    State(app): State<App>,
    desk: Desk,
    Segment(name): Segment,
) -> Result<Html<PlanPage>, Failure> {
    desk.by.require(OrganizationsWrite)?;
    let plan = plans::show(&app, &desk.by, &name).await?;
    let fields = fields_of(&plan);
    Ok(Html::ok(one(&desk, plan, fields, Problems::default())))
}

fn one(desk: &Desk, plan: Plan, fields: PlanFields, problems: Problems) -> PlanPage {
    let Plan { name, display_name, .. } = plan;
    PlanPage { shell: desk.shell(display_name.clone(), Section::Plans), name, display_name, fields, problems }
}

pub(super) async fn save(
    State(app): State<App>,
    desk: Desk,
    Segment(name): Segment,
    Form(sent): Form<Fields>,
) -> Result<Response, Failure> {
    let plan = plans::show(&app, &desk.by, &name).await?;
    let problems = match save_as_sent(&app, &desk, &plan, &sent).await {
        Ok(version) => return Ok(done(HERE, Done::PlanUpdated, Some(version)).into_response()),
        Err(error) => beside(error, PLACES)?,
    };
    Ok(Html::again(one(&desk, plan, again(&app, &sent), problems)).into_response())
}

async fn save_as_sent(app: &App, desk: &Desk, plan: &Plan, sent: &Fields) -> Result<u64, Error> {
    let request = UpdatePlan {
        display_name: match sent.get("display_name").trim() {
            "" => Patch::Set(plan.name.clone()),
            text => Patch::Set(text.to_owned()),
        },
        limit: number("/limit", sent.get("limit"))?.map_or(Patch::Clear, Patch::Set),
        period: Patch::Set(period("/period", sent)?),
        rate: rate(sent)?.map_or(Patch::Clear, Patch::Set),
        lost_leases: Patch::Set(lost_leases(sent)?),
        default: Patch::Set(sent.has("default")),
    };
    Ok(plans::update(app, &desk.by, &plan.name, &request).await?.version)
}

pub(super) async fn ask_to_remove(
    State(app): State<App>,
    desk: Desk,
    Segment(name): Segment,
) -> Result<Html<Confirm>, Failure> {
    desk.by.require(OrganizationsWrite)?;
    let plan = plans::show(&app, &desk.by, &name).await?;
    Ok(Html::ok(Confirm {
        shell: desk.shell(format!("Remove {}", plan.display_name), Section::Plans),
        question: format!("Remove the plan {}?", plan.display_name),
        points: vec!["It goes only if no organisation has it.".to_owned(), "It cannot be undone.".to_owned()],
        action: format!("{HERE}/{}/remove", plan.name),
        hidden: Vec::new(),
        yes: "Remove it".to_owned(),
        danger: true,
        back: format!("{HERE}/{}", plan.name),
    }))
}

pub(super) async fn remove(
    State(app): State<App>,
    desk: Desk,
    Segment(name): Segment,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Failure> {
    let removed = plans::remove(&app, &desk.by, &name).await?;
    Ok(done(HERE, Done::PlanRemoved, Some(removed.version)))
}

fn lost_leases(sent: &Fields) -> Result<LostLeases, Error> {
    chosen("/lost_leases", sent, &LostLeases::ALL.map(|it| (it.as_str(), it)))
}

fn row(plan: Plan) -> PlanRow {
    PlanRow {
        name: plan.name,
        display_name: plan.display_name,
        limit: plan.limit,
        period: match plan.period {
            QuotaPeriod::ThirtyDays => "in 30 days",
            QuotaPeriod::Month => "in a month",
            QuotaPeriod::Day => "in a day",
        },
        rate: plan.rate.map(limits::rate_words),
        default: plan.default.then(|| Badge::new(Tone::Good, "New organisations")),
    }
}

/// The fields of a plan that is there.
fn fields_of(plan: &Plan) -> PlanFields {
    shown(&CreatePlan {
        name: plan.name.clone(),
        display_name: Some(plan.display_name.clone()),
        limit: plan.limit,
        period: plan.period,
        rate: plan.rate,
        lost_leases: plan.lost_leases,
        default: plan.default,
    })
}

fn shown(plan: &CreatePlan) -> PlanFields {
    PlanFields {
        name: plan.name.clone(),
        display_name: plan.display_name.clone().unwrap_or_default(),
        limits: limits::shown(plan.limit, plan.period, plan.rate, NO_LIMIT),
        lost_leases: LostLeases::ALL.map(|it| choice(it, it == plan.lost_leases)).into(),
        default: plan.default,
    }
}

/// What was sent, to be put right.
fn again(app: &App, sent: &Fields) -> PlanFields {
    let policy = app.policy();
    let text = |name| fields::again(&policy, sent.get(name));
    let kept = CreatePlan { lost_leases: lost_leases(sent).unwrap_or_default(), ..CreatePlan::default() };
    PlanFields {
        name: text("name"),
        display_name: text("display_name"),
        limits: limits::again(&policy, sent, NO_LIMIT),
        default: sent.has("default"),
        ..shown(&kept)
    }
}

fn choice(it: LostLeases, chosen: bool) -> (&'static str, &'static str, &'static str, bool) {
    let (words, meaning) = match it {
        LostLeases::Spent => ("What it held counts as used", "The limit is never exceeded."),
        LostLeases::Returned => {
            ("What it held can be used again", "The limit may be exceeded by what it had used and not told.")
        }
    };
    (it.as_str(), words, meaning, chosen)
}

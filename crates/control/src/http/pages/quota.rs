//! Quotas: the card of one, the banner on every page, and the operator's page of an organisation's plan and top-ups.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use portcullis_api::plans::{Meter, Quota, WhichQuota};
use portcullis_api::{CreateTopUp, Patch, TopUp, UpdateOrganization};
use serde::Deserialize;

use super::desk::Desk;
use super::done::{Done, done};
use super::limits::number;
use super::problems::beside;
use super::{Html, fields};
use crate::access::Permission::{OrganizationsRead, OrganizationsWrite};
use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;
use crate::http::body::Segment;
use crate::http::failure::Failure;
use crate::http::session::Form;
use crate::pages::form::Problems;
use crate::pages::parts::grouped;
use crate::pages::quota::{MeterFacts, OrganizationPlan, QuotaCard, TopUpRow};
use crate::pages::shell::{Notice, NoticeKind, Section};
use crate::pages::when::When;
use crate::quota::plans;
use crate::{organizations, quota};

/// From this part on it is said on every page.
const SAID_FROM: u64 = 50;
const HIGH: u64 = 80;
const FULL: u64 = 100;

/// Where the quota of the viewer's organisation stands, if it is worth a word; what to do about it, with it.
pub(super) async fn banner(app: &App, by: &Caller) -> Result<Option<Notice>, Error> {
    if !by.permissions.has(OrganizationsRead) {
        return Ok(None);
    }
    let Quota { organization, meter, .. } = quota::show(app, by, &WhichQuota::default()).await?;
    let Some(meter) = meter.filter(|it| percent(it) >= SAID_FROM) else { return Ok(None) };
    let zone = organizations::show(app, by, &organization).await?.time_zone;
    Ok(Some(words(app, by, &meter, &zone)))
}

fn words(app: &App, by: &Caller, meter: &Meter, zone: &str) -> Notice {
    let (used, limit) = (grouped(meter.used.saturating_add(meter.in_doubt)), grouped(meter.limit));
    let resets = exact(&meter.resets_at, zone);
    let helper = match by.require_operator(app).is_ok() && by.permissions.has(OrganizationsWrite) {
        true => "Top it up, or give it a larger plan, on its page under Organisations.",
        false => "Ask the operator for a top-up or a larger plan.",
    };
    let (kind, text, more) = match percent(meter) {
        FULL.. => (
            NoticeKind::Problem,
            format!("The quota is used up: {used} of {limit} tokens."),
            format!("Requests are answered with 429 until it resets: {resets}. {helper}"),
        ),
        HIGH.. => (
            NoticeKind::Warning,
            format!("More than {HIGH} % of the quota are used: {used} of {limit} tokens."),
            format!("At 100 % requests are answered with 429. It resets {resets}. {helper}"),
        ),
        _ => (
            NoticeKind::Warning,
            format!("More than half of the quota is used: {used} of {limit} tokens."),
            format!("It resets {resets}. Usage shows which keys are used."),
        ),
    };
    Notice { kind, text, detail: Some(more), receipt: None }
}

/// The card of an organisation's quota, or of a key's own.
pub(super) async fn card(app: &App, desk: &Desk, key: Option<String>) -> Result<QuotaCard, Error> {
    let quota = quota::show(app, &desk.by, &WhichQuota { organization: None, key }).await?;
    let zone = organizations::show(app, &desk.by, &quota.organization).await?.time_zone;
    Ok(facts(quota, &zone, app.clock.seconds()))
}

fn facts(quota: Quota, zone: &str, now: u64) -> QuotaCard {
    let meter = quota.meter.map(|meter| MeterFacts {
        percent: percent(&meter),
        used: meter.used,
        limit: meter.limit,
        remaining: meter.remaining,
        topped_up: meter.topped_up,
        held: meter.held,
        in_doubt: meter.in_doubt,
        resets: exact(&meter.resets_at, zone),
        resets_in: When::parse(&meter.resets_at, now),
        began: exact(&meter.period_start, zone),
    });
    QuotaCard { plan: quota.plan, meter }
}

/// What is used or in doubt, of the limit. Nothing of nothing is all of it.
fn percent(meter: &Meter) -> u64 {
    let used = u128::from(meter.used.saturating_add(meter.in_doubt));
    (used * 100).checked_div(u128::from(meter.limit)).and_then(|it| u64::try_from(it).ok()).unwrap_or(FULL)
}

/// `31 Jan 2026, 00:00 (Europe/Berlin)`.
fn exact(at: &str, zone: &str) -> String {
    let shown = at.parse::<Timestamp>().ok().zip(quota::zone(zone).ok());
    shown.map_or_else(
        || at.to_owned(),
        |(at, found)| format!("{} ({zone})", at.to_zoned(found).strftime("%-d %b %Y, %H:%M")),
    )
}

pub(super) async fn show(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
) -> Result<Html<OrganizationPlan>, Failure> {
    Ok(Html::ok(page(&app, &desk, &id, Typed::default(), Problems::default()).await?))
}

/// What is typed on the operator's page.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    plan: String,
    time_zone: String,
    tokens: String,
    note: String,
}

async fn page(app: &App, desk: &Desk, id: &str, typed: Typed, problems: Problems) -> Result<OrganizationPlan, Error> {
    desk.by.require(OrganizationsWrite)?;
    desk.by.require_operator(app)?;
    let found = organizations::show(app, &desk.by, id).await?;
    let policy = app.policy();
    let now = app.clock.seconds();
    let row = |it: TopUp| TopUpRow {
        tokens: it.tokens,
        note: it.note,
        given: When::parse(&it.created_at, now),
        ends: When::parse(&it.period_end, now),
    };
    let quota = facts(quota::show_seen(app, &desk.by, id).await?, &found.time_zone, now);
    let zone = Some(fields::again(&policy, &typed.time_zone)).filter(|it| !it.is_empty());
    Ok(OrganizationPlan {
        shell: desk.shell(found.name.clone(), Section::Organizations),
        name: found.name,
        quota,
        plan: if problems.0.is_empty() || typed.plan.is_empty() { found.plan } else { Some(typed.plan) },
        plans: plans::list(app, &desk.by).await?.into_iter().map(|it| (it.name, it.display_name)).collect(),
        time_zone: zone.unwrap_or(found.time_zone),
        top_ups: quota::top_ups(app, &desk.by, id).await?.into_iter().map(row).collect(),
        tokens: fields::again(&policy, &typed.tokens),
        note: fields::again(&policy, &typed.note),
        problems,
        id: found.id,
    })
}

pub(super) async fn assign(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(typed): Form<Typed>,
) -> Result<Response, Failure> {
    let request = UpdateOrganization {
        plan: Some(typed.plan.clone()).filter(|it| !it.is_empty()).map_or(Patch::Clear, Patch::Set),
        time_zone: Patch::Set(typed.time_zone.trim().to_owned()),
        ..UpdateOrganization::default()
    };
    let problems = match organizations::update(&app, &desk.by, &id, &request).await {
        Ok(changed) => {
            let here = format!("/organizations/{}", changed.value.id);
            return Ok(done(&here, Done::PlanGiven, Some(changed.version)).into_response());
        }
        Err(error) => beside(error, &[("/plan", "plan"), ("/time_zone", "time_zone")])?,
    };
    Ok(Html::again(page(&app, &desk, &id, typed, problems).await?).into_response())
}

pub(super) async fn top_up(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(typed): Form<Typed>,
) -> Result<Response, Failure> {
    let problems = match top_up_as_sent(&app, &desk, &id, &typed).await {
        Ok(version) => {
            return Ok(done(&format!("/organizations/{id}"), Done::ToppedUp, Some(version)).into_response());
        }
        Err(error @ Error::Unmetered) => Problems(vec![("tokens", super::problems::sentence(&error.to_string()))]),
        Err(error) => beside(error, &[("/tokens", "tokens"), ("/note", "note")])?,
    };
    Ok(Html::again(page(&app, &desk, &id, typed, problems).await?).into_response())
}

async fn top_up_as_sent(app: &App, desk: &Desk, id: &str, typed: &Typed) -> Result<u64, Error> {
    let tokens = number("/tokens", &typed.tokens);
    let request = CreateTopUp { tokens: tokens?.unwrap_or(0), note: typed.note.clone() };
    Ok(quota::top_up(app, &desk.by, id, &request).await?.version)
}

/// A form of the organisation's own page.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Place {
    time_zone: String,
}

impl Place {
    pub(super) fn time_zone(&self) -> &str {
        &self.time_zone
    }
}

/// Changes the time zone of the viewer's organisation; what is wrong with the one that was typed.
pub(super) async fn move_to(
    app: &App,
    desk: &Desk,
    Place { time_zone }: Place,
) -> Result<Result<u64, Problems>, Failure> {
    let request =
        UpdateOrganization { time_zone: Patch::Set(time_zone.trim().to_owned()), ..UpdateOrganization::default() };
    match organizations::update(app, &desk.by, &desk.by.organization.to_string(), &request).await {
        Ok(changed) => Ok(Ok(changed.version)),
        Err(error) => Ok(Err(beside(error, &[("/time_zone", "time_zone")])?)),
    }
}

//! Plans: made and changed by the operator, given to organisations.
//!
//! Invariant: a plan that an organisation has is there.

use portcullis_api::{CreatePlan, Plan, UpdatePlan};
use portcullis_engine::{OrganizationLimits, Rate};
use serde_json::{Value, json};

use super::fields;
use crate::access::Permission::{OrganizationsRead, OrganizationsWrite};
use crate::app::{App, Committed};
use crate::caller::{Caller, Scope};
use crate::clock::to_rfc3339;
use crate::error::Error;
use crate::keys::{given, name};
use crate::policy::PolicyRoom;
use crate::store::{Action, Change, PlanRow, Store, StoreError, Target, Write};

const MAX_NAME: usize = 64;
/// What the command line calls it when there is no plan.
const RESERVED: &str = "none";

/// Makes a plan.
pub(crate) async fn create(app: &App, by: &Caller, request: &CreatePlan) -> Result<Committed<Plan>, Error> {
    may_change(app, by)?;
    let name = slug(&app.policy(), &request.name)?;
    let row = PlanRow {
        display_name: request.display_name.as_ref().map_or(Ok(name.clone()), |text| display_name(app, text))?,
        name,
        limit: request.limit.map(|it| fields::limit("/limit", it)).transpose()?,
        period: request.period,
        rate: request.rate.as_ref().map(fields::rate).transpose()?,
        lost_leases: request.lost_leases,
        is_default: request.default,
        created_at: app.clock.seconds(),
        changed_in: 0,
    };
    if app.store.plan(&row.name).await?.is_some() {
        return Err(taken(&row.name));
    }
    let (shown, target, detail) = (plan(row.clone()), target(&row), members(&row));
    let change = Change::new(by, app.clock.millis());
    let change = change.add(Write::InsertPlan(row), app.default_organization, Action::PlanCreated, target);
    let made = app.commit(change.detail(detail), shown).await;
    made.map_err(|error| match error {
        Error::Store(StoreError::Duplicate) => taken(&request.name),
        other => other,
    })
}

/// Every plan, by name.
pub(crate) async fn list(app: &App, by: &Caller) -> Result<Vec<Plan>, Error> {
    may_look(app, by)?;
    Ok(app.store.plans().await?.into_iter().map(plan).collect())
}

/// One plan.
pub(crate) async fn show(app: &App, by: &Caller, name: &str) -> Result<Plan, Error> {
    may_look(app, by)?;
    found(app, name).await.map(plan)
}

/// Changes a plan. Limits follow at once, bounds of periods that run do not.
pub(crate) async fn update(app: &App, by: &Caller, name: &str, request: &UpdatePlan) -> Result<Committed<Plan>, Error> {
    may_change(app, by)?;
    // What makes no sense is said before anything is looked up.
    apply(app, request, &mut PlanRow::default())?;
    app.change(async || {
        let before = found(app, name).await?;
        by.still_sees(&plan(before.clone()))?;
        let mut row = before.clone();
        apply(app, request, &mut row)?;
        let pairs = members(&before).into_iter().zip(members(&row));
        let changed = pairs.filter(|((_, old), (_, new))| old != new);
        let detail: Vec<_> = changed.map(|((name, old), (_, new))| (name, json!([old, new]))).collect();
        let (shown, target) = (plan(row.clone()), target(&row));
        let change = Change::new(by, app.clock.millis());
        let change = change.add(Write::ReplacePlan(row), app.default_organization, Action::PlanUpdated, target);
        app.commit(change.detail(detail), shown).await
    })
    .await
}

fn apply(app: &App, request: &UpdatePlan, row: &mut PlanRow) -> Result<(), Error> {
    use portcullis_api::Patch;
    if let Some(text) = given("/display_name", &request.display_name)? {
        row.display_name = display_name(app, text)?;
    }
    match request.limit {
        Patch::Keep => {}
        Patch::Clear => row.limit = None,
        Patch::Set(limit) => row.limit = Some(fields::limit("/limit", limit)?),
    }
    match &request.rate {
        Patch::Keep => {}
        Patch::Clear => row.rate = None,
        Patch::Set(sent) => row.rate = Some(fields::rate(sent)?),
    }
    row.period = given("/period", &request.period)?.copied().unwrap_or(row.period);
    row.lost_leases = given("/lost_leases", &request.lost_leases)?.copied().unwrap_or(row.lost_leases);
    row.is_default = given("/default", &request.default)?.copied().unwrap_or(row.is_default);
    Ok(())
}

/// Removes a plan that no organisation has.
pub(crate) async fn remove(app: &App, by: &Caller, name: &str) -> Result<Committed<Plan>, Error> {
    may_change(app, by)?;
    app.change(async || {
        let row = found(app, name).await?;
        let shown = plan(row.clone());
        by.still_sees(&shown)?;
        if app.store.plan_uses(&row.name).await? > 0 {
            let all = app.store.organizations(Scope::All).await?.into_iter();
            let users: Vec<_> = all.filter(|it| it.plan.as_deref() == Some(name)).map(|it| it.name).collect();
            // They may have got another meanwhile.
            if !users.is_empty() {
                return Err(Error::PlanInUse(users));
            }
        }
        let (write, target) = (Write::DeletePlan(row.name.clone(), row.changed_in), target(&row));
        let change = Change::new(by, app.clock.millis());
        app.commit(change.add(write, app.default_organization, Action::PlanDeleted, target), shown).await
    })
    .await
}

/// The plan of organisations made from now on.
pub(crate) async fn default(store: &dyn Store) -> Result<Option<String>, Error> {
    Ok(store.plans().await?.into_iter().find(|row| row.is_default).map(|row| row.name))
}

/// The plan that an organisation is to have; only the operator gives one.
pub(crate) async fn assigned(app: &App, by: &Caller, name: &str) -> Result<String, Error> {
    by.require_operator(app)?;
    if app.store.plan(name).await?.is_some() {
        return Ok(name.to_owned());
    }
    let known: Vec<_> = app.store.plans().await?.into_iter().map(|row| row.name).take(20).collect();
    let named = app.policy().repeated(name).map(|it| format!(": `{it}`")).unwrap_or_default();
    let known = if known.is_empty() { "none yet".to_owned() } else { format!("`{}`", known.join("`, `")) };
    Err(Error::invalid("/plan", format!("there is no such plan{named}; there is {known}")))
}

/// What the keys of organisations with a plan share.
pub(crate) async fn organization_limits(app: &App, plan: Option<String>) -> Result<OrganizationLimits, Error> {
    let Some(name) = plan else { return Ok(OrganizationLimits::default()) };
    let row = app.store.plan(&name).await?.ok_or(Error::NotFound("plan"))?;
    let rate = row.rate.map(|it| Rate::new(it.requests, it.seconds, it.burst)).transpose();
    let rate = rate.map_err(|_| Error::Store(StoreError::Unreadable { column: "rate" }))?;
    Ok(OrganizationLimits { metered: row.limit.is_some(), rate })
}

fn may_look(app: &App, by: &Caller) -> Result<(), Error> {
    by.require(OrganizationsRead)?;
    by.require_operator(app)
}

fn may_change(app: &App, by: &Caller) -> Result<(), Error> {
    by.require(OrganizationsWrite)?;
    by.require_operator(app)
}

async fn found(app: &App, name: &str) -> Result<PlanRow, Error> {
    let unknown = || Error::unknown(&app.policy(), "plan", name, "`portcullis plans list` shows them");
    app.store.plan(name).await?.ok_or_else(unknown)
}

fn display_name(app: &App, text: &str) -> Result<String, Error> {
    name(&app.policy(), text).map_err(|error| match error {
        Error::Invalid { detail, .. } => Error::invalid("/display_name", detail),
        other => other,
    })
}

fn slug(policy: &PolicyRoom, text: &str) -> Result<String, Error> {
    if text == RESERVED {
        let detail = format!("`{RESERVED}` stands for no plan\nhint: give it another name, such as `unlimited`");
        return Err(Error::invalid("/name", detail));
    }
    let is_plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    if (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(is_plain) && !text.starts_with('-') {
        return Ok(text.to_owned());
    }
    let named = policy.repeated(text).map_or("this".to_owned(), |it| format!("`{it}`"));
    let detail = format!("{named} cannot be a plan's name: expected 1 to {MAX_NAME} of a-z, 0-9 and `-`, as in `free`");
    Err(Error::invalid("/name", detail))
}

fn taken(name: &str) -> Error {
    Error::Taken { pointer: "/name".to_owned(), detail: format!("there is a plan `{name}` already") }
}

fn target(row: &PlanRow) -> Target {
    Target::new("plan", &row.name, &row.display_name)
}

fn members(row: &PlanRow) -> Vec<(&'static str, Value)> {
    vec![
        ("display_name", json!(row.display_name)),
        ("limit", json!(row.limit)),
        ("period", json!(row.period)),
        ("rate", json!(row.rate)),
        ("lost_leases", json!(row.lost_leases)),
        ("default", json!(row.is_default)),
    ]
}

/// A plan as the operator sees it.
pub(crate) fn plan(row: PlanRow) -> Plan {
    Plan {
        name: row.name,
        display_name: row.display_name,
        limit: row.limit,
        period: row.period,
        rate: row.rate,
        lost_leases: row.lost_leases,
        default: row.is_default,
        created_at: to_rfc3339(row.created_at),
    }
}

//! Organisations: what keys belong to. There is always one, the default.

use portcullis_api::organizations as api;
use portcullis_api::{CreateOrganization, Organization, Patch, UpdateOrganization};
use portcullis_engine::{OrganizationId, OrganizationState};
use serde_json::json;

use crate::access::Permission::{OrganizationsRead, OrganizationsWrite};
use crate::access::Role;
use crate::app::{App, Committed};
use crate::caller::{Caller, Scope};
use crate::clock::to_rfc3339;
use crate::error::Error;
use crate::id::UserId;
use crate::keys;
use crate::quota;
use crate::random;
use crate::store::{AccountWrite, Action, Change, MemberRow, OrganizationRow, Store, StoreError, Target, Write};

/// For whoever gives a name, or an id that is not one.
const IDS: &str = "ids look like `org_0123456789abcdef`; `portcullis organizations list` shows them";
/// What the default organisation is called until someone renames it.
const DEFAULT_NAME: &str = "default";
/// Where organisations are until someone says otherwise.
const UTC: &str = "UTC";
/// What the audit log calls the kind of thing that an organisation is.
pub(crate) const TARGET: &str = "organization";

/// The default organisation; made if this is the first start. Of control planes that start together, one makes it.
pub(crate) async fn ensure_default(store: &dyn Store, now_ms: u64) -> Result<OrganizationId, Error> {
    if let Some(id) = default(store).await? {
        return Ok(id);
    }
    let row = OrganizationRow {
        id: random::organization_id()?,
        name: DEFAULT_NAME.to_owned(),
        state: OrganizationState::Active,
        is_default: true,
        plan: quota::default(store).await?,
        time_zone: UTC.to_owned(),
        created_at: now_ms / 1000,
        changed_in: 0,
    };
    let id = row.id;
    match store.write(&insertion(&Caller::system(id), row, now_ms), 0).await {
        Err(StoreError::Duplicate) => default(store).await?.ok_or(Error::Store(StoreError::Duplicate)),
        written => Ok(written.map(|_| id)?),
    }
}

async fn default(store: &dyn Store) -> Result<Option<OrganizationId>, Error> {
    Ok(store.organizations(Scope::All).await?.iter().find(|row| row.is_default).map(|row| row.id))
}

/// Makes an organisation. The person who does is its first owner; one made with the administrator's token has nobody
/// until an owner is invited with it.
pub(crate) async fn create(
    app: &App,
    by: &Caller,
    request: &CreateOrganization,
) -> Result<Committed<Organization>, Error> {
    by.require(OrganizationsWrite)?;
    by.require_operator(app)?;
    let row = OrganizationRow {
        id: random::organization_id()?,
        name: keys::name(&app.policy(), &request.name)?,
        state: OrganizationState::Active,
        is_default: false,
        plan: match &request.plan {
            Some(name) => Some(quota::assigned(app, by, name).await?),
            None => quota::default(&*app.store).await?,
        },
        time_zone: request.time_zone.as_deref().map_or(Ok(UTC.to_owned()), |it| quota::time_zone(&app.policy(), it))?,
        created_at: app.clock.seconds(),
        changed_in: 0,
    };
    let shown = organization(row.clone());
    let owner = by.user().map(|user| first_owner(by, &row, user));
    let change = insertion(by, row, app.clock.millis());
    app.commit(owner.into_iter().fold(change, Change::and), shown).await
}

/// Every organisation that the caller sees, oldest first.
pub(crate) async fn list(app: &App, by: &Caller) -> Result<Vec<Organization>, Error> {
    by.require(OrganizationsRead)?;
    Ok(app.store.organizations(sight(app, by)).await?.into_iter().map(organization).collect())
}

/// One organisation.
pub(crate) async fn show(app: &App, by: &Caller, id: &str) -> Result<Organization, Error> {
    by.require(OrganizationsRead)?;
    find_in(app, sight(app, by), id).await.map(organization)
}

/// Changes an organisation's name, its time zone or, if the operator asks, its state and plan.
pub(crate) async fn update(
    app: &App,
    by: &Caller,
    id: &str,
    request: &UpdateOrganization,
) -> Result<Committed<Organization>, Error> {
    by.require(OrganizationsWrite)?;
    let name = keys::given("/name", &request.name)?.map(|name| keys::name(&app.policy(), name)).transpose()?;
    let state = keys::given("/state", &request.state)?.map(state).transpose()?;
    let time_zone =
        keys::given("/time_zone", &request.time_zone)?.map(|it| quota::time_zone(&app.policy(), it)).transpose()?;
    app.change(async || {
        let mut row = find_in(app, sight(app, by), id).await?;
        if state.is_some() || !request.plan.is_keep() {
            by.require_operator(app)?;
        }
        by.still_sees(&organization(row.clone()))?;
        row.name = name.clone().unwrap_or(row.name);
        row.state = state.unwrap_or(row.state);
        row.time_zone = time_zone.clone().unwrap_or(row.time_zone);
        match &request.plan {
            Patch::Keep => {}
            Patch::Clear => row.plan = None,
            Patch::Set(name) => row.plan = Some(quota::assigned(app, by, name).await?),
        }
        let shown = organization(row.clone());
        let mut detail = vec![("name", json!(shown.name)), ("state", json!(shown.state))];
        if !request.plan.is_keep() {
            detail.push(("plan", json!(shown.plan)));
        }
        if time_zone.is_some() {
            detail.push(("time_zone", json!(shown.time_zone)));
        }
        let (id, target) = (row.id, target(&row));
        let change = Change::new(by, app.clock.millis());
        let change = change.add(Write::ReplaceOrganization(row), id, Action::OrganizationUpdated, target);
        app.commit(change.detail(detail), shown).await
    })
    .await
}

/// The organisation something new is for: the one named, or the caller's.
pub(crate) async fn resolve(app: &App, by: &Caller, id: Option<&str>) -> Result<OrganizationId, Error> {
    let Some(id) = id else { return Ok(by.organization) };
    match find(app, by, id).await {
        Err(error @ (Error::NotFound(_) | Error::Unknown { .. })) => {
            Err(Error::invalid("/organization", error.to_string()))
        }
        found => Ok(found?.id),
    }
}

/// The part of what the caller sees that a query is about. Somebody else's rows are not there to be listed.
pub(crate) fn narrow(by: &Caller, id: Option<&str>) -> Result<Scope, Error> {
    let Some(id) = id else { return Ok(by.scope) };
    let id = id
        .parse()
        .map_err(|_| Error::invalid("/organization", format!("expected an organisation's id\nhint: {IDS}")))?;
    by.scope.within(id).ok_or(Error::invalid("/organization", "there is no such organisation"))
}

/// One whose rows the caller may see and change.
pub(crate) async fn find(app: &App, by: &Caller, id: &str) -> Result<OrganizationRow, Error> {
    find_in(app, by.scope, id).await
}

/// One that the caller sees as such.
pub(crate) async fn find_seen(app: &App, by: &Caller, id: &str) -> Result<OrganizationRow, Error> {
    find_in(app, sight(app, by), id).await
}

async fn find_in(app: &App, scope: Scope, id: &str) -> Result<OrganizationRow, Error> {
    let id: OrganizationId = id.parse().map_err(|_| Error::unknown(&app.policy(), "organisation", id, IDS))?;
    // An id is not said again: no answer holds that of somebody else's.
    app.store.organization(scope, id).await?.ok_or(Error::NotFound("organisation"))
}

/// The organisations that a caller sees as such. An operator who manages organisations sees that the others are there,
/// and nothing that is in them.
pub(crate) fn sight(app: &App, by: &Caller) -> Scope {
    let manages = by.organization == app.default_organization && by.permissions.has(OrganizationsWrite);
    if manages { Scope::All } else { by.scope }
}

fn first_owner(by: &Caller, row: &OrganizationRow, user: UserId) -> Change {
    let email = by.email().unwrap_or_default().to_owned();
    let target = Target::new("user", user, &email);
    let (organization, role, created_at) = (row.id, Role::Owner, row.created_at);
    let member = MemberRow { organization, user, email, name: String::new(), role, created_at, last_seen: None };
    Change::new(by, row.created_at * 1000)
        .add(Write::Account(AccountWrite::InsertMember(member)), organization, Action::MemberAdded, target)
        .detail([("role", json!(role.as_str()))])
}

fn insertion(by: &Caller, row: OrganizationRow, now_ms: u64) -> Change {
    let (id, target) = (row.id, target(&row));
    Change::new(by, now_ms).add(Write::InsertOrganization(row), id, Action::OrganizationCreated, target)
}

fn target(row: &OrganizationRow) -> Target {
    Target::new(TARGET, row.id, &row.name)
}

fn state(sent: &api::OrganizationState) -> Result<OrganizationState, Error> {
    Ok(match sent {
        api::OrganizationState::Active => OrganizationState::Active,
        api::OrganizationState::Suspended => OrganizationState::Suspended,
        api::OrganizationState::QuotaExhaustedUntil(time) => {
            OrganizationState::QuotaExhausted { until: Error::time("/state/quota_exhausted_until", time)? }
        }
    })
}

fn organization(row: OrganizationRow) -> Organization {
    Organization {
        id: row.id.to_string(),
        name: row.name,
        state: match row.state {
            OrganizationState::Active => api::OrganizationState::Active,
            OrganizationState::Suspended => api::OrganizationState::Suspended,
            OrganizationState::QuotaExhausted { until } => {
                api::OrganizationState::QuotaExhaustedUntil(to_rfc3339(until))
            }
        },
        default: row.is_default,
        plan: row.plan,
        time_zone: row.time_zone,
        created_at: to_rfc3339(row.created_at),
    }
}

//! Organisations: what keys belong to. There is always one, the default.

use portcullis_api::organizations as api;
use portcullis_api::{CreateOrganization, Organization, UpdateOrganization};
use portcullis_engine::{OrganizationId, OrganizationState};

use crate::app::{App, Committed};
use crate::clock::to_rfc3339;
use crate::error::Error;
use crate::keys;
use crate::random;
use crate::store::{OrganizationRow, Store, Write};

/// What the default organisation is called until someone renames it.
const DEFAULT_NAME: &str = "default";

/// The default organisation; made if this is the first start.
pub(crate) async fn ensure_default(store: &dyn Store, now: u64) -> Result<OrganizationId, Error> {
    if let Some(row) = store.organizations().await?.iter().find(|row| row.is_default) {
        return Ok(row.id);
    }
    let row = OrganizationRow {
        id: random::organization_id()?,
        name: DEFAULT_NAME.to_owned(),
        state: OrganizationState::Active,
        is_default: true,
        created_at: now,
        changed_in: 0,
    };
    let id = row.id;
    store.write(&[Write::InsertOrganization(row)], 0).await?;
    Ok(id)
}

/// Makes an organisation.
pub(crate) async fn create(app: &App, request: &CreateOrganization) -> Result<Committed<Organization>, Error> {
    let row = OrganizationRow {
        id: random::organization_id()?,
        name: keys::name(app, &request.name)?,
        state: OrganizationState::Active,
        is_default: false,
        created_at: app.clock.seconds(),
        changed_in: 0,
    };
    let shown = organization(row.clone());
    app.commit(&[Write::InsertOrganization(row)], shown).await
}

/// Every organisation, oldest first.
pub(crate) async fn list(app: &App) -> Result<Vec<Organization>, Error> {
    Ok(app.store.organizations().await?.into_iter().map(organization).collect())
}

/// One organisation.
pub(crate) async fn show(app: &App, id: &str) -> Result<Organization, Error> {
    find(app, id).await.map(organization)
}

/// Changes an organisation's name or state.
pub(crate) async fn update(
    app: &App,
    id: &str,
    request: &UpdateOrganization,
) -> Result<Committed<Organization>, Error> {
    app.change(async || {
        let mut row = find(app, id).await?;
        if let Some(text) = keys::given("/name", &request.name)? {
            row.name = keys::name(app, text)?;
        }
        if let Some(sent) = keys::given("/state", &request.state)? {
            row.state = state(sent)?;
        }
        let shown = organization(row.clone());
        app.commit(&[Write::ReplaceOrganization(row)], shown).await
    })
    .await
}

/// The organisation a new key is for: the one named, or the default.
pub(crate) async fn resolve(app: &App, id: Option<&str>) -> Result<OrganizationId, Error> {
    let Some(id) = id else { return Ok(app.default_organization) };
    match find(app, id).await {
        Err(Error::NotFound(_)) => Err(Error::invalid("/organization", "there is no such organisation")),
        found => Ok(found?.id),
    }
}

async fn find(app: &App, id: &str) -> Result<OrganizationRow, Error> {
    let id: OrganizationId = id.parse().map_err(|_| Error::NotFound("organisation"))?;
    app.store.organization(id).await?.ok_or(Error::NotFound("organisation"))
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
        created_at: to_rfc3339(row.created_at),
    }
}

//! Where a quota stands, for those whose it is.

use portcullis_api::plans::{Meter, Quota, WhichQuota};
use portcullis_engine::Subject;

use super::desk::{MeterRow, Metered};
use super::period::Period;
use crate::access::Permission::{KeysRead, OrganizationsRead};
use crate::app::App;
use crate::caller::Caller;
use crate::clock::to_rfc3339;
use crate::error::Error;
use crate::keys;
use crate::organizations;

/// An organisation's quota, or a key's own.
pub(crate) async fn show(app: &App, by: &Caller, which: &WhichQuota) -> Result<Quota, Error> {
    let organization = match &which.organization {
        None => by.organization,
        Some(_) => organizations::narrow(by, which.organization.as_deref())?.only().unwrap_or(by.organization),
    };
    if let Some(key) = &which.key {
        by.require(KeysRead)?;
        let row = keys::row(app, by, key).await?;
        if which.organization.is_some() && row.organization != organization {
            return Err(Error::NotFound("key"));
        }
        let subject = Subject::Key(row.meter.unwrap_or(row.id));
        return quota(app, subject, row.organization.to_string(), None).await;
    }
    by.require(OrganizationsRead)?;
    let row = organizations::find(app, by, &organization.to_string()).await?;
    quota(app, Subject::Organization(row.id), row.id.to_string(), row.plan).await
}

/// The quota of an organisation that the caller sees as such: an operator who gives plans sees what is left of them.
pub(crate) async fn show_seen(app: &App, by: &Caller, id: &str) -> Result<Quota, Error> {
    by.require(OrganizationsRead)?;
    let row = organizations::find_seen(app, by, id).await?;
    quota(app, Subject::Organization(row.id), row.id.to_string(), row.plan).await
}

async fn quota(app: &App, subject: Subject, organization: String, plan: Option<String>) -> Result<Quota, Error> {
    let now = app.clock.seconds();
    let (metered, last) = app.store.meter(subject, now).await?;
    let meter = metered.map(|metered| meter(&metered, last.as_ref(), now));
    Ok(Quota { subject: subject.to_string(), organization, plan, meter })
}

fn meter(metered: &Metered, last: Option<&MeterRow>, now: u64) -> Meter {
    let period = Period::at(&metered.rule, last.map(|it| it.period), now);
    let running = last.filter(|it| it.period == period);
    let (sums, topped_up) = running.map_or_else(Default::default, |it| (it.sums, it.topped_up));
    let limit = metered.limit.saturating_add(topped_up);
    Meter {
        period: metered.rule.period,
        period_start: to_rfc3339(period.start),
        resets_at: to_rfc3339(period.end),
        limit,
        topped_up,
        used: sums.spent,
        in_doubt: sums.in_doubt,
        held: sums.held(),
        remaining: limit.saturating_sub(sums.used()),
    }
}

//! Parts of quotas that were reached, turned into messages.
//!
//! Invariant: each is turned once, whichever control plane does it; a webhook that is made later does not hear of it.

use serde_json::json;

use super::{Event, manage, message};
use crate::app::App;
use crate::caller::Scope;
use crate::clock::to_rfc3339;
use crate::error::Error;
use crate::id::DeliveryId;
use crate::store::{DeliveryRow, QuotaEventRow, Slice, StoreError, WebhookRow};

const AT_ONCE: u32 = 100;
/// No organisation has more.
const WEBHOOKS: Slice = Slice { after: None, limit: 1000 };

/// Makes a message of each event for each webhook that is told of it.
pub(super) async fn tell(app: &App) -> Result<(), Error> {
    for event in app.store.untold_quota_events(AT_ONCE).await? {
        let messages = webhooks(app, &event).await?;
        let messages: Result<Vec<_>, Error> = messages.iter().map(|row| threshold(app, row, &event)).collect();
        app.store.tell_quota_event(event.id, &messages?).await?;
    }
    Ok(())
}

/// Those that are told of it: the organisation's own, and the operator's that hear of all.
async fn webhooks(app: &App, event: &QuotaEventRow) -> Result<Vec<WebhookRow>, StoreError> {
    let of = async |organization| app.store.webhooks(Scope::Only(organization), &WEBHOOKS).await;
    let mut found = of(event.organization).await?;
    if event.organization != app.default_organization {
        found.extend(of(app.default_organization).await?);
    }
    let hears = |row: &WebhookRow| {
        let own = row.organization == event.organization && row.events.has(Event::QuotaThreshold);
        row.disabled_at.is_none() && (own || row.events.has(Event::EveryQuotaThreshold))
    };
    found.retain(hears);
    Ok(found)
}

fn threshold(app: &App, row: &WebhookRow, event: &QuotaEventRow) -> Result<DeliveryRow, Error> {
    let QuotaEventRow { subject, percent, limit, period_start, .. } = event;
    let kind = Event::QuotaThreshold.as_str();
    let data = json!({
        "organization": event.organization.to_string(),
        "subject": subject,
        "percent": percent,
        "limit": limit,
        "used": event.used,
        "period_start": to_rfc3339(*period_start),
        "period_end": to_rfc3339(event.period_end),
    });
    let cause = format!("quota {subject} {period_start} {percent} {limit}");
    let body = message::body(kind, event.at_ms / 1000, data);
    Ok(manage::new(app, row, DeliveryId::generate()?, cause, kind, body))
}

//! What callers send about webhooks, parsed into what is stored, and back.

use portcullis_api::webhooks::DeliveryStatus;
use portcullis_api::{Delivery, Webhook};
use portcullis_engine::OrganizationId;
use reqwest::Url;

use super::{Event, Events};
use crate::app::App;
use crate::clock::{millis_to_rfc3339, to_rfc3339};
use crate::error::Error;
use crate::keys;
use crate::store::{DeliveryRow, WebhookRow};

/// A URL that messages may go to.
pub(super) fn url(app: &App, text: &str) -> Result<String, Error> {
    let text = text.trim();
    keys::no_secret(&app.policy(), "/url", text)?;
    let url = app.hooks.rules().parse(text).map_err(|refused| Error::invalid("/url", refused.to_string()))?;
    Ok(url.into())
}

/// What the webhook is told of. Only the operator is told of other organisations.
pub(super) fn events(app: &App, organization: OrganizationId, sent: &[String]) -> Result<Events, Error> {
    let parse = |(index, text): (usize, &String)| {
        let known = || Event::ALL.map(Event::as_str).join("`, `");
        let unknown = |_| {
            let named = app.policy().repeated(text).map(|it| format!(": `{it}`")).unwrap_or_default();
            Error::invalid(format!("/events/{index}"), format!("there is no such event{named}; there is `{}`", known()))
        };
        let event = text.parse::<Event>().map_err(unknown)?;
        if event.is_of_operator() && organization != app.default_organization {
            let detail = "only webhooks of the default organisation are told of every organisation: leave it out";
            return Err(Error::invalid(format!("/events/{index}"), detail));
        }
        Ok(event)
    };
    let events = sent.iter().enumerate().map(parse).collect::<Result<Vec<_>, _>>()?;
    Events::of(events).ok_or_else(|| Error::invalid("/events", "expected one event or more"))
}

/// What the log and people call a webhook: its URL may be somebody's secret, its host is not.
pub(super) fn host(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

pub(super) fn webhook(row: &WebhookRow) -> Webhook {
    Webhook {
        id: row.id.to_string(),
        organization: row.organization.to_string(),
        url: row.url.clone(),
        events: row.events.iter().map(|it| it.as_str().to_owned()).collect(),
        enabled: row.disabled_at.is_none(),
        created_by: row.created_by.clone(),
        created_at: to_rfc3339(row.created_at),
    }
}

pub(super) fn delivery(row: DeliveryRow) -> Delivery {
    Delivery {
        id: row.id.to_string(),
        webhook: row.webhook.to_string(),
        event: row.event,
        status: match (row.delivered_at, row.given_up_at) {
            (Some(_), _) => DeliveryStatus::Delivered,
            (None, Some(_)) => DeliveryStatus::GivenUp,
            (None, None) => DeliveryStatus::Pending,
        },
        attempts: row.attempts,
        created_at: to_rfc3339(row.created_at),
        last_attempt_at: row.last_at.map(to_rfc3339),
        next_attempt_at: row.next_at_ms.map(millis_to_rfc3339),
        last_status: row.last_status,
        last_error: row.last_error,
        body: row.body,
    }
}

//! Making, changing and removing webhooks, and looking at what they were sent.
//!
//! All of it takes the right to manage the organisation: a webhook's URL may itself be a secret. Invariant: the signing
//! secret is in the answer to whoever makes the webhook and in no other.

use portcullis_api::webhooks::ListWebhooks;
use portcullis_api::{CreateWebhook, CreatedWebhook, Delivery, Page, Secret, UpdateWebhook, Webhook, WhichPage};
use serde_json::json;

use super::Event;
use super::fields::{delivery, events, host, url, webhook};
use super::message;
use super::signing::SigningSecret;
use crate::access::Permission::OrganizationsWrite;
use crate::accounts::pages;
use crate::app::App;
use crate::caller::{Caller, Scope};
use crate::error::Error;
use crate::id::{DeliveryId, WebhookId};
use crate::keys::given;
use crate::organizations;
use crate::store::{Action, Change, DeliveryRow, Slice, Target, WebhookRow, WebhookWrite, Write};

/// More than that nobody means: each event goes to all of them.
const MOST: u32 = 20;

/// Makes a webhook. Its secret is in this answer and nowhere else.
pub(crate) async fn create(app: &App, by: &Caller, request: &CreateWebhook) -> Result<CreatedWebhook, Error> {
    by.require(OrganizationsWrite)?;
    let organization = organizations::resolve(app, by, request.organization.as_deref()).await?;
    let default = [Event::QuotaThreshold.as_str().to_owned()];
    let events = events(app, organization, request.events.as_deref().unwrap_or(&default))?;
    let url = url(app, &request.url)?;
    let others = app.store.webhooks(Scope::Only(organization), &Slice { after: None, limit: MOST }).await?;
    if others.len() >= usize::try_from(MOST).unwrap_or(usize::MAX) {
        let detail = format!("an organisation has at most {MOST} webhooks: remove one first");
        return Err(Error::invalid("/organization", detail));
    }
    let (id, secret) = (WebhookId::generate()?, SigningSecret::generate()?);
    let row = WebhookRow {
        id,
        organization,
        url,
        events,
        secret: secret.seal(&app.sealing_key, id)?,
        created_by: by.name().to_owned(),
        created_at: app.clock.seconds(),
        disabled_at: None,
    };
    let record = webhook(&row);
    let change = change(app, by, &row, Action::WebhookCreated, WebhookWrite::Insert(row.clone()));
    app.record(change.detail([("events", json!(record.events))])).await?;
    Ok(CreatedWebhook { record, secret: Secret::new(secret.expose()) })
}

/// One page of webhooks, newest first.
pub(crate) async fn list(app: &App, by: &Caller, query: &ListWebhooks) -> Result<Page<Webhook>, Error> {
    by.require(OrganizationsWrite)?;
    let scope = organizations::narrow(by, query.organization.as_deref())?;
    let slice = pages::slice(query.limit, query.cursor.as_deref())?;
    let rows = app.store.webhooks(scope, &slice).await?;
    Ok(pages::page(rows, &slice, |row| (row.created_at, row.id.to_string()), |row| webhook(&row)))
}

/// One webhook.
pub(crate) async fn show(app: &App, by: &Caller, id: &str) -> Result<Webhook, Error> {
    Ok(webhook(&find(app, by, id).await?))
}

/// Changes where messages go, what of, and whether at all.
pub(crate) async fn update(app: &App, by: &Caller, id: &str, request: &UpdateWebhook) -> Result<Webhook, Error> {
    app.change(async || {
        let from = find(app, by, id).await?;
        by.still_sees(&webhook(&from))?;
        let to = changed(app, &from, request)?;
        let shown = webhook(&to);
        if from == to {
            return Ok(shown);
        }
        let detail = [
            ("events", json!(shown.events)),
            ("enabled", json!(shown.enabled)),
            ("another_url", json!(from.url != to.url)),
        ];
        let write = WebhookWrite::Replace { from, to: to.clone() };
        app.record(change(app, by, &to, Action::WebhookUpdated, write).detail(detail)).await?;
        app.hooks.wake();
        Ok(shown)
    })
    .await
}

fn changed(app: &App, from: &WebhookRow, request: &UpdateWebhook) -> Result<WebhookRow, Error> {
    let mut to = from.clone();
    if let Some(text) = given("/url", &request.url)? {
        to.url = url(app, text)?;
    }
    if let Some(sent) = given("/events", &request.events)? {
        to.events = events(app, from.organization, sent)?;
    }
    if let Some(enabled) = given("/enabled", &request.enabled)? {
        let now = app.clock.seconds();
        to.disabled_at = (!enabled).then(|| from.disabled_at.unwrap_or(now));
    }
    Ok(to)
}

/// Removes a webhook and what it was sent.
pub(crate) async fn remove(app: &App, by: &Caller, id: &str) -> Result<(), Error> {
    app.change(async || {
        let row = find(app, by, id).await?;
        let change = change(app, by, &row, Action::WebhookDeleted, WebhookWrite::Delete(row.id));
        app.record(change).await
    })
    .await
}

/// Sends a message that says nothing but that it arrives; as any other it is sent until it does.
pub(crate) async fn test(app: &App, by: &Caller, id: &str) -> Result<Delivery, Error> {
    let row = find(app, by, id).await?;
    if row.disabled_at.is_some() {
        return Err(Error::invalid("", "the webhook is disabled: enable it first"));
    }
    let id = DeliveryId::generate()?;
    let message = new(app, &row, id, format!("test {id}"), message::TEST, message::test(&row, app.clock.seconds()));
    let write = WebhookWrite::InsertDelivery(message.clone());
    app.record(change(app, by, &row, Action::WebhookTested, write)).await?;
    app.hooks.wake();
    Ok(delivery(message))
}

/// One page of what a webhook was sent, newest first.
pub(crate) async fn deliveries(app: &App, by: &Caller, id: &str, query: &WhichPage) -> Result<Page<Delivery>, Error> {
    let row = find(app, by, id).await?;
    let slice = pages::slice(query.limit, query.cursor.as_deref())?;
    let rows = app.store.deliveries(row.id, &slice).await?;
    Ok(pages::page(rows, &slice, |row| (row.created_at, row.id.to_string()), delivery))
}

/// Sends a message again, now, whether it arrived or not.
pub(crate) async fn retry(app: &App, by: &Caller, webhook: &str, id: &str) -> Result<Delivery, Error> {
    let row = find(app, by, webhook).await?;
    let id: DeliveryId = id.parse().map_err(|_| Error::NotFound("delivery"))?;
    let found = app.store.delivery(row.id, id).await?.ok_or(Error::NotFound("delivery"))?;
    let now_ms = app.clock.millis();
    let write = WebhookWrite::Retry(id, now_ms);
    let change = change(app, by, &row, Action::WebhookRetried, write);
    app.record(change.detail([("delivery", json!(id.to_string()))])).await?;
    app.hooks.wake();
    let again = DeliveryRow { attempts: 0, next_at_ms: Some(now_ms), delivered_at: None, given_up_at: None, ..found };
    Ok(delivery(again))
}

/// A message that is to be sent at once.
pub(super) fn new(
    app: &App,
    row: &WebhookRow,
    id: DeliveryId,
    cause: String,
    event: &str,
    body: String,
) -> DeliveryRow {
    DeliveryRow {
        id,
        webhook: row.id,
        cause,
        event: event.to_owned(),
        body,
        created_at: app.clock.seconds(),
        attempts: 0,
        next_at_ms: Some(app.clock.millis()),
        last_at: None,
        last_status: None,
        last_error: None,
        delivered_at: None,
        given_up_at: None,
    }
}

async fn find(app: &App, by: &Caller, id: &str) -> Result<WebhookRow, Error> {
    by.require(OrganizationsWrite)?;
    let id: WebhookId = id.parse().map_err(|_| Error::NotFound("webhook"))?;
    app.store.webhook(by.scope, id).await?.ok_or(Error::NotFound("webhook"))
}

/// Something done to a webhook, and what the log says of it.
pub(super) fn change(app: &App, by: &Caller, row: &WebhookRow, action: Action, write: WebhookWrite) -> Change {
    let target = Target::new("webhook", row.id, host(&row.url));
    Change::new(by, app.clock.millis()).add(Write::Webhook(write), row.organization, action, target)
}

//! Sending: looks what is due, claims it, posts it, and writes down what became of it.
//!
//! Control planes that share a database each have one. A claim is a time until which nobody else sends the message; who
//! dies with one leaves the message to the others. Invariants: at most so many attempts at once, a few for each organisation
//! and one for each webhook, so that servers that do not answer keep nobody else's waiting; an attempt is written down
//! before the next.

use std::collections::BTreeMap;
use std::time::Duration;

use portcullis_engine::OrganizationId;
use serde_json::json;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::address::WebhookRules;
use super::manage::change;
use super::metering;
use super::post::{Failed, Message, Poster};
use super::schedule;
use super::signing::SigningSecret;
use crate::app::App;
use crate::caller::Caller;
use crate::clock::DAY;
use crate::error::Error;
use crate::id::WebhookId;
use crate::store::{Action, Due, Outcome, StoreError, WebhookWrite};

const AT_ONCE: usize = 16;
/// Of one organisation.
const OF_ONE: usize = 4;
/// What others wrote, and what is due again, is seen so soon.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// Longer than an attempt can take, with what is written before and after it.
const CLAIM_MS: u64 = 60_000;
/// So long people can look at what was sent.
const KEPT_DAYS: u64 = 30;
const UPKEEP_EVERY_MS: u64 = 60 * 60 * 1000;

/// Sends what webhooks are told.
#[derive(Debug)]
pub(crate) struct Sender {
    rules: WebhookRules,
    poster: Poster,
    woken: Notify,
}

impl Sender {
    pub(crate) fn new(rules: WebhookRules) -> Self {
        Self { rules, poster: Poster::new(rules), woken: Notify::new() }
    }

    /// Where messages may go.
    pub(crate) fn rules(&self) -> WebhookRules {
        self.rules
    }

    /// What is published at an address, under the same rules as messages.
    pub(crate) async fn get(&self, url: &str, within: Duration, most: usize) -> Result<Vec<u8>, Failed> {
        self.poster.get(url, within, most).await
    }

    /// There is something to send.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }
}

/// Who is being sent something.
type Busy = BTreeMap<WebhookId, OrganizationId>;

/// Sends, as long as the process lives. Never returns. What breaks off is begun again: keys do not depend on it.
pub(crate) async fn run(app: App) {
    loop {
        let mut running = JoinSet::new();
        running.spawn(send(app.clone()));
        running.join_next().await;
        tracing::error!("the sender of webhooks broke off: its panic is above; it begins again");
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

async fn send(app: App) {
    let (mut sending, mut busy, mut tidied_ms) = (JoinSet::new(), Busy::new(), 0);
    loop {
        if let Err(error) = begin(&app, &mut sending, &mut busy, &mut tidied_ms).await {
            tracing::error!(%error, "webhooks are not sent; trying again");
        }
        tokio::select! {
            Some(done) = sending.join_next() => match done {
                Ok(webhook) => drop(busy.remove(&webhook)),
                // Whose attempt panicked is not known. What it had claimed is due again when the claim is over.
                Err(_) => busy.clear(),
            },
            () = app.hooks.woken.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Begins with what is due, as far as there is room.
async fn begin(app: &App, sending: &mut JoinSet<WebhookId>, busy: &mut Busy, tidied_ms: &mut u64) -> Result<(), Error> {
    let now_ms = app.clock.millis();
    if now_ms.saturating_sub(*tidied_ms) >= UPKEEP_EVERY_MS {
        app.store.forget_deliveries((now_ms / 1000).saturating_sub(KEPT_DAYS * DAY)).await?;
        *tidied_ms = now_ms;
    }
    metering::tell(app).await?;
    for due in due(app, busy, now_ms).await? {
        let until_ms = now_ms.saturating_add(CLAIM_MS);
        if has_room(sending.len(), busy, &due) && app.store.claim_delivery(&due.delivery, until_ms).await? {
            busy.insert(due.webhook.id, due.webhook.organization);
            sending.spawn(attempt(app.clone(), due, until_ms));
        }
    }
    Ok(())
}

/// What is due: as much as there could be room for, and one more for each that may be passed over because of those that are busy.
async fn due(app: &App, busy: &Busy, now_ms: u64) -> Result<Vec<Due>, StoreError> {
    let number = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
    app.store.due(now_ms, number(AT_ONCE + busy.len()), number(OF_ONE)).await
}

fn has_room(sending: usize, busy: &Busy, due: &Due) -> bool {
    let theirs = busy.values().filter(|it| **it == due.webhook.organization).count();
    sending < AT_ONCE && theirs < OF_ONE && !busy.contains_key(&due.webhook.id)
}

/// One attempt, from the signature to what is written of it.
async fn attempt(app: App, due: Due, claimed_ms: u64) -> WebhookId {
    let posted = post(&app, &due).await;
    let outcome = outcome(&app, &due, posted);
    let written = settle(&app, &due, claimed_ms, outcome).await;
    let _ = written.inspect_err(|error| tracing::error!(%error, "what became of a webhook's message is not written"));
    due.webhook.id
}

async fn post(app: &App, due: &Due) -> Result<u16, Failed> {
    let opened = SigningSecret::open(&app.sealing_key, due.webhook.id, &due.webhook.secret);
    let secret = opened.ok_or(Failed::Sealed)?;
    let id = due.delivery.id.to_string();
    let (url, body) = (due.webhook.url.as_str(), due.delivery.body.as_str());
    let message = Message { url, id: &id, timestamp: app.clock.seconds(), body };
    Ok(app.hooks.poster.post(&message, &secret).await?.as_u16())
}

fn outcome(app: &App, due: &Due, posted: Result<u16, Failed>) -> Outcome {
    let (at, now_ms) = (app.clock.seconds(), app.clock.millis());
    match posted {
        Ok(status) => Outcome { at, status: Some(status.into()), error: None, again_at_ms: None },
        Err(failed) => {
            let again_at_ms = schedule::wait_ms(due.delivery.attempts + 1).map(|wait| now_ms + wait);
            let status = failed.status().map(u64::from);
            Outcome { at, status, error: Some(failed.to_string()), again_at_ms }
        }
    }
}

/// Writes down what became of an attempt; that a message is given up is also in the log.
async fn settle(app: &App, due: &Due, claimed_ms: u64, outcome: Outcome) -> Result<(), StoreError> {
    let id = due.delivery.id;
    app.metrics.webhook_attempted(match (&outcome.error, outcome.again_at_ms) {
        (None, _) => "delivered",
        (Some(_), Some(_)) => "failed",
        (Some(_), None) => "given_up",
    });
    if outcome.error.is_none() || outcome.again_at_ms.is_some() {
        return app.store.settle_delivery(id, claimed_ms, &outcome).await;
    }
    let by = Caller::system(due.webhook.organization);
    let detail = [("delivery", json!(id.to_string())), ("event", json!(due.delivery.event))];
    let write = WebhookWrite::Settle(id, claimed_ms, outcome);
    let change = change(app, &by, &due.webhook, Action::WebhookGivenUp, write).detail(detail);
    app.metrics.noted(Action::WebhookGivenUp.as_str());
    match app.store.write(&change, 0).await {
        // Somebody else has it by now.
        Ok(_) | Err(StoreError::Conflict) => Ok(()),
        Err(error) => Err(error),
    }
}

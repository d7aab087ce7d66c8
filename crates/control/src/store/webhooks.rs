//! Webhooks and their deliveries as stored: where to, what, and how far it is.
//!
//! Rows and questions only; when something is sent is decided in `webhooks`. Invariant: a delivery is claimed by one
//! control plane at a time, and is done for good only once it was delivered or given up.

use async_trait::async_trait;
use portcullis_engine::OrganizationId;

use super::{Slice, StoreError};
use crate::caller::Scope;
use crate::id::{DeliveryId, WebhookId};
use crate::webhooks::Events;

/// While so many messages wait for a webhook, nobody may ask for another.
pub(crate) const MOST_WAITING: u64 = 10;

/// Where an organisation wants to be told of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WebhookRow {
    /// Its id.
    pub id: WebhookId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Where messages go.
    pub url: String,
    /// What it is told of.
    pub events: Events,
    /// What messages are signed with, sealed.
    pub secret: Vec<u8>,
    /// Who made it.
    pub created_by: String,
    /// When, in Unix seconds.
    pub created_at: u64,
    /// Since when it is told nothing; `None` = it is.
    pub disabled_at: Option<u64>,
}

/// A message to a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeliveryRow {
    /// Its id, also for whoever receives it.
    pub id: DeliveryId,
    /// Whom it is for.
    pub webhook: WebhookId,
    /// What it tells of. A webhook has one delivery for each cause.
    pub cause: String,
    /// The kind of event.
    pub event: String,
    /// What is sent.
    pub body: String,
    /// When it was made, in Unix seconds.
    pub created_at: u64,
    /// How often it was sent.
    pub attempts: u64,
    /// When it is sent next, in Unix milliseconds; `None` = never.
    pub next_at_ms: Option<u64>,
    /// When it was last sent, in Unix seconds.
    pub last_at: Option<u64>,
    /// The HTTP status of the last answer, if one came.
    pub last_status: Option<u64>,
    /// What was wrong the last time.
    pub last_error: Option<String>,
    /// When it arrived, in Unix seconds.
    pub delivered_at: Option<u64>,
    /// When it was given up, in Unix seconds.
    pub given_up_at: Option<u64>,
}

/// A delivery that is to be sent, and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    /// What.
    pub delivery: DeliveryRow,
    /// Where to.
    pub webhook: WebhookRow,
}

/// What became of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// When it ended, in Unix seconds.
    pub at: u64,
    /// The HTTP status of the answer, if one came.
    pub status: Option<u64>,
    /// What was wrong; `None` = it was delivered.
    pub error: Option<String>,
    /// When it is sent again, in Unix milliseconds; `None` = never.
    pub again_at_ms: Option<u64>,
}

/// A part of a quota that was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QuotaEventRow {
    /// Its place.
    pub id: u64,
    /// Whose quota: an organisation's id, or a key's.
    pub subject: String,
    /// The organisation, or that of the key.
    pub organization: OrganizationId,
    /// When the period began, in Unix seconds.
    pub period_start: u64,
    /// When it ends.
    pub period_end: u64,
    /// Which part.
    pub percent: u64,
    /// Of how much.
    pub limit: u64,
    /// What was used then.
    pub used: u64,
    /// When it was reached, in Unix milliseconds.
    pub at_ms: u64,
}

/// What can be written about webhooks.
#[derive(Clone, Debug)]
pub(crate) enum WebhookWrite {
    /// A new one.
    Insert(WebhookRow),
    /// One's new address, events and state, instead of those that were read.
    Replace {
        /// As it was read; refused with [`StoreError::Conflict`] if it is another by now.
        from: WebhookRow,
        /// As it is to be.
        to: WebhookRow,
    },
    /// One goes, with what it was sent.
    Delete(WebhookId),
    /// A new message that somebody asked for; nothing if the webhook is told of that cause already. Refused with
    /// [`StoreError::TooManyWaiting`] if [`MOST_WAITING`] wait.
    InsertDelivery(DeliveryRow),
    /// A message is sent again at that time, as if it were new; refused likewise, unless it waits itself.
    Retry(DeliveryId, u64),
    /// What became of an attempt that was claimed until then, if the log is to say so; refused with
    /// [`StoreError::Conflict`] if somebody else has it by now.
    Settle(DeliveryId, u64, Outcome),
}

/// Questions about webhooks.
#[async_trait]
pub(crate) trait Webhooks {
    /// One of them.
    async fn webhook(&self, scope: Scope, id: WebhookId) -> Result<Option<WebhookRow>, StoreError>;

    /// Newest first.
    async fn webhooks(&self, scope: Scope, slice: &Slice) -> Result<Vec<WebhookRow>, StoreError>;
}

/// Questions about deliveries, and what the sender does with them.
#[async_trait]
pub(crate) trait Deliveries {
    /// One of a webhook's.
    async fn delivery(&self, webhook: WebhookId, id: DeliveryId) -> Result<Option<DeliveryRow>, StoreError>;

    /// A webhook's, newest first.
    async fn deliveries(&self, webhook: WebhookId, slice: &Slice) -> Result<Vec<DeliveryRow>, StoreError>;

    /// What is to be sent by now: the first of each webhook that is not disabled, the longest overdue first, and of one
    /// organisation no more than `of_one`.
    async fn due(&self, now_ms: u64, most: u32, of_one: u32) -> Result<Vec<Due>, StoreError>;

    /// Takes a delivery as it was read, so that nobody else sends it until then. `false` if somebody was faster.
    async fn claim_delivery(&self, row: &DeliveryRow, until_ms: u64) -> Result<bool, StoreError>;

    /// Writes down what became of an attempt that was claimed until then. A failure is written by whoever still holds the
    /// claim; that it was delivered is true whoever says it.
    async fn settle_delivery(&self, id: DeliveryId, claimed_ms: u64, outcome: &Outcome) -> Result<(), StoreError>;

    /// Parts of quotas that were reached and no webhook was told of, the oldest first.
    async fn untold_quota_events(&self, most: u32) -> Result<Vec<QuotaEventRow>, StoreError>;

    /// Stores the messages that one of them makes; it is told then.
    async fn tell_quota_event(&self, id: u64, messages: &[DeliveryRow]) -> Result<(), StoreError>;

    /// How many are still to be sent.
    async fn pending_deliveries(&self) -> Result<u64, StoreError>;

    /// Forgets those that are done and were made before then.
    async fn forget_deliveries(&self, before: u64) -> Result<(), StoreError>;
}

//! SQL about deliveries: what is due, who has it, and what became of it.
//!
//! Invariants: of many control planes that saw the same row due, one claims it: it moves `next_at_ms` on from what all saw;
//! whoever asks for messages, however often, makes only so many wait.

use async_trait::async_trait;
use sqlx::Row as _;

use super::columns::{exactly_one, parsed, signed, unsigned, unsigned_or_null};
use super::store::again;
use super::webhooks::webhook_row;
use super::{Connection, Row, SqlStore, quota_events};
use crate::id::{DeliveryId, WebhookId};
use crate::store::{Deliveries, DeliveryRow, Due, MOST_WAITING, Outcome, QuotaEventRow, Slice, StoreError};

/// Once for each webhook and cause. A webhook that is gone by now is told nothing.
pub(super) async fn insert(connection: &mut Connection, row: &DeliveryRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO webhook_deliveries (id, webhook, cause, event, body, created_at, attempts, next_at_ms) \
               SELECT $1, id, $3, $4, $5, $6, $7, $8 FROM webhooks WHERE id = $2 ON CONFLICT (webhook, cause) DO NOTHING";
    sqlx::query(sql)
        .bind(row.id.to_string())
        .bind(row.webhook.to_string())
        .bind(&row.cause)
        .bind(&row.event)
        .bind(&row.body)
        .bind(signed(row.created_at))
        .bind(signed(row.attempts))
        .bind(row.next_at_ms.map(signed))
        .execute(connection)
        .await?;
    Ok(())
}

/// A message that somebody asked for. Whoever writes a change holds the version, so nobody counts at the same time.
pub(super) async fn insert_asked(connection: &mut Connection, row: &DeliveryRow) -> Result<(), StoreError> {
    make_room(connection, &row.webhook.to_string()).await?;
    insert(connection, row).await
}

/// Fails if so many wait already.
async fn make_room(connection: &mut Connection, webhook: &str) -> Result<(), StoreError> {
    let sql = "SELECT COUNT(*) AS waiting FROM webhook_deliveries WHERE webhook = $1 AND next_at_ms IS NOT NULL";
    let row = sqlx::query(sql).bind(webhook).fetch_one(connection).await?;
    let waiting = unsigned("waiting", row.try_get("waiting")?)?;
    if waiting < MOST_WAITING { Ok(()) } else { Err(StoreError::TooManyWaiting) }
}

pub(super) async fn retry(connection: &mut Connection, id: DeliveryId, at_ms: u64) -> Result<(), StoreError> {
    let sql = "SELECT webhook FROM webhook_deliveries WHERE id = $1 AND next_at_ms IS NULL";
    if let Some(done) = sqlx::query(sql).bind(id.to_string()).fetch_optional(&mut *connection).await? {
        make_room(connection, done.try_get("webhook")?).await?;
    }
    let sql = "UPDATE webhook_deliveries SET attempts = 0, next_at_ms = $1, delivered_at = NULL, given_up_at = NULL \
               WHERE id = $2";
    exactly_one(sqlx::query(sql).bind(signed(at_ms)).bind(id.to_string()).execute(connection).await?.rows_affected())
}

#[async_trait]
impl Deliveries for SqlStore {
    async fn delivery(&self, webhook: WebhookId, id: DeliveryId) -> Result<Option<DeliveryRow>, StoreError> {
        let query = sqlx::query("SELECT * FROM webhook_deliveries WHERE id = $1 AND webhook = $2");
        let query = query.bind(id.to_string()).bind(webhook.to_string());
        query.fetch_optional(self.finders()).await?.as_ref().map(delivery_row).transpose()
    }

    async fn deliveries(&self, webhook: WebhookId, slice: &Slice) -> Result<Vec<DeliveryRow>, StoreError> {
        let sql = "SELECT * FROM webhook_deliveries WHERE webhook = $1 \
                   AND ($2 IS NULL OR created_at < $2 OR (created_at = $2 AND id < $3)) \
                   ORDER BY created_at DESC, id DESC LIMIT $4";
        let (time, id) = slice.columns();
        let query = sqlx::query(sql).bind(webhook.to_string()).bind(time).bind(id).bind(i64::from(slice.limit));
        query.fetch_all(self.listers()).await?.iter().map(delivery_row).collect()
    }

    async fn due(&self, now_ms: u64, most: u32, of_one: u32) -> Result<Vec<Due>, StoreError> {
        // Ids first: there may be many, and bodies are wanted of a few.
        let sql = "WITH waiting AS (SELECT d.id, d.next_at_ms, w.organization, \
                       ROW_NUMBER() OVER (PARTITION BY d.webhook ORDER BY d.next_at_ms, d.id) AS place \
                       FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook \
                       WHERE d.next_at_ms <= $1 AND w.disabled_at IS NULL), \
                   firsts AS (SELECT id, next_at_ms, \
                       ROW_NUMBER() OVER (PARTITION BY organization ORDER BY next_at_ms, id) AS turn \
                       FROM waiting WHERE place = 1), \
                   chosen AS (SELECT id FROM firsts WHERE turn <= $2 ORDER BY next_at_ms, id LIMIT $3) \
                   SELECT d.*, w.organization, w.url, w.events, w.secret, w.created_by, w.disabled_at, \
                   w.created_at AS webhook_created_at \
                   FROM chosen JOIN webhook_deliveries d ON d.id = chosen.id JOIN webhooks w ON w.id = d.webhook \
                   ORDER BY d.next_at_ms, d.id";
        let query = sqlx::query(sql).bind(signed(now_ms)).bind(i64::from(of_one)).bind(i64::from(most));
        query.fetch_all(self.finders()).await?.iter().map(due).collect()
    }

    async fn claim_delivery(&self, row: &DeliveryRow, until_ms: u64) -> Result<bool, StoreError> {
        let mut transaction = self.begin_write().await?;
        let sql = "UPDATE webhook_deliveries SET next_at_ms = $1 WHERE id = $2 AND next_at_ms = $3";
        let query = sqlx::query(sql).bind(signed(until_ms)).bind(row.id.to_string());
        let done = query.bind(row.next_at_ms.map(signed)).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    async fn settle_delivery(&self, id: DeliveryId, claimed_ms: u64, outcome: &Outcome) -> Result<(), StoreError> {
        again(async || {
            let mut transaction = self.begin_write().await?;
            settle(&mut transaction, id, claimed_ms, outcome).await?;
            Ok(transaction.commit().await?)
        })
        .await
    }

    async fn untold_quota_events(&self, most: u32) -> Result<Vec<QuotaEventRow>, StoreError> {
        self.untold(most).await
    }

    async fn tell_quota_event(&self, id: u64, messages: &[DeliveryRow]) -> Result<(), StoreError> {
        again(async || {
            let mut transaction = self.begin_write().await?;
            quota_events::tell(&mut transaction, id, messages).await?;
            Ok(transaction.commit().await?)
        })
        .await
    }

    async fn pending_deliveries(&self) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(*) AS pending FROM webhook_deliveries WHERE next_at_ms IS NOT NULL";
        let row = sqlx::query(sql).fetch_one(self.finders()).await?;
        unsigned("pending", row.try_get("pending")?)
    }

    async fn forget_deliveries(&self, before: u64) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        let sql = "DELETE FROM webhook_deliveries WHERE created_at < $1 AND next_at_ms IS NULL";
        sqlx::query(sql).bind(signed(before)).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }
}

/// Returns the number of rows, which is none if somebody else has the delivery by now.
pub(super) async fn settle(
    connection: &mut Connection,
    id: DeliveryId,
    claimed_ms: u64,
    outcome: &Outcome,
) -> Result<u64, StoreError> {
    let delivered_at = outcome.error.is_none().then_some(outcome.at);
    let given_up_at = (outcome.error.is_some() && outcome.again_at_ms.is_none()).then_some(outcome.at);
    let sql = "UPDATE webhook_deliveries SET attempts = attempts + 1, next_at_ms = $1, last_at = $2, last_status = $3, \
               last_error = $4, delivered_at = $5, given_up_at = $6 WHERE id = $7 AND delivered_at IS NULL \
               AND (next_at_ms = $8 OR $5 IS NOT NULL)";
    let done = sqlx::query(sql)
        .bind(outcome.again_at_ms.map(signed))
        .bind(signed(outcome.at))
        .bind(outcome.status.map(signed))
        .bind(&outcome.error)
        .bind(delivered_at.map(signed))
        .bind(given_up_at.map(signed))
        .bind(id.to_string())
        .bind(signed(claimed_ms))
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

fn due(row: &Row) -> Result<Due, StoreError> {
    Ok(Due { delivery: delivery_row(row)?, webhook: webhook_row(row, "webhook", "webhook_created_at")? })
}

fn delivery_row(row: &Row) -> Result<DeliveryRow, StoreError> {
    let time = |column| unsigned_or_null(column, row.try_get(column)?);
    Ok(DeliveryRow {
        id: parsed(row, "id")?,
        webhook: parsed(row, "webhook")?,
        cause: row.try_get("cause")?,
        event: row.try_get("event")?,
        body: row.try_get("body")?,
        created_at: unsigned("created_at", row.try_get("created_at")?)?,
        attempts: unsigned("attempts", row.try_get("attempts")?)?,
        next_at_ms: time("next_at_ms")?,
        last_at: time("last_at")?,
        last_status: time("last_status")?,
        last_error: row.try_get("last_error")?,
        delivered_at: time("delivered_at")?,
        given_up_at: time("given_up_at")?,
    })
}

//! SQL about webhooks, and how what is written about them is carried out.

use async_trait::async_trait;
use sqlx::Row as _;

use super::columns::{exactly_one, only, parsed, signed, unsigned, unsigned_or_null};
use super::{Connection, Row, SqlStore, deliveries};
use crate::caller::Scope;
use crate::id::WebhookId;
use crate::store::{Slice, StoreError, WebhookRow, WebhookWrite, Webhooks};

pub(super) async fn carry_out(connection: &mut Connection, write: &WebhookWrite) -> Result<(), StoreError> {
    match write {
        WebhookWrite::Insert(row) => insert(connection, row).await,
        WebhookWrite::Replace { from, to } => replace(connection, from, to).await,
        WebhookWrite::Delete(id) => delete(connection, *id).await,
        WebhookWrite::InsertDelivery(row) => deliveries::insert_asked(connection, row).await,
        WebhookWrite::Retry(id, at_ms) => deliveries::retry(connection, *id, *at_ms).await,
        WebhookWrite::Settle(id, claimed_ms, outcome) => {
            exactly_one(deliveries::settle(connection, *id, *claimed_ms, outcome).await?)
        }
    }
}

async fn insert(connection: &mut Connection, row: &WebhookRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO webhooks (id, organization, url, events, secret, created_by, created_at, disabled_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    sqlx::query(sql)
        .bind(row.id.to_string())
        .bind(row.organization.to_string())
        .bind(&row.url)
        .bind(row.events.to_text())
        .bind(&row.secret)
        .bind(&row.created_by)
        .bind(signed(row.created_at))
        .bind(row.disabled_at.map(signed))
        .execute(connection)
        .await?;
    Ok(())
}

async fn replace(connection: &mut Connection, from: &WebhookRow, to: &WebhookRow) -> Result<(), StoreError> {
    let sql = "UPDATE webhooks SET url = $1, events = $2, disabled_at = $3 WHERE id = $4 AND url = $5 AND events = $6 \
               AND coalesce(disabled_at, -1) = $7";
    let done = sqlx::query(sql)
        .bind(&to.url)
        .bind(to.events.to_text())
        .bind(to.disabled_at.map(signed))
        .bind(from.id.to_string())
        .bind(&from.url)
        .bind(from.events.to_text())
        .bind(from.disabled_at.map_or(-1, signed))
        .execute(connection)
        .await?;
    exactly_one(done.rows_affected())
}

async fn delete(connection: &mut Connection, id: WebhookId) -> Result<(), StoreError> {
    let done = sqlx::query("DELETE FROM webhooks WHERE id = $1").bind(id.to_string()).execute(connection).await?;
    exactly_one(done.rows_affected())
}

#[async_trait]
impl Webhooks for SqlStore {
    async fn webhook(&self, scope: Scope, id: WebhookId) -> Result<Option<WebhookRow>, StoreError> {
        let sql = "SELECT * FROM webhooks WHERE id = $1 AND ($2 IS NULL OR organization = $2)";
        let query = sqlx::query(sql).bind(id.to_string()).bind(only(scope));
        query.fetch_optional(self.finders()).await?.as_ref().map(|row| webhook_row(row, "id", "created_at")).transpose()
    }

    async fn webhooks(&self, scope: Scope, slice: &Slice) -> Result<Vec<WebhookRow>, StoreError> {
        let sql = "SELECT * FROM webhooks WHERE ($1 IS NULL OR organization = $1) \
                   AND ($2 IS NULL OR created_at < $2 OR (created_at = $2 AND id < $3)) \
                   ORDER BY created_at DESC, id DESC LIMIT $4";
        let (time, id) = slice.columns();
        let query = sqlx::query(sql).bind(only(scope)).bind(time).bind(id).bind(i64::from(slice.limit));
        let rows = query.fetch_all(self.listers()).await?;
        rows.iter().map(|row| webhook_row(row, "id", "created_at")).collect()
    }
}

/// A webhook; beside a delivery its id and time have other names.
pub(super) fn webhook_row(row: &Row, id: &'static str, created_at: &'static str) -> Result<WebhookRow, StoreError> {
    Ok(WebhookRow {
        id: parsed(row, id)?,
        organization: parsed(row, "organization")?,
        url: row.try_get("url")?,
        events: parsed(row, "events")?,
        secret: row.try_get("secret")?,
        created_by: row.try_get("created_by")?,
        created_at: unsigned("created_at", row.try_get(created_at)?)?,
        disabled_at: unsigned_or_null("disabled_at", row.try_get("disabled_at")?)?,
    })
}

//! SQL about the parts of quotas that were reached, as webhooks are told of them.

use sqlx::Row as _;

use super::columns::{parsed, signed, unsigned};
use super::{Connection, Row, SqlStore, deliveries};
use crate::store::{DeliveryRow, QuotaEventRow, StoreError};

impl SqlStore {
    pub(super) async fn untold(&self, most: u32) -> Result<Vec<QuotaEventRow>, StoreError> {
        let sql = "SELECT * FROM quota_events WHERE NOT is_told ORDER BY id LIMIT $1";
        sqlx::query(sql).bind(i64::from(most)).fetch_all(self.finders()).await?.iter().map(event).collect()
    }
}

/// Whoever comes second finds each message there already.
pub(super) async fn tell(connection: &mut Connection, id: u64, messages: &[DeliveryRow]) -> Result<(), StoreError> {
    for message in messages {
        deliveries::insert(connection, message).await?;
    }
    let sql = "UPDATE quota_events SET is_told = TRUE WHERE id = $1";
    sqlx::query(sql).bind(signed(id)).execute(connection).await?;
    Ok(())
}

fn event(row: &Row) -> Result<QuotaEventRow, StoreError> {
    let number = |column| unsigned(column, row.try_get(column)?);
    Ok(QuotaEventRow {
        id: number("id")?,
        subject: row.try_get("subject")?,
        organization: parsed(row, "organization")?,
        period_start: number("period_start")?,
        period_end: number("period_end")?,
        percent: number("percent")?,
        limit: number("quota_limit")?,
        used: number("used")?,
        at_ms: number("at_ms")?,
    })
}

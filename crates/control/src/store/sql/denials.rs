//! SQL about denials.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Row as _};

use super::columns::{only, parsed_or_null, signed, unsigned};
use super::{Connection, Row, SqlStore};
use crate::store::{Audience, DENIALS, DenialFilter, DenialRow, Denials, StoreError};

const COLUMNS: &str = "id, request_id, denied_at, reason, key_id, organization, method, path, address, edge";
/// Those that an audience may see; `$1` and `$2` are its scope and whether it sees strangers'.
const VISIBLE: &str = "($1 IS NULL OR organization = $1 OR (organization IS NULL AND $2))";

#[async_trait]
impl Denials for SqlStore {
    async fn denial(&self, audience: Audience, request_id: &str) -> Result<Option<DenialRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM denials WHERE {VISIBLE} AND request_id = $3 ORDER BY id DESC LIMIT 1");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(only(audience.scope)).bind(audience.strangers);
        query.bind(request_id).fetch_optional(self.finders()).await?.as_ref().map(denial_row).transpose()
    }

    async fn denials(&self, filter: &DenialFilter) -> Result<Vec<DenialRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM denials WHERE {VISIBLE} AND ($3 IS NULL OR key_id = $3) AND ($4 IS NULL OR id < $4) \
             ORDER BY id DESC LIMIT $5"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(only(filter.audience.scope))
            .bind(filter.audience.strangers)
            .bind(filter.key.map(|id| id.to_string()))
            .bind(filter.before.map(signed))
            .bind(i64::from(filter.limit))
            .fetch_all(self.listers())
            .await?;
        rows.iter().map(denial_row).collect()
    }

    async fn forget_denials(&self, before: u64) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        let sql = "DELETE FROM denials WHERE denied_at < $1";
        sqlx::query(sql).bind(signed(before)).execute(&mut *transaction).await?;
        let sql = "DELETE FROM denials WHERE id <= (SELECT id FROM denials ORDER BY id DESC LIMIT 1 OFFSET $1)";
        sqlx::query(sql).bind(i64::from(DENIALS)).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// Adds denials; one that is there already is left as it is. A key that does not exist is left out.
pub(super) async fn record(connection: &mut Connection, rows: &[DenialRow]) -> Result<(), StoreError> {
    for row in rows {
        insert(connection, row).await?;
    }
    Ok(())
}

/// Whose it is follows from the key, never from what the edge says.
async fn insert(connection: &mut Connection, row: &DenialRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO denials (request_id, denied_at, reason, key_id, organization, method, path, address, edge) \
               VALUES ($1, $2, $3, (SELECT id FROM keys WHERE id = $4), (SELECT organization FROM keys WHERE id = $4), \
               $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    sqlx::query(sql)
        .bind(&row.request_id)
        .bind(signed(row.at))
        .bind(&row.reason)
        .bind(row.key.map(|id| id.to_string()))
        .bind(&row.method)
        .bind(&row.path)
        .bind(&row.address)
        .bind(&row.edge)
        .execute(connection)
        .await?;
    Ok(())
}

fn denial_row(row: &Row) -> Result<DenialRow, StoreError> {
    Ok(DenialRow {
        id: unsigned("id", row.try_get("id")?)?,
        request_id: row.try_get("request_id")?,
        at: unsigned("denied_at", row.try_get("denied_at")?)?,
        reason: row.try_get("reason")?,
        key: parsed_or_null(row, "key_id")?,
        organization: parsed_or_null(row, "organization")?,
        method: row.try_get("method")?,
        path: row.try_get("path")?,
        address: row.try_get("address")?,
        edge: row.try_get("edge")?,
    })
}

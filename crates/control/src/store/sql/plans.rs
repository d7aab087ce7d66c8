//! SQL about plans.

use async_trait::async_trait;
use portcullis_api::{LostLeases, QuotaPeriod};
use sqlx::{AssertSqlSafe, Row as _};

use super::columns::{exactly_one, signed, unsigned, unsigned_or_null};
use super::key_rows::{json, json_or_null};
use super::{Connection, LOCK, Row, SqlStore};
use crate::store::{PlanRow, Plans, StoreError};

const COLUMNS: &str = "name, display_name, token_limit, period, rate, lost_leases, is_default, created_at, changed_in";

pub(super) async fn insert(connection: &mut Connection, row: &PlanRow, version: u64) -> Result<(), StoreError> {
    step_down(connection, row).await?;
    let sql = format!("INSERT INTO plans ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    sqlx::query(AssertSqlSafe(sql))
        .bind(&row.name)
        .bind(&row.display_name)
        .bind(row.limit.map(signed))
        .bind(row.period.as_str())
        .bind(row.rate.as_ref().map(|it| json("rate", it)).transpose()?)
        .bind(row.lost_leases.as_str())
        .bind(row.is_default)
        .bind(signed(row.created_at))
        .bind(signed(version))
        .execute(connection)
        .await?;
    Ok(())
}

/// Edges have to know of every organisation that has it.
pub(super) async fn replace(connection: &mut Connection, row: &PlanRow, version: u64) -> Result<(), StoreError> {
    step_down(connection, row).await?;
    let sql = "UPDATE plans SET display_name = $1, token_limit = $2, period = $3, rate = $4, lost_leases = $5, \
               is_default = $6, changed_in = $7 WHERE name = $8 AND changed_in = $9";
    let done = sqlx::query(sql)
        .bind(&row.display_name)
        .bind(row.limit.map(signed))
        .bind(row.period.as_str())
        .bind(row.rate.as_ref().map(|it| json("rate", it)).transpose()?)
        .bind(row.lost_leases.as_str())
        .bind(row.is_default)
        .bind(signed(version))
        .bind(&row.name)
        .bind(signed(row.changed_in))
        .execute(&mut *connection)
        .await?;
    exactly_one(done.rows_affected())?;
    // In the order in which others wait for them.
    let sql = format!("SELECT id FROM organizations WHERE plan = $1 ORDER BY id{LOCK}");
    sqlx::query(AssertSqlSafe(sql)).bind(&row.name).fetch_all(&mut *connection).await?;
    let sql = "UPDATE organizations SET changed_in = $1 WHERE plan = $2";
    sqlx::query(sql).bind(signed(version)).bind(&row.name).execute(connection).await?;
    Ok(())
}

/// There is one default at most.
async fn step_down(connection: &mut Connection, row: &PlanRow) -> Result<(), StoreError> {
    if row.is_default {
        let sql = "UPDATE plans SET is_default = FALSE WHERE is_default AND name <> $1";
        sqlx::query(sql).bind(&row.name).execute(connection).await?;
    }
    Ok(())
}

/// Only one that no organisation has.
pub(super) async fn delete(connection: &mut Connection, name: &str, changed_in: u64) -> Result<(), StoreError> {
    let sql = "DELETE FROM plans WHERE name = $1 AND changed_in = $2 \
               AND NOT EXISTS (SELECT 1 FROM organizations WHERE plan = $1)";
    let done = sqlx::query(sql).bind(name).bind(signed(changed_in)).execute(connection).await?;
    exactly_one(done.rows_affected())
}

#[async_trait]
impl Plans for SqlStore {
    async fn plan(&self, name: &str) -> Result<Option<PlanRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM plans WHERE name = $1");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(name).fetch_optional(self.finders()).await?;
        row.as_ref().map(plan).transpose()
    }

    async fn plans(&self) -> Result<Vec<PlanRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM plans ORDER BY name");
        sqlx::query(AssertSqlSafe(sql)).fetch_all(self.finders()).await?.iter().map(plan).collect()
    }

    async fn plan_uses(&self, name: &str) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(*) AS uses FROM organizations WHERE plan = $1";
        let row = sqlx::query(sql).bind(name).fetch_one(self.finders()).await?;
        unsigned("uses", row.try_get("uses")?)
    }
}

fn plan(row: &Row) -> Result<PlanRow, StoreError> {
    Ok(PlanRow {
        name: row.try_get("name")?,
        display_name: row.try_get("display_name")?,
        limit: unsigned_or_null("token_limit", row.try_get("token_limit")?)?,
        period: period(row, "period")?,
        rate: json_or_null(row, "rate")?,
        lost_leases: lost_leases(row)?,
        is_default: row.try_get("is_default")?,
        created_at: unsigned("created_at", row.try_get("created_at")?)?,
        changed_in: unsigned("changed_in", row.try_get("changed_in")?)?,
    })
}

pub(super) fn period(row: &Row, column: &'static str) -> Result<QuotaPeriod, StoreError> {
    let word: &str = row.try_get(column)?;
    let found = QuotaPeriod::ALL.into_iter().find(|it| it.as_str() == word);
    found.ok_or(StoreError::Unreadable { column })
}

pub(super) fn lost_leases(row: &Row) -> Result<LostLeases, StoreError> {
    let word: &str = row.try_get("lost_leases")?;
    let found = LostLeases::ALL.into_iter().find(|it| it.as_str() == word);
    found.ok_or(StoreError::Unreadable { column: "lost_leases" })
}

//! SQL about all keys at once.

use async_trait::async_trait;
use portcullis_engine::KeyId;
use sqlx::{AssertSqlSafe, Row as _};

use super::SqlStore;
use super::columns::{only, parsed, signed, unsigned};
use crate::caller::Scope;
use crate::store::{Attention, KeyCounts, Marks, StoreError};

/// What people make and rotate themselves.
const SHOWN: &str = "kind IN ('api_key', 'credential')";
const ACTIVE: &str = "(revoked_at IS NULL AND enabled AND (expires_at IS NULL OR expires_at > $2))";
const DISABLED: &str = "(revoked_at IS NULL AND NOT enabled)";
const EXPIRED: &str = "(revoked_at IS NULL AND enabled AND expires_at <= $2)";

/// The states that are compared with `$3`, `$4` and `$5`.
fn marked() -> [String; 3] {
    [
        format!("(({ACTIVE} OR {DISABLED}) AND created_at < $3)"),
        format!("({ACTIVE} AND created_at < $4 AND (last_used IS NULL OR last_used < $4))"),
        format!("({ACTIVE} AND expires_at <= $5)"),
    ]
}

#[async_trait]
impl Attention for SqlStore {
    async fn key_counts(&self, scope: Scope, marks: &Marks) -> Result<KeyCounts, StoreError> {
        let [overdue, idle, soon] = marked();
        let sql = format!(
            "SELECT COUNT(*) FILTER (WHERE {ACTIVE}) AS active, COUNT(*) FILTER (WHERE {DISABLED}) AS disabled, \
             COUNT(*) FILTER (WHERE {EXPIRED}) AS expired, COUNT(*) FILTER (WHERE revoked_at IS NOT NULL) AS revoked, \
             COUNT(*) FILTER (WHERE {overdue}) AS overdue, COUNT(*) FILTER (WHERE {idle}) AS idle, \
             COUNT(*) FILTER (WHERE {overdue} OR {idle} OR {soon}) AS to_look_after \
             FROM keys WHERE {SHOWN} AND ($1 IS NULL OR organization = $1)"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(only(scope)).bind(signed(marks.now));
        let query = query.bind(signed(marks.overdue)).bind(signed(marks.idle)).bind(signed(marks.soon));
        let row = query.fetch_one(self.listers()).await?;
        let count = |column: &'static str| unsigned(column, row.try_get(column)?);
        Ok(KeyCounts {
            active: count("active")?,
            disabled: count("disabled")?,
            expired: count("expired")?,
            revoked: count("revoked")?,
            overdue: count("overdue")?,
            idle: count("idle")?,
            to_look_after: count("to_look_after")?,
        })
    }

    async fn keys_to_look_after(&self, scope: Scope, marks: &Marks, limit: u32) -> Result<Vec<KeyId>, StoreError> {
        let [overdue, idle, soon] = marked();
        let sql = format!(
            "SELECT id FROM keys WHERE {SHOWN} AND ($1 IS NULL OR organization = $1) AND ({overdue} OR {idle} OR {soon}) \
             ORDER BY CASE WHEN {soon} THEN 0 ELSE 1 END, created_at, id LIMIT $6"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(only(scope)).bind(signed(marks.now));
        let query = query.bind(signed(marks.overdue)).bind(signed(marks.idle)).bind(signed(marks.soon));
        let rows = query.bind(i64::from(limit)).fetch_all(self.listers()).await?;
        rows.iter().map(|row| parsed(row, "id")).collect()
    }
}

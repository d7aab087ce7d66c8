//! SQL that asks about edges.

use std::collections::HashMap;

use async_trait::async_trait;
use sqlx::Row as _;

use super::columns::{count, key_names_or_null, only, signed, unsigned, unsigned_or_null};
use super::{Row, SqlStore};
use crate::caller::Scope;
use crate::store::{Count, EdgeRow, Edges, Missing, ProgressRow, StoreError, VmRow};

#[async_trait]
impl Edges for SqlStore {
    async fn vms(&self, since_ms: u64) -> Result<Vec<VmRow>, StoreError> {
        let sql = "SELECT edge, vm, applied_version, bundle_age_seconds, edge_keys, reported_at_ms FROM edge_vms \
                   WHERE reported_at_ms >= $1 ORDER BY edge, vm";
        let rows = sqlx::query(sql).bind(signed(since_ms)).fetch_all(self.finders()).await?;
        rows.iter().map(vm_row).collect()
    }

    async fn edges(&self, since_ms: u64, since_slot: u64) -> Result<Vec<EdgeRow>, StoreError> {
        let sql = "SELECT edge, kind, reason, requests FROM edge_counts \
                   WHERE edge IN (SELECT edge FROM edges WHERE last_report_ms >= $1)";
        let mut counts: HashMap<String, Vec<(Count, u64)>> = HashMap::new();
        for row in sqlx::query(sql).bind(signed(since_ms)).fetch_all(self.finders()).await? {
            let one = (count(&row)?, unsigned("requests", row.try_get("requests")?)?);
            counts.entry(row.try_get("edge")?).or_default().push(one);
        }
        let sql = "SELECT edge, first_report_ms, errors, (SELECT CAST(SUM(requests) AS BIGINT) FROM edge_requests \
                   WHERE edge_requests.edge = edges.edge AND slot >= $1) AS requests FROM edges \
                   WHERE last_report_ms >= $2 ORDER BY edge";
        let rows = sqlx::query(sql).bind(signed(since_slot)).bind(signed(since_ms)).fetch_all(self.finders()).await?;
        rows.iter().map(|row| edge_row(row, &mut counts)).collect()
    }

    async fn progress(&self, version: u64, since_ms: u64) -> Result<Vec<ProgressRow>, StoreError> {
        let sql = "SELECT v.edge, v.applied_version, v.reported_at_ms, \
                   (SELECT e.at_ms FROM edge_versions e WHERE e.edge = v.edge AND e.vm = v.vm AND e.version >= $1 \
                       ORDER BY e.version LIMIT 1) AS reached_ms, \
                   (SELECT MIN(e.version) FROM edge_versions e WHERE e.edge = v.edge AND e.vm = v.vm) AS oldest \
                   FROM edge_vms v WHERE v.reported_at_ms >= $2 ORDER BY v.edge, v.vm";
        let rows = sqlx::query(sql).bind(signed(version)).bind(signed(since_ms)).fetch_all(self.finders()).await?;
        rows.iter().map(progress_row).collect()
    }

    async fn changed_at(&self, scope: Scope, to: Option<&str>, version: u64) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT MIN(at_ms) AS at_ms FROM audit WHERE version = $1 AND ($2 IS NULL OR organization = $2) \
                   AND ($3 IS NULL OR target_kind = $3)";
        let query = sqlx::query(sql).bind(signed(version)).bind(only(scope)).bind(to);
        let row = query.fetch_one(self.finders()).await?;
        unsigned_or_null("at_ms", row.try_get("at_ms")?)
    }

    async fn missing(&self, version: u64, published: u64, most: u32) -> Result<Missing, StoreError> {
        let sql = "SELECT COUNT(*) AS changes, MIN(at_ms) AS since_ms FROM (SELECT version, MIN(at_ms) AS at_ms FROM audit \
                   WHERE version > $1 AND version <= $2 GROUP BY version ORDER BY version LIMIT $3) AS missing";
        let query = sqlx::query(sql).bind(signed(version)).bind(signed(published)).bind(i64::from(most));
        let row = query.fetch_one(self.finders()).await?;
        Ok(Missing {
            changes: unsigned("changes", row.try_get("changes")?)?,
            since_ms: unsigned_or_null("since_ms", row.try_get("since_ms")?)?,
        })
    }

    async fn traffic(&self, since_hour: u64) -> Result<Vec<(u64, Count, u64)>, StoreError> {
        let sql = "SELECT hour, kind, reason, requests FROM traffic WHERE hour >= $1 ORDER BY hour";
        let rows = sqlx::query(sql).bind(signed(since_hour)).fetch_all(self.finders()).await?;
        let read = |row: &Row| {
            let hour = unsigned("hour", row.try_get("hour")?)?;
            Ok((hour, count(row)?, unsigned("requests", row.try_get("requests")?)?))
        };
        rows.iter().map(read).collect()
    }
}

fn vm_row(row: &Row) -> Result<VmRow, StoreError> {
    Ok(VmRow {
        edge: row.try_get("edge")?,
        vm: row.try_get("vm")?,
        applied_version: unsigned("applied_version", row.try_get("applied_version")?)?,
        bundle_age_seconds: unsigned("bundle_age_seconds", row.try_get("bundle_age_seconds")?)?,
        edge_keys: key_names_or_null(row, "edge_keys")?,
        reported_at_ms: unsigned("reported_at_ms", row.try_get("reported_at_ms")?)?,
    })
}

fn edge_row(row: &Row, counts: &mut HashMap<String, Vec<(Count, u64)>>) -> Result<EdgeRow, StoreError> {
    let edge: String = row.try_get("edge")?;
    let errors = serde_json::from_str(row.try_get("errors")?);
    Ok(EdgeRow {
        first_report_ms: unsigned("first_report_ms", row.try_get("first_report_ms")?)?,
        counts: counts.remove(&edge).unwrap_or_default(),
        requests: unsigned_or_null("requests", row.try_get("requests")?)?.unwrap_or(0),
        errors: errors.map_err(|_| StoreError::Unreadable { column: "errors" })?,
        edge,
    })
}

fn progress_row(row: &Row) -> Result<ProgressRow, StoreError> {
    Ok(ProgressRow {
        edge: row.try_get("edge")?,
        applied_version: unsigned("applied_version", row.try_get("applied_version")?)?,
        reported_at_ms: unsigned("reported_at_ms", row.try_get("reported_at_ms")?)?,
        reached_ms: unsigned_or_null("reached_ms", row.try_get("reached_ms")?)?,
        oldest: unsigned_or_null("oldest", row.try_get("oldest")?)?,
    })
}

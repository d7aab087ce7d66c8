//! SQL that keeps what edges report.
//!
//! Invariants: rows are written in the order of their keys, so that two replicas that write about the same edges wait
//! for each other and never both; what is late changes nothing that a later report said.

use async_trait::async_trait;
use sqlx::Row as _;

use super::columns::{count_columns, key_names_column, signed};
use super::{Connection, SqlStore};
use crate::store::{Before, Count, Heard, HeardEdge, HeardVm, Reports, StoreError, VERSIONS_KEPT};

/// A transaction that deletes so much does not keep other writers waiting.
const DELETED_AT_ONCE: usize = 100;

#[async_trait]
impl Reports for SqlStore {
    async fn forget_reports(&self, before: &Before) -> Result<bool, StoreError> {
        let sql = "SELECT edge, vm FROM edge_vms WHERE reported_at_ms < $1 LIMIT 100";
        let vms = sqlx::query(sql).bind(signed(before.vm_ms)).fetch_all(self.listers()).await?;
        let sql = "SELECT edge FROM edges WHERE last_report_ms < $1 LIMIT 100";
        let edges = sqlx::query(sql).bind(signed(before.edge_ms));
        let edges = edges.fetch_all(self.listers()).await?;
        let more = [&vms, &edges].into_iter().any(|rows| rows.len() >= DELETED_AT_ONCE);
        let mut transaction = self.begin_write().await?;
        for row in vms {
            forget_vm(&mut transaction, row.try_get("edge")?, row.try_get("vm")?, before.vm_ms).await?;
        }
        for row in edges {
            forget_edge(&mut transaction, row.try_get("edge")?, before.edge_ms).await?;
        }
        for (sql, before) in [
            ("DELETE FROM edge_requests WHERE slot < $1", before.slot),
            ("DELETE FROM traffic WHERE hour < $1", before.hour),
        ] {
            sqlx::query(sql).bind(signed(before)).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(more)
    }
}

/// Adds what was heard.
pub(super) async fn record(connection: &mut Connection, heard: &Heard) -> Result<(), StoreError> {
    for (name, edge) in &heard.edges {
        record_edge(connection, name, edge).await?;
    }
    for ((hour, count), requests) in &heard.traffic {
        let sql = "INSERT INTO traffic (hour, kind, reason, requests) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (hour, kind, reason) DO UPDATE SET requests = traffic.requests + excluded.requests";
        let (kind, reason) = count_columns(count);
        let query = sqlx::query(sql).bind(signed(*hour)).bind(kind).bind(reason).bind(signed(*requests));
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn record_edge(connection: &mut Connection, name: &str, edge: &HeardEdge) -> Result<(), StoreError> {
    let sql = "INSERT INTO edges (edge, first_report_ms, last_report_ms, errors, errors_ms) VALUES ($1, $2, $2, $3, $4) \
               ON CONFLICT (edge) DO UPDATE SET \
               last_report_ms = CASE WHEN excluded.last_report_ms > edges.last_report_ms \
                   THEN excluded.last_report_ms ELSE edges.last_report_ms END, \
               errors = CASE WHEN excluded.errors_ms > 0 AND excluded.errors_ms >= edges.errors_ms \
                   THEN excluded.errors ELSE edges.errors END, \
               errors_ms = CASE WHEN excluded.errors_ms > edges.errors_ms \
                   THEN excluded.errors_ms ELSE edges.errors_ms END";
    let (errors_ms, errors) = edge.errors.as_ref().map_or((0, &[][..]), |(at_ms, errors)| (*at_ms, errors.as_slice()));
    let errors = serde_json::to_string(errors).map_err(|_| StoreError::Unreadable { column: "errors" })?;
    let query = sqlx::query(sql).bind(name).bind(signed(edge.reported_at_ms)).bind(errors).bind(signed(errors_ms));
    query.execute(&mut *connection).await?;
    for (vm, heard) in &edge.vms {
        record_vm(connection, name, vm, heard).await?;
    }
    for (count, requests) in &edge.counts {
        add_to_count(connection, name, count, *requests).await?;
    }
    for (slot, requests) in &edge.requests {
        let sql = "INSERT INTO edge_requests (edge, slot, requests) VALUES ($1, $2, $3) \
                   ON CONFLICT (edge, slot) DO UPDATE SET requests = edge_requests.requests + excluded.requests";
        let query = sqlx::query(sql).bind(name).bind(signed(*slot)).bind(signed(*requests));
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// A VM never goes back to an earlier version, so the highest that it named is what it enforces.
async fn record_vm(connection: &mut Connection, edge: &str, vm: &str, heard: &HeardVm) -> Result<(), StoreError> {
    let sql = "INSERT INTO edge_vms (edge, vm, applied_version, bundle_age_seconds, reported_at_ms, edge_keys) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (edge, vm) DO UPDATE SET \
               applied_version = CASE WHEN excluded.applied_version > edge_vms.applied_version \
                   THEN excluded.applied_version ELSE edge_vms.applied_version END, \
               bundle_age_seconds = CASE WHEN excluded.reported_at_ms >= edge_vms.reported_at_ms \
                   THEN excluded.bundle_age_seconds ELSE edge_vms.bundle_age_seconds END, \
               edge_keys = CASE WHEN excluded.reported_at_ms >= edge_vms.reported_at_ms \
                   THEN excluded.edge_keys ELSE edge_vms.edge_keys END, \
               reported_at_ms = CASE WHEN excluded.reported_at_ms > edge_vms.reported_at_ms \
                   THEN excluded.reported_at_ms ELSE edge_vms.reported_at_ms END";
    sqlx::query(sql)
        .bind(edge)
        .bind(vm)
        .bind(signed(heard.versions.keys().next_back().copied().unwrap_or(0)))
        .bind(signed(heard.bundle_age_seconds))
        .bind(signed(heard.reported_at_ms))
        .bind(heard.edge_keys.as_ref().map(key_names_column))
        .execute(&mut *connection)
        .await?;
    let mut news = 0;
    for (version, at_ms) in &heard.versions {
        let sql = "INSERT INTO edge_versions (edge, vm, version, at_ms) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (edge, vm, version) DO NOTHING";
        let query = sqlx::query(sql).bind(edge).bind(vm).bind(signed(*version)).bind(signed(*at_ms));
        news += query.execute(&mut *connection).await?.rows_affected();
    }
    if news > 0 {
        let sql = "DELETE FROM edge_versions WHERE edge = $1 AND vm = $2 AND version <= (SELECT version FROM edge_versions \
                   WHERE edge = $1 AND vm = $2 ORDER BY version DESC LIMIT 1 OFFSET $3)";
        let query = sqlx::query(sql).bind(edge).bind(vm).bind(i64::from(VERSIONS_KEPT));
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn add_to_count(connection: &mut Connection, edge: &str, count: &Count, requests: u64) -> Result<(), StoreError> {
    let sql = "INSERT INTO edge_counts (edge, kind, reason, requests) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (edge, kind, reason) DO UPDATE SET requests = edge_counts.requests + excluded.requests";
    let (kind, reason) = count_columns(count);
    sqlx::query(sql).bind(edge).bind(kind).bind(reason).bind(signed(requests)).execute(connection).await?;
    Ok(())
}

/// Forgets a VM, unless it reported again.
async fn forget_vm(connection: &mut Connection, edge: &str, vm: &str, before_ms: u64) -> Result<(), StoreError> {
    let sql = "DELETE FROM edge_vms WHERE edge = $1 AND vm = $2 AND reported_at_ms < $3";
    let done = sqlx::query(sql).bind(edge).bind(vm).bind(signed(before_ms)).execute(&mut *connection).await?;
    if done.rows_affected() > 0 {
        let sql = "DELETE FROM edge_versions WHERE edge = $1 AND vm = $2";
        sqlx::query(sql).bind(edge).bind(vm).execute(connection).await?;
    }
    Ok(())
}

/// Forgets an edge, unless it reported again.
async fn forget_edge(connection: &mut Connection, edge: &str, before_ms: u64) -> Result<(), StoreError> {
    let sql = "DELETE FROM edges WHERE edge = $1 AND last_report_ms < $2";
    let done = sqlx::query(sql).bind(edge).bind(signed(before_ms)).execute(&mut *connection).await?;
    if done.rows_affected() > 0 {
        sqlx::query("DELETE FROM edge_counts WHERE edge = $1").bind(edge).execute(connection).await?;
    }
    Ok(())
}

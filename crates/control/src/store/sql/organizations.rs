//! SQL about organisations.

use async_trait::async_trait;
use portcullis_api::plans::Rate;
use portcullis_bundle::OrganizationEntry;
use portcullis_engine::{OrganizationId, OrganizationLimits, OrganizationState};
use sqlx::{AssertSqlSafe, Row as _};

use super::columns::{exactly_one, only, parsed, signed, unsigned, unsigned_or_null};
use super::key_rows::json_or_null;
use super::{Connection, Row, SqlStore};
use crate::caller::Scope;
use crate::store::{OrganizationRow, Organizations, StoreError};

const COLUMNS: &str = "id, name, state, quota_exhausted_until, is_default, created_at, changed_in, plan, time_zone";

pub(super) async fn insert(connection: &mut Connection, row: &OrganizationRow, version: u64) -> Result<(), StoreError> {
    let sql = "INSERT INTO organizations (id, name, state, quota_exhausted_until, is_default, created_at, \
               changed_in, plan, time_zone) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let (word, until) = state_columns(row.state);
    sqlx::query(sql)
        .bind(row.id.to_string())
        .bind(&row.name)
        .bind(word)
        .bind(until)
        .bind(row.is_default)
        .bind(signed(row.created_at))
        .bind(signed(version))
        .bind(&row.plan)
        .bind(&row.time_zone)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn replace(
    connection: &mut Connection,
    row: &OrganizationRow,
    version: u64,
) -> Result<(), StoreError> {
    let sql = "UPDATE organizations SET name = $1, state = $2, quota_exhausted_until = $3, changed_in = $4, \
               plan = $5, time_zone = $6 WHERE id = $7 AND changed_in = $8";
    let (word, until) = state_columns(row.state);
    let done = sqlx::query(sql)
        .bind(&row.name)
        .bind(word)
        .bind(until)
        .bind(signed(version))
        .bind(&row.plan)
        .bind(&row.time_zone)
        .bind(row.id.to_string())
        .bind(signed(row.changed_in))
        .execute(connection)
        .await?;
    exactly_one(done.rows_affected())
}

#[async_trait]
impl Organizations for SqlStore {
    async fn organization(&self, scope: Scope, id: OrganizationId) -> Result<Option<OrganizationRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM organizations WHERE id = $1 AND ($2 IS NULL OR id = $2)");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(id.to_string()).bind(only(scope));
        query.fetch_optional(self.finders()).await?.as_ref().map(organization_row).transpose()
    }

    async fn organizations(&self, scope: Scope) -> Result<Vec<OrganizationRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM organizations WHERE ($1 IS NULL OR id = $1) ORDER BY created_at, id");
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(only(scope)).fetch_all(self.listers()).await?;
        rows.iter().map(organization_row).collect()
    }
}

pub(super) async fn changed_after(
    snapshot: &mut Connection,
    version: u64,
) -> Result<Vec<OrganizationEntry>, StoreError> {
    // As for keys: both ends are named.
    let sql = "SELECT o.id, o.state, o.quota_exhausted_until, p.token_limit IS NOT NULL AS metered, p.rate \
               FROM organizations o LEFT JOIN plans p ON p.name = o.plan \
               WHERE o.changed_in > $1 AND o.changed_in <= (SELECT version FROM bundle)";
    let rows = sqlx::query(sql).bind(signed(version)).fetch_all(snapshot).await?;
    Ok(rows.iter().filter_map(bundle_organization).collect())
}

/// An organisation whose state or limits cannot be read is suspended, and keeps no other from being published.
fn bundle_organization(row: &Row) -> Option<OrganizationEntry> {
    let id = parsed(row, "id");
    let id = id.inspect_err(|error| tracing::error!(%error, "an organisation is left out of the bundle")).ok()?;
    let readable = state(row).and_then(|state| Ok((state, limits(row)?)));
    let readable = readable.inspect_err(|error| tracing::error!(organization = %id, %error, "suspended in the bundle"));
    let (state, limits) = readable.unwrap_or((OrganizationState::Suspended, OrganizationLimits::default()));
    Some(OrganizationEntry { id, state, limits })
}

fn limits(row: &Row) -> Result<OrganizationLimits, StoreError> {
    let rate: Option<Rate> = json_or_null(row, "rate")?;
    let rate = rate.map(|it| portcullis_engine::Rate::new(it.requests, it.seconds, it.burst)).transpose();
    let rate = rate.map_err(|_| StoreError::Unreadable { column: "rate" })?;
    Ok(OrganizationLimits { metered: row.try_get("metered")?, rate })
}

fn organization_row(row: &Row) -> Result<OrganizationRow, StoreError> {
    Ok(OrganizationRow {
        id: parsed(row, "id")?,
        name: row.try_get("name")?,
        state: state(row)?,
        is_default: row.try_get("is_default")?,
        plan: row.try_get("plan")?,
        time_zone: row.try_get("time_zone")?,
        created_at: unsigned("created_at", row.try_get("created_at")?)?,
        changed_in: unsigned("changed_in", row.try_get("changed_in")?)?,
    })
}

fn state_columns(state: OrganizationState) -> (&'static str, Option<i64>) {
    match state {
        OrganizationState::Active => ("active", None),
        OrganizationState::Suspended => ("suspended", None),
        OrganizationState::QuotaExhausted { until } => ("quota_exhausted", Some(signed(until))),
    }
}

fn state(row: &Row) -> Result<OrganizationState, StoreError> {
    let until = unsigned_or_null("quota_exhausted_until", row.try_get("quota_exhausted_until")?)?;
    let word: &str = row.try_get("state")?;
    match (word, until) {
        ("active", _) => Ok(OrganizationState::Active),
        ("suspended", _) => Ok(OrganizationState::Suspended),
        ("quota_exhausted", Some(until)) => Ok(OrganizationState::QuotaExhausted { until }),
        _ => Err(StoreError::Unreadable { column: "state" }),
    }
}

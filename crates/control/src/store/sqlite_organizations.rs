//! SQL about organisations.

use portcullis_bundle::OrganizationEntry;
use portcullis_engine::{OrganizationId, OrganizationState};
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Row, Sqlite, Transaction};

use super::sqlite::{exactly_one, signed, unsigned, unsigned_or_null};
use super::sqlite_keys::parsed;
use super::{OrganizationRow, StoreError};

pub(super) async fn insert(
    transaction: &mut Transaction<'_, Sqlite>,
    row: &OrganizationRow,
    version: u64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO organizations (id, name, state, quota_exhausted_until, is_default, created_at, changed_in) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let (word, until) = state_columns(row.state);
    sqlx::query(sql)
        .bind(row.id.to_string())
        .bind(&row.name)
        .bind(word)
        .bind(until)
        .bind(row.is_default)
        .bind(signed(row.created_at))
        .bind(signed(version))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

pub(super) async fn replace(
    transaction: &mut Transaction<'_, Sqlite>,
    row: &OrganizationRow,
    version: u64,
) -> Result<(), StoreError> {
    let sql = "UPDATE organizations SET name = $1, state = $2, quota_exhausted_until = $3, changed_in = $4 \
               WHERE id = $5 AND changed_in = $6";
    let (word, until) = state_columns(row.state);
    let done = sqlx::query(sql)
        .bind(&row.name)
        .bind(word)
        .bind(until)
        .bind(signed(version))
        .bind(row.id.to_string())
        .bind(signed(row.changed_in))
        .execute(&mut **transaction)
        .await?;
    exactly_one(done.rows_affected())
}

pub(super) async fn find(pool: &SqlitePool, id: OrganizationId) -> Result<Option<OrganizationRow>, StoreError> {
    let row =
        sqlx::query("SELECT * FROM organizations WHERE id = $1").bind(id.to_string()).fetch_optional(pool).await?;
    row.as_ref().map(organization_row).transpose()
}

pub(super) async fn list(pool: &SqlitePool) -> Result<Vec<OrganizationRow>, StoreError> {
    let rows = sqlx::query("SELECT * FROM organizations ORDER BY created_at, id").fetch_all(pool).await?;
    rows.iter().map(organization_row).collect()
}

pub(super) async fn changed_after(
    snapshot: &mut Transaction<'_, Sqlite>,
    version: u64,
) -> Result<Vec<OrganizationEntry>, StoreError> {
    let sql = "SELECT id, state, quota_exhausted_until FROM organizations WHERE changed_in > $1";
    let rows = sqlx::query(sql).bind(signed(version)).fetch_all(&mut **snapshot).await?;
    Ok(rows.iter().filter_map(bundle_organization).collect())
}

/// An organisation whose state cannot be read is suspended, and keeps no other from being published.
fn bundle_organization(row: &SqliteRow) -> Option<OrganizationEntry> {
    let id = parsed(row, "id");
    let id = id.inspect_err(|error| tracing::error!(%error, "an organisation is left out of the bundle")).ok()?;
    let state = state(row);
    let state = state.inspect_err(|error| tracing::error!(organization = %id, %error, "suspended in the bundle"));
    Some(OrganizationEntry { id, state: state.unwrap_or(OrganizationState::Suspended) })
}

fn organization_row(row: &SqliteRow) -> Result<OrganizationRow, StoreError> {
    Ok(OrganizationRow {
        id: parsed(row, "id")?,
        name: row.try_get("name")?,
        state: state(row)?,
        is_default: row.try_get("is_default")?,
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

fn state(row: &SqliteRow) -> Result<OrganizationState, StoreError> {
    let until = unsigned_or_null("quota_exhausted_until", row.try_get("quota_exhausted_until")?)?;
    match (row.try_get("state")?, until) {
        ("active", _) => Ok(OrganizationState::Active),
        ("suspended", _) => Ok(OrganizationState::Suspended),
        ("quota_exhausted", Some(until)) => Ok(OrganizationState::QuotaExhausted { until }),
        _ => Err(StoreError::Unreadable { column: "state" }),
    }
}

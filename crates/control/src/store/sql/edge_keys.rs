//! SQL about the edges' public keys and the boxes that are sealed to them.
//!
//! Invariant: a box for a key that is not there is not stored. Whoever writes holds the version, so what is asked here stays true
//! until it is done.

use std::collections::BTreeSet;

use portcullis_engine::{OrganizationId, SecretId};
use portcullis_seal::KeyName;
use sqlx::Row as _;

use super::columns::{exactly_one, key_names_or_null, only, parsed, signed, unsigned};
use super::{Connection, Row, skill_sources};
use crate::caller::Scope;
use crate::id::UserId;
use crate::store::{Boxes, EdgeKeyRow, StoreError};

/// `$1`'s box is the only one.
const ALONE: &str = "SELECT COUNT(*) AS secrets FROM secret_boxes b WHERE b.edge_key = $1 AND NOT EXISTS \
                     (SELECT 1 FROM secret_boxes o WHERE o.secret_id = b.secret_id AND o.edge_key <> $1)";

pub(super) async fn insert(
    connection: &mut Connection,
    row: &EdgeKeyRow,
    most: usize,
    version: u64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO edge_keys (id, public_key, description, created_by, created_at) VALUES ($1, $2, $3, $4, $5)";
    sqlx::query(sql)
        .bind(row.key.name().to_string())
        .bind(row.key.to_string())
        .bind(&row.description)
        .bind(&row.created_by)
        .bind(signed(row.created_at))
        .execute(&mut *connection)
        .await?;
    if names(connection).await?.len() > most {
        return Err(StoreError::Conflict);
    }
    skill_sources::tell_everyone(connection, version).await
}

/// `unless_since_ms`: unless a secret would have no box left, or an edge that reported since then no key.
pub(super) async fn delete(
    connection: &mut Connection,
    key: KeyName,
    unless_since_ms: Option<u64>,
    version: u64,
) -> Result<(), StoreError> {
    if let Some(since_ms) = unless_since_ms
        && (alone(connection, key).await? > 0 || !edges_with_alone(connection, key, since_ms).await?.is_empty())
    {
        return Err(StoreError::Conflict);
    }
    let query = sqlx::query("DELETE FROM edge_keys WHERE id = $1").bind(key.to_string());
    exactly_one(query.execute(&mut *connection).await?.rows_affected())?;
    skill_sources::tell_everyone(connection, version).await
}

/// How many secrets have a box for that key and for no other.
pub(super) async fn alone(connection: &mut Connection, key: KeyName) -> Result<u64, StoreError> {
    let row = sqlx::query(ALONE).bind(key.to_string()).fetch_one(connection).await?;
    unsigned("secrets", row.try_get("secrets")?)
}

/// The edges of which a VM that reported since then has that key and no other that is here. What the edges tell may change at any
/// time; which keys are here does not while the version is held.
pub(super) async fn edges_with_alone(
    connection: &mut Connection,
    key: KeyName,
    since_ms: u64,
) -> Result<Vec<String>, StoreError> {
    let mut others = names(connection).await?;
    others.remove(&key);
    let sql = "SELECT edge, edge_keys FROM edge_vms WHERE reported_at_ms >= $1 AND edge_keys LIKE $2 ORDER BY edge";
    let query = sqlx::query(sql).bind(signed(since_ms)).bind(format!("%{key}%"));
    let mut edges = Vec::new();
    for row in query.fetch_all(connection).await? {
        let held = key_names_or_null(&row, "edge_keys")?.unwrap_or_default();
        if held.is_disjoint(&others) {
            edges.push(row.try_get("edge")?);
        }
    }
    edges.dedup();
    Ok(edges)
}

async fn names(connection: &mut Connection) -> Result<BTreeSet<KeyName>, StoreError> {
    let rows = sqlx::query("SELECT id FROM edge_keys").fetch_all(connection).await?;
    rows.iter().map(|row| parsed(row, "id")).collect()
}

/// All keys, oldest first, and how many secrets are not sealed to each.
pub(super) async fn all(
    connection: &mut Connection,
    scope: Scope,
    seen_by: Option<UserId>,
) -> Result<Vec<(EdgeKeyRow, u64)>, StoreError> {
    let sql = "SELECT k.*, (SELECT COUNT(*) FROM secrets s WHERE ($1 IS NULL OR s.organization = $1) \
               AND ($2 IS NULL OR s.owner IS NULL OR s.owner = $2) AND NOT EXISTS \
               (SELECT 1 FROM secret_boxes b WHERE b.secret_id = s.id AND b.edge_key = k.id)) AS unsealed \
               FROM edge_keys k ORDER BY k.created_at, k.id";
    let query = sqlx::query(sql).bind(only(scope)).bind(seen_by.map(|id| id.to_string()));
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(|row| Ok((key_row(row)?, unsigned("unsealed", row.try_get("unsealed")?)?))).collect()
}

/// The keys that each of an organisation's secrets is not sealed to.
pub(super) async fn unsealed(
    connection: &mut Connection,
    organization: OrganizationId,
) -> Result<Vec<(SecretId, KeyName)>, StoreError> {
    let sql = "SELECT s.id, k.id AS edge_key FROM secrets s CROSS JOIN edge_keys k WHERE s.organization = $1 AND NOT EXISTS \
               (SELECT 1 FROM secret_boxes b WHERE b.secret_id = s.id AND b.edge_key = k.id) ORDER BY k.created_at, k.id";
    let rows = sqlx::query(sql).bind(organization.to_string()).fetch_all(connection).await?;
    rows.iter().map(|row| Ok((parsed(row, "id")?, parsed(row, "edge_key")?))).collect()
}

/// A secret's boxes, in place of those it had: one for each key that is there, and no other.
pub(super) async fn put(connection: &mut Connection, secret: SecretId, boxes: &Boxes) -> Result<(), StoreError> {
    let wanted: BTreeSet<_> = boxes.0.iter().map(|(key, _)| *key).collect();
    if wanted.is_empty() || wanted.len() != boxes.0.len() || wanted != names(connection).await? {
        return Err(StoreError::Conflict);
    }
    let sql = "DELETE FROM secret_boxes WHERE secret_id = $1";
    sqlx::query(sql).bind(secret.to_string()).execute(&mut *connection).await?;
    for (key, sealed) in &boxes.0 {
        let query = sqlx::query("INSERT INTO secret_boxes (secret_id, edge_key, sealed) VALUES ($1, $2, $3)");
        query.bind(secret.to_string()).bind(key.to_string()).bind(sealed).execute(&mut *connection).await?;
    }
    Ok(())
}

fn key_row(row: &Row) -> Result<EdgeKeyRow, StoreError> {
    Ok(EdgeKeyRow {
        key: parsed(row, "public_key")?,
        description: row.try_get("description")?,
        created_by: row.try_get("created_by")?,
        created_at: unsigned("created_at", row.try_get("created_at")?)?,
    })
}

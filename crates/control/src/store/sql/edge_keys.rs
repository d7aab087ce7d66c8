//! SQL about the edges' public keys and the boxes that are sealed to them.
//!
//! Invariant: a box for a key that is not there is not stored. Whoever writes holds the version, so what is asked here stays true
//! until it is done.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_engine::{OrganizationId, SecretId};
use portcullis_seal::KeyName;
use sqlx::Row as _;

use super::columns::{exactly_one, key_names_column, key_names_or_null, only, parsed, signed, unsigned};
use super::{Connection, Row, skill_sources};
use crate::caller::Scope;
use crate::id::UserId;
use crate::store::{Boxes, EdgeKeyRow, Lately, StoreError};

/// `$1`'s box is the only one.
const ALONE: &str = "SELECT COUNT(*) AS secrets FROM secret_boxes b WHERE b.edge_key = $1 AND NOT EXISTS \
                     (SELECT 1 FROM secret_boxes o WHERE o.secret_id = b.secret_id AND o.edge_key <> $1)";
/// Sealed to `$1` and to others, but to none of those in `$2`.
const NEEDED: &str = "SELECT COUNT(*) AS secrets FROM secret_boxes b WHERE b.edge_key = $1 AND EXISTS \
                      (SELECT 1 FROM secret_boxes o WHERE o.secret_id = b.secret_id AND o.edge_key <> $1) AND NOT EXISTS \
                      (SELECT 1 FROM secret_boxes o WHERE o.secret_id = b.secret_id AND $2 LIKE '%' || o.edge_key || '%')";
/// VMs that have a key like `$1` and reported since `$2`; or since `$3`, if none of their edge reported since `$2`.
const HOLDERS: &str = "SELECT edge, edge_keys FROM edge_vms v WHERE edge_keys LIKE $1 AND (reported_at_ms >= $2 \
                       OR reported_at_ms >= $3 AND NOT EXISTS \
                       (SELECT 1 FROM edge_vms o WHERE o.edge = v.edge AND o.reported_at_ms >= $2)) ORDER BY edge";

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

/// `unless`: unless a secret would have no box left, or an edge that counts no key for some secret.
pub(super) async fn delete(
    connection: &mut Connection,
    key: KeyName,
    unless: Option<Lately>,
    version: u64,
) -> Result<(), StoreError> {
    if let Some(lately) = unless
        && (alone(connection, key).await? > 0 || !edges_in_need_of(connection, key, lately).await?.is_empty())
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

/// What the edges tell may change at any time; which keys and boxes are here does not while the version is held.
pub(super) async fn edges_in_need_of(
    connection: &mut Connection,
    key: KeyName,
    lately: Lately,
) -> Result<Vec<String>, StoreError> {
    let mut others = names(connection).await?;
    others.remove(&key);
    let mut known: BTreeMap<BTreeSet<KeyName>, bool> = BTreeMap::new();
    let mut edges = BTreeSet::new();
    for (edge, held) in holders(connection, key, lately).await? {
        let rest = &held & &others;
        let is_needed = match known.get(&rest) {
            Some(known) => *known,
            None => rest.is_empty() || is_needed_beside(connection, key, &rest).await?,
        };
        known.insert(rest, is_needed);
        if is_needed {
            edges.insert(edge);
        }
    }
    Ok(edges.into_iter().collect())
}

/// The keys of each VM that counts and has that one, and its edge.
async fn holders(
    connection: &mut Connection,
    key: KeyName,
    lately: Lately,
) -> Result<Vec<(String, BTreeSet<KeyName>)>, StoreError> {
    let query =
        sqlx::query(HOLDERS).bind(format!("%{key}%")).bind(signed(lately.there_ms)).bind(signed(lately.known_ms));
    let rows = query.fetch_all(connection).await?;
    let holder = |row: &Row| Ok((row.try_get("edge")?, key_names_or_null(row, "edge_keys")?.unwrap_or_default()));
    rows.iter().map(holder).collect()
}

/// Whether a secret is sealed to that key and others, but to none of `rest`.
async fn is_needed_beside(
    connection: &mut Connection,
    key: KeyName,
    rest: &BTreeSet<KeyName>,
) -> Result<bool, StoreError> {
    let row = sqlx::query(NEEDED).bind(key.to_string()).bind(key_names_column(rest)).fetch_one(connection).await?;
    Ok(unsigned("secrets", row.try_get("secrets")?)? > 0)
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

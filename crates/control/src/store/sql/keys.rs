//! SQL about keys.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use portcullis_engine::{KeyDigest, KeyId, KeyStatus, OrganizationId};
use sqlx::{AssertSqlSafe, QueryBuilder, Row as _};

use super::columns::{exactly_one, only, parsed, parsed_or_null, signed, unsigned, unsigned_or_null};
use super::store::again;
use super::{Connection, Db, Row, SqlStore};
use crate::caller::Scope;
use crate::store::{BundleKey, KeyFilter, KeyRow, Keys, StoreError, UnrevokedKey};

const COLUMNS: &str = "id, digest, name, display, prefix, environment, organization, scopes, restrictions, enabled, \
                       created_by, created_at, created_in, expires_at, revoked_at, last_used, successor, changed_in";

pub(super) async fn insert(connection: &mut Connection, row: &KeyRow, version: u64) -> Result<(), StoreError> {
    let sql = "INSERT INTO keys (id, digest, name, display, prefix, environment, organization, scopes, restrictions, \
               enabled, created_by, created_at, expires_at, revoked_at, last_used, successor, created_in, \
               changed_in) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17)";
    sqlx::query(sql)
        .bind(row.id.to_string())
        .bind(row.digest.as_bytes().to_vec())
        .bind(&row.name)
        .bind(&row.display)
        .bind(&row.prefix)
        .bind(&row.environment)
        .bind(row.organization.to_string())
        .bind(&row.scopes)
        .bind(restrictions_json(row)?)
        .bind(row.enabled)
        .bind(&row.created_by)
        .bind(signed(row.created_at))
        .bind(row.expires_at.map(signed))
        .bind(row.revoked_at.map(signed))
        .bind(row.last_used.map(signed))
        .bind(row.successor.map(|id| id.to_string()))
        .bind(signed(version))
        .execute(connection)
        .await?;
    Ok(())
}

/// Writes what may change in a key's life; everything else is as it was made.
pub(super) async fn replace(connection: &mut Connection, row: &KeyRow, version: u64) -> Result<(), StoreError> {
    let sql = "UPDATE keys SET name = $1, scopes = $2, restrictions = $3, enabled = $4, expires_at = $5, \
               revoked_at = $6, successor = $7, changed_in = $8 WHERE id = $9 AND changed_in = $10";
    let done = sqlx::query(sql)
        .bind(&row.name)
        .bind(&row.scopes)
        .bind(restrictions_json(row)?)
        .bind(row.enabled)
        .bind(row.expires_at.map(signed))
        .bind(row.revoked_at.map(signed))
        .bind(row.successor.map(|id| id.to_string()))
        .bind(signed(version))
        .bind(row.id.to_string())
        .bind(signed(row.changed_in))
        .execute(connection)
        .await?;
    exactly_one(done.rows_affected())
}

async fn used(connection: &mut Connection, id: KeyId, time: u64) -> Result<(), StoreError> {
    sqlx::query("UPDATE keys SET last_used = $1 WHERE id = $2 AND (last_used IS NULL OR last_used < $1)")
        .bind(signed(time))
        .bind(id.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

#[async_trait]
impl Keys for SqlStore {
    async fn key(&self, scope: Scope, id: KeyId) -> Result<Option<KeyRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM keys WHERE id = $1 AND ($2 IS NULL OR organization = $2)");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(id.to_string()).bind(only(scope));
        query.fetch_optional(self.finders()).await?.as_ref().map(key_row).transpose()
    }

    async fn keys(&self, filter: &KeyFilter) -> Result<Vec<KeyRow>, StoreError> {
        let mut query = QueryBuilder::<Db>::new(format!("SELECT {COLUMNS} FROM keys WHERE TRUE"));
        if let Some(organization) = only(filter.scope) {
            query.push(" AND organization = ").push_bind(organization);
        }
        if let Some((status, now)) = filter.status {
            push_status(&mut query, status, signed(now));
        }
        if let Some((created_in, id)) = filter.after {
            let created_in = signed(created_in);
            query.push(" AND (created_in < ").push_bind(created_in);
            query.push(" OR (created_in = ").push_bind(created_in);
            query.push(" AND id < ").push_bind(id.to_string()).push("))");
        }
        query.push(" ORDER BY created_in DESC, id DESC LIMIT ").push_bind(i64::from(filter.limit));
        let rows = query.build().fetch_all(self.listers()).await?;
        rows.iter().map(key_row).collect()
    }

    async fn unrevoked_keys(&self, scope: Scope) -> Result<Vec<UnrevokedKey>, StoreError> {
        let sql = "SELECT id, name, prefix, created_at, last_used FROM keys WHERE revoked_at IS NULL \
                   AND ($1 IS NULL OR organization = $1) ORDER BY created_in DESC, id DESC";
        let mut rows = sqlx::query(sql).bind(only(scope)).fetch(self.listers());
        let mut keys = Vec::new();
        while let Some(row) = rows.try_next().await? {
            keys.push(UnrevokedKey {
                id: row.try_get("id")?,
                name: row.try_get("name")?,
                prefix: row.try_get("prefix")?,
                created_at: unsigned("created_at", row.try_get("created_at")?)?,
                last_used: unsigned_or_null("last_used", row.try_get("last_used")?)?,
            });
        }
        Ok(keys)
    }

    async fn record_use(&self, uses: &[(KeyId, u64)]) -> Result<(), StoreError> {
        // In one order, so that two reports never wait for each other.
        let mut uses = uses.to_vec();
        uses.sort_unstable();
        again(async || {
            let mut transaction = self.begin_write().await?;
            for (id, time) in &uses {
                used(&mut transaction, *id, *time).await?;
            }
            transaction.commit().await?;
            Ok(())
        })
        .await
    }
}

/// The SQL twin of `keys::status`, in the same order: revoked, disabled, expired, active.
fn push_status(query: &mut QueryBuilder<Db>, status: portcullis_api::KeyStatus, now: i64) {
    use portcullis_api::KeyStatus::{Active, Disabled, Expired, Revoked};
    match status {
        Revoked => query.push(" AND revoked_at IS NOT NULL"),
        Disabled => query.push(" AND revoked_at IS NULL AND NOT enabled"),
        Expired => query.push(" AND revoked_at IS NULL AND enabled AND expires_at <= ").push_bind(now),
        Active => query
            .push(" AND revoked_at IS NULL AND enabled AND (expires_at IS NULL OR expires_at > ")
            .push_bind(now)
            .push(")"),
    };
}

/// What the bundle has to know of keys that changed. Whoever starts with nothing needs no key revoked long ago; whoever
/// has some already needs every change.
pub(super) async fn changed_after(
    snapshot: &mut Connection,
    version: u64,
    revoked_since: u64,
) -> Result<Vec<BundleKey>, StoreError> {
    let sql = "SELECT digest, id, organization, enabled, expires_at, revoked_at, scopes, restrictions FROM keys \
               WHERE changed_in > $1 AND ($1 > 0 OR revoked_at IS NULL OR revoked_at >= $2)";
    let mut rows = sqlx::query(sql).bind(signed(version)).bind(signed(revoked_since)).fetch(snapshot);
    let mut keys = Vec::new();
    while let Some(row) = rows.try_next().await? {
        keys.extend(bundle_key(&row));
    }
    Ok(keys)
}

fn key_row(row: &Row) -> Result<KeyRow, StoreError> {
    Ok(KeyRow {
        id: parsed(row, "id")?,
        digest: digest(row)?,
        name: row.try_get("name")?,
        display: row.try_get("display")?,
        prefix: row.try_get("prefix")?,
        environment: row.try_get("environment")?,
        organization: parsed(row, "organization")?,
        scopes: row.try_get("scopes")?,
        restrictions: restrictions(row)?,
        enabled: row.try_get("enabled")?,
        created_by: row.try_get("created_by")?,
        created_at: unsigned("created_at", row.try_get("created_at")?)?,
        created_in: unsigned("created_in", row.try_get("created_in")?)?,
        expires_at: unsigned_or_null("expires_at", row.try_get("expires_at")?)?,
        revoked_at: unsigned_or_null("revoked_at", row.try_get("revoked_at")?)?,
        last_used: unsigned_or_null("last_used", row.try_get("last_used")?)?,
        successor: parsed_or_null(row, "successor")?,
        changed_in: unsigned("changed_in", row.try_get("changed_in")?)?,
    })
}

/// A key that cannot be read is switched off, and keeps no other from being published.
fn bundle_key(row: &Row) -> Option<BundleKey> {
    let id: Option<KeyId> = parsed(row, "id").ok();
    let name = id.map_or_else(|| "unknown".to_owned(), |id| id.to_string());
    let digest = digest(row).inspect_err(|error| tracing::error!(key = name, %error, "left out of the bundle")).ok()?;
    let key = readable(row, digest);
    let key = key.inspect_err(|error| tracing::error!(key = name, %error, "switched off in the bundle"));
    Some(key.unwrap_or_else(|_| BundleKey {
        digest,
        id: id.unwrap_or(KeyId::from_bytes([0; 10])),
        organization: OrganizationId::from_bytes([0; 10]),
        status: KeyStatus::Disabled,
        expires_at: None,
        revoked_at: None,
        scopes: String::new(),
        restrictions: None,
    }))
}

fn readable(row: &Row, digest: KeyDigest) -> Result<BundleKey, StoreError> {
    let revoked_at = unsigned_or_null("revoked_at", row.try_get("revoked_at")?)?;
    let enabled: bool = row.try_get("enabled")?;
    Ok(BundleKey {
        digest,
        id: parsed(row, "id")?,
        organization: parsed(row, "organization")?,
        status: match (revoked_at, enabled) {
            (Some(_), _) => KeyStatus::Revoked,
            (None, false) => KeyStatus::Disabled,
            (None, true) => KeyStatus::Active,
        },
        expires_at: unsigned_or_null("expires_at", row.try_get("expires_at")?)?,
        revoked_at,
        scopes: row.try_get("scopes")?,
        restrictions: row.try_get("restrictions")?,
    })
}

fn digest(row: &Row) -> Result<KeyDigest, StoreError> {
    let bytes: &[u8] = row.try_get("digest")?;
    let bytes = bytes.try_into().map_err(|_| StoreError::Unreadable { column: "digest" })?;
    Ok(KeyDigest::from_bytes(bytes))
}

fn restrictions(row: &Row) -> Result<Option<portcullis_engine::spec::RestrictionsSpec>, StoreError> {
    let json: Option<&str> = row.try_get("restrictions")?;
    let unreadable = |_| StoreError::Unreadable { column: "restrictions" };
    json.map(serde_json::from_str).transpose().map_err(unreadable)
}

fn restrictions_json(row: &KeyRow) -> Result<Option<String>, StoreError> {
    let unreadable = |_| StoreError::Unreadable { column: "restrictions" };
    row.restrictions.as_ref().map(serde_json::to_string).transpose().map_err(unreadable)
}

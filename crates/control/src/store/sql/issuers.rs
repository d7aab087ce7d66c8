//! SQL about other people's issuers.

use async_trait::async_trait;
use portcullis_engine::{KeyId, OrganizationId};
use serde::de::DeserializeOwned;
use sqlx::{AssertSqlSafe, Row as _};

#[cfg(test)]
use super::Db;
use super::columns::{exactly_one, only, parsed, signed, unsigned};
use super::key_rows::{self, json};
use super::{Connection, Row, SqlStore};
use crate::caller::Scope;
use crate::store::{Fetched, IssuerRow, IssuerWrite, Issuers, OwnedIssuer, Slice, StoreError};

/// Both rows of each; what both have, twice. From the few to the many: what an issuer's row is compared by fits no index, or
/// SQLite would walk through all keys in the order that is asked for, and look for the issuer of each.
const BOTH: &str = "SELECT k.*, i.key_id, i.issuer, i.audiences, i.types, i.jwks_uri, i.scope_claim, i.scope_map, i.jwks, \
                    i.fetched_at, i.next_fetch_ms, i.failures, i.problem, i.changed_in AS issuer_changed_in \
                    FROM issuers i JOIN keys k ON k.id = i.key_id || '' WHERE k.revoked_at IS NULL";

pub(super) async fn carry_out(
    connection: &mut Connection,
    write: &IssuerWrite,
    version: u64,
) -> Result<(), StoreError> {
    let (IssuerWrite::Insert(row) | IssuerWrite::Replace(row)) = write;
    // Whoever writes holds the version, so nobody else takes the name meanwhile.
    if is_taken(connection, row).await? {
        return Err(StoreError::Duplicate);
    }
    match write {
        IssuerWrite::Insert(row) => insert(connection, row, version).await,
        IssuerWrite::Replace(row) => replace(connection, row, version).await,
    }
}

async fn insert(connection: &mut Connection, row: &IssuerRow, version: u64) -> Result<(), StoreError> {
    let sql = "INSERT INTO issuers (key_id, issuer, audiences, types, jwks_uri, scope_claim, scope_map, jwks, fetched_at, \
               next_fetch_ms, failures, problem, changed_in) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    sqlx::query(sql)
        .bind(row.key.to_string())
        .bind(&row.issuer)
        .bind(json("audiences", &row.audiences)?)
        .bind(json("types", &row.types)?)
        .bind(&row.jwks_uri)
        .bind(&row.scope_claim)
        .bind(json("scope_map", &row.scope_map)?)
        .bind(json("jwks", &row.jwks)?)
        .bind(signed(row.fetched.at))
        .bind(signed(row.fetched.next_ms))
        .bind(signed(row.fetched.failures))
        .bind(&row.fetched.problem)
        .bind(signed(version))
        .execute(connection)
        .await?;
    Ok(())
}

async fn replace(connection: &mut Connection, row: &IssuerRow, version: u64) -> Result<(), StoreError> {
    let sql = "UPDATE issuers SET audiences = $1, types = $2, jwks_uri = $3, scope_claim = $4, scope_map = $5, jwks = $6, \
               fetched_at = $7, next_fetch_ms = $8, failures = $9, problem = $10, changed_in = $11 \
               WHERE key_id = $12 AND changed_in = $13";
    let done = sqlx::query(sql)
        .bind(json("audiences", &row.audiences)?)
        .bind(json("types", &row.types)?)
        .bind(&row.jwks_uri)
        .bind(&row.scope_claim)
        .bind(json("scope_map", &row.scope_map)?)
        .bind(json("jwks", &row.jwks)?)
        .bind(signed(row.fetched.at))
        .bind(signed(row.fetched.next_ms))
        .bind(signed(row.fetched.failures))
        .bind(&row.fetched.problem)
        .bind(signed(version))
        .bind(row.key.to_string())
        .bind(signed(row.changed_in))
        .execute(connection)
        .await?;
    exactly_one(done.rows_affected())
}

/// Whether it could be taken for another's, or another's for it. Of one URL there are few.
async fn is_taken(connection: &mut Connection, row: &IssuerRow) -> Result<bool, StoreError> {
    let sql = "SELECT i.key_id, i.audiences, k.organization FROM issuers i JOIN keys k ON k.id = i.key_id \
               WHERE k.revoked_at IS NULL AND i.issuer = $1 ORDER BY k.created_in, k.id";
    let mut widened = None;
    for it in &sqlx::query(sql).bind(&row.issuer).fetch_all(connection).await? {
        let (key, organization): (KeyId, OrganizationId) = (parsed(it, "key_id")?, parsed(it, "organization")?);
        let audiences: Vec<String> = from_json(it, "audiences")?;
        if key == row.key {
            widened = Some(organization).filter(|_| row.audiences.iter().any(|it| !audiences.contains(it)));
        } else if audiences.iter().any(|it| row.audiences.contains(it)) || widened.is_some_and(|of| of != organization)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// All of them, for the bundle, oldest first. One that cannot be read is left out, and keeps no other from being published.
pub(super) async fn unrevoked(snapshot: &mut Connection) -> Result<Vec<OwnedIssuer>, StoreError> {
    let rows = sqlx::query(AssertSqlSafe(every())).fetch_all(snapshot).await?;
    let read =
        |row: &Row| owned(row).inspect_err(|error| tracing::error!(%error, "an issuer is left out of the bundle"));
    Ok(rows.iter().filter_map(|row| read(row).ok()).collect())
}

fn every() -> String {
    format!("{BOTH} ORDER BY k.created_in, k.id")
}

/// The statement whose plan matters, and what has to be in the plan: PostgreSQL joins small tables in its own way.
#[cfg(test)]
pub(super) fn planned() -> [(String, &'static str); 1] {
    [(
        every(),
        if <Db as sqlx::Database>::NAME == "SQLite" {
            "SEARCH k USING INDEX sqlite_autoindex_keys_1 (id=?)"
        } else {
            ""
        },
    )]
}

#[async_trait]
impl Issuers for SqlStore {
    async fn issuer(&self, scope: Scope, key: KeyId) -> Result<Option<OwnedIssuer>, StoreError> {
        let sql = format!("{BOTH} AND k.id = $1 AND ($2 IS NULL OR k.organization = $2)");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(key.to_string()).bind(only(scope));
        query.fetch_optional(self.finders()).await?.as_ref().map(owned).transpose()
    }

    async fn issuers(&self, scope: Scope, slice: &Slice) -> Result<Vec<OwnedIssuer>, StoreError> {
        let sql = format!(
            "{BOTH} AND ($1 IS NULL OR k.organization = $1) \
             AND ($2 IS NULL OR k.created_at < $2 OR (k.created_at = $2 AND k.id < $3)) \
             ORDER BY k.created_at DESC, k.id DESC LIMIT $4"
        );
        let (time, id) = slice.columns();
        let query = sqlx::query(AssertSqlSafe(sql)).bind(only(scope)).bind(time).bind(id);
        query.bind(i64::from(slice.limit)).fetch_all(self.listers()).await?.iter().map(owned).collect()
    }

    async fn issuer_is_taken(&self, row: &IssuerRow) -> Result<bool, StoreError> {
        is_taken(&mut *self.finders().acquire().await?, row).await
    }

    async fn due_issuers(&self, now_ms: u64, most: u32) -> Result<Vec<OwnedIssuer>, StoreError> {
        let sql = format!("{BOTH} AND i.next_fetch_ms <= $1 ORDER BY i.next_fetch_ms LIMIT $2");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(signed(now_ms)).bind(i64::from(most));
        query.fetch_all(self.finders()).await?.iter().map(owned).collect()
    }

    async fn claim_issuer(&self, row: &IssuerRow, until_ms: u64) -> Result<bool, StoreError> {
        let sql = "UPDATE issuers SET next_fetch_ms = $1 WHERE key_id = $2 AND next_fetch_ms = $3";
        let query = sqlx::query(sql).bind(signed(until_ms)).bind(row.key.to_string()).bind(signed(row.fetched.next_ms));
        let mut transaction = self.begin_write().await?;
        let done = query.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    async fn settle_issuer(&self, row: &IssuerRow) -> Result<bool, StoreError> {
        let sql = "UPDATE issuers SET fetched_at = $1, next_fetch_ms = $2, failures = $3, problem = $4 \
                   WHERE key_id = $5 AND changed_in = $6";
        let fetched = &row.fetched;
        let mut transaction = self.begin_write().await?;
        let done = sqlx::query(sql)
            .bind(signed(fetched.at))
            .bind(signed(fetched.next_ms))
            .bind(signed(fetched.failures))
            .bind(&fetched.problem)
            .bind(row.key.to_string())
            .bind(signed(row.changed_in))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(done.rows_affected() == 1)
    }
}

fn owned(row: &Row) -> Result<OwnedIssuer, StoreError> {
    Ok(OwnedIssuer { row: issuer(row)?, key: key_rows::key(row)? })
}

fn issuer(row: &Row) -> Result<IssuerRow, StoreError> {
    Ok(IssuerRow {
        key: parsed(row, "key_id")?,
        issuer: row.try_get("issuer")?,
        audiences: from_json(row, "audiences")?,
        types: from_json(row, "types")?,
        jwks_uri: row.try_get("jwks_uri")?,
        scope_claim: row.try_get("scope_claim")?,
        scope_map: from_json(row, "scope_map")?,
        jwks: from_json(row, "jwks")?,
        fetched: Fetched {
            at: unsigned("fetched_at", row.try_get("fetched_at")?)?,
            next_ms: unsigned("next_fetch_ms", row.try_get("next_fetch_ms")?)?,
            failures: unsigned("failures", row.try_get("failures")?)?,
            problem: row.try_get("problem")?,
        },
        changed_in: unsigned("issuer_changed_in", row.try_get("issuer_changed_in")?)?,
    })
}

fn from_json<T: DeserializeOwned>(row: &Row, column: &'static str) -> Result<T, StoreError> {
    key_rows::json_or_null(row, column)?.ok_or(StoreError::Unreadable { column })
}

//! SQL about the keys that access tokens are signed with.

use async_trait::async_trait;
use sqlx::Row as _;

use super::columns::{signed, unsigned, unsigned_or_null};
use super::{Connection, Row, SqlStore};
use crate::store::{StoreError, TokenKeyRow, TokenKeys, TokenKeysWrite, TokenSources};

const ALL: &str = "SELECT kid, algorithm, jwk, secret, created_at, signs_from, signs_until, accepted_until, revoked_at \
                   FROM token_keys ORDER BY kid";

/// The setting that holds the name under which tokens are signed.
const ISSUER: &str = "token_issuer";

pub(super) async fn carry_out(connection: &mut Connection, write: &TokenKeysWrite) -> Result<(), StoreError> {
    match write {
        TokenKeysWrite::Replace { from, to } => replace(connection, from, to).await,
        TokenKeysWrite::Issuer(name) => {
            let sql = "INSERT INTO settings (name, value) VALUES ($1, $2) \
                       ON CONFLICT (name) DO UPDATE SET value = excluded.value";
            sqlx::query(sql).bind(ISSUER).bind(name).execute(connection).await?;
            Ok(())
        }
    }
}

/// Whoever writes holds the version, so nobody else changes them meanwhile.
async fn replace(connection: &mut Connection, from: &[TokenKeyRow], to: &[TokenKeyRow]) -> Result<(), StoreError> {
    if all(connection).await? != from {
        return Err(StoreError::Conflict);
    }
    sqlx::query("DELETE FROM token_keys").execute(&mut *connection).await?;
    for row in to {
        insert(connection, row).await?;
    }
    Ok(())
}

async fn insert(connection: &mut Connection, row: &TokenKeyRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO token_keys (kid, algorithm, jwk, secret, created_at, signs_from, signs_until, accepted_until, \
               revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    sqlx::query(sql)
        .bind(&row.kid)
        .bind(&row.algorithm)
        .bind(&row.jwk)
        .bind(&row.secret)
        .bind(signed(row.created_at))
        .bind(signed(row.signs_from))
        .bind(row.signs_until.map(signed))
        .bind(row.accepted_until.map(signed))
        .bind(row.revoked_at.map(signed))
        .execute(connection)
        .await?;
    Ok(())
}

/// What tokens in force depend on.
pub(super) async fn sources(snapshot: &mut Connection) -> Result<TokenSources, StoreError> {
    Ok(TokenSources { issuer: issuer(snapshot).await?, keys: all(snapshot).await? })
}

#[async_trait]
impl TokenKeys for SqlStore {
    async fn token_keys(&self) -> Result<Vec<TokenKeyRow>, StoreError> {
        all(&mut *self.finders().acquire().await?).await
    }

    async fn token_issuer(&self) -> Result<Option<String>, StoreError> {
        issuer(&mut *self.finders().acquire().await?).await
    }
}

async fn all(connection: &mut Connection) -> Result<Vec<TokenKeyRow>, StoreError> {
    sqlx::query(ALL).fetch_all(connection).await?.iter().map(token_key).collect()
}

async fn issuer(connection: &mut Connection) -> Result<Option<String>, StoreError> {
    let row = sqlx::query("SELECT value FROM settings WHERE name = $1").bind(ISSUER).fetch_optional(connection).await?;
    Ok(row.map(|row| row.try_get("value")).transpose()?)
}

fn token_key(row: &Row) -> Result<TokenKeyRow, StoreError> {
    Ok(TokenKeyRow {
        kid: row.try_get("kid")?,
        algorithm: row.try_get("algorithm")?,
        jwk: row.try_get("jwk")?,
        secret: row.try_get("secret")?,
        created_at: unsigned("created_at", row.try_get("created_at")?)?,
        signs_from: unsigned("signs_from", row.try_get("signs_from")?)?,
        signs_until: unsigned_or_null("signs_until", row.try_get("signs_until")?)?,
        accepted_until: unsigned_or_null("accepted_until", row.try_get("accepted_until")?)?,
        revoked_at: unsigned_or_null("revoked_at", row.try_get("revoked_at")?)?,
    })
}

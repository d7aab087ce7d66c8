//! SQL about API tokens. Invariant: a personal token of somebody who is no member is none.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Row as _};

use super::columns::{digest, exactly_one, only, parsed, parsed_or_null, signed, unsigned, unsigned_or_null};
use super::{Connection, Row, SqlStore, invitations};
use crate::caller::Scope;
use crate::id::{TokenId, UserId};
use crate::secret::SecretDigest;
use crate::store::{ActiveToken, Slice, StoreError, TokenRow, Tokens};

/// Fails if it is a personal one and its owner is no member any more.
pub(super) async fn insert(connection: &mut Connection, row: &TokenRow) -> Result<(), StoreError> {
    if let Some(owner) = row.owner {
        let sql = "SELECT user_id FROM memberships WHERE organization = $1 AND user_id = $2";
        let query = sqlx::query(sql).bind(row.organization.to_string()).bind(owner.to_string());
        query.fetch_optional(&mut *connection).await?.map(drop).ok_or(StoreError::Conflict)?;
    }
    let sql = "INSERT INTO api_tokens (id, digest, display, name, organization, user_id, scopes, created_by, created_at, \
               expires_at, revoked_at, last_used) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    sqlx::query(sql)
        .bind(row.id.to_string())
        .bind(row.digest.to_bytes())
        .bind(&row.display)
        .bind(&row.name)
        .bind(row.organization.to_string())
        .bind(row.owner.map(|id| id.to_string()))
        .bind(row.scopes.to_text())
        .bind(&row.created_by)
        .bind(signed(row.created_at))
        .bind(row.expires_at.map(signed))
        .bind(row.revoked_at.map(signed))
        .bind(row.last_used.map(signed))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn revoke(connection: &mut Connection, id: TokenId, at: u64) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE api_tokens SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL");
    exactly_one(query.bind(signed(at)).bind(id.to_string()).execute(&mut *connection).await?.rows_affected())?;
    invitations::withdraw_of(connection, None, &id.to_string(), at).await
}

/// With what they made: whoever had one may have invited themselves.
pub(super) async fn revoke_of(connection: &mut Connection, user: UserId, at: u64) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE api_tokens SET revoked_at = $1 WHERE user_id = $2 AND revoked_at IS NULL");
    query.bind(signed(at)).bind(user.to_string()).execute(&mut *connection).await?;
    invitations::withdraw_of(connection, None, &user.to_string(), at).await
}

const COLUMNS: &str = "SELECT t.*, u.email AS owner_email FROM api_tokens t LEFT JOIN users u ON u.id = t.user_id";

#[async_trait]
impl Tokens for SqlStore {
    async fn token_by_digest(&self, digest: SecretDigest, now: u64) -> Result<Option<ActiveToken>, StoreError> {
        let sql = "SELECT t.*, u.email AS owner_email, m.role AS owner_role FROM api_tokens t \
                   LEFT JOIN users u ON u.id = t.user_id \
                   LEFT JOIN memberships m ON m.user_id = t.user_id AND m.organization = t.organization \
                   WHERE t.digest = $1 AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > $2) \
                   AND (t.user_id IS NULL OR m.role IS NOT NULL)";
        let query = sqlx::query(sql).bind(digest.to_bytes()).bind(signed(now));
        let Some(row) = query.fetch_optional(self.finders()).await? else { return Ok(None) };
        Ok(Some(ActiveToken { row: token_row(&row)?, role: parsed_or_null(&row, "owner_role")? }))
    }

    async fn token(&self, scope: Scope, owner: Option<UserId>, id: TokenId) -> Result<Option<TokenRow>, StoreError> {
        let sql = format!(
            "{COLUMNS} WHERE t.id = $1 AND ($2 IS NULL OR t.organization = $2) AND ($3 IS NULL OR t.user_id = $3)"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(id.to_string()).bind(only(scope));
        let query = query.bind(owner.map(|id| id.to_string()));
        query.fetch_optional(self.finders()).await?.as_ref().map(token_row).transpose()
    }

    async fn tokens(&self, scope: Scope, owner: Option<UserId>, slice: &Slice) -> Result<Vec<TokenRow>, StoreError> {
        let sql = format!(
            "{COLUMNS} WHERE ($1 IS NULL OR t.organization = $1) AND ($2 IS NULL OR t.user_id = $2) \
             AND ($3 IS NULL OR t.created_at < $3 OR (t.created_at = $3 AND t.id < $4)) \
             ORDER BY t.created_at DESC, t.id DESC LIMIT $5"
        );
        let (time, id) = slice.columns();
        let query = sqlx::query(AssertSqlSafe(sql)).bind(only(scope)).bind(owner.map(|id| id.to_string()));
        let rows = query.bind(time).bind(id).bind(i64::from(slice.limit)).fetch_all(self.listers()).await?;
        rows.iter().map(token_row).collect()
    }

    async fn token_used(&self, id: TokenId, now: u64) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        let sql = "UPDATE api_tokens SET last_used = $1 WHERE id = $2 AND (last_used IS NULL OR last_used < $1)";
        sqlx::query(sql).bind(signed(now)).bind(id.to_string()).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }
}

fn token_row(row: &Row) -> Result<TokenRow, StoreError> {
    Ok(TokenRow {
        id: parsed(row, "id")?,
        digest: digest(row, "digest")?,
        display: row.try_get("display")?,
        name: row.try_get("name")?,
        organization: parsed(row, "organization")?,
        owner: parsed_or_null(row, "user_id")?,
        owner_email: row.try_get("owner_email")?,
        scopes: parsed(row, "scopes")?,
        created_by: row.try_get("created_by")?,
        created_at: unsigned("created_at", row.try_get("created_at")?)?,
        expires_at: unsigned_or_null("expires_at", row.try_get("expires_at")?)?,
        revoked_at: unsigned_or_null("revoked_at", row.try_get("revoked_at")?)?,
        last_used: unsigned_or_null("last_used", row.try_get("last_used")?)?,
    })
}

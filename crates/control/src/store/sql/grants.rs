//! SQL about grants, and the codes and refresh tokens that are redeemed for them.
//!
//! Invariants: of many who redeem a code or use a refresh token at once, one does; a code makes no grant for an app that is
//! revoked, nor in an organisation that its person left. Whoever writes a change holds the version, so what is asked
//! here stays true until it is done.

use async_trait::async_trait;
use portcullis_engine::KeyId;
use sqlx::{AssertSqlSafe, Row as _};

use super::columns::{digest, exactly_one, only, parsed, parsed_or_null, signed, unsigned, unsigned_or_null};
use super::{Connection, Row, SqlStore};
use crate::caller::Scope;
use crate::id::UserId;
use crate::secret::SecretDigest;
use crate::store::{CodeRow, GrantRow, Grants, GrantsOf, RefreshRow, ShownGrant, Slice, StoreError};

/// Of an app that is not revoked, and of somebody who is a member.
const STANDING: &str = "EXISTS (SELECT 1 FROM apps a JOIN memberships m ON m.user_id = $2 AND m.organization = $3 \
                        WHERE a.id = $1 AND a.revoked_at IS NULL)";

pub(super) async fn insert_code(connection: &mut Connection, row: &CodeRow) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO authorization_codes (app, user_id, organization, digest, environment, scopes, redirect_uri, challenge, \
         expires_at) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 WHERE {STANDING}"
    );
    let done = sqlx::query(AssertSqlSafe(sql))
        .bind(row.app.to_string())
        .bind(row.user.to_string())
        .bind(row.organization.to_string())
        .bind(row.digest.to_bytes())
        .bind(&row.environment)
        .bind(&row.scopes)
        .bind(&row.redirect_uri)
        .bind(&row.challenge)
        .bind(signed(row.expires_at))
        .execute(connection)
        .await?;
    exactly_one(done.rows_affected())
}

pub(super) async fn redeem(connection: &mut Connection, code: SecretDigest, row: &GrantRow) -> Result<(), StoreError> {
    let sql = "UPDATE authorization_codes SET used_at = $1, grant_id = $2 WHERE digest = $3 AND used_at IS NULL \
               AND expires_at > $1";
    let query = sqlx::query(sql).bind(signed(row.created_at)).bind(row.id.to_string()).bind(code.to_bytes());
    exactly_one(query.execute(&mut *connection).await?.rows_affected())?;
    let sql = format!(
        "INSERT INTO grants (app, user_id, organization, key_id, scopes, created_at) \
         SELECT $1, $2, $3, $4, $5, $6 WHERE {STANDING}"
    );
    let done = sqlx::query(AssertSqlSafe(sql))
        .bind(row.app.to_string())
        .bind(row.user.to_string())
        .bind(row.organization.to_string())
        .bind(row.id.to_string())
        .bind(&row.scopes)
        .bind(signed(row.created_at))
        .execute(connection)
        .await?;
    exactly_one(done.rows_affected())
}

pub(super) async fn insert_refresh(connection: &mut Connection, row: &RefreshRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO refresh_tokens (digest, grant_id, created_at, expires_at) VALUES ($1, $2, $3, $4)";
    sqlx::query(sql)
        .bind(row.digest.to_bytes())
        .bind(row.grant.to_string())
        .bind(signed(row.created_at))
        .bind(signed(row.expires_at))
        .execute(connection)
        .await?;
    Ok(())
}

/// Their rows in `keys` say from this version on that they are revoked.
pub(super) async fn end(connection: &mut Connection, of: GrantsOf, at: u64, version: u64) -> Result<(), StoreError> {
    let (which, [first, second]) = chosen(of);
    let sql = format!(
        "UPDATE keys SET revoked_at = $3, changed_in = $4 WHERE revoked_at IS NULL \
         AND id IN (SELECT key_id FROM grants WHERE {which})"
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(&first).bind(&second).bind(signed(at)).bind(signed(version));
    let ended = query.execute(&mut *connection).await?.rows_affected();
    if matches!(of, GrantsOf::Grant(_)) {
        exactly_one(ended)?;
    }
    forget_codes(connection, of).await
}

pub(super) async fn none(connection: &mut Connection, of: GrantsOf) -> Result<(), StoreError> {
    let (which, [first, second]) = chosen(of);
    let sql = format!(
        "SELECT key_id FROM grants JOIN keys ON keys.id = grants.key_id WHERE keys.revoked_at IS NULL AND {which} LIMIT 1"
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(&first).bind(&second);
    match query.fetch_optional(&mut *connection).await? {
        None => forget_codes(connection, of).await,
        Some(_) => Err(StoreError::Conflict),
    }
}

/// What is under way becomes no grant any more.
async fn forget_codes(connection: &mut Connection, of: GrantsOf) -> Result<(), StoreError> {
    if matches!(of, GrantsOf::Grant(_)) {
        return Ok(());
    }
    let (which, [first, second]) = chosen(of);
    let sql = format!("DELETE FROM authorization_codes AS grants WHERE used_at IS NULL AND {which}");
    sqlx::query(AssertSqlSafe(sql)).bind(&first).bind(&second).execute(connection).await?;
    Ok(())
}

/// Which rows are meant, by columns that grants and codes both have, and what is bound first.
fn chosen(of: GrantsOf) -> (&'static str, [String; 2]) {
    match of {
        GrantsOf::Grant(id) => ("grants.key_id = $1 AND $2 = ''", [id.to_string(), String::new()]),
        GrantsOf::App(id) => ("grants.app = $1 AND $2 = ''", [id.to_string(), String::new()]),
        GrantsOf::Member(organization, user) => {
            ("grants.user_id = $1 AND grants.organization = $2", [user.to_string(), organization.to_string()])
        }
        GrantsOf::User(id) => ("grants.user_id = $1 AND $2 = ''", [id.to_string(), String::new()]),
    }
}

const COLUMNS: &str = "SELECT g.*, a.name AS app_name, a.revoked_at AS app_revoked_at, u.email, k.environment, \
                       k.scopes AS held, k.enabled, k.expires_at, k.revoked_at, k.last_used FROM grants g \
                       JOIN apps a ON a.id = g.app JOIN users u ON u.id = g.user_id JOIN keys k ON k.id = g.key_id";

#[async_trait]
impl Grants for SqlStore {
    async fn grant(&self, scope: Scope, user: Option<UserId>, id: KeyId) -> Result<Option<ShownGrant>, StoreError> {
        let sql = format!(
            "{COLUMNS} WHERE g.key_id = $1 AND ($2 IS NULL OR g.organization = $2) AND ($3 IS NULL OR g.user_id = $3)"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(id.to_string()).bind(only(scope));
        let query = query.bind(user.map(|id| id.to_string()));
        query.fetch_optional(self.finders()).await?.as_ref().map(shown).transpose()
    }

    async fn grants(&self, scope: Scope, user: Option<UserId>, slice: &Slice) -> Result<Vec<ShownGrant>, StoreError> {
        let sql = format!(
            "{COLUMNS} WHERE k.revoked_at IS NULL AND ($1 IS NULL OR g.organization = $1) \
             AND ($2 IS NULL OR g.user_id = $2) \
             AND ($3 IS NULL OR g.created_at < $3 OR (g.created_at = $3 AND g.key_id < $4)) \
             ORDER BY g.created_at DESC, g.key_id DESC LIMIT $5"
        );
        let (time, id) = slice.columns();
        let query = sqlx::query(AssertSqlSafe(sql)).bind(only(scope)).bind(user.map(|id| id.to_string()));
        let rows = query.bind(time).bind(id).bind(i64::from(slice.limit)).fetch_all(self.listers()).await?;
        rows.iter().map(shown).collect()
    }

    async fn code(&self, digest: SecretDigest) -> Result<Option<CodeRow>, StoreError> {
        let query = sqlx::query("SELECT * FROM authorization_codes WHERE digest = $1").bind(digest.to_bytes());
        query.fetch_optional(self.finders()).await?.as_ref().map(code_row).transpose()
    }

    async fn refresh_token(&self, digest: SecretDigest) -> Result<Option<RefreshRow>, StoreError> {
        let query = sqlx::query("SELECT * FROM refresh_tokens WHERE digest = $1").bind(digest.to_bytes());
        query.fetch_optional(self.finders()).await?.as_ref().map(refresh_row).transpose()
    }

    async fn refresh(&self, used: SecretDigest, next: &RefreshRow) -> Result<bool, StoreError> {
        let mut transaction = self.begin_write().await?;
        let sql = "UPDATE refresh_tokens SET used_at = $1 WHERE digest = $2 AND grant_id = $3 AND used_at IS NULL \
                   AND expires_at > $1 AND EXISTS (SELECT 1 FROM keys WHERE id = $3 AND revoked_at IS NULL)";
        let query = sqlx::query(sql).bind(signed(next.created_at)).bind(used.to_bytes()).bind(next.grant.to_string());
        if query.execute(&mut *transaction).await?.rows_affected() != 1 {
            return Ok(false);
        }
        insert_refresh(&mut transaction, next).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn forget_redeemed(&self, before: u64) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        for sql in [
            "DELETE FROM authorization_codes WHERE expires_at < $1",
            "DELETE FROM refresh_tokens WHERE expires_at < $1",
        ] {
            sqlx::query(sql).bind(signed(before)).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

fn shown(row: &Row) -> Result<ShownGrant, StoreError> {
    Ok(ShownGrant {
        row: GrantRow {
            id: parsed(row, "key_id")?,
            app: parsed(row, "app")?,
            user: parsed(row, "user_id")?,
            organization: parsed(row, "organization")?,
            scopes: row.try_get("scopes")?,
            created_at: unsigned("created_at", row.try_get("created_at")?)?,
        },
        app_name: row.try_get("app_name")?,
        app_revoked: unsigned_or_null("app_revoked_at", row.try_get("app_revoked_at")?)?.is_some(),
        email: row.try_get("email")?,
        environment: row.try_get("environment")?,
        held: row.try_get("held")?,
        enabled: row.try_get("enabled")?,
        expires_at: unsigned_or_null("expires_at", row.try_get("expires_at")?)?,
        revoked_at: unsigned_or_null("revoked_at", row.try_get("revoked_at")?)?,
        last_used: unsigned_or_null("last_used", row.try_get("last_used")?)?,
    })
}

fn code_row(row: &Row) -> Result<CodeRow, StoreError> {
    let used_at = unsigned_or_null("used_at", row.try_get("used_at")?)?;
    Ok(CodeRow {
        digest: digest(row, "digest")?,
        app: parsed(row, "app")?,
        user: parsed(row, "user_id")?,
        organization: parsed(row, "organization")?,
        environment: row.try_get("environment")?,
        scopes: row.try_get("scopes")?,
        redirect_uri: row.try_get("redirect_uri")?,
        challenge: row.try_get("challenge")?,
        expires_at: unsigned("expires_at", row.try_get("expires_at")?)?,
        used: used_at.zip(parsed_or_null(row, "grant_id")?),
    })
}

fn refresh_row(row: &Row) -> Result<RefreshRow, StoreError> {
    Ok(RefreshRow {
        digest: digest(row, "digest")?,
        grant: parsed(row, "grant_id")?,
        created_at: unsigned("created_at", row.try_get("created_at")?)?,
        expires_at: unsigned("expires_at", row.try_get("expires_at")?)?,
        used_at: unsigned_or_null("used_at", row.try_get("used_at")?)?,
    })
}

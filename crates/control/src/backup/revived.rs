//! What a copy brings back to life: it worked when the copy was made and had ended in what the copy takes the place of.
//!
//! It looks and changes nothing. Invariant: what it says comes from the two files alone.

use std::path::Path;

use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

use super::{BackupError, open, text};

/// What works again, each by its id and what people call it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revived {
    /// Keys that had been revoked, disabled or given an earlier end, as rotation does; by their ids alone.
    pub keys: Vec<String>,
    /// API tokens that had been revoked.
    pub tokens: Vec<String>,
    /// Members who had been removed, or had another role.
    pub members: Vec<String>,
    /// People whose password had been changed: the earlier one is right again.
    pub passwords: Vec<String>,
    /// Organisations that had been suspended.
    pub organizations: Vec<String>,
}

const KEYS: &str = "SELECT n.id FROM keys n JOIN earlier.keys o ON o.id = n.id \
    WHERE n.revoked_at IS NULL AND n.enabled AND (o.revoked_at IS NOT NULL OR NOT o.enabled \
    OR (o.expires_at IS NOT NULL AND (n.expires_at IS NULL OR n.expires_at > o.expires_at))) ORDER BY n.id";
const TOKENS: &str = "SELECT n.id || ' ' || n.name FROM api_tokens n LEFT JOIN earlier.api_tokens o ON o.id = n.id \
    WHERE n.revoked_at IS NULL AND (o.id IS NULL OR o.revoked_at IS NOT NULL) ORDER BY n.id";
const MEMBERS: &str = "SELECT n.user_id || ' ' || u.email || ', ' || n.role || ' of ' || n.organization \
    FROM memberships n JOIN users u ON u.id = n.user_id LEFT JOIN earlier.memberships o \
    ON o.organization = n.organization AND o.user_id = n.user_id \
    WHERE o.role IS NULL OR o.role <> n.role ORDER BY u.email, n.organization";
const PASSWORDS: &str = "SELECT n.id || ' ' || n.email FROM users n JOIN earlier.users o ON o.id = n.id \
    WHERE o.password <> n.password ORDER BY n.email";
const ORGANIZATIONS: &str = "SELECT n.id || ' ' || n.name FROM organizations n \
    JOIN earlier.organizations o ON o.id = n.id WHERE n.state = 'active' AND o.state = 'suspended' ORDER BY n.id";

/// Compares a copy with what it takes the place of.
pub(super) async fn compare(old: &Path, new: &mut SqliteConnection) -> Result<Revived, BackupError> {
    sqlx::query("ATTACH DATABASE $1 AS earlier").bind(text(old)).execute(&mut *new).await?;
    let revived = look(new).await;
    sqlx::query("DETACH DATABASE earlier").execute(new).await?;
    revived
}

async fn look(files: &mut SqliteConnection) -> Result<Revived, BackupError> {
    Ok(Revived {
        keys: named(files, "keys", KEYS).await?,
        tokens: named(files, "api_tokens", TOKENS).await?,
        members: named(files, "memberships", MEMBERS).await?,
        passwords: named(files, "users", PASSWORDS).await?,
        organizations: named(files, "organizations", ORGANIZATIONS).await?,
    })
}

async fn named(files: &mut SqliteConnection, table: &str, sql: &'static str) -> Result<Vec<String>, BackupError> {
    if !has(files, table).await? {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_scalar(sql).fetch_all(files).await?)
}

/// How many API tokens work and how many members there are.
pub(super) async fn left(copy: &mut SqliteConnection) -> Result<(u64, u64), BackupError> {
    if !has(copy, "memberships").await? {
        return Ok((0, 0));
    }
    let sql = "SELECT COUNT(*) FROM api_tokens WHERE revoked_at IS NULL";
    let tokens: i64 = sqlx::query_scalar(sql).fetch_one(&mut *copy).await?;
    let members: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM memberships").fetch_one(copy).await?;
    Ok((tokens.unsigned_abs(), members.unsigned_abs()))
}

/// Whether a copy has a table: an earlier version's may not.
pub(super) async fn has(copy: &mut SqliteConnection, table: &str) -> Result<bool, BackupError> {
    let sql = "SELECT COUNT(*) FROM main.sqlite_master WHERE type = 'table' AND name = $1";
    Ok(sqlx::query_scalar::<_, i64>(sql).bind(table).fetch_one(copy).await? > 0)
}

/// The version of a database that is not in use.
pub(super) async fn version(file: &Path) -> Result<i64, BackupError> {
    let mut connection = open(file).await?;
    let version = sqlx::query_scalar("SELECT version FROM bundle").fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(version)
}

//! SQL about people.

use async_trait::async_trait;
use sqlx::Row as _;

use super::columns::{exactly_one, parsed, signed, unsigned};
use super::{Connection, Row, SqlStore, sessions, tokens};
use crate::accounts::PasswordHash;
use crate::id::UserId;
use crate::store::{StoreError, UserRow, Users};

pub(super) async fn insert(connection: &mut Connection, row: &UserRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO users (id, email, name, password, created_at) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (email) DO NOTHING";
    let done = sqlx::query(sql)
        .bind(row.id.to_string())
        .bind(&row.email)
        .bind(&row.name)
        .bind(row.password.as_str())
        .bind(signed(row.created_at))
        .execute(connection)
        .await?;
    exactly_one(done.rows_affected())
}

pub(super) async fn rename(connection: &mut Connection, id: UserId, name: &str) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE users SET name = $1 WHERE id = $2").bind(name).bind(id.to_string());
    exactly_one(query.execute(connection).await?.rows_affected())
}

pub(super) async fn set_password(
    connection: &mut Connection,
    id: UserId,
    from: &PasswordHash,
    to: &PasswordHash,
) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE users SET password = $1 WHERE id = $2 AND password = $3");
    let done = query.bind(to.as_str()).bind(id.to_string()).bind(from.as_str()).execute(connection).await?;
    exactly_one(done.rows_affected())
}

/// Gives an account that is a member of nothing to somebody else: nothing of whoever had it goes on.
pub(super) async fn take_over(
    connection: &mut Connection,
    from: &PasswordHash,
    to: &UserRow,
    at: u64,
) -> Result<(), StoreError> {
    let sql = "UPDATE users SET password = $1, name = $2 WHERE id = $3 AND password = $4 \
               AND NOT EXISTS (SELECT 1 FROM memberships WHERE user_id = $3)";
    let query = sqlx::query(sql).bind(to.password.as_str()).bind(&to.name).bind(to.id.to_string()).bind(from.as_str());
    exactly_one(query.execute(&mut *connection).await?.rows_affected())?;
    sessions::end_all(connection, to.id, None).await?;
    tokens::revoke_of(connection, to.id, at).await
}

#[async_trait]
impl Users for SqlStore {
    async fn user(&self, id: UserId) -> Result<Option<UserRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM users WHERE id = $1").bind(id.to_string());
        row.fetch_optional(self.finders()).await?.as_ref().map(user_row).transpose()
    }

    async fn user_by_email(&self, email: &str) -> Result<Option<UserRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM users WHERE email = $1").bind(email);
        row.fetch_optional(self.finders()).await?.as_ref().map(user_row).transpose()
    }

    async fn has_users(&self) -> Result<bool, StoreError> {
        Ok(sqlx::query("SELECT id FROM users LIMIT 1").fetch_optional(self.finders()).await?.is_some())
    }
}

fn user_row(row: &Row) -> Result<UserRow, StoreError> {
    Ok(UserRow {
        id: parsed(row, "id")?,
        email: row.try_get("email")?,
        name: row.try_get("name")?,
        password: PasswordHash::stored(row.try_get("password")?),
        created_at: unsigned("created_at", row.try_get("created_at")?)?,
    })
}

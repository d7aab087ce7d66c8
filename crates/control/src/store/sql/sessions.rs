//! SQL about sessions. Invariant: a session of somebody who is no member of its organisation is none.

use async_trait::async_trait;
use portcullis_engine::OrganizationId;
use sqlx::Row as _;

use super::columns::{digest, exactly_one, parsed, signed, unsigned};
use super::{Connection, Row, SqlStore};
use crate::id::{SessionId, UserId};
use crate::secret::SecretDigest;
use crate::store::{ActiveSession, SessionRow, Sessions, StoreError};

pub(super) async fn insert(connection: &mut Connection, row: &SessionRow, seen_since: u64) -> Result<(), StoreError> {
    let sql = "DELETE FROM sessions WHERE expires_at <= $1 OR last_seen < $2";
    sqlx::query(sql).bind(signed(row.created_at)).bind(signed(seen_since)).execute(&mut *connection).await?;
    let sql = "INSERT INTO sessions (id, digest, user_id, organization, address, agent, created_at, last_seen, \
               expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    sqlx::query(sql)
        .bind(row.id.to_string())
        .bind(row.digest.to_bytes())
        .bind(row.user.to_string())
        .bind(row.organization.to_string())
        .bind(&row.address)
        .bind(&row.agent)
        .bind(signed(row.created_at))
        .bind(signed(row.last_seen))
        .bind(signed(row.expires_at))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn move_to(
    connection: &mut Connection,
    id: SessionId,
    organization: OrganizationId,
) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE sessions SET organization = $1 WHERE id = $2");
    let done = query.bind(organization.to_string()).bind(id.to_string()).execute(connection).await?;
    exactly_one(done.rows_affected())
}

pub(super) async fn end(connection: &mut Connection, user: UserId, id: SessionId) -> Result<(), StoreError> {
    let query = sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND id = $2");
    let done = query.bind(user.to_string()).bind(id.to_string()).execute(connection).await?;
    exactly_one(done.rows_affected())
}

pub(super) async fn end_all(
    connection: &mut Connection,
    user: UserId,
    except: Option<SessionId>,
) -> Result<(), StoreError> {
    let query = sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND ($2 IS NULL OR id <> $2)");
    query.bind(user.to_string()).bind(except.map(|id| id.to_string())).execute(connection).await?;
    Ok(())
}

#[async_trait]
impl Sessions for SqlStore {
    async fn session(
        &self,
        digest: SecretDigest,
        now: u64,
        seen_since: u64,
    ) -> Result<Option<ActiveSession>, StoreError> {
        let sql = "SELECT s.*, u.email AS user_email, u.name AS user_name, m.role AS user_role FROM sessions s \
                   JOIN users u ON u.id = s.user_id \
                   JOIN memberships m ON m.user_id = s.user_id AND m.organization = s.organization \
                   WHERE s.digest = $1 AND s.expires_at > $2 AND s.last_seen >= $3";
        let query = sqlx::query(sql).bind(digest.to_bytes()).bind(signed(now)).bind(signed(seen_since));
        query.fetch_optional(self.finders()).await?.as_ref().map(active).transpose()
    }

    async fn sessions(&self, user: UserId, now: u64, seen_since: u64) -> Result<Vec<SessionRow>, StoreError> {
        let sql = "SELECT * FROM sessions WHERE user_id = $1 AND expires_at > $2 AND last_seen >= $3 \
                   ORDER BY created_at DESC, id DESC";
        let query = sqlx::query(sql).bind(user.to_string()).bind(signed(now)).bind(signed(seen_since));
        query.fetch_all(self.finders()).await?.iter().map(session_row).collect()
    }

    async fn session_seen(&self, id: SessionId, now: u64) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        let query = sqlx::query("UPDATE sessions SET last_seen = $1 WHERE id = $2 AND last_seen < $1");
        query.bind(signed(now)).bind(id.to_string()).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }
}

fn active(row: &Row) -> Result<ActiveSession, StoreError> {
    let (email, name) = (row.try_get("user_email")?, row.try_get("user_name")?);
    Ok(ActiveSession { session: session_row(row)?, email, name, role: parsed(row, "user_role")? })
}

fn session_row(row: &Row) -> Result<SessionRow, StoreError> {
    Ok(SessionRow {
        id: parsed(row, "id")?,
        digest: digest(row, "digest")?,
        user: parsed(row, "user_id")?,
        organization: parsed(row, "organization")?,
        address: row.try_get("address")?,
        agent: row.try_get("agent")?,
        created_at: unsigned("created_at", row.try_get("created_at")?)?,
        last_seen: unsigned("last_seen", row.try_get("last_seen")?)?,
        expires_at: unsigned("expires_at", row.try_get("expires_at")?)?,
    })
}

//! SQL about members. Invariant: an organisation that has an owner never loses its last one.

use async_trait::async_trait;
use portcullis_engine::OrganizationId;
use sqlx::Row as _;

use super::columns::{exactly_one, parsed, signed, unsigned, unsigned_or_null};
use super::{Connection, Row, SqlStore, invitations, secrets};
use crate::access::Role;
use crate::id::UserId;
use crate::store::{MemberRow, Members, MembershipRow, Slice, StoreError};

pub(super) async fn insert(connection: &mut Connection, row: &MemberRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO memberships (organization, user_id, role, created_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (organization, user_id) DO NOTHING";
    let done = sqlx::query(sql)
        .bind(row.organization.to_string())
        .bind(row.user.to_string())
        .bind(row.role.as_str())
        .bind(signed(row.created_at))
        .execute(connection)
        .await?;
    exactly_one(done.rows_affected())
}

pub(super) async fn set_role(
    connection: &mut Connection,
    row: &MemberRow,
    role: Role,
    at: u64,
) -> Result<(), StoreError> {
    one_at_a_time(connection, row.organization).await?;
    let sql = "UPDATE memberships SET role = $1 WHERE organization = $2 AND user_id = $3 AND role = $4";
    let done = sqlx::query(sql)
        .bind(role.as_str())
        .bind(row.organization.to_string())
        .bind(row.user.to_string())
        .bind(row.role.as_str())
        .execute(&mut *connection)
        .await?;
    exactly_one(done.rows_affected())?;
    an_owner_is_left(connection, row).await?;
    invitations::withdraw_of(connection, Some(row.organization), &row.user.to_string(), at).await
}

pub(super) async fn remove(connection: &mut Connection, row: &MemberRow, at: u64) -> Result<(), StoreError> {
    one_at_a_time(connection, row.organization).await?;
    let (organization, user) = (row.organization.to_string(), row.user.to_string());
    let sql = "DELETE FROM memberships WHERE organization = $1 AND user_id = $2 AND role = $3";
    let done = sqlx::query(sql).bind(&organization).bind(&user).bind(row.role.as_str());
    exactly_one(done.execute(&mut *connection).await?.rows_affected())?;
    an_owner_is_left(connection, row).await?;
    secrets::none_of(connection, row.organization, row.user).await?;
    let sql = "DELETE FROM sessions WHERE organization = $1 AND user_id = $2";
    sqlx::query(sql).bind(&organization).bind(&user).execute(&mut *connection).await?;
    let sql = "UPDATE api_tokens SET revoked_at = $3 WHERE organization = $1 AND user_id = $2 AND revoked_at IS NULL";
    sqlx::query(sql).bind(&organization).bind(&user).bind(signed(at)).execute(&mut *connection).await?;
    invitations::withdraw_of(connection, Some(row.organization), &user, at).await
}

/// Two owners who remove each other at once come one after the other: until the transaction ends nobody else can touch
/// the organisation's row.
async fn one_at_a_time(connection: &mut Connection, organization: OrganizationId) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE organizations SET name = name WHERE id = $1").bind(organization.to_string());
    query.execute(connection).await?;
    Ok(())
}

async fn an_owner_is_left(connection: &mut Connection, was: &MemberRow) -> Result<(), StoreError> {
    if was.role != Role::Owner {
        return Ok(());
    }
    let query = sqlx::query("SELECT user_id FROM memberships WHERE organization = $1 AND role = $2 LIMIT 1");
    let query = query.bind(was.organization.to_string()).bind(Role::Owner.as_str());
    query.fetch_optional(connection).await?.map(drop).ok_or(StoreError::LastOwner)
}

const COLUMNS: &str = "SELECT m.organization, m.user_id, m.role, m.created_at, u.email, u.name, \
                       (SELECT MAX(s.last_seen) FROM sessions s WHERE s.user_id = m.user_id \
                       AND s.organization = m.organization) AS last_seen FROM memberships m JOIN users u ON u.id = m.user_id";

#[async_trait]
impl Members for SqlStore {
    async fn member(&self, organization: OrganizationId, user: UserId) -> Result<Option<MemberRow>, StoreError> {
        let sql = format!("{COLUMNS} WHERE m.organization = $1 AND m.user_id = $2");
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(organization.to_string()).bind(user.to_string());
        query.fetch_optional(self.finders()).await?.as_ref().map(member_row).transpose()
    }

    async fn members(&self, organization: OrganizationId, slice: &Slice) -> Result<Vec<MemberRow>, StoreError> {
        let sql = format!(
            "{COLUMNS} WHERE m.organization = $1 AND ($2 IS NULL OR m.created_at > $2 \
             OR (m.created_at = $2 AND m.user_id > $3)) ORDER BY m.created_at, m.user_id LIMIT $4"
        );
        let (time, id) = slice.columns();
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(organization.to_string());
        let rows = query.bind(time).bind(id).bind(i64::from(slice.limit)).fetch_all(self.listers()).await?;
        rows.iter().map(member_row).collect()
    }

    async fn memberships(&self, user: UserId) -> Result<Vec<MembershipRow>, StoreError> {
        let sql = "SELECT m.organization, m.role, o.name FROM memberships m JOIN organizations o \
                   ON o.id = m.organization WHERE m.user_id = $1 ORDER BY m.created_at, m.organization";
        let rows = sqlx::query(sql).bind(user.to_string()).fetch_all(self.finders()).await?;
        let membership = |row: &Row| {
            let (organization, role) = (parsed(row, "organization")?, parsed(row, "role")?);
            Ok(MembershipRow { organization, name: row.try_get("name")?, role })
        };
        rows.iter().map(membership).collect()
    }
}

fn member_row(row: &Row) -> Result<MemberRow, StoreError> {
    Ok(MemberRow {
        organization: parsed(row, "organization")?,
        user: parsed(row, "user_id")?,
        email: row.try_get("email")?,
        name: row.try_get("name")?,
        role: parsed(row, "role")?,
        created_at: unsigned("created_at", row.try_get("created_at")?)?,
        last_seen: unsigned_or_null("last_seen", row.try_get("last_seen")?)?,
    })
}

//! SQL about invitations.

use async_trait::async_trait;
use portcullis_engine::OrganizationId;
use sqlx::Row as _;

use super::columns::{digest, exactly_one, parsed, signed, unsigned, unsigned_or_null};
use super::{Connection, Row, SqlStore};
use crate::access::Role;
use crate::id::InvitationId;
use crate::secret::SecretDigest;
use crate::store::{InvitationRow, Invitations, Slice, StoreError};

/// Fails if whoever makes it may no longer: what withdraws the invitations of somebody who leaves finds no later one.
pub(super) async fn insert(connection: &mut Connection, row: &InvitationRow) -> Result<(), StoreError> {
    if let Some(maker) = &row.made_by {
        may_still_invite(connection, row.organization, maker).await?;
    }
    let sql = "INSERT INTO invitations (id, digest, organization, email, is_first, role, created_by, created_at, \
               expires_at, accepted_at, withdrawn_at, made_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    sqlx::query(sql)
        .bind(row.id.to_string())
        .bind(row.digest.to_bytes())
        .bind(row.organization.to_string())
        .bind(&row.email)
        .bind(row.is_first)
        .bind(row.role.as_str())
        .bind(&row.created_by)
        .bind(signed(row.created_at))
        .bind(signed(row.expires_at))
        .bind(row.accepted_at.map(signed))
        .bind(row.withdrawn_at.map(signed))
        .bind(&row.made_by)
        .execute(connection)
        .await?;
    Ok(())
}

/// By a person's id or a token's. Changes are made one after the other, so it is so until this one is.
async fn may_still_invite(
    connection: &mut Connection,
    organization: OrganizationId,
    maker: &str,
) -> Result<(), StoreError> {
    let sql = "SELECT o.id FROM organizations o WHERE o.id = $1 AND EXISTS (SELECT 1 FROM memberships m \
               WHERE m.organization = o.id AND m.role IN ($3, $4) AND (m.user_id = $2 OR m.user_id = \
               (SELECT t.user_id FROM api_tokens t WHERE t.id = $2 AND t.revoked_at IS NULL))) \
               OR EXISTS (SELECT 1 FROM api_tokens t WHERE t.id = $2 AND t.user_id IS NULL AND t.revoked_at IS NULL)";
    let query = sqlx::query(sql).bind(organization.to_string()).bind(maker);
    let query = query.bind(Role::Owner.as_str()).bind(Role::Admin.as_str());
    query.fetch_optional(connection).await?.map(drop).ok_or(StoreError::Conflict)
}

pub(super) async fn accept(connection: &mut Connection, id: InvitationId, at: u64) -> Result<(), StoreError> {
    let sql = "UPDATE invitations SET accepted_at = $1 WHERE id = $2 AND accepted_at IS NULL \
               AND withdrawn_at IS NULL AND expires_at > $1";
    let done = sqlx::query(sql).bind(signed(at)).bind(id.to_string()).execute(connection).await?;
    exactly_one(done.rows_affected())
}

pub(super) async fn withdraw(connection: &mut Connection, id: InvitationId, at: u64) -> Result<(), StoreError> {
    let sql = "UPDATE invitations SET withdrawn_at = $1 WHERE id = $2 AND accepted_at IS NULL AND withdrawn_at IS NULL";
    let done = sqlx::query(sql).bind(signed(at)).bind(id.to_string()).execute(connection).await?;
    exactly_one(done.rows_affected())
}

/// Withdraws what a person, by whichever of their tokens, or a token made that may no longer: nobody comes back by a link
/// they kept.
pub(super) async fn withdraw_of(
    connection: &mut Connection,
    organization: Option<OrganizationId>,
    maker: &str,
    at: u64,
) -> Result<(), StoreError> {
    let sql = "UPDATE invitations SET withdrawn_at = $1 WHERE ($2 IS NULL OR organization = $2) AND (made_by = $3 OR made_by IN \
               (SELECT id FROM api_tokens WHERE user_id = $3)) AND accepted_at IS NULL AND withdrawn_at IS NULL";
    let query = sqlx::query(sql).bind(signed(at)).bind(organization.map(|id| id.to_string())).bind(maker);
    query.execute(connection).await?;
    Ok(())
}

pub(super) async fn withdraw_first(connection: &mut Connection, at: u64) -> Result<(), StoreError> {
    let sql =
        "UPDATE invitations SET withdrawn_at = $1 WHERE is_first AND accepted_at IS NULL AND withdrawn_at IS NULL";
    sqlx::query(sql).bind(signed(at)).execute(connection).await?;
    Ok(())
}

#[async_trait]
impl Invitations for SqlStore {
    async fn invitation(
        &self,
        organization: OrganizationId,
        id: InvitationId,
    ) -> Result<Option<InvitationRow>, StoreError> {
        let query = sqlx::query("SELECT * FROM invitations WHERE organization = $1 AND id = $2");
        let query = query.bind(organization.to_string()).bind(id.to_string());
        query.fetch_optional(self.finders()).await?.as_ref().map(invitation_row).transpose()
    }

    async fn invitation_by_digest(&self, digest: SecretDigest) -> Result<Option<InvitationRow>, StoreError> {
        let query = sqlx::query("SELECT * FROM invitations WHERE digest = $1").bind(digest.to_bytes());
        query.fetch_optional(self.finders()).await?.as_ref().map(invitation_row).transpose()
    }

    async fn invitations(&self, organization: OrganizationId, slice: &Slice) -> Result<Vec<InvitationRow>, StoreError> {
        let sql = "SELECT * FROM invitations WHERE organization = $1 AND accepted_at IS NULL AND withdrawn_at IS NULL \
                   AND ($2 IS NULL OR created_at < $2 OR (created_at = $2 AND id < $3)) \
                   ORDER BY created_at DESC, id DESC LIMIT $4";
        let (time, id) = slice.columns();
        let query = sqlx::query(sql).bind(organization.to_string()).bind(time).bind(id);
        let rows = query.bind(i64::from(slice.limit)).fetch_all(self.listers()).await?;
        rows.iter().map(invitation_row).collect()
    }
}

fn invitation_row(row: &Row) -> Result<InvitationRow, StoreError> {
    Ok(InvitationRow {
        id: parsed(row, "id")?,
        digest: digest(row, "digest")?,
        organization: parsed(row, "organization")?,
        email: row.try_get("email")?,
        is_first: row.try_get("is_first")?,
        role: parsed(row, "role")?,
        created_by: row.try_get("created_by")?,
        made_by: row.try_get("made_by")?,
        created_at: unsigned("created_at", row.try_get("created_at")?)?,
        expires_at: unsigned("expires_at", row.try_get("expires_at")?)?,
        accepted_at: unsigned_or_null("accepted_at", row.try_get("accepted_at")?)?,
        withdrawn_at: unsigned_or_null("withdrawn_at", row.try_get("withdrawn_at")?)?,
    })
}

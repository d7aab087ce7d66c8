//! SQL about the audit log.

use super::Connection;
use super::columns::signed;
use crate::store::{AuditRow, StoreError};

pub(super) async fn insert(
    connection: &mut Connection,
    row: &AuditRow,
    version: Option<u64>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO audit (at_ms, organization, actor_kind, actor_id, actor_name, address, request_id, action, \
               target_kind, target_id, target_name, detail, version) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    sqlx::query(sql)
        .bind(signed(row.at_ms))
        .bind(row.organization.to_string())
        .bind(&row.actor.kind)
        .bind(&row.actor.id)
        .bind(&row.actor.name)
        .bind(&row.actor.address)
        .bind(&row.actor.request_id)
        .bind(row.action.as_str())
        .bind(&row.target.kind)
        .bind(&row.target.id)
        .bind(&row.target.name)
        .bind(&row.detail)
        .bind(version.map(signed))
        .execute(connection)
        .await?;
    Ok(())
}

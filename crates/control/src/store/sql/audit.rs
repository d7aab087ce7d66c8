//! SQL about the audit log.

use async_trait::async_trait;
use sqlx::{QueryBuilder, Row as _};

use super::columns::{only, parsed, signed, unsigned, unsigned_or_null};
use super::{Connection, Db, Row, SqlStore};
use crate::store::{Actor, Audit, AuditFilter, AuditRow, StoreError, Target};

/// Writes a row; returns its place in the log.
pub(super) async fn insert(
    connection: &mut Connection,
    row: &AuditRow,
    version: Option<u64>,
) -> Result<i64, StoreError> {
    let sql = "INSERT INTO audit (at_ms, organization, actor_kind, actor_id, actor_name, address, request_id, action, \
               target_kind, target_id, target_name, detail, version) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id";
    let written = sqlx::query(sql)
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
        .fetch_one(connection)
        .await?;
    Ok(written.try_get("id")?)
}

#[async_trait]
impl Audit for SqlStore {
    async fn audit(&self, filter: &AuditFilter) -> Result<Vec<AuditRow>, StoreError> {
        let mut query = QueryBuilder::<Db>::new(
            "SELECT id, at_ms, organization, actor_kind, actor_id, actor_name, address, request_id, action, \
             target_kind, target_id, target_name, detail, version FROM audit WHERE TRUE",
        );
        if let Some(organization) = only(filter.scope) {
            query.push(" AND organization = ").push_bind(organization);
        }
        for (columns, text) in [
            (["actor_id", "actor_name", "actor_kind"], &filter.actor),
            (["target_id", "target_name", "target_kind"], &filter.target),
        ] {
            push_one_of(&mut query, columns, text.as_deref());
        }
        if let Some(action) = &filter.action {
            query.push(" AND (action = ").push_bind(action.clone());
            query.push(" OR action LIKE ").push_bind(format!("{action}.%")).push(")");
        }
        for (condition, value) in
            [(" AND at_ms >= ", filter.since_ms), (" AND at_ms < ", filter.until_ms), (" AND id < ", filter.before)]
        {
            if let Some(value) = value {
                query.push(condition).push_bind(signed(value));
            }
        }
        query.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(filter.limit));
        let rows = query.build().fetch_all(self.listers()).await?;
        rows.iter().map(audit_row).collect()
    }
}

fn push_one_of(query: &mut QueryBuilder<Db>, columns: [&str; 3], text: Option<&str>) {
    let Some(text) = text else { return };
    let mut before = " AND (";
    for column in columns {
        query.push(before).push(column).push(" = ").push_bind(text.to_owned());
        before = " OR ";
    }
    query.push(")");
}

fn audit_row(row: &Row) -> Result<AuditRow, StoreError> {
    Ok(AuditRow {
        id: unsigned("id", row.try_get("id")?)?,
        at_ms: unsigned("at_ms", row.try_get("at_ms")?)?,
        organization: parsed(row, "organization")?,
        actor: Actor {
            kind: row.try_get("actor_kind")?,
            id: row.try_get("actor_id")?,
            name: row.try_get("actor_name")?,
            address: row.try_get("address")?,
            request_id: row.try_get("request_id")?,
        },
        action: parsed(row, "action")?,
        target: Target {
            kind: row.try_get("target_kind")?,
            id: row.try_get("target_id")?,
            name: row.try_get("target_name")?,
        },
        detail: row.try_get("detail")?,
        version: unsigned_or_null("version", row.try_get("version")?)?,
    })
}

//! SQL about apps, and how what is written about them and their grants is carried out.

use async_trait::async_trait;
use sqlx::Row as _;

use super::columns::{digest_or_null, exactly_one, only, parsed, signed, unsigned, unsigned_or_null};
use super::key_rows::{json, json_or_null};
use super::{Connection, Row, SqlStore, grants};
use crate::caller::Scope;
use crate::id::AppId;
use crate::store::{AppRow, AppWrite, Apps, Slice, StoreError};

pub(super) async fn carry_out(connection: &mut Connection, write: &AppWrite, version: u64) -> Result<(), StoreError> {
    match write {
        AppWrite::Insert(row) => insert(connection, row).await,
        AppWrite::Replace(row) => replace(connection, row).await,
        AppWrite::InsertCode(row) => grants::insert_code(connection, row).await,
        AppWrite::Redeem(code, row) => grants::redeem(connection, *code, row).await,
        AppWrite::InsertRefresh(row) => grants::insert_refresh(connection, row).await,
        AppWrite::NoGrants(of) => grants::none(connection, *of).await,
        AppWrite::EndGrants(of, at) => grants::end(connection, *of, *at, version).await,
    }
}

async fn insert(connection: &mut Connection, row: &AppRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO apps (id, organization, name, secret, redirect_uris, scopes, environments, everyone, created_by, \
               created_at, revoked_at, last_used, revision) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0)";
    sqlx::query(sql)
        .bind(row.id.to_string())
        .bind(row.organization.to_string())
        .bind(&row.name)
        .bind(row.secret.map(|it| it.to_bytes()))
        .bind(json("redirect_uris", &row.redirect_uris)?)
        .bind(&row.scopes)
        .bind(json("environments", &row.environments)?)
        .bind(row.everyone)
        .bind(&row.created_by)
        .bind(signed(row.created_at))
        .bind(row.revoked_at.map(signed))
        .bind(row.last_used.map(signed))
        .execute(connection)
        .await?;
    Ok(())
}

async fn replace(connection: &mut Connection, row: &AppRow) -> Result<(), StoreError> {
    let sql = "UPDATE apps SET name = $1, secret = $2, redirect_uris = $3, scopes = $4, environments = $5, everyone = $6, \
               revoked_at = $7, revision = revision + 1 WHERE id = $8 AND revision = $9";
    let done = sqlx::query(sql)
        .bind(&row.name)
        .bind(row.secret.map(|it| it.to_bytes()))
        .bind(json("redirect_uris", &row.redirect_uris)?)
        .bind(&row.scopes)
        .bind(json("environments", &row.environments)?)
        .bind(row.everyone)
        .bind(row.revoked_at.map(signed))
        .bind(row.id.to_string())
        .bind(signed(row.revision))
        .execute(connection)
        .await?;
    exactly_one(done.rows_affected())
}

#[async_trait]
impl Apps for SqlStore {
    async fn app(&self, scope: Scope, id: AppId) -> Result<Option<AppRow>, StoreError> {
        let sql = "SELECT * FROM apps WHERE id = $1 AND ($2 IS NULL OR organization = $2)";
        let query = sqlx::query(sql).bind(id.to_string()).bind(only(scope));
        query.fetch_optional(self.finders()).await?.as_ref().map(app_row).transpose()
    }

    async fn apps(&self, scope: Scope, slice: &Slice) -> Result<Vec<AppRow>, StoreError> {
        let sql = "SELECT * FROM apps WHERE ($1 IS NULL OR organization = $1) \
                   AND ($2 IS NULL OR created_at < $2 OR (created_at = $2 AND id < $3)) \
                   ORDER BY created_at DESC, id DESC LIMIT $4";
        let (time, id) = slice.columns();
        let query = sqlx::query(sql).bind(only(scope)).bind(time).bind(id).bind(i64::from(slice.limit));
        query.fetch_all(self.listers()).await?.iter().map(app_row).collect()
    }

    async fn app_used(&self, id: AppId, now: u64) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        let sql = "UPDATE apps SET last_used = $1 WHERE id = $2 AND (last_used IS NULL OR last_used < $1)";
        sqlx::query(sql).bind(signed(now)).bind(id.to_string()).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }
}

fn app_row(row: &Row) -> Result<AppRow, StoreError> {
    let list = |column| json_or_null(row, column)?.ok_or(StoreError::Unreadable { column });
    Ok(AppRow {
        id: parsed(row, "id")?,
        organization: parsed(row, "organization")?,
        name: row.try_get("name")?,
        secret: digest_or_null(row, "secret")?,
        redirect_uris: list("redirect_uris")?,
        scopes: row.try_get("scopes")?,
        environments: list("environments")?,
        everyone: row.try_get("everyone")?,
        created_by: row.try_get("created_by")?,
        created_at: unsigned("created_at", row.try_get("created_at")?)?,
        revoked_at: unsigned_or_null("revoked_at", row.try_get("revoked_at")?)?,
        last_used: unsigned_or_null("last_used", row.try_get("last_used")?)?,
        revision: unsigned("revision", row.try_get("revision")?)?,
    })
}

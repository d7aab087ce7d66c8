//! SQL about skills and their versions.
//!
//! Invariants: an owner is a member; a version stays as it was stored; keys of a skill that goes have none, and edges hear of it.
//! Whoever writes holds the version of the bundle, so what is asked here stays true until it is done.

use async_trait::async_trait;
use portcullis_engine::{KeyId, OrganizationId, SkillId};
use sqlx::{AssertSqlSafe, Row as _};

use super::columns::{exactly_one, only, parsed, parsed_or_null, signed, unsigned, unsigned_or_null};
use super::key_rows::{json, json_or_null};
use super::skill_sources::{self, Of};
use super::{Connection, LOCK, Row, SqlStore};
use crate::caller::Scope;
use crate::id::UserId;
use crate::store::{PublishedRow, ShownSkill, SkillRow, SkillWrite, Skills, Slice, StoreError};

const SHOWN: &str = "SELECT s.*, v.services, u.email, \
                     (SELECT COUNT(*) FROM keys k WHERE k.skill = s.id AND k.revoked_at IS NULL) AS key_count, \
                     (SELECT p.published FROM skills p WHERE p.id = s.installed_from) AS available \
                     FROM skills s JOIN skill_versions v ON v.skill_id = s.id AND v.version = s.version \
                     LEFT JOIN users u ON u.id = s.owner";

const PUBLISHED: &str = "SELECT s.*, v.services, o.name AS publisher FROM skills s \
                         JOIN skill_versions v ON v.skill_id = s.id AND v.version = s.published \
                         JOIN organizations o ON o.id = s.organization WHERE s.published IS NOT NULL";

pub(super) async fn carry_out(connection: &mut Connection, write: &SkillWrite, version: u64) -> Result<(), StoreError> {
    match write {
        SkillWrite::Insert(row) => insert(connection, row, version).await,
        SkillWrite::Replace(row) => replace(connection, row, version).await,
        SkillWrite::Delete(id) => delete(connection, *id, version).await,
    }
}

async fn insert(connection: &mut Connection, row: &SkillRow, version: u64) -> Result<(), StoreError> {
    let sql = "INSERT INTO skills (id, organization, owner, name, description, version, published, installed_from, created_by, \
               created_at, changed_in) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 WHERE $3 IS NULL \
               OR EXISTS (SELECT 1 FROM memberships WHERE organization = $2 AND user_id = $3)";
    let done = sqlx::query(sql)
        .bind(row.id.to_string())
        .bind(row.organization.to_string())
        .bind(row.owner.map(|id| id.to_string()))
        .bind(&row.name)
        .bind(&row.description)
        .bind(signed(row.version))
        .bind(row.published.map(signed))
        .bind(row.installed_from.map(|id| id.to_string()))
        .bind(&row.created_by)
        .bind(signed(row.created_at))
        .bind(signed(version))
        .execute(&mut *connection)
        .await?;
    exactly_one(done.rows_affected())?;
    keep_version(connection, row).await?;
    skill_sources::tell(connection, row.organization, version).await
}

async fn replace(connection: &mut Connection, row: &SkillRow, version: u64) -> Result<(), StoreError> {
    let sql = "UPDATE skills SET description = $1, version = $2, published = $3, changed_in = $4 \
               WHERE id = $5 AND changed_in = $6";
    let done = sqlx::query(sql)
        .bind(&row.description)
        .bind(signed(row.version))
        .bind(row.published.map(signed))
        .bind(signed(version))
        .bind(row.id.to_string())
        .bind(signed(row.changed_in))
        .execute(&mut *connection)
        .await?;
    exactly_one(done.rows_affected())?;
    keep_version(connection, row).await?;
    skill_sources::tell(connection, row.organization, version).await
}

/// A version that is there stays as it is.
async fn keep_version(connection: &mut Connection, row: &SkillRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO skill_versions (skill_id, version, services) VALUES ($1, $2, $3) \
               ON CONFLICT (skill_id, version) DO NOTHING";
    let query = sqlx::query(sql).bind(row.id.to_string()).bind(signed(row.version));
    query.bind(json("services", &row.services)?).execute(connection).await?;
    Ok(())
}

pub(super) async fn delete(connection: &mut Connection, id: SkillId, version: u64) -> Result<(), StoreError> {
    // In the order in which others wait for them.
    let sql = format!("SELECT id FROM keys WHERE skill = $1 ORDER BY id{LOCK}");
    sqlx::query(AssertSqlSafe(sql)).bind(id.to_string()).fetch_all(&mut *connection).await?;
    let sql = "UPDATE keys SET skill = NULL, changed_in = $1 WHERE skill = $2";
    sqlx::query(sql).bind(signed(version)).bind(id.to_string()).execute(&mut *connection).await?;
    let query = sqlx::query("DELETE FROM skills WHERE id = $1 RETURNING organization").bind(id.to_string());
    let row = query.fetch_optional(&mut *connection).await?.ok_or(StoreError::Conflict)?;
    skill_sources::tell(connection, parsed(&row, "organization")?, version).await
}

#[async_trait]
impl Skills for SqlStore {
    async fn skill(&self, scope: Scope, id: SkillId) -> Result<Option<ShownSkill>, StoreError> {
        let sql = format!("{SHOWN} WHERE s.id = $1 AND ($2 IS NULL OR s.organization = $2)");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(id.to_string()).bind(only(scope));
        query.fetch_optional(self.finders()).await?.as_ref().map(shown).transpose()
    }

    async fn skills(
        &self,
        scope: Scope,
        seen_by: Option<UserId>,
        slice: &Slice,
    ) -> Result<Vec<ShownSkill>, StoreError> {
        let sql = format!(
            "{SHOWN} WHERE ($1 IS NULL OR s.organization = $1) AND ($2 IS NULL OR s.owner IS NULL OR s.owner = $2) \
             AND ($3 IS NULL OR s.created_at < $3 OR (s.created_at = $3 AND s.id < $4)) \
             ORDER BY s.created_at DESC, s.id DESC LIMIT $5"
        );
        let (time, id) = slice.columns();
        let query = sqlx::query(AssertSqlSafe(sql)).bind(only(scope)).bind(seen_by.map(|id| id.to_string()));
        let rows = query.bind(time).bind(id).bind(i64::from(slice.limit)).fetch_all(self.listers()).await?;
        rows.iter().map(shown).collect()
    }

    async fn published_skill(&self, id: SkillId) -> Result<Option<PublishedRow>, StoreError> {
        let query = sqlx::query(AssertSqlSafe(format!("{PUBLISHED} AND s.id = $1"))).bind(id.to_string());
        query.fetch_optional(self.finders()).await?.as_ref().map(published).transpose()
    }

    async fn published_skills(&self, slice: &Slice) -> Result<Vec<PublishedRow>, StoreError> {
        let sql = format!(
            "{PUBLISHED} AND ($1 IS NULL OR s.created_at < $1 OR (s.created_at = $1 AND s.id < $2)) \
             ORDER BY s.created_at DESC, s.id DESC LIMIT $3"
        );
        let (time, id) = slice.columns();
        let query = sqlx::query(AssertSqlSafe(sql)).bind(time).bind(id).bind(i64::from(slice.limit));
        query.fetch_all(self.listers()).await?.iter().map(published).collect()
    }

    async fn skills_of(&self, organization: OrganizationId) -> Result<Vec<SkillRow>, StoreError> {
        let rows = Of::Organization(organization).skills(&mut *self.listers().acquire().await?).await?;
        rows.iter().map(skill).collect()
    }

    async fn keys_of_skill(&self, id: SkillId, limit: u32) -> Result<Vec<(KeyId, String)>, StoreError> {
        let sql = "SELECT id, name FROM keys WHERE skill = $1 AND revoked_at IS NULL ORDER BY name, id LIMIT $2";
        let rows = sqlx::query(sql).bind(id.to_string()).bind(i64::from(limit)).fetch_all(self.listers()).await?;
        rows.iter().map(|row| Ok((parsed(row, "id")?, row.try_get("name")?))).collect()
    }

    async fn skill_count(&self, organization: OrganizationId) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(*) AS skills FROM skills WHERE organization = $1";
        let row = sqlx::query(sql).bind(organization.to_string()).fetch_one(self.finders()).await?;
        unsigned("skills", row.try_get("skills")?)
    }
}

fn shown(row: &Row) -> Result<ShownSkill, StoreError> {
    Ok(ShownSkill {
        row: skill(row)?,
        owner_email: row.try_get("email")?,
        key_count: unsigned("key_count", row.try_get("key_count")?)?,
        available: unsigned_or_null("available", row.try_get("available")?)?,
    })
}

fn published(row: &Row) -> Result<PublishedRow, StoreError> {
    Ok(PublishedRow { row: skill(row)?, publisher: row.try_get("publisher")? })
}

/// A skill with the services that were read beside it.
pub(super) fn skill(row: &Row) -> Result<SkillRow, StoreError> {
    Ok(SkillRow {
        id: parsed(row, "id")?,
        organization: parsed(row, "organization")?,
        owner: parsed_or_null(row, "owner")?,
        name: row.try_get("name")?,
        description: row.try_get("description")?,
        version: unsigned("version", row.try_get("version")?)?,
        published: unsigned_or_null("published", row.try_get("published")?)?,
        installed_from: parsed_or_null(row, "installed_from")?,
        services: json_or_null(row, "services")?.ok_or(StoreError::Unreadable { column: "services" })?,
        created_by: row.try_get("created_by")?,
        created_at: unsigned("created_at", row.try_get("created_at")?)?,
        changed_in: unsigned("changed_in", row.try_get("changed_in")?)?,
    })
}

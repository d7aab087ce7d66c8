//! SQL about secrets.
//!
//! Invariants: an owner is a member; what a secret is used by is found as edges find it, by `skills::Names`. Whoever writes holds
//! the version, so what is asked here stays true until it is done.

use std::collections::BTreeMap;

use async_trait::async_trait;
use portcullis_engine::{OrganizationId, SecretId};
use portcullis_seal::KeyName;
use sqlx::{AssertSqlSafe, Row as _};

use super::columns::{exactly_one, only, parsed, parsed_or_null, signed, unsigned, unsigned_or_null};
use super::skill_sources::{self, Of};
use super::{Connection, LOCK, Row, SqlStore, edge_keys, skills};
use crate::caller::Scope;
use crate::id::UserId;
use crate::skills::Names;
use crate::store::{
    Boxes, EdgeKeyRow, Lately, SecretFilter, SecretRow, SecretWrite, Secrets, ShownSecret, Slice, StoreError, UsedBy,
};

const SHOWN: &str = "SELECT s.*, u.email FROM secrets s LEFT JOIN users u ON u.id = s.owner";

pub(super) async fn carry_out(
    connection: &mut Connection,
    write: &SecretWrite,
    version: u64,
) -> Result<(), StoreError> {
    match write {
        SecretWrite::InsertKey(row, most) => edge_keys::insert(connection, row, *most, version).await,
        SecretWrite::DeleteKey { key, force, lately } => {
            let unless = (!force).then_some(*lately);
            edge_keys::delete(connection, *key, unless, version).await
        }
        SecretWrite::Insert(row, boxes) => insert(connection, row, boxes, version).await,
        SecretWrite::Replace(row, boxes) => replace(connection, row, boxes, version).await,
        SecretWrite::Describe(row) => describe(connection, row, version).await,
        SecretWrite::Delete(id) => delete(connection, *id, version).await,
        SecretWrite::DeleteOf(organization, user) => delete_of(connection, *organization, *user, version).await,
    }
}

async fn insert(connection: &mut Connection, row: &SecretRow, boxes: &Boxes, version: u64) -> Result<(), StoreError> {
    let sql = "INSERT INTO secrets (id, organization, owner, name, description, revision, created_by, created_at, replaced_by, \
               replaced_at, changed_in) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 WHERE $3 IS NULL \
               OR EXISTS (SELECT 1 FROM memberships WHERE organization = $2 AND user_id = $3)";
    let done = sqlx::query(sql)
        .bind(row.id.to_string())
        .bind(row.organization.to_string())
        .bind(row.owner.map(|id| id.to_string()))
        .bind(&row.name)
        .bind(&row.description)
        .bind(signed(row.revision))
        .bind(&row.created_by)
        .bind(signed(row.created_at))
        .bind(&row.replaced_by)
        .bind(signed(row.replaced_at))
        .bind(signed(version))
        .execute(&mut *connection)
        .await?;
    exactly_one(done.rows_affected())?;
    edge_keys::put(connection, row.id, boxes).await?;
    skill_sources::tell(connection, row.organization, version).await
}

async fn replace(connection: &mut Connection, row: &SecretRow, boxes: &Boxes, version: u64) -> Result<(), StoreError> {
    let sql = "UPDATE secrets SET description = $1, revision = $2, replaced_by = $3, replaced_at = $4, changed_in = $5 \
               WHERE id = $6 AND changed_in = $7 AND (owner IS NULL OR EXISTS \
               (SELECT 1 FROM memberships m WHERE m.organization = secrets.organization AND m.user_id = secrets.owner))";
    let done = sqlx::query(sql)
        .bind(&row.description)
        .bind(signed(row.revision))
        .bind(&row.replaced_by)
        .bind(signed(row.replaced_at))
        .bind(signed(version))
        .bind(row.id.to_string())
        .bind(signed(row.changed_in))
        .execute(&mut *connection)
        .await?;
    exactly_one(done.rows_affected())?;
    edge_keys::put(connection, row.id, boxes).await?;
    skill_sources::tell(connection, row.organization, version).await
}

async fn describe(connection: &mut Connection, row: &SecretRow, version: u64) -> Result<(), StoreError> {
    let sql = "UPDATE secrets SET description = $1, changed_in = $2 WHERE id = $3 AND changed_in = $4";
    let query = sqlx::query(sql).bind(&row.description).bind(signed(version));
    let done = query.bind(row.id.to_string()).bind(signed(row.changed_in)).execute(&mut *connection).await?;
    exactly_one(done.rows_affected())?;
    skill_sources::tell(connection, row.organization, version).await
}

async fn delete(connection: &mut Connection, id: SecretId, version: u64) -> Result<(), StoreError> {
    let query = sqlx::query("DELETE FROM secrets WHERE id = $1 RETURNING organization").bind(id.to_string());
    let row = query.fetch_optional(&mut *connection).await?.ok_or(StoreError::Conflict)?;
    skill_sources::tell(connection, parsed(&row, "organization")?, version).await
}

/// Everything of a member's, in the order in which others wait for it.
async fn delete_of(
    connection: &mut Connection,
    organization: OrganizationId,
    user: UserId,
    version: u64,
) -> Result<(), StoreError> {
    let (of, by) = (organization.to_string(), user.to_string());
    let sql = format!("SELECT id FROM secrets WHERE organization = $1 AND owner = $2 ORDER BY id{LOCK}");
    sqlx::query(AssertSqlSafe(sql)).bind(&of).bind(&by).fetch_all(&mut *connection).await?;
    let sql = "DELETE FROM secrets WHERE organization = $1 AND owner = $2";
    sqlx::query(sql).bind(&of).bind(&by).execute(&mut *connection).await?;
    let sql = "SELECT id FROM skills WHERE organization = $1 AND owner = $2 ORDER BY id";
    for row in sqlx::query(sql).bind(&of).bind(&by).fetch_all(&mut *connection).await? {
        skills::delete(connection, parsed(&row, "id")?, version).await?;
    }
    skill_sources::tell(connection, organization, version).await
}

/// Refused if somebody has secrets or skills in an organisation.
pub(super) async fn none_of(
    connection: &mut Connection,
    organization: OrganizationId,
    user: UserId,
) -> Result<(), StoreError> {
    let sql = "SELECT id FROM secrets WHERE organization = $1 AND owner = $2 \
               UNION ALL SELECT id FROM skills WHERE organization = $1 AND owner = $2 LIMIT 1";
    let query = sqlx::query(sql).bind(organization.to_string()).bind(user.to_string());
    query.fetch_optional(connection).await?.map_or(Ok(()), |_| Err(StoreError::Conflict))
}

/// Remembers when secrets were last used; an earlier time never replaces a later one. Takes no new version.
pub(super) async fn record_uses(connection: &mut Connection, uses: &BTreeMap<SecretId, u64>) -> Result<(), StoreError> {
    for (id, time) in uses {
        sqlx::query("UPDATE secrets SET last_used = $1 WHERE id = $2 AND (last_used IS NULL OR last_used < $1)")
            .bind(signed(*time))
            .bind(id.to_string())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

#[async_trait]
impl Secrets for SqlStore {
    async fn edge_keys(&self, scope: Scope, seen_by: Option<UserId>) -> Result<Vec<(EdgeKeyRow, u64)>, StoreError> {
        edge_keys::all(&mut *self.finders().acquire().await?, scope, seen_by).await
    }

    async fn sealed_to_alone(&self, key: KeyName) -> Result<u64, StoreError> {
        edge_keys::alone(&mut *self.finders().acquire().await?, key).await
    }

    async fn edges_in_need_of(&self, key: KeyName, lately: Lately) -> Result<Vec<String>, StoreError> {
        edge_keys::edges_in_need_of(&mut *self.finders().acquire().await?, key, lately).await
    }

    async fn secret(&self, scope: Scope, id: SecretId) -> Result<Option<ShownSecret>, StoreError> {
        let sql = format!("{SHOWN} WHERE s.id = $1 AND ($2 IS NULL OR s.organization = $2)");
        let mut connection = self.finders().acquire().await?;
        let query = sqlx::query(AssertSqlSafe(sql)).bind(id.to_string()).bind(only(scope));
        let found = query.fetch_optional(&mut *connection).await?;
        Shelf::default().show_all(&mut connection, found.as_ref()).await
    }

    async fn secret_named(
        &self,
        organization: OrganizationId,
        owner: Option<UserId>,
        name: &str,
    ) -> Result<Option<ShownSecret>, StoreError> {
        let sql = format!(
            "{SHOWN} WHERE s.organization = $1 AND s.name = $2 AND (s.owner = $3 OR ($3 IS NULL AND s.owner IS NULL))"
        );
        let mut connection = self.finders().acquire().await?;
        let query = sqlx::query(AssertSqlSafe(sql)).bind(organization.to_string()).bind(name);
        let found = query.bind(owner.map(|id| id.to_string())).fetch_optional(&mut *connection).await?;
        Shelf::default().show_all(&mut connection, found.as_ref()).await
    }

    async fn secrets(
        &self,
        scope: Scope,
        filter: &SecretFilter,
        slice: &Slice,
    ) -> Result<Vec<ShownSecret>, StoreError> {
        let mut connection = self.listers().acquire().await?;
        let (mut shelf, mut after, mut shown) = (Shelf::default(), slice.clone(), Vec::new());
        let most = usize::try_from(slice.limit).unwrap_or(usize::MAX);
        loop {
            let rows = page(&mut connection, scope, filter, &after).await?;
            for row in &rows {
                let it = shelf.show(&mut connection, row).await?;
                after.after = Some((it.row.created_at, it.row.id.to_string()));
                shown.extend(Some(it).filter(|it| filter.unused_since.is_none_or(|since| is_unused(it, since))));
                if shown.len() >= most {
                    return Ok(shown);
                }
            }
            // What is used is found out here: a page may have to be filled up from the next ones.
            if rows.len() < most {
                return Ok(shown);
            }
        }
    }

    async fn secrets_of(&self, organization: OrganizationId) -> Result<Vec<SecretRow>, StoreError> {
        let rows = Of::Organization(organization).secrets(&mut *self.listers().acquire().await?).await?;
        rows.iter().map(secret).collect()
    }

    async fn box_sizes(&self, organization: OrganizationId) -> Result<BTreeMap<SecretId, usize>, StoreError> {
        let sql = "SELECT b.secret_id, SUM(LENGTH(b.sealed)) AS size FROM secret_boxes b JOIN secrets s ON s.id = b.secret_id \
                   WHERE s.organization = $1 GROUP BY b.secret_id";
        let rows = sqlx::query(sql).bind(organization.to_string()).fetch_all(self.listers()).await?;
        let size = |row: &Row| {
            let size = usize::try_from(row.try_get::<i64, _>("size")?);
            Ok((parsed(row, "secret_id")?, size.map_err(|_| StoreError::Unreadable { column: "sealed" })?))
        };
        rows.iter().map(size).collect()
    }

    async fn secret_count(&self, organization: OrganizationId) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(*) AS secrets FROM secrets WHERE organization = $1";
        let row = sqlx::query(sql).bind(organization.to_string()).fetch_one(self.finders()).await?;
        unsigned("secrets", row.try_get("secrets")?)
    }
}

async fn page(
    connection: &mut Connection,
    scope: Scope,
    filter: &SecretFilter,
    slice: &Slice,
) -> Result<Vec<Row>, StoreError> {
    let sql = format!(
        "{SHOWN} WHERE ($1 IS NULL OR s.organization = $1) AND ($2 IS NULL OR s.owner IS NULL OR s.owner = $2) \
         AND ($3 IS NULL OR NOT EXISTS (SELECT 1 FROM secret_boxes b WHERE b.secret_id = s.id AND b.edge_key = $3)) \
         AND ($4 IS NULL OR s.created_at < $4 OR (s.created_at = $4 AND s.id < $5)) \
         ORDER BY s.created_at DESC, s.id DESC LIMIT $6"
    );
    let (time, id) = slice.columns();
    let query = sqlx::query(AssertSqlSafe(sql)).bind(only(scope)).bind(filter.seen_by.map(|id| id.to_string()));
    let query = query.bind(filter.unsealed.map(|key| key.to_string())).bind(time).bind(id);
    Ok(query.bind(i64::from(slice.limit)).fetch_all(connection).await?)
}

fn is_unused(it: &ShownSecret, since: u64) -> bool {
    it.skills.is_empty() || (it.row.created_at < since && it.row.last_used.is_none_or(|time| time < since))
}

/// What is told of secrets beside their rows, read once for each organisation.
#[derive(Default)]
struct Shelf(BTreeMap<OrganizationId, Told>);

#[derive(Default)]
struct Told {
    skills: BTreeMap<SecretId, Vec<UsedBy>>,
    unsealed: BTreeMap<SecretId, Vec<KeyName>>,
}

impl Shelf {
    async fn show_all(
        &mut self,
        connection: &mut Connection,
        row: Option<&Row>,
    ) -> Result<Option<ShownSecret>, StoreError> {
        match row {
            Some(row) => self.show(connection, row).await.map(Some),
            None => Ok(None),
        }
    }

    async fn show(&mut self, connection: &mut Connection, row: &Row) -> Result<ShownSecret, StoreError> {
        let (secret, owner_email) = (secret(row)?, row.try_get("email")?);
        let told = match self.0.entry(secret.organization) {
            std::collections::btree_map::Entry::Occupied(it) => it.into_mut(),
            std::collections::btree_map::Entry::Vacant(it) => it.insert(tell(connection, secret.organization).await?),
        };
        let unsealed = told.unsealed.remove(&secret.id).unwrap_or_default();
        let skills = told.skills.remove(&secret.id).unwrap_or_default();
        Ok(ShownSecret { row: secret, owner_email, unsealed, skills })
    }
}

async fn tell(connection: &mut Connection, organization: OrganizationId) -> Result<Told, StoreError> {
    let mut told = Told::default();
    for (secret, key) in edge_keys::unsealed(connection, organization).await? {
        told.unsealed.entry(secret).or_default().push(key);
    }
    let of = Of::Organization(organization);
    let secrets: Vec<_> = of.secrets(connection).await?.iter().map(secret).collect::<Result<_, _>>()?;
    let names = Names::of(&secrets);
    for row in of.skills(connection).await? {
        let skill = skills::skill(&row)?;
        for id in names.resolve(&skill).into_iter().filter_map(|(_, found)| found.id()) {
            let by = UsedBy { id: skill.id, name: skill.name.clone(), owner: skill.owner };
            told.skills.entry(id).or_default().push(by);
        }
    }
    Ok(told)
}

pub(super) fn secret(row: &Row) -> Result<SecretRow, StoreError> {
    Ok(SecretRow {
        id: parsed(row, "id")?,
        organization: parsed(row, "organization")?,
        owner: parsed_or_null(row, "owner")?,
        name: row.try_get("name")?,
        description: row.try_get("description")?,
        revision: unsigned("revision", row.try_get("revision")?)?,
        created_by: row.try_get("created_by")?,
        created_at: unsigned("created_at", row.try_get("created_at")?)?,
        replaced_by: row.try_get("replaced_by")?,
        replaced_at: unsigned("replaced_at", row.try_get("replaced_at")?)?,
        last_used: unsigned_or_null("last_used", row.try_get("last_used")?)?,
        changed_in: unsigned("changed_in", row.try_get("changed_in")?)?,
    })
}

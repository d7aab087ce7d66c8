//! SQL about keys.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use portcullis_bundle::Layout;
use portcullis_engine::{KeyDigest, KeyId};
use sqlx::{AssertSqlSafe, QueryBuilder, Row as _};

use super::columns::{exactly_one, only, signed, unsigned, unsigned_or_null};
use super::key_rows::{self, json};
use super::{Connection, Db, SqlStore, summaries};
use crate::caller::Scope;
use crate::secret::SecretDigest;
use crate::store::{BundleKey, KeyRow, Keys, MOST_IN_BUCKET, StoreError, UnrevokedKey, Visitor};

const COLUMNS: &str = "id, kind, digest, secret, name, display, prefix, environment, organization, scopes, restrictions, enabled, \
                       created_by, created_at, created_in, expires_at, revoked_at, last_used, successor, metadata, \
                       trial, quota_limit, quota_period, rate, meter, skill, changed_in";

/// What a directory has to know of keys.
pub(in crate::store) const SUMMARY: &str = "id, kind, name, display, environment, organization, metadata, enabled, created_by, \
                                            created_at, created_in, expires_at, revoked_at, last_used, changed_in";

/// What a bundle has to.
pub(in crate::store) const TOLD: &str = "digest, id, organization, enabled, expires_at, revoked_at, scopes, restrictions, successor, \
                                         trial, quota_limit, rate, meter, skill";

/// Both ends of what changed are named: with one alone PostgreSQL reads the whole table, from when a statement was first
/// planned, on an empty table, until statistics are taken.
pub(in crate::store) const CHANGED: &str = "changed_in > $1 AND changed_in <= (SELECT version FROM bundle)";

/// PostgreSQL finds so many by their ids; for many more of a table it would rather read all of it.
const CHOSEN_AT_ONCE: usize = 250;

/// Whether fewer keys of `$7` have a digest from `$27` to `$28` than may; `$27` is null if nobody asks.
fn is_spare() -> String {
    let neighbours = neighbours("$27", "$28", "$7");
    format!("($27 IS NULL OR (SELECT COUNT(*) FROM ({neighbours}) neighbours) < {MOST_IN_BUCKET})")
}

/// Those of one organisation: nobody fills a bucket for others. Its term fits no index, so that digests are what is looked up.
fn neighbours(first: &str, last: &str, organization: &str) -> String {
    format!(
        "SELECT 1 FROM keys WHERE digest BETWEEN {first} AND {last} AND organization || '' = {organization} \
         LIMIT {MOST_IN_BUCKET}"
    )
}

/// Refused if its skill is none of its organisation's, as when it was deleted meanwhile.
pub(super) async fn insert(connection: &mut Connection, row: &KeyRow, version: u64) -> Result<(), StoreError> {
    exactly_one(insert_among(connection, row, None, version).await?)
}

/// The same of a key with a digest that somebody chose. All are counted only where the layout seems to be too coarse, as while
/// many are imported into few.
pub(super) async fn import(
    connection: &mut Connection,
    row: &KeyRow,
    layout: Layout,
    version: u64,
) -> Result<(), StoreError> {
    if insert_among(connection, row, Some(layout), version).await? == 1 {
        return Ok(());
    }
    let all = sqlx::query("SELECT COUNT(*) AS count FROM keys").fetch_one(&mut *connection).await?;
    let count = usize::try_from(unsigned("count", all.try_get("count")?)?).unwrap_or(usize::MAX);
    let finer = Layout::for_counts(count, 0);
    if finer.key_bucket_bits > layout.key_bucket_bits && insert_among(connection, row, Some(finer), version).await? == 1
    {
        return Ok(());
    }
    Err(StoreError::Crowded(row.digest))
}

async fn insert_among(
    connection: &mut Connection,
    row: &KeyRow,
    layout: Option<Layout>,
    version: u64,
) -> Result<u64, StoreError> {
    let neighbours = layout.map(|it| it.digests_of_bucket(it.key_bucket_of(&row.digest)));
    let end = |it: &KeyDigest| it.as_bytes().to_vec();
    let sql = "INSERT INTO keys (id, digest, name, display, prefix, environment, organization, scopes, restrictions, \
               enabled, created_by, created_at, expires_at, revoked_at, last_used, successor, metadata, trial, \
               created_in, changed_in, quota_limit, quota_period, rate, meter, kind, secret, skill) SELECT $1, $2, $3, $4, $5, $6, $7, $8, \
               $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $19, $20, $21, $22, $23, $24, $25, $26 \
               WHERE ($26 IS NULL OR EXISTS (SELECT 1 FROM skills WHERE id = $26 AND organization = $7)) AND ";
    let done = sqlx::query(AssertSqlSafe(format!("{sql}{}", is_spare())))
        .bind(row.id.to_string())
        .bind(row.digest.as_bytes().to_vec())
        .bind(&row.name)
        .bind(&row.display)
        .bind(&row.prefix)
        .bind(&row.environment)
        .bind(row.organization.to_string())
        .bind(&row.scopes)
        .bind(row.restrictions.as_ref().map(|it| json("restrictions", it)).transpose()?)
        .bind(row.enabled)
        .bind(&row.created_by)
        .bind(signed(row.created_at))
        .bind(row.expires_at.map(signed))
        .bind(row.revoked_at.map(signed))
        .bind(row.last_used.map(signed))
        .bind(row.successor.map(|id| id.to_string()))
        .bind(json("metadata", &row.metadata)?)
        .bind(row.trial.as_ref().map(|it| json("trial", it)).transpose()?)
        .bind(signed(version))
        .bind(row.quota.map(|it| signed(it.limit)))
        .bind(row.quota.map(|it| it.period.as_str()))
        .bind(row.rate.as_ref().map(|it| json("rate", it)).transpose()?)
        .bind(row.meter.map(|id| id.to_string()))
        .bind(row.kind.as_str())
        .bind(row.secret.map(SecretDigest::to_bytes))
        .bind(row.skill.map(|id| id.to_string()))
        .bind(neighbours.as_ref().map(|it| end(it.start())))
        .bind(neighbours.as_ref().map(|it| end(it.end())))
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

/// Writes what may change in a key's life; everything else is as it was made. Refused as above.
pub(super) async fn replace(connection: &mut Connection, row: &KeyRow, version: u64) -> Result<(), StoreError> {
    let sql = "UPDATE keys SET name = $1, scopes = $2, restrictions = $3, enabled = $4, expires_at = $5, \
               revoked_at = $6, successor = $7, metadata = $8, trial = $9, changed_in = $10, \
               quota_limit = $11, quota_period = $12, rate = $13, skill = $14 WHERE id = $15 AND changed_in = $16 \
               AND ($14 IS NULL OR EXISTS (SELECT 1 FROM skills s WHERE s.id = $14 AND s.organization = keys.organization))";
    let done = sqlx::query(sql)
        .bind(&row.name)
        .bind(&row.scopes)
        .bind(row.restrictions.as_ref().map(|it| json("restrictions", it)).transpose()?)
        .bind(row.enabled)
        .bind(row.expires_at.map(signed))
        .bind(row.revoked_at.map(signed))
        .bind(row.successor.map(|id| id.to_string()))
        .bind(json("metadata", &row.metadata)?)
        .bind(row.trial.as_ref().map(|it| json("trial", it)).transpose()?)
        .bind(signed(version))
        .bind(row.quota.map(|it| signed(it.limit)))
        .bind(row.quota.map(|it| it.period.as_str()))
        .bind(row.rate.as_ref().map(|it| json("rate", it)).transpose()?)
        .bind(row.skill.map(|id| id.to_string()))
        .bind(row.id.to_string())
        .bind(signed(row.changed_in))
        .execute(connection)
        .await?;
    exactly_one(done.rows_affected())
}

/// Remembers when keys were last used; an earlier time never replaces a later one. Takes no new version.
pub(super) async fn record_uses(connection: &mut Connection, uses: &BTreeMap<KeyId, u64>) -> Result<(), StoreError> {
    for (id, time) in uses {
        sqlx::query("UPDATE keys SET last_used = $1 WHERE id = $2 AND (last_used IS NULL OR last_used < $1)")
            .bind(signed(*time))
            .bind(id.to_string())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

#[async_trait]
impl Keys for SqlStore {
    async fn key(&self, scope: Scope, id: KeyId) -> Result<Option<KeyRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM keys WHERE id = $1 AND ($2 IS NULL OR organization = $2)");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(id.to_string()).bind(only(scope));
        query.fetch_optional(self.finders()).await?.as_ref().map(key_rows::key).transpose()
    }

    async fn key_with_digest(&self, scope: Scope, digest: &KeyDigest) -> Result<Option<KeyRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM keys WHERE digest = $1 AND ($2 IS NULL OR organization = $2)");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(digest.as_bytes().to_vec()).bind(only(scope));
        query.fetch_optional(self.finders()).await?.as_ref().map(key_rows::key).transpose()
    }

    async fn taken_digests(&self, digests: &[KeyDigest]) -> Result<Vec<KeyDigest>, StoreError> {
        if digests.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::<Db>::new("SELECT digest FROM keys WHERE digest IN (");
        let mut list = query.separated(", ");
        for digest in digests {
            list.push_bind(digest.as_bytes().to_vec());
        }
        query.push(")");
        let rows = query.build().persistent(false).fetch_all(self.finders()).await?;
        rows.iter().map(key_rows::digest).collect()
    }

    async fn keys(&self, scope: Scope, ids: &[KeyId]) -> Result<Vec<KeyRow>, StoreError> {
        let mut keys = Vec::with_capacity(ids.len());
        for some in ids.chunks(CHOSEN_AT_ONCE) {
            // Each length of the list is another statement: not worth keeping.
            let rows = chosen(scope, some).build().persistent(false).fetch_all(self.listers()).await?;
            for row in &rows {
                keys.push(key_rows::key(row)?);
            }
        }
        keys.sort_unstable_by_key(|key| Reverse((key.created_in, key.id)));
        Ok(keys)
    }

    async fn summaries(&self, after: u64, each: Visitor<'_>) -> Result<(), StoreError> {
        // More than one statement may be needed, and they have to be about one moment.
        let mut snapshot = self.listers().begin().await?;
        summaries(&mut snapshot, after, each).await
    }

    async fn unrevoked_keys(&self, scope: Scope) -> Result<Vec<UnrevokedKey>, StoreError> {
        let sql = "SELECT id, name, prefix, created_at, last_used FROM keys WHERE revoked_at IS NULL AND kind = 'api_key' \
                   AND ($1 IS NULL OR organization = $1) ORDER BY created_in DESC, id DESC";
        let mut rows = sqlx::query(sql).bind(only(scope)).fetch(self.listers());
        let mut keys = Vec::new();
        while let Some(row) = rows.try_next().await? {
            keys.push(UnrevokedKey {
                id: row.try_get("id")?,
                name: row.try_get("name")?,
                prefix: row.try_get("prefix")?,
                created_at: unsigned("created_at", row.try_get("created_at")?)?,
                last_used: unsigned_or_null("last_used", row.try_get("last_used")?)?,
            });
        }
        Ok(keys)
    }
}

/// Those of these keys that are in scope.
fn chosen(scope: Scope, ids: &[KeyId]) -> QueryBuilder<Db> {
    let mut query = QueryBuilder::new(format!("SELECT {COLUMNS} FROM keys WHERE id IN ("));
    let mut list = query.separated(", ");
    for id in ids {
        list.push_bind(id.to_string());
    }
    query.push(")");
    if let Some(organization) = only(scope) {
        // A term that no index serves: SQLite would rather walk through all keys of the organisation.
        query.push(" AND organization || '' = ").push_bind(organization);
    }
    query
}

/// The statements whose plan matters, and what has to be in the plan. PostgreSQL reads all of a small table for some ids.
#[cfg(test)]
pub(in crate::store) fn planned() -> Vec<(String, &'static str)> {
    let by_id = if <Db as sqlx::Database>::NAME == "SQLite" { "(id=?)" } else { "" };
    let organization = Scope::Only(portcullis_engine::OrganizationId::from_bytes([1; 10]));
    let ids: Vec<_> = (0..100).map(|number| KeyId::from_bytes([number; 10])).collect();
    let chosen = chosen(organization, &ids).sql().as_str().to_owned();
    let changed = [SUMMARY, TOLD].map(|columns| (changed(columns), "keys_changed_in"));
    let by_digest =
        if <Db as sqlx::Database>::NAME == "SQLite" { "(digest>? AND digest<?)" } else { "keys_digest_key" };
    changed.into_iter().chain([(chosen, by_id), (neighbours("$1", "$2", "$3"), by_digest)]).collect()
}

fn changed(columns: &str) -> String {
    format!("SELECT {columns} FROM keys WHERE {CHANGED}")
}

/// What a directory has to know of keys that changed, row by row; the oldest first, if all are asked for.
pub(in crate::store) async fn summaries_by_row(
    snapshot: &mut Connection,
    after: u64,
    each: Visitor<'_>,
) -> Result<(), StoreError> {
    let all = || format!("SELECT {SUMMARY} FROM keys WHERE changed_in > $1 ORDER BY created_in, id");
    let sql = if after == 0 { all() } else { changed(SUMMARY) };
    let mut rows = sqlx::query(AssertSqlSafe(sql)).bind(signed(after)).fetch(snapshot);
    while let Some(row) = rows.try_next().await? {
        match key_rows::summary(&row) {
            Ok(summary) => each(summary),
            Err(error) => unlisted(&error),
        }
    }
    Ok(())
}

pub(in crate::store) fn unlisted(error: &StoreError) {
    tracing::error!(%error, "a key that cannot be read is not listed");
}

/// What the bundle has to know of keys that changed, row by row. Whoever starts with nothing needs no key revoked long ago;
/// whoever has some already needs every change.
pub(in crate::store) async fn changed_by_row(
    snapshot: &mut Connection,
    version: u64,
    revoked_since: u64,
) -> Result<Vec<BundleKey>, StoreError> {
    let all = || format!("SELECT {TOLD} FROM keys WHERE changed_in > $1 AND (revoked_at IS NULL OR revoked_at >= $2)");
    let sql = if version == 0 { all() } else { changed(TOLD) };
    let query = sqlx::query(AssertSqlSafe(sql)).bind(signed(version));
    let query = if version == 0 { query.bind(signed(revoked_since)) } else { query };
    let mut rows = query.fetch(snapshot);
    let mut keys = Vec::new();
    while let Some(row) = rows.try_next().await? {
        keys.extend(key_rows::bundle_key(&row));
    }
    Ok(keys)
}

//! SQL about published policies.

use std::collections::HashMap;

use async_trait::async_trait;
use portcullis_api::policy::PolicySource;
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Row as _};

use super::columns::{exactly_one, only, signed, unsigned, unsigned_or_null};
use super::{Connection, Row, SqlStore};
use crate::caller::Scope;
use crate::store::{KeyGroup, Policies, PolicyRow, StoreError};

const COLUMNS: &str = "version, toml, source, restored_from, note, published_at, published_by, changed_in";

/// How many keys of a group are named.
const EXAMPLES: i64 = 5;

/// The keys that work at `$2`, in scope `$1`.
const WORKING: &str = "revoked_at IS NULL AND enabled AND (expires_at IS NULL OR expires_at > $2) \
                       AND ($1 IS NULL OR organization = $1)";

/// Whoever took that version in the meantime wins.
pub(super) async fn insert(connection: &mut Connection, row: &PolicyRow, version: u64) -> Result<(), StoreError> {
    let sql = "INSERT INTO policies (version, toml, digest, source, restored_from, note, published_at, published_by, \
               changed_in) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (version) DO NOTHING";
    let done = sqlx::query(sql)
        .bind(signed(row.version))
        .bind(&row.toml)
        .bind(Sha256::digest(row.toml.as_bytes()).to_vec())
        .bind(row.source.as_str())
        .bind(row.restored_from.map(signed))
        .bind(&row.note)
        .bind(signed(row.published_at))
        .bind(&row.published_by)
        .bind(signed(version))
        .execute(connection)
        .await?;
    exactly_one(done.rows_affected())
}

/// The newest policy, if it was published after that bundle version.
pub(super) async fn changed_after(snapshot: &mut Connection, version: u64) -> Result<Option<PolicyRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM policies WHERE changed_in > $1 ORDER BY version DESC LIMIT 1");
    let query = sqlx::query(AssertSqlSafe(sql)).bind(signed(version));
    query.fetch_optional(snapshot).await?.as_ref().map(policy_row).transpose()
}

#[async_trait]
impl Policies for SqlStore {
    async fn newest_policy(&self) -> Result<Option<PolicyRow>, StoreError> {
        Ok(self.policies(None, 1).await?.pop())
    }

    async fn newest_policy_of_a_file(&self) -> Result<Option<PolicyRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM policies WHERE source = 'file' ORDER BY version DESC LIMIT 1");
        let row = sqlx::query(AssertSqlSafe(sql)).fetch_optional(self.finders()).await?;
        row.as_ref().map(policy_row).transpose()
    }

    async fn policy(&self, version: u64) -> Result<Option<PolicyRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM policies WHERE version = $1");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(signed(version));
        query.fetch_optional(self.finders()).await?.as_ref().map(policy_row).transpose()
    }

    async fn policies(&self, before: Option<u64>, limit: u32) -> Result<Vec<PolicyRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM policies WHERE version < $1 ORDER BY version DESC LIMIT $2");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(signed(before.unwrap_or(u64::MAX))).bind(i64::from(limit));
        query.fetch_all(self.finders()).await?.iter().map(policy_row).collect()
    }

    async fn key_groups(&self, scope: Scope, examples: Scope, now: u64) -> Result<Vec<KeyGroup>, StoreError> {
        let sql = format!(
            "SELECT prefix, environment, scopes, COUNT(*) AS keys FROM keys WHERE {WORKING} \
             GROUP BY prefix, environment, scopes ORDER BY prefix, environment, scopes"
        );
        let counted = sqlx::query(AssertSqlSafe(sql)).bind(only(scope)).bind(signed(now));
        let counted = counted.fetch_all(self.listers()).await?;
        let sql = format!(
            "SELECT prefix, environment, scopes, id, name FROM (SELECT prefix, environment, scopes, id, name, \
             ROW_NUMBER() OVER (PARTITION BY prefix, environment, scopes ORDER BY id) AS place \
             FROM keys WHERE {WORKING}) AS numbered WHERE place <= $3 ORDER BY id"
        );
        let named = sqlx::query(AssertSqlSafe(sql)).bind(only(examples)).bind(signed(now)).bind(EXAMPLES);
        let mut names: HashMap<[String; 3], Vec<(String, String)>> = HashMap::new();
        for row in &named.fetch_all(self.listers()).await? {
            names.entry(group(row)?).or_default().push((row.try_get("id")?, row.try_get("name")?));
        }
        let group = |row: &Row| {
            let alike = group(row)?;
            let examples = names.remove(&alike).unwrap_or_default();
            let [prefix, environment, scopes] = alike;
            let keys = unsigned("keys", row.try_get("keys")?)?;
            Ok(KeyGroup { prefix, environment, scopes, keys, examples })
        };
        counted.iter().map(group).collect()
    }
}

fn group(row: &Row) -> Result<[String; 3], StoreError> {
    Ok([row.try_get("prefix")?, row.try_get("environment")?, row.try_get("scopes")?])
}

fn policy_row(row: &Row) -> Result<PolicyRow, StoreError> {
    Ok(PolicyRow {
        version: unsigned("version", row.try_get("version")?)?,
        toml: row.try_get("toml")?,
        source: match row.try_get("source")? {
            "file" => PolicySource::File,
            "api" => PolicySource::Api,
            "restore" => PolicySource::Restore,
            _ => return Err(StoreError::Unreadable { column: "source" }),
        },
        restored_from: unsigned_or_null("restored_from", row.try_get("restored_from")?)?,
        note: row.try_get("note")?,
        published_at: unsigned("published_at", row.try_get("published_at")?)?,
        published_by: row.try_get("published_by")?,
        changed_in: unsigned("changed_in", row.try_get("changed_in")?)?,
    })
}

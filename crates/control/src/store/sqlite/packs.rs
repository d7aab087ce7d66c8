//! Keys out of SQLite, thousands of them in one row.
//!
//! A row by itself costs some 10 to 20 µs, most of it for handing it from the connection's thread to whoever reads it; as
//! part of the JSON that SQLite makes of thousands, a tenth. Invariant: they are the keys that come row by row; what
//! does not fit into JSON is read like that.

use std::borrow::Cow;

use portcullis_engine::KeyDigest;
use serde::Deserialize;
use sqlx::{AssertSqlSafe, Row as _};

use super::Connection;
use super::sql::columns::{signed, text, unsigned, unsigned_or_null};
use super::sql::key_rows::{StoredKey, json_text_or_null, left_out, switched_off};
use super::sql::keys::{CHANGED, SUMMARY, TOLD, changed_by_row, summaries_by_row, unlisted};
use crate::store::{BundleKey, KeySummary, StoreError, Visitor};

/// Enough for a row to cost little; few enough to be read while SQLite packs the next, and for keys with the longest restrictions
/// to fit into memory. Tests have few keys.
const AT_ONCE: usize = if cfg!(test) { 4 } else { 512 };

/// What the bundle has to know of keys that changed. Whoever starts with nothing needs no key revoked long ago; whoever has
/// some already needs every change.
pub(super) async fn changed_keys(
    snapshot: &mut Connection,
    version: u64,
    revoked_since: u64,
) -> Result<Vec<BundleKey>, StoreError> {
    let mut keys = Vec::new();
    let mut read = |pack: &str| {
        let packed: Vec<PackedKey<'_>> = unpack(pack)?;
        keys.extend(packed.iter().filter_map(PackedKey::read));
        Ok(())
    };
    let unread = match version {
        0 => every(snapshot, TOLD, "(revoked_at IS NULL OR revoked_at >= $2)", revoked_since, &mut read).await,
        _ => changed(snapshot, TOLD, version, &mut read).await,
    };
    match unread {
        Ok(()) => Ok(keys),
        Err(error) => {
            tracing::warn!(%error, "keys are read row by row");
            changed_by_row(snapshot, version, revoked_since).await
        }
    }
}

/// What a directory has to know of keys that changed; the oldest first, if all are asked for.
pub(super) async fn summaries(snapshot: &mut Connection, after: u64, each: Visitor<'_>) -> Result<(), StoreError> {
    let mut read = |pack: &str| {
        let packed: Vec<PackedSummary<'_>> = unpack(pack)?;
        packed.iter().for_each(|it| it.read().map_or_else(|error| unlisted(&error), &mut *each));
        Ok(())
    };
    let unread = match after {
        0 => every(snapshot, SUMMARY, "$2 = $2", 0, &mut read).await,
        _ => changed(snapshot, SUMMARY, after, &mut read).await,
    };
    match unread {
        Ok(()) => Ok(()),
        Err(error) => {
            tracing::warn!(%error, "keys are read row by row");
            summaries_by_row(snapshot, after, each).await
        }
    }
}

type Read<'a> = &'a mut (dyn FnMut(&str) -> Result<(), StoreError> + Send);

/// All keys, in the order in which they were created. While one pack is read, SQLite makes the next.
async fn every(
    snapshot: &mut Connection,
    columns: &str,
    which: &str,
    bound: u64,
    read: Read<'_>,
) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT MAX(place), {} FROM (SELECT rowid AS place, {columns} FROM keys WHERE rowid > $1 AND {which} \
         ORDER BY rowid LIMIT {AT_ONCE})",
        packed(columns)
    );
    let mut pack = next(snapshot, &sql, 0, bound).await?;
    while let (Some(place), text) = pack {
        let reading = async { read(&text) };
        let (following, done) = tokio::join!(next(snapshot, &sql, place, bound), reading);
        done?;
        pack = following?;
    }
    Ok(())
}

/// Keys behind a place, and the place of the last of them.
async fn next(
    snapshot: &mut Connection,
    sql: &str,
    place: i64,
    bound: u64,
) -> Result<(Option<i64>, String), StoreError> {
    let row = sqlx::query(AssertSqlSafe(sql.to_owned())).bind(place).bind(signed(bound)).fetch_one(snapshot).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

/// Keys that changed after a version: few, or as many as were written within a second.
async fn changed(snapshot: &mut Connection, columns: &str, version: u64, read: Read<'_>) -> Result<(), StoreError> {
    let sql = format!("SELECT {} FROM keys WHERE {CHANGED}", packed(columns));
    let row = sqlx::query(AssertSqlSafe(sql)).bind(signed(version)).fetch_one(snapshot).await?;
    read(row.try_get(0)?)
}

/// JSON of some columns of many rows. It has no bytes, so digests are written in hex.
fn packed(columns: &str) -> String {
    format!("json_group_array(json_array({}))", columns.replace("digest", "hex(digest)"))
}

fn unpack<'a, T: Deserialize<'a>>(pack: &'a str) -> Result<Vec<T>, StoreError> {
    serde_json::from_str(pack).map_err(|_| StoreError::Unreadable { column: "a pack of keys" })
}

/// Columns as in [`TOLD`].
#[derive(Deserialize)]
struct PackedKey<'a> {
    #[serde(borrow)]
    digest: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    organization: Cow<'a, str>,
    enabled: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
    #[serde(borrow)]
    scopes: Cow<'a, str>,
    restrictions: Option<String>,
    successor: Option<String>,
    trial: Option<String>,
    quota_limit: Option<i64>,
    rate: Option<String>,
    meter: Option<String>,
    skill: Option<String>,
}

impl PackedKey<'_> {
    fn read(&self) -> Option<BundleKey> {
        let mut bytes = [0; 32];
        let read =
            hex::decode_to_slice(&*self.digest, &mut bytes).map_err(|_| StoreError::Unreadable { column: "digest" });
        read.inspect_err(|error| left_out(Some(&*self.id), error)).ok()?;
        let digest = KeyDigest::from_bytes(bytes);
        let stored = StoredKey {
            id: &self.id,
            organization: &self.organization,
            enabled: self.enabled != 0,
            expires_at: self.expires_at,
            revoked_at: self.revoked_at,
            scopes: &self.scopes,
            restrictions: self.restrictions.as_deref(),
            successor: self.successor.as_deref(),
            trial: self.trial.as_deref(),
            quota_limit: self.quota_limit,
            rate: self.rate.as_deref(),
            meter: self.meter.as_deref(),
            skill: self.skill.as_deref(),
        };
        Some(stored.read(digest).unwrap_or_else(|error| switched_off(digest, Some(&*self.id), &error)))
    }
}

/// Columns as in [`SUMMARY`].
#[derive(Deserialize)]
struct PackedSummary<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    name: String,
    display: String,
    environment: String,
    #[serde(borrow)]
    organization: Cow<'a, str>,
    #[serde(borrow)]
    metadata: Cow<'a, str>,
    enabled: i64,
    created_by: Option<String>,
    created_at: i64,
    created_in: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
    last_used: Option<i64>,
    changed_in: i64,
}

impl PackedSummary<'_> {
    fn read(&self) -> Result<KeySummary, StoreError> {
        let metadata = json_text_or_null("metadata", Some(&*self.metadata))?;
        Ok(KeySummary {
            id: text("id", &self.id)?,
            kind: text("kind", &self.kind)?,
            name: self.name.clone(),
            display: self.display.clone(),
            environment: self.environment.clone(),
            organization: text("organization", &self.organization)?,
            metadata: metadata.unwrap_or_default(),
            enabled: self.enabled != 0,
            created_by: self.created_by.clone(),
            created_at: unsigned("created_at", self.created_at)?,
            created_in: unsigned("created_in", self.created_in)?,
            expires_at: unsigned_or_null("expires_at", self.expires_at)?,
            revoked_at: unsigned_or_null("revoked_at", self.revoked_at)?,
            last_used: unsigned_or_null("last_used", self.last_used)?,
            changed_in: unsigned("changed_in", self.changed_in)?,
        })
    }
}

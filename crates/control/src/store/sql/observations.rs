//! SQL about observations.
//!
//! Invariant: however much edges tell, a key has about so many rows and all have about so many; what is beyond is still
//! counted, by reason.

use std::collections::BTreeMap;

use async_trait::async_trait;
use portcullis_api::edge::SampleKind;
use portcullis_engine::KeyId;
use sqlx::Row as _;

use super::columns::{only, parsed, signed, unsigned};
use super::{Connection, Row, SqlStore};
use crate::caller::Scope;
use crate::store::{OBSERVATIONS, OBSERVATIONS_OF_A_KEY, Observations, Seen, Sighting, StoreError};

#[async_trait]
impl Observations for SqlStore {
    async fn observations(&self, key: KeyId, kind: Option<SampleKind>) -> Result<Vec<(Sighting, Seen)>, StoreError> {
        let sql = "SELECT key_id, kind, reason, address, referrer, method, path, requests, first_seen, last_seen \
                   FROM observations WHERE key_id = $1 AND ($2 IS NULL OR kind = $2) \
                   ORDER BY requests DESC, last_seen DESC, kind, reason, address, referrer, method, path";
        let query = sqlx::query(sql).bind(key.to_string()).bind(kind.map(SampleKind::as_str));
        query.fetch_all(self.finders()).await?.iter().map(row).collect()
    }

    async fn predecessor(&self, scope: Scope, key: KeyId) -> Result<Option<KeyId>, StoreError> {
        let sql = "SELECT id FROM keys WHERE successor = $1 AND ($2 IS NULL OR organization = $2)";
        let query = sqlx::query(sql).bind(key.to_string()).bind(only(scope));
        query.fetch_optional(self.finders()).await?.as_ref().map(|row| parsed(row, "id")).transpose()
    }

    async fn forget_observations(&self, before: u64) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        let sql = "DELETE FROM observations WHERE last_seen < $1";
        sqlx::query(sql).bind(signed(before)).execute(&mut *transaction).await?;
        let sql = "DELETE FROM observations WHERE last_seen <= \
                   (SELECT last_seen FROM observations ORDER BY last_seen DESC LIMIT 1 OFFSET $1)";
        sqlx::query(sql).bind(i64::from(OBSERVATIONS)).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// Adds what was seen. Of a key that does not exist nothing is kept.
pub(super) async fn record(connection: &mut Connection, seen: &BTreeMap<Sighting, Seen>) -> Result<(), StoreError> {
    for (sighting, seen) in seen {
        if !again(connection, sighting, seen).await? {
            match has_room(connection, sighting.key).await? {
                true => insert(connection, sighting, seen).await?,
                false => insert(connection, &sighting.summary(), seen).await?,
            }
        }
    }
    Ok(())
}

/// Forgets what was observed of a key for one reason to tell.
pub(super) async fn forget(connection: &mut Connection, key: KeyId, kind: SampleKind) -> Result<(), StoreError> {
    let sql = "DELETE FROM observations WHERE key_id = $1 AND kind = $2";
    sqlx::query(sql).bind(key.to_string()).bind(kind.as_str()).execute(connection).await?;
    Ok(())
}

/// Counts what was seen before; `false` if it was not.
async fn again(connection: &mut Connection, sighting: &Sighting, seen: &Seen) -> Result<bool, StoreError> {
    let sql = "UPDATE observations SET requests = requests + $1, \
               last_seen = CASE WHEN last_seen > $2 THEN last_seen ELSE $2 END \
               WHERE key_id = $3 AND kind = $4 AND reason = $5 AND address = $6 AND referrer = $7 AND method = $8 \
               AND path = $9";
    let done = sqlx::query(sql)
        .bind(signed(seen.requests))
        .bind(signed(seen.last))
        .bind(sighting.key.to_string())
        .bind(sighting.kind.as_str())
        .bind(&sighting.reason)
        .bind(&sighting.address)
        .bind(&sighting.referrer)
        .bind(&sighting.method)
        .bind(&sighting.path)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}

async fn has_room(connection: &mut Connection, key: KeyId) -> Result<bool, StoreError> {
    let sql = "SELECT COUNT(*) AS known FROM observations WHERE key_id = $1";
    let row = sqlx::query(sql).bind(key.to_string()).fetch_one(connection).await?;
    Ok(unsigned("known", row.try_get("known")?)? < u64::from(OBSERVATIONS_OF_A_KEY))
}

async fn insert(connection: &mut Connection, sighting: &Sighting, seen: &Seen) -> Result<(), StoreError> {
    let sql = "INSERT INTO observations \
               (key_id, kind, reason, address, referrer, method, path, requests, first_seen, last_seen) \
               SELECT id, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM keys WHERE id = $1 \
               ON CONFLICT (key_id, kind, reason, address, referrer, method, path) DO UPDATE SET \
               requests = observations.requests + excluded.requests, last_seen = excluded.last_seen";
    sqlx::query(sql)
        .bind(sighting.key.to_string())
        .bind(sighting.kind.as_str())
        .bind(&sighting.reason)
        .bind(&sighting.address)
        .bind(&sighting.referrer)
        .bind(&sighting.method)
        .bind(&sighting.path)
        .bind(signed(seen.requests))
        .bind(signed(seen.first))
        .bind(signed(seen.last))
        .execute(connection)
        .await?;
    Ok(())
}

fn row(row: &Row) -> Result<(Sighting, Seen), StoreError> {
    let kind: &str = row.try_get("kind")?;
    let kind = SampleKind::ALL.into_iter().find(|it| it.as_str() == kind);
    let sighting = Sighting {
        key: parsed(row, "key_id")?,
        kind: kind.ok_or(StoreError::Unreadable { column: "kind" })?,
        reason: row.try_get("reason")?,
        address: row.try_get("address")?,
        referrer: row.try_get("referrer")?,
        method: row.try_get("method")?,
        path: row.try_get("path")?,
    };
    let seen = Seen {
        requests: unsigned("requests", row.try_get("requests")?)?,
        first: unsigned("first_seen", row.try_get("first_seen")?)?,
        last: unsigned("last_seen", row.try_get("last_seen")?)?,
    };
    Ok((sighting, seen))
}

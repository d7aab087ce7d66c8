//! SQL about the bundle's version, and how a change becomes one transaction.
//!
//! The files of this folder are compiled twice, once in `sqlite` and once in `postgres`, which say what `Db` is and how a
//! transaction begins. Invariant: versions are handed out in the order in which their changes become visible.

use async_trait::async_trait;
use sqlx::Row as _;

use super::columns::{signed, unsigned};
use super::{Connection, SqlStore, accounts, announce, audit, keys, observations, organizations, policies};
use crate::store::{Change, Changes, Store, StoreError, Write};

#[async_trait]
impl Store for SqlStore {
    async fn write(&self, change: &Change, version_floor: u64) -> Result<u64, StoreError> {
        let mut transaction = self.begin_write().await?;
        let taken = change.writes.iter().any(Write::changes_bundle);
        let version = match taken {
            true => next_version(&mut transaction, version_floor).await?,
            false => version(&mut transaction).await?,
        };
        for write in &change.writes {
            carry_out(&mut transaction, write, version).await?;
        }
        for row in &change.audit {
            audit::insert(&mut transaction, row, taken.then_some(version)).await?;
        }
        transaction.commit().await?;
        Ok(version)
    }

    async fn take_version(&self, version_floor: u64) -> Result<u64, StoreError> {
        let mut transaction = self.begin_write().await?;
        let version = next_version(&mut transaction, version_floor).await?;
        transaction.commit().await?;
        Ok(version)
    }

    async fn version(&self) -> Result<u64, StoreError> {
        version(&mut *self.publisher().acquire().await?).await
    }

    async fn changes(&self, version: u64, revoked_since: u64) -> Result<Changes, StoreError> {
        let mut snapshot = self.begin_snapshot().await?;
        Ok(Changes {
            version: self::version(&mut snapshot).await?,
            keys: keys::changed_after(&mut snapshot, version, revoked_since).await?,
            organizations: organizations::changed_after(&mut snapshot, version).await?,
            policy: policies::changed_after(&mut snapshot, version).await?,
        })
    }

    async fn close(&self) {
        for pool in self.pools() {
            pool.close().await;
        }
    }
}

async fn carry_out(connection: &mut Connection, write: &Write, version: u64) -> Result<(), StoreError> {
    match write {
        Write::InsertKey(row) => keys::insert(connection, row, version).await,
        Write::ReplaceKey(row) => keys::replace(connection, row, version).await,
        Write::InsertOrganization(row) => organizations::insert(connection, row, version).await,
        Write::ReplaceOrganization(row) => organizations::replace(connection, row, version).await,
        Write::ForgetObservations(key, kind) => observations::forget(connection, *key, *kind).await,
        Write::PublishPolicy(row) => policies::insert(connection, row, version).await,
        Write::Account(write) => accounts::carry_out(connection, write).await,
    }
}

async fn version(connection: &mut Connection) -> Result<u64, StoreError> {
    let row = sqlx::query("SELECT version FROM bundle").fetch_one(connection).await?;
    unsigned("version", row.try_get("version")?)
}

/// Takes the next version. Until the transaction ends nobody else can take one.
async fn next_version(connection: &mut Connection, floor: u64) -> Result<u64, StoreError> {
    let sql = "UPDATE bundle SET version = CASE WHEN version >= $1 THEN version + 1 ELSE $1 END RETURNING version";
    let row = sqlx::query(sql).bind(signed(floor)).fetch_one(&mut *connection).await?;
    let version = unsigned("version", row.try_get("version")?)?;
    announce(connection, version).await?;
    Ok(version)
}

//! The embedded database: one SQLite file, one writer, and readers of three kinds.
//!
//! The only folder that holds SQL. Invariants: what `write` returned is on the disk (WAL with full sync); however many
//! lists are being read, a revocation finds a connection to read its key and one to be published by.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use portcullis_engine::{KeyId, OrganizationId};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Row, SqlSafeStr, Sqlite, Transaction};

use super::{Changes, KeyFilter, KeyRow, OrganizationRow, Store, StoreError, UnrevokedKey, Write};
use super::{sqlite_keys as keys, sqlite_organizations as organizations};

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const FINDERS: u32 = 2;
const LISTERS: u32 = 2;

/// Migrations, oldest first. One that has shipped never changes; a new one is added behind it.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "keys and organizations", include_str!("../../migrations/sqlite/0001_keys_and_organizations.sql")),
    (2, "successors", include_str!("../../migrations/sqlite/0002_successors.sql")),
];

/// An open SQLite file.
#[derive(Clone, Debug)]
pub(crate) struct SqliteStore {
    writer: SqlitePool,
    publisher: SqlitePool,
    finders: SqlitePool,
    listers: SqlitePool,
}

impl SqliteStore {
    /// Opens the file, creating it if need be, and brings its schema up to date.
    pub(crate) async fn open(file: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        migrator().run(&writer).await?;
        let options = options.read_only(true);
        let readers = |connections| SqlitePoolOptions::new().max_connections(connections).connect_with(options.clone());
        let (publisher, finders) = (readers(1).await?, readers(FINDERS).await?);
        Ok(Self { writer, publisher, finders, listers: readers(LISTERS).await? })
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn write(&self, writes: &[Write], version_floor: u64) -> Result<u64, StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        let version = next_version(&mut transaction, version_floor).await?;
        for write in writes {
            match write {
                Write::InsertKey(row) => keys::insert(&mut transaction, row, version).await?,
                Write::ReplaceKey(row) => keys::replace(&mut transaction, row, version).await?,
                Write::InsertOrganization(row) => organizations::insert(&mut transaction, row, version).await?,
                Write::ReplaceOrganization(row) => organizations::replace(&mut transaction, row, version).await?,
            }
        }
        transaction.commit().await?;
        Ok(version)
    }

    async fn version(&self) -> Result<u64, StoreError> {
        version(&mut *self.publisher.acquire().await?).await
    }

    async fn key(&self, id: KeyId) -> Result<Option<KeyRow>, StoreError> {
        keys::find(&self.finders, id).await
    }

    async fn keys(&self, filter: &KeyFilter) -> Result<Vec<KeyRow>, StoreError> {
        keys::list(&self.listers, filter).await
    }

    async fn unrevoked_keys(&self) -> Result<Vec<UnrevokedKey>, StoreError> {
        keys::unrevoked(&self.listers).await
    }

    async fn organization(&self, id: OrganizationId) -> Result<Option<OrganizationRow>, StoreError> {
        organizations::find(&self.finders, id).await
    }

    async fn organizations(&self) -> Result<Vec<OrganizationRow>, StoreError> {
        organizations::list(&self.listers).await
    }

    async fn changes(&self, version: u64, revoked_since: u64) -> Result<Changes, StoreError> {
        let mut snapshot = self.publisher.begin().await?;
        Ok(Changes {
            version: self::version(&mut snapshot).await?,
            keys: keys::changed_after(&mut snapshot, version, revoked_since).await?,
            organizations: organizations::changed_after(&mut snapshot, version).await?,
        })
    }

    async fn record_use(&self, uses: &[(KeyId, u64)]) -> Result<(), StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        for (id, time) in uses {
            keys::used(&mut transaction, *id, *time).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    async fn close(&self) {
        for pool in [&self.listers, &self.finders, &self.publisher, &self.writer] {
            pool.close().await;
        }
    }
}

async fn version(connection: &mut SqliteConnection) -> Result<u64, StoreError> {
    let row = sqlx::query("SELECT version FROM bundle").fetch_one(connection).await?;
    unsigned("version", row.try_get("version")?)
}

async fn next_version(transaction: &mut Transaction<'_, Sqlite>, floor: u64) -> Result<u64, StoreError> {
    let sql = "UPDATE bundle SET version = CASE WHEN version >= $1 THEN version + 1 ELSE $1 END RETURNING version";
    let row = sqlx::query(sql).bind(signed(floor)).fetch_one(&mut **transaction).await?;
    unsigned("version", row.try_get("version")?)
}

fn migrator() -> Migrator {
    let migration = |(version, description, sql): &(i64, &'static str, &'static str)| {
        Migration::new(*version, (*description).into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(MIGRATIONS.iter().map(migration).collect())
}

/// One row was meant; none was there means that it changed since it was read.
pub(super) fn exactly_one(rows: u64) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}

/// SQL integers are signed. No time or version here comes near the limit.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(column: &'static str, value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::Unreadable { column })
}

pub(super) fn unsigned_or_null(column: &'static str, value: Option<i64>) -> Result<Option<u64>, StoreError> {
    value.map(|value| unsigned(column, value)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn long_listings_keep_neither_a_revocation_nor_its_publishing_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("portcullis.sqlite")).await.unwrap();
        let mut listings = Vec::new();
        while let Some(taken) = store.listers.try_acquire() {
            listings.push(taken);
        }
        while let Ok(taken) = tokio::time::timeout(Duration::from_millis(100), store.listers.acquire()).await {
            listings.push(taken.unwrap());
        }
        let work = async {
            assert_eq!(store.key(KeyId::from_bytes([0; 10])).await.unwrap(), None);
            let version = store.write(&[], 7).await.unwrap();
            assert_eq!(
                (store.version().await.unwrap(), store.changes(0, 0).await.unwrap().version),
                (version, version)
            );
        };
        tokio::time::timeout(Duration::from_secs(10), work).await.unwrap();
    }
}

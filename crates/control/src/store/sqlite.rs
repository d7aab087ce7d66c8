//! The embedded database: one SQLite file, one writer, and readers of three kinds.
//!
//! Invariants: what `write` returned is on the disk (WAL with full sync); however many lists are being read, a
//! revocation finds a connection to read its key and one to be published by.

mod packs;
#[path = "sql/both.rs"]
mod sql;

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Transaction};

use super::StoreError;
use super::migrations::{Script, migrator};
use crate::listings::AT_ONCE;

use packs::{changed_keys, summaries};
#[cfg(test)]
pub(super) use sql::planned;

type Db = sqlx::Sqlite;
type Pool = sqlx::SqlitePool;
type Row = sqlx::sqlite::SqliteRow;
type Connection = sqlx::sqlite::SqliteConnection;
type SqlStore = SqliteStore;

/// Whoever writes is the only one.
const LOCK: &str = "";

/// The lesser of two numbers.
const LEAST: &str = "MIN";
/// A sum that does not fail where integers end; exact up to 2^53.
const SUM: &str = "TOTAL";

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const FINDERS: u32 = 2;

/// An open SQLite file.
#[derive(Clone, Debug)]
pub(crate) struct SqliteStore {
    writer: Pool,
    publisher: Pool,
    finders: Pool,
    listers: Pool,
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
        migrator(Script::sqlite).run(&writer).await?;
        let options = options.read_only(true);
        let readers = |connections| SqlitePoolOptions::new().max_connections(connections).connect_with(options.clone());
        let (publisher, finders) = (readers(1).await?, readers(FINDERS).await?);
        Ok(Self { writer, publisher, finders, listers: readers(AT_ONCE).await? })
    }

    /// For short looks at single rows.
    fn finders(&self) -> &Pool {
        &self.finders
    }

    /// For lists, which may take long.
    fn listers(&self) -> &Pool {
        &self.listers
    }

    /// For the publisher alone.
    fn publisher(&self) -> &Pool {
        &self.publisher
    }

    fn pools(&self) -> [(&'static str, &Pool); 4] {
        let Self { writer, publisher, finders, listers } = self;
        [("lists", listers), ("looks", finders), ("publisher", publisher), ("writes", writer)]
    }

    /// Taken as a writer from the start: a reader that turns into one may find the file changed.
    async fn begin_write(&self) -> Result<Transaction<'_, Db>, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Everything that is read in it is as of one moment.
    async fn begin_snapshot(&self) -> Result<Transaction<'_, Db>, StoreError> {
        Ok(self.publisher.begin().await?)
    }

    /// Nobody else writes.
    async fn hear(&self, _: &(dyn Fn(u64) + Send + Sync)) {
        std::future::pending().await
    }
}

/// Whoever writes is the only one.
async fn hold_version(connection: &mut Connection) -> Result<u64, StoreError> {
    sql::store::version(connection).await
}

/// Nobody else is connected to hear of it.
async fn announce(_: &mut Connection, _: u64) -> Result<(), StoreError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use portcullis_engine::KeyId;

    use super::*;
    use crate::caller::Scope;
    use crate::store::{Keys as _, Store as _};

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
            assert_eq!(store.key(Scope::All, KeyId::from_bytes([0; 10])).await.unwrap(), None);
            let version = store.take_version(7).await.unwrap();
            assert_eq!(
                (store.version().await.unwrap(), store.changes(0, 0).await.unwrap().version),
                (version, version)
            );
        };
        tokio::time::timeout(Duration::from_secs(10), work).await.unwrap();
    }
}

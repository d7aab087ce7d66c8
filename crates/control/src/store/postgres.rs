//! A PostgreSQL database, which several control planes may share.
//!
//! Whoever takes a new version holds the one row of `bundle` until the end of its transaction, so versions become visible
//! in order; each is announced, so that every replica hears of it. Invariant: as for SQLite, what `write` returned is
//! stored, and long lists keep neither a revocation nor its publishing waiting.

#[path = "sql/accounts.rs"]
mod accounts;
#[path = "sql/answers.rs"]
mod answers;
#[path = "sql/audit.rs"]
mod audit;
#[path = "sql/columns.rs"]
mod columns;
#[path = "sql/denials.rs"]
mod denials;
#[path = "sql/edges.rs"]
mod edges;
#[path = "sql/invitations.rs"]
mod invitations;
#[path = "sql/key_rows.rs"]
mod key_rows;
#[path = "sql/keys.rs"]
mod keys;
#[path = "sql/members.rs"]
mod members;
#[path = "sql/observations.rs"]
mod observations;
#[path = "sql/organizations.rs"]
mod organizations;
#[path = "sql/policies.rs"]
mod policies;
#[path = "sql/reports.rs"]
mod reports;
#[path = "sql/sessions.rs"]
mod sessions;
#[path = "sql/store.rs"]
mod store;
#[path = "sql/tokens.rs"]
mod tokens;
#[path = "sql/users.rs"]
mod users;

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Transaction};

use super::StoreError;
use super::migrations::{Script, migrator};

type Db = sqlx::Postgres;
type Pool = sqlx::PgPool;
type Row = sqlx::postgres::PgRow;
type Connection = sqlx::postgres::PgConnection;
type SqlStore = PostgresStore;

/// How long a request waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
const WRITERS: u32 = 8;
const FINDERS: u32 = 4;
const LISTERS: u32 = 2;
/// The channel on which new versions are announced.
const CHANNEL: &str = "portcullis";

/// An open PostgreSQL database.
#[derive(Clone, Debug)]
pub(crate) struct PostgresStore {
    writers: Pool,
    publisher: Pool,
    finders: Pool,
    listers: Pool,
}

impl PostgresStore {
    /// Connects, and brings the schema up to date. Replicas that start together wait for each other there.
    pub(crate) async fn open(options: PgConnectOptions) -> Result<Self, StoreError> {
        let options = options.application_name("portcullis").disable_statement_logging();
        let pool = |connections| {
            let pool = PgPoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE_TIMEOUT);
            pool.connect_with(options.clone())
        };
        let writers = pool(WRITERS).await?;
        migrator(Script::postgres).run(&writers).await?;
        Ok(Self { writers, publisher: pool(1).await?, finders: pool(FINDERS).await?, listers: pool(LISTERS).await? })
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

    fn pools(&self) -> [&Pool; 4] {
        [&self.listers, &self.finders, &self.publisher, &self.writers]
    }

    async fn begin_write(&self) -> Result<Transaction<'_, Db>, StoreError> {
        Ok(self.writers.begin().await?)
    }

    /// Everything that is read in it is as of one moment.
    async fn begin_snapshot(&self) -> Result<Transaction<'_, Db>, StoreError> {
        Ok(self.publisher.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
    }
}

/// Tells every replica, as soon as the transaction is committed.
async fn announce(connection: &mut Connection, version: u64) -> Result<(), StoreError> {
    sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(version.to_string()).execute(connection).await?;
    Ok(())
}

//! A PostgreSQL database, which several control planes may share.
//!
//! Whoever changes something holds the one row of `bundle` until the end of its transaction, so versions become visible
//! in order; each is announced, so that every replica hears of it. Invariant: as for SQLite, what `write` returned is
//! stored, and long lists keep neither a revocation nor its publishing waiting.

#[path = "sql/both.rs"]
mod sql;

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgListener, PgPoolOptions};
use sqlx::{ConnectOptions, Connection as _, Row as _, Transaction};

use super::StoreError;
use super::migrations::{Script, migrator};
use crate::listings::AT_ONCE;

use sql::keys::{changed_by_row as changed_keys, summaries_by_row as summaries};
#[cfg(test)]
pub(super) use sql::planned;

type Db = sqlx::Postgres;
type Pool = sqlx::PgPool;
type Row = sqlx::postgres::PgRow;
type Connection = PgConnection;
type SqlStore = PostgresStore;

/// Ends a statement whose rows nobody else is to change until the transaction ends.
const LOCK: &str = " FOR UPDATE";

/// The lesser of two numbers.
const LEAST: &str = "LEAST";
/// A sum that is no narrower than it has to be.
const SUM: &str = "SUM";

/// How long a request waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Writers wait for each other anyway: a few are enough to have the next one ready.
const WRITERS: u32 = 6;
const FINDERS: u32 = 4;
/// The channel on which new versions are announced.
const CHANNEL: &str = "portcullis";
const LISTEN_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What the server is asked to see to. A replica that was cut off in the middle of a change must not keep the others
/// from writing until TCP gives up on it, which takes hours.
const SESSION: [(&str, &str); 6] = [
    ("idle_in_transaction_session_timeout", "10s"),
    ("lock_timeout", "10s"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "25000"),
];

/// An open PostgreSQL database.
#[derive(Clone, Debug)]
pub(crate) struct PostgresStore {
    writers: Pool,
    publisher: Pool,
    finders: Pool,
    listers: Pool,
    listener: Pool,
}

impl PostgresStore {
    /// Connects, and brings the schema up to date. Replicas that start together wait for each other there.
    pub(crate) async fn open(options: PgConnectOptions) -> Result<Self, StoreError> {
        let options = options.application_name("portcullis").disable_statement_logging();
        // What is wrong with the address or the password is said at once; a pool would try again and then say nothing.
        PgConnection::connect_with(&options).await?.close().await?;
        // Waiting for another replica that does the same takes as long as it takes.
        let alone = PgPoolOptions::new().max_connections(1).connect_lazy_with(options.clone());
        migrator(Script::postgres).run(&alone).await?;
        alone.close().await;
        let options = options.options(SESSION);
        let pool = |connections| {
            let pool = PgPoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE_TIMEOUT);
            pool.connect_lazy_with(options.clone())
        };
        let (writers, publisher, listener) = (pool(WRITERS), pool(1), pool(1));
        Ok(Self { writers, publisher, finders: pool(FINDERS), listers: pool(AT_ONCE), listener })
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

    fn pools(&self) -> [(&'static str, &Pool); 5] {
        let Self { writers, publisher, finders, listers, listener } = self;
        [("lists", listers), ("looks", finders), ("publisher", publisher), ("listener", listener), ("writes", writers)]
    }

    /// Each statement in it sees what was committed before the statement began. Whoever takes or holds the version
    /// first is alone with what it then reads, as with SQLite.
    async fn begin_write(&self) -> Result<Transaction<'_, Db>, StoreError> {
        Ok(self.writers.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?)
    }

    /// Everything that is read in it is as of one moment.
    async fn begin_snapshot(&self) -> Result<Transaction<'_, Db>, StoreError> {
        Ok(self.publisher.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
    }

    async fn hear(&self, heard: &(dyn Fn(u64) + Send + Sync)) {
        loop {
            let Err(error) = self.hear_until_it_breaks(heard).await;
            tracing::warn!(%error, "not told of other control planes' changes; looking every second");
            tokio::time::sleep(LISTEN_AGAIN_AFTER).await;
        }
    }

    async fn hear_until_it_breaks(
        &self,
        heard: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<std::convert::Infallible, sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.listener).await?;
        listener.listen(CHANNEL).await?;
        // What was announced before this is not heard any more; nor is what is announced while it connects again.
        heard(u64::MAX);
        loop {
            let announced = listener.try_recv().await?;
            heard(announced.map_or(u64::MAX, |it| it.payload().parse().unwrap_or(u64::MAX)));
        }
    }
}

/// Waits until nobody else is changing anything, and keeps it so until the transaction ends.
async fn hold_version(connection: &mut Connection) -> Result<u64, StoreError> {
    let row = sqlx::query("SELECT version FROM bundle FOR UPDATE").fetch_one(connection).await?;
    sql::columns::unsigned("version", row.try_get("version")?)
}

/// Tells every replica, as soon as the transaction is committed.
async fn announce(connection: &mut Connection, version: u64) -> Result<(), StoreError> {
    sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(version.to_string()).execute(connection).await?;
    Ok(())
}

//! An empty PostgreSQL database for one test, in the cluster that `portcullis_testkit::postgres` finds or makes.
//!
//! Used by the store's tests and by those over HTTP. Databases stay until their cluster goes.

use std::sync::atomic::{AtomicU32, Ordering};

use portcullis_testkit::postgres::database_url;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// The URL of a new, empty database.
pub(crate) async fn fresh() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("portcullis_test_{}_{count}", std::process::id());
    let mut connection = PgConnection::connect(&database_url("postgres").unwrap()).await.unwrap();
    for sql in [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name} TEMPLATE template0")] {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
    database_url(&name).unwrap()
}

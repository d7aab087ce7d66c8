//! A PostgreSQL database for one test, in the cluster that `portcullis_testkit::postgres` finds or makes.
//!
//! Used by the store's tests and by those over HTTP. Databases stay until their cluster goes.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use portcullis_testkit::postgres::database_url;
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::sync::OnceCell;

/// The scripts that the store brings a database up to date with: to it, a copy of the template is already there.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/postgres");

/// The URL of a new database with the whole schema and nothing in it: a copy takes less than half as long as the scripts.
pub(crate) async fn fresh() -> String {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    let template = TEMPLATE.get_or_init(async || {
        let name = create("template0").await;
        let mut connection = PgConnection::connect(&database_url(&name).unwrap()).await.unwrap();
        Migrator::new(Path::new(SCRIPTS)).await.unwrap().run(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        name
    });
    database_url(&create(template.await).await).unwrap()
}

/// The name of a new database: an empty one if it is made from `template0`.
pub(crate) async fn create(template: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("portcullis_test_{}_{count}", std::process::id());
    let mut connection = PgConnection::connect(&database_url("postgres").unwrap()).await.unwrap();
    for sql in [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name} TEMPLATE {template}")] {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
    name
}

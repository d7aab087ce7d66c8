//! What a control plane's database holds, read and changed behind its back.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};

use crate::stack::ON_POSTGRES;

/// One text of a folder's database.
pub(crate) async fn text(folder: &Path, query: &'static str) -> String {
    if ON_POSTGRES {
        return sqlx::query_scalar(query).fetch_one(&mut postgres(folder).await).await.unwrap();
    }
    let options = SqliteConnectOptions::new().filename(folder.join("portcullis.sqlite"));
    let mut connection = options.connect().await.unwrap();
    let text: String = sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    text
}

/// Does something to a folder's database, whatever its constraints say.
pub(crate) async fn sql(folder: &Path, statement: &'static str) {
    if ON_POSTGRES {
        let mut connection = postgres(folder).await;
        sqlx::query("SET session_replication_role = 'replica'").execute(&mut connection).await.unwrap();
        sqlx::query(statement).execute(&mut connection).await.unwrap();
        return connection.close().await.unwrap();
    }
    let options = SqliteConnectOptions::new().filename(folder.join("portcullis.sqlite")).foreign_keys(false);
    let mut connection = options.pragma("ignore_check_constraints", "ON").connect().await.unwrap();
    sqlx::query(statement).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn postgres(folder: &Path) -> PgConnection {
    PgConnection::connect(&std::fs::read_to_string(folder.join("database-url")).unwrap()).await.unwrap()
}

/// Everything that a folder's database holds, by place: SQLite's files, PostgreSQL's tables.
pub(crate) async fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    if !ON_POSTGRES {
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let files = files.filter(|name| name.starts_with("portcullis.sqlite"));
        return files.map(|name| (name.clone(), std::fs::read(folder.join(name)).unwrap())).collect();
    }
    let mut connection = postgres(folder).await;
    let sql = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'";
    let tables: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap();
    let mut contents = Vec::new();
    for table in tables {
        let sql = AssertSqlSafe(format!("SELECT it::text FROM \"{table}\" it"));
        let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap();
        contents.push((table, rows.join("\n").into_bytes()));
    }
    contents
}

//! A copy of the SQLite file while it is in use, and a copy put back.
//!
//! The database only: secrets are other files, and a PostgreSQL has tools of its own. Invariants: no file is written
//! over; a copy is called one only after SQLite found it whole; what a restored database takes the place of is kept.

mod ended;
mod ledger;
mod restore;
mod revived;
mod token_keys;

use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use crate::database::Database;
use crate::secret_file::{self, SecretFileError};
use crate::store::beside;

pub use ended::Ended;
pub use restore::{Restore, Restored, restore};
pub use revived::Revived;

/// Why there is no copy, or it was not put back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// It is not a SQLite file.
    #[error(
        "this is about SQLite files, and the database is {0}\nhint: PostgreSQL has pg_dump and pg_restore: see docs/OPERATIONS.md"
    )]
    NotSqlite(String),
    /// There is something where it would go.
    #[error("`{0}` is there already\nhint: give the copy a name of its own")]
    Exists(String),
    /// There is no database there.
    #[error("there is no database `{0}`\nhint: --data names the folder that `portcullis serve` was given")]
    NoDatabase(String),
    /// A control plane has it.
    #[error(
        "a control plane is running: `{0}` is locked\nhint: stop it first, it would go on with what it has in memory"
    )]
    InUse(String),
    /// A copy that SQLite finds damaged.
    #[error("`{path}` is not whole: {said}")]
    Damaged {
        /// The file.
        path: String,
        /// What SQLite says.
        said: String,
    },
    /// A copy of something else, or of a later version's database.
    #[error("`{0}` is no database of a control plane of this version or an earlier one")]
    Foreign(String),
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// SQLite says no.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
}

/// What was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The version it holds.
    pub version: u64,
    /// The keys in it.
    pub keys: u64,
    /// Its length.
    pub bytes: u64,
}

/// Copies the database to a file that is not there yet, as of one moment. A control plane may go on serving meanwhile.
pub async fn backup(database: &Database, folder: &Path, to: &Path) -> Result<Copied, BackupError> {
    let from = sqlite_file(database, folder)?;
    if !from.exists() {
        return Err(BackupError::NoDatabase(from.display().to_string()));
    }
    if to.exists() {
        return Err(BackupError::Exists(to.display().to_string()));
    }
    let part = beside(to, ".part");
    secret_file::remove(&part)?;
    // Made for its owner alone before there is anything in it.
    secret_file::touch("copy", &part)?;
    let copied = async {
        let mut source = SqliteConnectOptions::new().filename(&from).connect().await?;
        sqlx::query("VACUUM INTO $1").bind(text(&part)).execute(&mut source).await?;
        source.close().await?;
        check(&part).await
    };
    let copied = copied.await.inspect_err(|_| drop(secret_file::remove(&part)))?;
    secret_file::place(&part, to)?;
    Ok(copied)
}

fn sqlite_file(database: &Database, folder: &Path) -> Result<PathBuf, BackupError> {
    database.sqlite_file(folder).ok_or_else(|| BackupError::NotSqlite(database.to_string()))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Whether a file is a whole database of ours, and what is in it.
async fn check(path: &Path) -> Result<Copied, BackupError> {
    let mut connection = open(path).await?;
    let damaged = |said: String| BackupError::Damaged { path: text(path), said };
    for pragma in ["integrity_check", "foreign_key_check"] {
        let sql = AssertSqlSafe(format!("SELECT * FROM pragma_{pragma}"));
        let said = sqlx::query(sql).fetch_all(&mut connection).await.map_err(|error| damaged(error.to_string()))?;
        let first = said.first().map(|row| sqlx::Row::try_get::<String, _>(row, 0).unwrap_or_default());
        if let Some(said) = first.filter(|said| said != "ok") {
            return Err(damaged(format!("{pragma}: {said}")));
        }
    }
    let count = |sql: &'static str| sqlx::query_scalar::<_, i64>(sql);
    let foreign = |_| BackupError::Foreign(text(path));
    let version = count("SELECT version FROM bundle").fetch_one(&mut connection).await.map_err(foreign)?;
    let keys = count("SELECT COUNT(*) FROM keys").fetch_one(&mut connection).await.map_err(foreign)?;
    connection.close().await?;
    let bytes = std::fs::metadata(path).map_or(0, |it| it.len());
    Ok(Copied { version: version.unsigned_abs(), keys: keys.unsigned_abs(), bytes })
}

/// A file that nobody else has.
async fn open(path: &Path) -> Result<SqliteConnection, BackupError> {
    Ok(SqliteConnectOptions::new().filename(path).connect().await?)
}

//! A copy put back in the database's place.
//!
//! Invariant: the version never goes back, or edges would refuse what comes after.

use std::path::{Path, PathBuf};

use sqlx::Connection as _;

use super::{BackupError, check, open, sqlite_file, text};
use crate::clock::Clock;
use crate::database::Database;
use crate::secret_file;
use crate::store::{self, OpenError, beside, latest_migration};

/// What was put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The version it held.
    pub version: u64,
    /// The keys in it.
    pub keys: u64,
    /// What it took the place of, if there was anything.
    pub kept: Option<PathBuf>,
    /// The keys that were revoked in what it took the place of and are not in it: they work again. `None` if that
    /// cannot be read.
    pub revived: Option<Vec<String>>,
}

/// Puts a copy in the database's place. No control plane may be running; the next one publishes it all.
pub async fn restore(database: &Database, folder: &Path, from: &Path, clock: &Clock) -> Result<Restored, BackupError> {
    let file = sqlite_file(database, folder)?;
    let _folder = lock(&folder.join("lock"))?;
    let _file = matches!(database, Database::Sqlite(_)).then(|| lock(&beside(&file, ".lock"))).transpose()?;
    let new = beside(&file, ".new");
    secret_file::remove(&new)?;
    secret_file::copy("copy", from, &new)?;
    let copied = async {
        let copied = check(&new).await?;
        check_age(&new, from).await?;
        Ok(copied)
    };
    let copied = copied.await.inspect_err(|_: &BackupError| drop(secret_file::remove(&new)))?;
    let mut revived = Some(Vec::new());
    if file.exists() {
        revived = compare(&file, &new).await.ok();
    }
    let kept = file.exists().then(|| keep(&file, clock)).transpose()?;
    secret_file::place(&new, &file)?;
    Ok(Restored { version: copied.version, keys: copied.keys, kept, revived })
}

fn lock(path: &Path) -> Result<std::fs::File, BackupError> {
    store::lock(path).map_err(|error| match error {
        OpenError::File(error) => error.into(),
        OpenError::InUse(path) => BackupError::InUse(text(&path)),
        OpenError::Store(_) => BackupError::InUse(text(path)),
    })
}

/// A later version's database would be refused when it is served; better now.
async fn check_age(new: &Path, from: &Path) -> Result<(), BackupError> {
    let mut connection = open(new).await?;
    let sql = "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations";
    let latest: i64 = sqlx::query_scalar(sql).fetch_one(&mut connection).await?;
    connection.close().await?;
    if latest > latest_migration() { Err(BackupError::Foreign(text(from))) } else { Ok(()) }
}

/// Raises the new file's version to the old one's, and says which keys come back to life.
async fn compare(old: &Path, new: &Path) -> Result<Vec<String>, BackupError> {
    let mut before = open(old).await?;
    let version: i64 = sqlx::query_scalar("SELECT version FROM bundle").fetch_one(&mut before).await?;
    let sql = "SELECT id FROM keys WHERE revoked_at IS NOT NULL ORDER BY id";
    let revoked: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut before).await?;
    before.close().await?;
    let mut after = open(new).await?;
    sqlx::query("UPDATE bundle SET version = $1 WHERE version < $1").bind(version).execute(&mut after).await?;
    let sql = "SELECT id FROM keys WHERE revoked_at IS NULL";
    let alive: std::collections::HashSet<String> =
        sqlx::query_scalar(sql).fetch_all(&mut after).await?.into_iter().collect();
    after.close().await?;
    Ok(revoked.into_iter().filter(|id| alive.contains(id)).collect())
}

/// Moves the old files aside, together: SQLite finds the latest pages by the file's name.
fn keep(file: &Path, clock: &Clock) -> Result<PathBuf, BackupError> {
    let kept = beside(file, &format!(".before-restore-{}", clock.millis()));
    for end in ["-wal", "-shm"] {
        let latest = beside(file, end);
        if latest.exists() {
            secret_file::place(&latest, &beside(&kept, end))?;
        }
    }
    secret_file::place(file, &kept)?;
    Ok(kept)
}

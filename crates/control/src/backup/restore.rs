//! A copy put back in the database's place.
//!
//! Invariants: the version never goes back, or edges would refuse what comes after; whoever was signed in or invited when
//! the copy was made no longer is.

use std::path::{Path, PathBuf};

use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

use super::ended::{self, Ended};
use super::revived::{self, Revived};
use super::{BackupError, check, ledger, open, sqlite_file, text, token_keys};
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
    /// The API tokens in it that are not revoked.
    pub tokens: u64,
    /// The members of its organisations.
    pub members: u64,
    /// What it took the place of, if there was anything.
    pub kept: Option<PathBuf>,
    /// What had ended in what it took the place of and works again. `None` if that cannot be read.
    pub revived: Option<Revived>,
    /// What has ended now.
    pub ended: Ended,
}

/// A copy to put back.
#[derive(Clone, Copy, Debug)]
pub struct Restore<'a> {
    /// The copy.
    pub from: &'a Path,
    /// Whether all of its API tokens are revoked.
    pub revoke_tokens: bool,
}

/// Puts a copy in the database's place. No control plane may be running; the next one publishes it all.
pub async fn restore(
    database: &Database,
    folder: &Path,
    what: Restore<'_>,
    clock: &Clock,
) -> Result<Restored, BackupError> {
    let file = sqlite_file(database, folder)?;
    let _folder = lock(&folder.join("lock"))?;
    let _file = matches!(database, Database::Sqlite(_)).then(|| lock(&beside(&file, ".lock"))).transpose()?;
    let new = beside(&file, ".new");
    for end in ["", "-wal", "-shm"] {
        secret_file::remove(&beside(&new, end))?;
    }
    secret_file::copy("copy", what.from, &new)?;
    let made = async {
        let copied = check(&new).await?;
        check_age(&new, what.from).await?;
        let restored = prepare(&file, &new, what.revoke_tokens, clock).await?;
        Ok(Restored { version: copied.version, keys: copied.keys, ..restored })
    };
    let made = made.await.inspect_err(|_: &BackupError| drop(secret_file::remove(&new)))?;
    let kept = file.exists().then(|| keep(&file, clock)).transpose()?;
    secret_file::place(&new, &file)?;
    Ok(Restored { kept, ..made })
}

/// Makes a copy fit to be served after what it takes the place of, as far as that can be read: edges take it, and what
/// may have ended since has ended.
async fn prepare(old: &Path, new: &Path, revoke_tokens: bool, clock: &Clock) -> Result<Restored, BackupError> {
    let mut copy = open(new).await?;
    let ended = ended::end(&mut copy, revoke_tokens, clock).await?;
    let mut revived = Some(Revived::default());
    if old.exists() {
        revived = after(old, &mut copy).await.ok();
    }
    let (tokens, members) = revived::left(&mut copy).await?;
    copy.close().await?;
    Ok(Restored { version: 0, keys: 0, tokens, members, kept: None, revived, ended })
}

/// Raises the copy's version to the old file's, takes over what edges were given since, and says what comes back to life.
async fn after(old: &Path, copy: &mut SqliteConnection) -> Result<Revived, BackupError> {
    let version = revived::version(old).await?;
    sqlx::query("UPDATE bundle SET version = $1 WHERE version < $1").bind(version).execute(&mut *copy).await?;
    ledger::take_over(old, copy).await?;
    token_keys::take_over(old, copy).await?;
    revived::compare(old, copy).await
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

//! Opening the database that was chosen.
//!
//! Invariant: a SQLite file is its owner's alone, before anything is written to it, and one control plane has it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{PostgresStore, SqliteStore, Store, StoreError};
use crate::database::Database;
use crate::secret_file::{self, SecretFileError};

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// Another process has it.
    #[error("in use")]
    InUse(PathBuf),
    /// The database says no.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Opens it, and brings its schema up to date. Whoever holds the file that comes with it has the database for itself.
pub(crate) async fn open(database: &Database, folder: &Path) -> Result<(Arc<dyn Store>, Option<File>), OpenError> {
    if let Database::Postgres(url) = database {
        return Ok((Arc::new(PostgresStore::open(url.options()).await?), None));
    }
    let file = database.sqlite_file(folder).unwrap_or_default();
    let lock = matches!(database, Database::Sqlite(_)).then(|| lock(&beside(&file, ".lock"))).transpose()?;
    secret_file::touch("database", &file)?;
    // SQLite keeps its latest pages there.
    for end in ["-wal", "-shm"] {
        secret_file::ensure_private("database", &beside(&file, end))?;
    }
    Ok((Arc::new(SqliteStore::open(&file).await?), lock))
}

/// Takes a lock that ends with the file, or with this process.
pub(crate) fn lock(path: &Path) -> Result<File, OpenError> {
    let failed = |source| SecretFileError::Io { what: "lock file", path: path.to_owned(), source };
    let file = File::create(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::InUse(path.to_owned())),
        Err(std::fs::TryLockError::Error(source)) => Err(failed(source).into()),
    }
}

/// The file of the same name with something behind it.
pub(crate) fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    name.into()
}

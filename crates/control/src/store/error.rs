//! What can go wrong with a database, sorted by what its caller can do about it.
//!
//! Invariant: an error that says that nothing was written is true.

use portcullis_engine::KeyDigest;
use sqlx::Error as SqlError;

use super::{MOST_IN_BUCKET, MOST_WAITING};

/// What can go wrong with a database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The row changed between read and write: read it again.
    #[error("the row changed since it was read")]
    Conflict,
    /// Others were at the same rows, and the database chose them. Nothing was written; the same again may work.
    #[error("database: others were changing the same rows: {0}")]
    Contended(#[source] SqlError),
    /// The database could not be reached, or has no connection to spare. Nothing was written; wait and try again.
    #[error("the database cannot be reached: {0}")]
    Unreachable(#[source] SqlError),
    /// The connection broke while the change was being stored, and the database could not be asked since. It may be
    /// stored: whoever wants to repeat it has to look first.
    #[error("the connection to the database broke while the change was being stored: {0}")]
    Unknown(#[source] SqlError),
    /// Something with the same id or digest is there already; nothing was written.
    #[error("there is one with the same id or digest already")]
    Duplicate,
    /// The organisation has as many keys as may be imported into a bucket of the bundle; nothing was written.
    #[error("the organisation has {MOST_IN_BUCKET} keys whose digests begin alike")]
    Crowded(KeyDigest),
    /// Nobody would be left who owns the organisation; nothing was written.
    #[error("nobody would be left who owns the organisation")]
    LastOwner,
    /// So many messages wait for the webhook that nobody may ask for another; nothing was written.
    #[error("{MOST_WAITING} messages wait to be sent to this webhook")]
    TooManyWaiting,
    /// A text holds a NUL, which a database has no room for: nothing is called that.
    #[error("text holds a NUL character")]
    Nul,
    /// The database refused.
    #[error("database: {0}")]
    Database(#[source] SqlError),
    /// The database's schema could not be brought up to date.
    #[error("database schema: {0}")]
    Schema(#[from] sqlx::migrate::MigrateError),
    /// A stored value that this version cannot read.
    #[error("database: column `{column}` holds a value that cannot be read")]
    Unreadable {
        /// The column.
        column: &'static str,
    },
}

impl From<SqlError> for StoreError {
    fn from(error: SqlError) -> Self {
        match &error {
            SqlError::Database(said) if said.is_unique_violation() => Self::Duplicate,
            SqlError::Database(said) => match said.code().as_deref() {
                Some("22021") => Self::Nul,
                // Serialization failure, deadlock, lock not available; SQLite: busy, locked.
                Some("40001" | "40P01" | "55P03" | "5" | "6" | "261" | "262" | "517") => Self::Contended(error),
                // Connection exceptions, too many connections, shutting down, crashed, starting up, standing by.
                Some("53300" | "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25006") => Self::Unreachable(error),
                Some(code) if code.len() == 5 && code.starts_with("08") => Self::Unreachable(error),
                _ => Self::Database(error),
            },
            SqlError::Io(_)
            | SqlError::Tls(_)
            | SqlError::Protocol(_)
            | SqlError::PoolTimedOut
            | SqlError::PoolClosed
            | SqlError::WorkerCrashed => Self::Unreachable(error),
            _ => Self::Database(error),
        }
    }
}

impl StoreError {
    /// Whether it is what was to be written that is refused, so that the same will never work, and the database is well.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::Nul | Self::Duplicate | Self::Crowded(_) | Self::Unreadable { .. } => true,
            Self::Database(SqlError::Database(said)) => said.code().is_some_and(|code| refuses(&code)),
            _ => false,
        }
    }

    /// Whether the same may work at once: nothing was written, and there was no long wait for it.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Contended(_) => true,
            Self::Unreachable(error) => !matches!(error, SqlError::PoolTimedOut | SqlError::PoolClosed),
            _ => false,
        }
    }
}

/// PostgreSQL's classes are of five characters: cardinality, data, constraints, a program's limits. SQLite's codes are numbers, of
/// which the last byte counts: too big, constraint, mismatch.
fn refuses(code: &str) -> bool {
    match code.parse::<u32>() {
        Ok(number) if code.len() < 5 => matches!(number & 0xff, 18..=20),
        _ => ["21", "22", "23", "54"].iter().any(|class| code.starts_with(class)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_told_from_a_database_that_is_unwell() {
        for (code, expected) in [
            ("22003", true),  // a number out of range
            ("23514", true),  // a check
            ("54000", true),  // too long for an index
            ("53100", false), // the disk is full
            ("42P01", false), // no such table
            ("25006", false), // read-only
            ("1811", true),   // SQLite: by a trigger
            ("18", true),     // too big
            ("1", false),     // no such table
            ("8", false),     // read-only
            ("10", false),    // input and output
            ("13", false),    // the disk is full
        ] {
            assert_eq!(refuses(code), expected, "{code}");
        }
    }
}

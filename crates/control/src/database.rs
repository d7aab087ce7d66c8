//! Which database: the file in the data folder, another SQLite file, or a PostgreSQL, chosen by a URL.
//!
//! It connects to nothing. Invariant: the password in a URL is in no `Debug`, no `Display`, no error and no log line.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

use crate::secret_file::{self, SecretFileError};

/// What a PostgreSQL URL may say behind its `?`. Anything else is refused: a typing error there may be half a password.
const PARAMETERS: [&str; 12] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "options",
    "statement-cache-capacity",
];

/// Where everything is kept.
#[derive(Clone, Default)]
pub enum Database {
    /// `portcullis.sqlite` in the data folder.
    #[default]
    InFolder,
    /// Another SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL database, which several control planes may share.
    Postgres(PostgresUrl),
}

/// How to connect to a PostgreSQL. Nobody sees the password in it.
#[derive(Clone)]
pub struct PostgresUrl(Box<PgConnectOptions>);

/// Text that is no database's URL; the operator can fix it. It does not quote the text, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseUrlError {
    /// It begins like nothing known.
    #[error("this is no database's URL\nhint: `sqlite:PATH`, or `postgres://USER@HOST/DATABASE?sslmode=verify-full`")]
    Scheme,
    /// A parameter behind the `?` has an unknown name.
    #[error(
        "the PostgreSQL URL has an unknown parameter\nhint: {}; a `?`, `&`, `#`, `@` or `/` in a password is written %3F, %26, %23, %40 or %2F",
        PARAMETERS.join(", ")
    )]
    Parameter,
    /// It cannot be read.
    #[error(
        "the PostgreSQL URL cannot be read\nhint: `postgres://USER@HOST:PORT/DATABASE?sslmode=verify-full`; sslmode is disable, allow, prefer, require, verify-ca or verify-full"
    )]
    Unreadable,
}

impl Database {
    /// The URL in a file that only its owner can read.
    pub fn from_file(path: &Path) -> Result<Self, SecretFileError> {
        secret_file::read(path)?.trim().parse().map_err(|error| SecretFileError::unusable(path, error))
    }

    /// The SQLite file, if it is one.
    pub(crate) fn sqlite_file(&self, folder: &Path) -> Option<PathBuf> {
        match self {
            Self::InFolder => Some(folder.join("portcullis.sqlite")),
            Self::Sqlite(path) => Some(path.clone()),
            Self::Postgres(_) => None,
        }
    }
}

impl FromStr for Database {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, DatabaseUrlError> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() { Err(DatabaseUrlError::Scheme) } else { Ok(Self::Sqlite(path.into())) };
        }
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(DatabaseUrlError::Scheme);
        }
        let parameters = text.split_once('?').map_or("", |(_, it)| it).split('&').filter(|it| !it.is_empty());
        let mut names = parameters.map(|it| it.split_once('=').map_or(it, |(name, _)| name));
        if names.any(|name| !PARAMETERS.contains(&name)) {
            return Err(DatabaseUrlError::Parameter);
        }
        let options = text.parse().map_err(|_| DatabaseUrlError::Unreadable)?;
        Ok(Self::Postgres(PostgresUrl(Box::new(options))))
    }
}

impl PostgresUrl {
    pub(crate) fn options(&self) -> PgConnectOptions {
        (*self.0).clone()
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InFolder => f.write_str("the data folder's SQLite file"),
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => fmt::Display::fmt(url, f),
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(options) = self;
        let socket = options.get_socket().map(|path| path.display().to_string());
        let host = socket.unwrap_or_else(|| options.get_host().to_owned());
        let database = options.get_database().unwrap_or(options.get_username());
        write!(f, "postgres://{}@{host}:{}/{database}", options.get_username(), options.get_port())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, DatabaseUrlError>) {
        let found = text.parse::<Database>();
        let shown = format!("{found:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
        assert_eq!(found.map(|it| it.to_string()), expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn urls_choose_the_database_and_no_password_is_shown() {
        check("sqlite:data/keys.sqlite", Ok("sqlite:data/keys.sqlite"));
        check("sqlite:///var/lib/keys.sqlite", Ok("sqlite:/var/lib/keys.sqlite"));
        check("postgres://me:s3cret@db.internal/keys?sslmode=verify-full", Ok("postgres://me@db.internal:5432/keys"));
        check("postgresql://me:s3cret@[::1]:5433/keys", Ok("postgres://me@[::1]:5433/keys"));
        check(
            "postgres:///keys?host=/run/postgresql&user=me&password=s3cret",
            Ok("postgres://me@/run/postgresql:5432/keys"),
        );
        check("postgres://me:s3cret@db/keys?sslmode=sometimes", Err(DatabaseUrlError::Unreadable));
        check("postgres://me:pa?s3cret@db/keys", Err(DatabaseUrlError::Parameter));
        check("postgres://me:s3cret@db/keys?pasword=s3cret", Err(DatabaseUrlError::Parameter));
        check("postgres://me:s3cret@db:port/keys", Err(DatabaseUrlError::Unreadable));
        for text in ["", "sqlite:", "mysql://me:s3cret@db/keys", "me:s3cret@db", "keys.sqlite"] {
            check(text, Err(DatabaseUrlError::Scheme));
        }
    }
}

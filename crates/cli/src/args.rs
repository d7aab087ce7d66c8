//! Argument groups that several subcommands share.

use std::path::PathBuf;

use clap::Args;
use portcullis_sdk::{Client, Token};

use crate::exit::Failure;

/// Where the token can come from without standing on the command line, the first that is set; empty = not given.
const TOKEN_VARIABLES: [&str; 2] = ["PORTCULLIS_TOKEN", "PORTCULLIS_ADMIN_TOKEN"];

/// Which control plane, and the right to use it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Control plane")]
pub(crate) struct Control {
    /// Its address.
    #[arg(long, value_name = "URL", env = "PORTCULLIS_URL", default_value = "http://127.0.0.1:8080")]
    control: String,
    /// An API token, or the administrator's. Better in PORTCULLIS_TOKEN, PORTCULLIS_ADMIN_TOKEN or a file: command lines
    /// are seen by others.
    #[arg(long, conflicts_with = "token_file")]
    token: Option<String>,
    /// A file that holds the token, such as data/admin-token; it wins over the variables.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Which database.
#[derive(Debug, Args)]
pub(crate) struct Database {
    /// The database: `sqlite:PATH` or `postgres://USER@HOST/DATABASE?sslmode=verify-full`, instead of a file in DIR.
    ///
    /// A password belongs in this variable, in --database-url-file or in the file that PGPASSFILE names: command lines
    /// are seen by others.
    #[arg(long, value_name = "URL", env = "PORTCULLIS_DATABASE_URL", hide_env_values = true)]
    database_url: Option<Hidden>,
    /// A file that holds that URL; it wins.
    #[arg(long, value_name = "FILE")]
    database_url_file: Option<PathBuf>,
}

/// A URL that may hold a password.
#[derive(Clone)]
struct Hidden(String);

/// How answers are printed.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Output {
    /// Print JSON for programs.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which of a kind of thing to list.
#[derive(Debug, Args)]
pub(crate) struct Listing {
    /// Only this organisation's.
    #[arg(long, value_name = "ID")]
    pub(crate) organization: Option<String>,
    #[command(flatten)]
    pub(crate) control: Control,
    #[command(flatten)]
    pub(crate) output: Output,
}

impl Control {
    /// A client of it.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        Ok(Client::new(&self.control, self.token()?)?)
    }

    fn token(&self) -> Result<Token, Failure> {
        if let Some(path) = &self.token_file {
            let text = std::fs::read_to_string(path);
            let text = text.map_err(|error| Failure::usage(format!("cannot read `{}`: {error}", path.display())))?;
            return Ok(Token::new(&text));
        }
        let hint = "no token given\nhint: set PORTCULLIS_TOKEN to an API token, or PORTCULLIS_ADMIN_TOKEN, or give \
                    --token-file data/admin-token";
        let given = |text: &String| !text.trim().is_empty();
        let variable = || TOKEN_VARIABLES.iter().find_map(|name| std::env::var(name).ok().filter(given));
        let text = self.token.clone().filter(given).or_else(variable);
        text.as_deref().map(Token::new).ok_or_else(|| Failure::usage(hint))
    }
}

impl Database {
    /// The one that was chosen: the file in the data folder, if nothing was.
    pub(crate) fn database(&self) -> Result<portcullis_control::Database, Failure> {
        match (&self.database_url_file, &self.database_url) {
            (Some(path), _) => portcullis_control::Database::from_file(path).map_err(Failure::unable),
            (None, Some(Hidden(url))) if !url.is_empty() => url.parse().map_err(Failure::usage),
            (None, _) => Ok(portcullis_control::Database::InFolder),
        }
    }
}

impl std::str::FromStr for Hidden {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hidden")
    }
}

//! `portcullis tokens`: API tokens for programs that manage keys.

mod create;
mod list;
mod revoke;

use portcullis_api::ApiToken;

use super::block_on;
use crate::args::Listing;
use crate::exit::{Exit, Failure};
use crate::table::Table;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Make a token. It is shown once.
    Create(create::Args),
    /// List tokens, newest first.
    List(Listing),
    /// Revoke a token for good, at once.
    Revoke(revoke::Args),
}

/// Runs one of them.
pub(crate) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Create(args) => block_on(create::run(args)),
        Command::List(args) => block_on(list::run(args)),
        Command::Revoke(args) => block_on(revoke::run(args)),
    }
}

fn table<'a>(tokens: impl IntoIterator<Item = &'a ApiToken>) -> Table {
    let mut table = Table::new(["id", "name", "token", "kind", "owner", "status", "last used", "scopes"]);
    for it in tokens {
        table.row([
            it.id.clone(),
            it.name.clone(),
            it.display.clone(),
            it.kind.as_str().to_owned(),
            it.owner.clone().unwrap_or_default(),
            it.status.as_str().to_owned(),
            it.last_used.clone().unwrap_or_else(|| "never".to_owned()),
            it.scopes.join(" "),
        ]);
    }
    table
}

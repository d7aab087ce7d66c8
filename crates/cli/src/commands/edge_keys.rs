//! `portcullis edge-keys`: what secrets are sealed to, and what edges open them with. The operator's.

mod change;
mod generate;
mod rotate;
mod values;

use portcullis_api::EdgeKey;

use super::block_on;
use crate::exit::{Exit, Failure};
use crate::table::Table;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Make a key here, print its private half once, and have secrets sealed to its public half.
    Generate(generate::Args),
    /// List the public keys that secrets are sealed to, oldest first.
    List(change::List),
    /// Have secrets sealed to a public key whose private half edges have.
    Add(change::Add),
    /// Remove a public key, and what is sealed to it.
    Remove(change::Remove),
    /// List the secrets that are not sealed to every key, and seal those again whose values are at hand.
    ///
    /// Exits with 3 while any remain.
    Rotate(rotate::Args),
}

/// Runs one of them.
pub(crate) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Generate(args) => block_on(generate::run(args)),
        Command::List(args) => block_on(change::list(args)),
        Command::Add(args) => block_on(change::add(args)),
        Command::Remove(args) => block_on(change::remove(args)),
        Command::Rotate(args) => block_on(rotate::run(args)),
    }
}

fn table<'a>(keys: impl IntoIterator<Item = &'a EdgeKey>) -> Table {
    let mut table = Table::new(["id", "public key", "description", "secrets not sealed to it", "added by", "added at"]);
    for it in keys {
        table.row([
            it.id.clone(),
            it.public_key.clone(),
            it.description.clone(),
            it.unsealed.to_string(),
            it.created_by.clone().unwrap_or_default(),
            it.created_at.clone(),
        ]);
    }
    table
}

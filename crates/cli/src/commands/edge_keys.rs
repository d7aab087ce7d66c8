//! `portcullis edge-keys`: what secrets are sealed to, and what edges open them with. The operator's.

mod change;
mod generate;
mod rotate;
mod values;

use portcullis_api::{EdgeKey, KeyHolders};

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
    let columns =
        ["id", "public key", "description", "edges that have it", "secrets not sealed to it", "added by", "added at"];
    let mut table = Table::new(columns);
    for it in keys {
        table.row([
            it.id.clone(),
            it.public_key.clone(),
            it.description.clone(),
            holders(it),
            it.unsealed.to_string(),
            it.created_by.clone().unwrap_or_default(),
            it.created_at.clone(),
        ]);
    }
    table
}

/// Nothing for whoever may not see the edges.
fn holders(key: &EdgeKey) -> String {
    match key.edges {
        None => String::new(),
        Some(KeyHolders { reporting: 0, .. }) => "none tells".to_owned(),
        Some(KeyHolders { holding, reporting }) => format!("{holding} of {reporting}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_many_edges_have_a_key_is_told_as_far_as_it_is_known() {
        for (edges, expected) in [
            ("null", ""),
            (r#"{"holding":0,"reporting":0}"#, "none tells"),
            (r#"{"holding":2,"reporting":3}"#, "2 of 3"),
        ] {
            let key = format!(
                r#"{{"id":"","public_key":"","description":"","created_by":null,"created_at":"","unsealed":0,"edges":{edges}}}"#
            );
            assert_eq!(holders(&serde_json::from_str(&key).unwrap()), expected);
        }
    }
}

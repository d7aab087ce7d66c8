//! `portcullis keys`: one module for each verb, and what they share.

mod create;
mod find;
mod import;
mod limit;
mod list;
mod restrict;
mod revoke;
mod rotate;
mod show;
mod switch;
mod trial;
mod update;
mod view;
mod wait;

use std::future::Future;

use portcullis_sdk::Error;

use crate::exit::{Exit, Failure};
use crate::output;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Make a key. It is shown once.
    Create(create::Args),
    /// List keys, newest first.
    List(list::Args),
    /// Show a key.
    Show(show::Args),
    /// Find the record of a whole key, which is read from stdin.
    Find(find::Args),
    /// Take over keys that were made elsewhere, by their SHA-256.
    Import(import::Args),
    /// Restrict a key to addresses, pages and endpoints, in place of all restrictions it has.
    ///
    /// What is not named is lifted: to add one restriction, repeat the others, as `keys show` lists them.
    Restrict(restrict::Args),
    /// Give a key a quota or a rate of its own, within its organisation's.
    Limit(limit::Args),
    /// Have a key belong to a skill, whose services it may use, or to none.
    Update(update::Args),
    /// Try scopes and restrictions on a key before they are set.
    #[command(subcommand)]
    Trial(trial::Command),
    /// Switch a key off until it is switched on again.
    Disable(switch::Args),
    /// Switch a key on again.
    Enable(switch::Args),
    /// Replace a key by a new one; the old one works a while longer.
    Rotate(rotate::Args),
    /// Revoke a key for good, at once.
    Revoke(revoke::Args),
}

/// Runs one of them.
pub(crate) fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Create(args) => block_on(create::run(args)),
        Command::List(args) => block_on(list::run(args)),
        Command::Show(args) => block_on(show::run(args)),
        Command::Find(args) => block_on(find::run(args)),
        Command::Import(args) => block_on(import::run(args)),
        Command::Trial(command) => block_on(trial::run(command)),
        Command::Disable(args) => block_on(switch::run(args, false)),
        Command::Enable(args) => block_on(switch::run(args, true)),
        Command::Update(args) => block_on(update::run(args)),
        Command::Limit(args) => block_on(limit::run(args)),
        Command::Restrict(args) => block_on(restrict::run(args)),
        Command::Rotate(args) => block_on(rotate::run(args)),
        Command::Revoke(args) => block_on(revoke::run(args)),
    }
}

fn block_on(command: impl Future<Output = Result<(), Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(command).map(|()| Exit::Success)
}

/// Which key.
#[derive(Debug, clap::Args)]
pub(crate) struct Id {
    /// The key's id: `key_` and 16 characters.
    id: String,
}

impl Id {
    /// One that stands elsewhere on the command line.
    pub(super) fn new(id: String) -> Self {
        Self { id }
    }

    /// The id; a whole key in its place is not sent anywhere.
    pub(super) fn get(&self) -> Result<&str, Failure> {
        let is_id = self.id.len() == "key_".len() + 16 && self.id.starts_with("key_");
        if is_id {
            return Ok(&self.id);
        }
        if self.id.len() > 20 {
            output::talk("warning: if that was a key, it is now in your shell's history: rotate it");
        }
        Err(Failure::usage(
            "that is not a key's id\nhint: `portcullis keys list` shows ids; they look like key_0123456789abcdef",
        ))
    }

    /// A refusal that says which key there is not.
    pub(super) fn refusal(&self, error: Error) -> Failure {
        match error {
            Error::Refused(problem) if problem.code == "not_found" => Failure::unable(format!(
                "there is no such key: `{}` (not_found)\nhint: `portcullis keys list` shows ids",
                self.id
            )),
            other => Failure::from(other),
        }
    }
}

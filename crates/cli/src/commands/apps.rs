//! `portcullis apps`: OAuth clients that act for people.

mod change;
mod create;
mod list;

use portcullis_api::{App, CreatedApp};
use portcullis_sdk::Error;

use super::block_on;
use crate::args::{Listing, Output};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::refused::{Given, naming};
use crate::table::Table;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Register an app. Its secret, if it has one, is shown once.
    Create(create::Args),
    /// List apps, newest first.
    List(Listing),
    /// Show an app.
    Show(list::Show),
    /// Change an app's name, where people are sent back to, and what it may ask for.
    Update(change::Update),
    /// Give an app another secret, which is shown once. The one before ends at once.
    Rotate(change::One),
    /// Revoke an app for good, and everything that anybody allowed it.
    Revoke(change::One),
}

/// Runs one of them.
pub(crate) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Create(args) => block_on(create::run(args)),
        Command::List(args) => block_on(list::run(args)),
        Command::Show(args) => block_on(list::show(args)),
        Command::Update(args) => block_on(change::update(args)),
        Command::Rotate(args) => block_on(change::rotate(args)),
        Command::Revoke(args) => block_on(change::revoke(args)),
    }
}

fn table<'a>(apps: impl IntoIterator<Item = &'a App>) -> Table {
    let mut table = Table::new(["id", "name", "organization", "kind", "scopes", "redirect URIs", "state", "made at"]);
    for it in apps {
        let state = match (&it.revoked_at, it.everyone) {
            (Some(_), _) => "revoked",
            (None, true) => "active, for everyone",
            (None, false) => "active",
        };
        table.row([
            it.id.clone(),
            it.name.clone(),
            it.organization.clone(),
            if it.public { "public" } else { "with a secret" }.to_owned(),
            it.scopes.join(" "),
            it.redirect_uris.join(" "),
            state.to_owned(),
            it.created_at.clone(),
        ]);
    }
    table
}

/// A refusal that says which of the values it is about.
fn refusal(error: Error, redirect_uris: &[String], scopes: &[String], environments: &[String]) -> Failure {
    naming(
        error,
        &[
            Given { pointer: "/redirect_uris", what: "redirect URI", values: redirect_uris },
            Given { pointer: "/scopes", what: "scope", values: scopes },
            Given { pointer: "/environments", what: "environment", values: environments },
        ],
    )
}

/// The one time that a secret is shown.
fn print_secret(made: &CreatedApp, done: &str, how: Output) -> Result<Exit, Failure> {
    if how.json {
        output::json(made)?;
        return Ok(Exit::Success);
    }
    output::talk(&format!("{done} {}", made.record.id));
    match &made.secret {
        Some(secret) => {
            output::talk("this is the only time the secret is shown:");
            output::data(secret.expose());
        }
        None => output::data(&made.record.id),
    }
    Ok(Exit::Success)
}

//! `portcullis issuers`: other people's issuers whose access tokens are accepted.

mod add;
mod look;

use portcullis_api::Issuer;

use super::block_on;
use crate::args::Listing;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::table::Table;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Accept an issuer's access tokens. Its public keys are fetched at once, and every quarter of an hour from then on.
    Add(Box<add::Args>),
    /// List issuers, newest first.
    List(Listing),
    /// Show one issuer: its keys, when they were fetched, and what was wrong.
    Show(look::One),
    /// Remove an issuer: none of its tokens is accepted any more.
    Remove(look::One),
    /// Fetch an issuer's keys now.
    Refresh(look::One),
}

/// Runs one of them.
pub(crate) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Add(args) => block_on(add::run(args)),
        Command::List(args) => block_on(look::list(args)),
        Command::Show(args) => block_on(look::show(args)),
        Command::Remove(args) => block_on(look::remove(args)),
        Command::Refresh(args) => block_on(look::refresh(args)),
    }
}

fn table<'a>(issuers: impl IntoIterator<Item = &'a Issuer>) -> Table {
    let mut table =
        Table::new(["id", "name", "issuer", "environment", "scopes", "status", "keys", "fetched at", "problem"]);
    for it in issuers {
        table.row([
            it.id.clone(),
            it.name.clone(),
            it.issuer.clone(),
            it.environment.clone(),
            it.scopes.join(" "),
            it.status.as_str().to_owned(),
            it.keys.len().to_string(),
            it.fetched_at.clone(),
            it.problem.clone().unwrap_or_default(),
        ]);
    }
    table
}

/// One issuer, as a table of its members.
fn print(issuer: &Issuer, as_json: bool) -> Result<Exit, Failure> {
    if as_json {
        output::json(issuer)?;
        return Ok(Exit::Success);
    }
    let keys = issuer.keys.iter().map(|key| format!("{} ({})", key.kid.as_deref().unwrap_or("unnamed"), key.algorithm));
    let mut table = Table::pairs();
    for (name, value) in [
        ("id", issuer.id.clone()),
        ("name", issuer.name.clone()),
        ("organization", issuer.organization.clone()),
        ("issuer", issuer.issuer.clone()),
        ("audiences", issuer.audiences.join(" ")),
        ("types", issuer.types.join(" ")),
        ("keys from", issuer.jwks_uri.clone().unwrap_or_else(|| "the issuer's configuration".to_owned())),
        ("environment", issuer.environment.clone()),
        ("scopes", issuer.scopes.join(" ")),
        ("scope claim", issuer.scope_claim.clone()),
        ("status", issuer.status.as_str().to_owned()),
        ("keys", keys.collect::<Vec<_>>().join(", ")),
        ("fetched at", issuer.fetched_at.clone()),
        ("next fetch", issuer.next_fetch_at.clone()),
        ("problem", issuer.problem.clone().unwrap_or_default()),
    ] {
        table.row([name.to_owned(), value]);
    }
    output::data(&table.to_string());
    Ok(Exit::Success)
}

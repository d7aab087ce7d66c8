//! `portcullis webhooks`: servers that are told what happens.

mod change;
mod create;
mod deliveries;
mod list;

use portcullis_api::{Delivery, Webhook};

use super::block_on;
use crate::args::Listing;
use crate::exit::{Exit, Failure};
use crate::table::Table;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Make a webhook. What its messages are signed with is shown once.
    Create(create::Args),
    /// List webhooks, newest first.
    List(Listing),
    /// Change where messages go, what of, and whether at all.
    Update(change::Update),
    /// Remove a webhook and what it was sent.
    Remove(change::Remove),
    /// Send a message that says nothing but that it arrives.
    Test(deliveries::Test),
    /// List what a webhook was sent in the last 30 days, newest first.
    Deliveries(deliveries::List),
    /// Send a message again.
    Retry(deliveries::Retry),
}

/// Runs one of them.
pub(crate) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Create(args) => block_on(create::run(args)),
        Command::List(args) => block_on(list::run(args)),
        Command::Update(args) => block_on(change::update(args)),
        Command::Remove(args) => block_on(change::remove(args)),
        Command::Test(args) => block_on(deliveries::test(args)),
        Command::Deliveries(args) => block_on(deliveries::list(args)),
        Command::Retry(args) => block_on(deliveries::retry(args)),
    }
}

fn table<'a>(webhooks: impl IntoIterator<Item = &'a Webhook>) -> Table {
    let mut table = Table::new(["id", "organization", "url", "events", "enabled", "made by", "made at"]);
    for it in webhooks {
        let enabled = if it.enabled { "yes" } else { "no" };
        let events = it.events.join(" ");
        table.row([
            it.id.clone(),
            it.organization.clone(),
            it.url.clone(),
            events,
            enabled.to_owned(),
            it.created_by.clone(),
            it.created_at.clone(),
        ]);
    }
    table
}

fn sent<'a>(deliveries: impl IntoIterator<Item = &'a Delivery>) -> Table {
    let mut table = Table::new(["id", "event", "made at", "status", "attempts", "next attempt", "last answer"]);
    for it in deliveries {
        let answer = it.last_error.clone().or_else(|| it.last_status.map(|status| status.to_string()));
        table.row([
            it.id.clone(),
            it.event.clone(),
            it.created_at.clone(),
            it.status.as_str().to_owned(),
            it.attempts.to_string(),
            it.next_attempt_at.clone().unwrap_or_default(),
            answer.unwrap_or_default(),
        ]);
    }
    table
}

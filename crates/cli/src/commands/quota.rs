//! `portcullis quota`: what is left.

use portcullis_api::Quota;
use portcullis_api::plans::WhichQuota;

use super::block_on;
use super::keys::Id;
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::table::Table;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Say what is left of an organisation's quota, or of a key's own.
    Show(Show),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    /// The organisation's id; absent = the caller's.
    #[arg(long)]
    organization: Option<String>,
    /// A key's id.
    #[arg(long)]
    key: Option<String>,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

/// Runs one of them.
pub(crate) fn run(command: Command) -> Result<Exit, Failure> {
    let Command::Show(args) = command;
    block_on(async {
        let key = args.key.map(Id::new);
        let id = key.as_ref().map(Id::get).transpose()?.map(str::to_owned);
        let which = WhichQuota { organization: args.organization, key: id };
        let refusal = |error| match &key {
            Some(key) => key.refusal(error),
            None => Failure::from(error),
        };
        let quota = args.control.client()?.quota(&which).await.map_err(refusal)?;
        if args.output.json {
            output::json(&quota)?;
        } else {
            output::data(&table(&quota, key.is_some()).to_string());
        }
        Ok(Exit::Success)
    })
}

/// A key has no plan, and nothing is added to its own quota.
fn table(quota: &Quota, is_key: bool) -> Table {
    let mut table = Table::pairs();
    let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
    row("counted", quota.subject.clone());
    if !is_key {
        row("plan", quota.plan.clone().unwrap_or_else(|| "none".to_owned()));
    }
    match &quota.meter {
        None => row("limit", "none".to_owned()),
        Some(it) => {
            let topped_up = if it.topped_up > 0 { format!(" ({} topped up)", it.topped_up) } else { String::new() };
            row("limit", format!("{}{topped_up}", it.limit));
            for (name, number) in
                [("used", it.used), ("in doubt", it.in_doubt), ("held by edges", it.held), ("remaining", it.remaining)]
            {
                row(name, number.to_string());
            }
            row("since", it.period_start.clone());
            row("resets at", it.resets_at.clone());
        }
    }
    table
}

//! `portcullis audit`: who did what, the last entries or all of the log.

mod detail;

use clap::ValueEnum;
use portcullis_api::audit::{AuditEntry, ExportAudit, ExportFormat, ListAudit};
use portcullis_sdk::Client;

use super::block_on;
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::table::Table;

/// As many as one page can hold.
const PAGE: u32 = 1000;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    filter: Filter,
    /// At most this many, newest first.
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// Write all of the log to stdout instead, newest first.
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with_all = ["limit", "json"])]
    export: Option<Format>,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
struct Filter {
    /// Only what was done to this organisation's rows.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    /// Only what they did: an id, an e-mail address, a token's name, or user, token, root or system.
    #[arg(long, value_name = "WHO")]
    actor: Option<String>,
    /// Only this, such as key.revoked, or all of a kind, such as key.
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only what was done to it: an id, a name, or a kind such as key.
    #[arg(long, value_name = "WHAT")]
    target: Option<String>,
    /// Only from then on, such as 2027-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only before then.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Csv,
    Jsonl,
}

pub(crate) fn run(args: Args) -> Result<Exit, Failure> {
    block_on(async {
        let client = args.control.client()?;
        match args.export {
            Some(format) => export(&client, args.filter, format).await?,
            None => print(&read(&client, args.filter, args.limit).await?, args.output)?,
        }
        Ok(Exit::Success)
    })
}

async fn read(client: &Client, filter: Filter, limit: usize) -> Result<Vec<AuditEntry>, Failure> {
    let Filter { organization, actor, action, target, since, until } = filter;
    let mut query = ListAudit { organization, actor, action, target, since, until, limit: Some(PAGE), cursor: None };
    let mut entries = Vec::new();
    while entries.len() < limit {
        query.limit = Some(u32::try_from(limit - entries.len()).unwrap_or(PAGE).min(PAGE));
        let page = client.list_audit(&query).await?;
        entries.extend(page.data);
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            break;
        }
    }
    Ok(entries)
}

fn print(entries: &[AuditEntry], how: Output) -> Result<(), Failure> {
    if how.json {
        return Ok(output::json(&entries)?);
    }
    let mut table = Table::new(["at", "actor", "action", "target", "name", "address", "request", "detail"]);
    for entry in entries {
        table.row([
            entry.at.clone(),
            entry.actor.name.clone(),
            entry.action.clone(),
            entry.target.id.clone(),
            entry.target.name.clone(),
            entry.address.clone().unwrap_or_else(|| "-".to_owned()),
            entry.request_id.clone(),
            detail::told(&entry.detail),
        ]);
    }
    output::data(&table.to_string());
    Ok(())
}

async fn export(client: &Client, filter: Filter, format: Format) -> Result<(), Failure> {
    let Filter { organization, actor, action, target, since, until } = filter;
    let format = match format {
        Format::Csv => ExportFormat::Csv,
        Format::Jsonl => ExportFormat::Jsonl,
    };
    let query = ExportAudit { format, organization, actor, action, target, since, until };
    Ok(output::pieces(client.export_audit(&query).await?).await?)
}

//! `portcullis grants`: what people allowed apps.

use portcullis_api::Grant;
use portcullis_api::apps::ListGrants;

use super::block_on;
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::paging::{LARGEST_PAGE, all};
use crate::table::Table;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List what apps were allowed, newest first: an admin sees all of the organisation, anybody else their own.
    List(List),
    /// Revoke what an app was allowed, for good.
    Revoke(Revoke),
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// Only this organisation's.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    /// Only your own.
    #[arg(long)]
    own: bool,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Revoke {
    /// The grant's id: `key_` and 16 characters.
    id: String,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

/// Runs one of them.
pub(crate) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::List(args) => block_on(list(args)),
        Command::Revoke(args) => block_on(revoke(args)),
    }
}

async fn list(args: &List) -> Result<Exit, Failure> {
    let client = args.control.client()?;
    let grants = all(async |cursor| {
        let (organization, limit, own) = (args.organization.clone(), Some(LARGEST_PAGE), args.own.then_some(true));
        client.list_grants(&ListGrants { organization, own, limit, cursor }).await
    })
    .await?;
    output::print(args.output, &grants, || table(&grants))
}

async fn revoke(args: &Revoke) -> Result<Exit, Failure> {
    let revoked = args.control.client()?.revoke_grant(&args.id).await?;
    if args.output.json {
        output::json(&revoked.value)?;
    } else {
        output::talk(&format!("revoked {}", revoked.value.id));
        output::enforced_from(revoked.version);
    }
    Ok(Exit::Success)
}

fn table(grants: &[Grant]) -> Table {
    let mut table =
        Table::new(["id", "app", "allowed by", "environment", "scopes", "status", "allowed at", "last used"]);
    for it in grants {
        table.row([
            it.id.clone(),
            it.app_name.clone(),
            it.email.clone(),
            it.environment.clone(),
            it.scopes.join(" "),
            it.status.as_str().to_owned(),
            it.created_at.clone(),
            it.last_used.clone().unwrap_or_default(),
        ]);
    }
    table
}

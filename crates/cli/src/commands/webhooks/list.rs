//! `portcullis webhooks list`.

use portcullis_api::webhooks::ListWebhooks;

use super::table;
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::paging::{LARGEST_PAGE, all};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this organisation's.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(args: &Args) -> Result<Exit, Failure> {
    let client = args.control.client()?;
    let webhooks = all(async |cursor| {
        let (organization, limit) = (args.organization.clone(), Some(LARGEST_PAGE));
        client.list_webhooks(&ListWebhooks { organization, limit, cursor }).await
    })
    .await?;
    if args.output.json {
        output::json(&webhooks)?;
    } else {
        output::data(&table(&webhooks).to_string());
    }
    Ok(Exit::Success)
}

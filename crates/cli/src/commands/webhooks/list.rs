//! `portcullis webhooks list`.

use portcullis_api::webhooks::ListWebhooks;

use super::table;
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;

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
    let mut query = ListWebhooks { organization: args.organization.clone(), limit: Some(1000), cursor: None };
    let mut webhooks = Vec::new();
    loop {
        let page = client.list_webhooks(&query).await?;
        webhooks.extend(page.data);
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            break;
        }
    }
    if args.output.json {
        output::json(&webhooks)?;
    } else {
        output::data(&table(&webhooks).to_string());
    }
    Ok(Exit::Success)
}

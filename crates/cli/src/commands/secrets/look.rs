//! `portcullis secrets list` and `show`.

use portcullis_api::secrets::ListSecrets;

use super::which::Which;
use super::{print, table};
use crate::args::{Control, Listing, Output};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::paging::{LARGEST_PAGE, all};

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// Only those that no skill uses, or that no edge used for 30 days.
    #[arg(long)]
    unused: bool,
    /// Only those that are not sealed to the key of the edges with that id.
    #[arg(long, value_name = "KEY")]
    unsealed: Option<String>,
    #[command(flatten)]
    listing: Listing,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn list(args: &List) -> Result<Exit, Failure> {
    let client = args.listing.control.client()?;
    let secrets = all(async |cursor| {
        let query = ListSecrets {
            organization: args.listing.organization.clone(),
            unused: args.unused.then_some(true),
            unsealed: args.unsealed.clone(),
            limit: Some(LARGEST_PAGE),
            cursor,
        };
        client.list_secrets(&query).await
    })
    .await?;
    output::print(args.listing.output, &secrets, || table(&secrets))
}

pub(super) async fn show(args: &Show) -> Result<Exit, Failure> {
    print(&args.which.seen(&args.control.client()?).await?, args.output.json)
}

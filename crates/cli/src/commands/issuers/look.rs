//! `portcullis issuers list`, `show`, `remove` and `refresh`.

use portcullis_api::issuers::ListIssuers;

use super::{print, table};
use crate::args::{Control, Listing, Output};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::paging::{LARGEST_PAGE, all};

#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// The issuer's id, which is its key's: `key_` and 16 characters.
    id: String,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn list(args: &Listing) -> Result<Exit, Failure> {
    let client = args.control.client()?;
    let issuers = all(async |cursor| {
        let (organization, limit) = (args.organization.clone(), Some(LARGEST_PAGE));
        client.list_issuers(&ListIssuers { organization, limit, cursor }).await
    })
    .await?;
    output::print(args.output, &issuers, || table(&issuers))
}

pub(super) async fn show(args: &One) -> Result<Exit, Failure> {
    print(&args.control.client()?.show_issuer(&args.id).await?, args.output.json)
}

pub(super) async fn refresh(args: &One) -> Result<Exit, Failure> {
    print(&args.control.client()?.refresh_issuer(&args.id).await?, args.output.json)
}

pub(super) async fn remove(args: &One) -> Result<Exit, Failure> {
    let key = args.control.client()?.remove_issuer(&args.id).await?;
    if args.output.json {
        output::json(&key)?;
    }
    output::talk(&format!("removed {}: its tokens are not accepted any more", args.id));
    Ok(Exit::Success)
}

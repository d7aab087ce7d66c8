//! `portcullis apps list` and `show`.

use portcullis_api::apps::ListApps;

use super::table;
use crate::args::{Control, Listing, Output};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::paging::{LARGEST_PAGE, all};

#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    /// The app's id: `app_` and 16 characters.
    id: String,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(args: &Listing) -> Result<Exit, Failure> {
    let client = args.control.client()?;
    let apps = all(async |cursor| {
        let (organization, limit) = (args.organization.clone(), Some(LARGEST_PAGE));
        client.list_apps(&ListApps { organization, limit, cursor }).await
    })
    .await?;
    output::print(args.output, &apps, || table(&apps))
}

pub(super) async fn show(args: &Show) -> Result<Exit, Failure> {
    let app = args.control.client()?.show_app(&args.id).await?;
    output::print(args.output, &app, || table([&app]))
}

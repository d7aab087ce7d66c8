//! `portcullis apps list` and `show`.

use portcullis_api::apps::ListApps;

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

#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    /// The app's id: `app_` and 16 characters.
    id: String,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(args: &Args) -> Result<Exit, Failure> {
    let client = args.control.client()?;
    let apps = all(async |cursor| {
        let (organization, limit) = (args.organization.clone(), Some(LARGEST_PAGE));
        client.list_apps(&ListApps { organization, limit, cursor }).await
    })
    .await?;
    if args.output.json {
        output::json(&apps)?;
    } else {
        output::data(&table(&apps).to_string());
    }
    Ok(Exit::Success)
}

pub(super) async fn show(args: &Show) -> Result<Exit, Failure> {
    let app = args.control.client()?.show_app(&args.id).await?;
    if args.output.json {
        output::json(&app)?;
    } else {
        output::data(&table([&app]).to_string());
    }
    Ok(Exit::Success)
}

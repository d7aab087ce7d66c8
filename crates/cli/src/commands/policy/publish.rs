//! `portcullis policy publish` and `portcullis policy restore`.

use portcullis_api::policy::{PublishPolicy, RestorePolicy};

use super::{File, view};
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    file: File,
    #[command(flatten)]
    about: About,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RestoreArgs {
    /// The version to go back to.
    version: u64,
    #[command(flatten)]
    about: About,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
struct About {
    /// Why, for those who read the versions later.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Refuse if another version than this is in force.
    #[arg(long = "base", value_name = "VERSION")]
    base_version: Option<u64>,
}

pub(super) async fn run(args: Args) -> Result<Exit, Failure> {
    let About { note, base_version } = args.about;
    let request = PublishPolicy { toml: args.file.read()?, note, base_version };
    view::published(&args.file.control.client()?.publish_policy(&request).await?, args.output)
}

pub(super) async fn restore(args: RestoreArgs) -> Result<Exit, Failure> {
    let About { note, base_version } = args.about;
    let request = RestorePolicy { note, base_version };
    view::published(&args.control.client()?.restore_policy(args.version, &request).await?, args.output)
}

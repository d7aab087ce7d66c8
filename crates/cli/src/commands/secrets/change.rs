//! `portcullis secrets describe` and `delete`.

use super::print;
use super::which::Which;
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::refused::forcible;

#[derive(Debug, clap::Args)]
pub(crate) struct Describe {
    #[command(flatten)]
    which: Which,
    /// What it is for. Never the value: others read this.
    text: String,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    which: Which,
    /// Delete it although skills use it: they find none of that name then.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn describe(args: &Describe) -> Result<Exit, Failure> {
    let client = args.control.client()?;
    let secret = args.which.meant(&client).await?;
    let described = client.describe_secret(&secret.id, &args.text).await?;
    print(&described.value, args.output.json)
}

pub(super) async fn delete(args: &Delete) -> Result<Exit, Failure> {
    let client = args.control.client()?;
    let secret = args.which.meant(&client).await?;
    let deleted = client.delete_secret(&secret.id, args.force).await.map_err(forcible)?;
    if args.output.json {
        output::json(&deleted.value)?;
    }
    output::talk(&format!("deleted {} `{}`", secret.id, secret.name));
    output::enforced_from(deleted.version);
    Ok(Exit::Success)
}

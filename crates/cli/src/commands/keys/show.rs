//! `portcullis keys show`.

use super::{Id, view};
use crate::args::{Control, Output};
use crate::exit::Failure;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    id: Id,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let key = args.control.client()?.show_key(args.id.get()?).await.map_err(|error| args.id.refusal(error))?;
    view::print(&key, args.output)
}

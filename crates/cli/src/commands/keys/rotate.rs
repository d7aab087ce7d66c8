//! `portcullis keys rotate`.

use portcullis_api::RotateKey;

use super::{Id, view};
use crate::args::{Control, Output};
use crate::exit::Failure;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    id: Id,
    /// How long the old key goes on working, in seconds; never longer than it would have.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    overlap: u32,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let request = RotateKey { overlap_seconds: args.overlap };
    let created = args.control.client()?.rotate_key(args.id.get()?, &request).await?;
    view::print_created(&created.value, args.output)
}

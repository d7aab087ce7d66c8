//! `portcullis receipt`: on how many edges a change is enforced.

use portcullis_api::receipts::MAX_WAIT_SECONDS;

use super::block_on;
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The version that contains the change, as every command that changes something prints it.
    version: u64,
    /// Wait so many seconds for edges that do not enforce it yet, 30 at most.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=i64::from(MAX_WAIT_SECONDS)))]
    wait: u32,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

/// Exits with "no" unless every edge enforces it.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    block_on(async {
        let receipt = args.control.client()?.receipt(args.version, args.wait).await?;
        match args.output.json {
            true => output::json(&receipt)?,
            false => output::data(&receipt.text),
        }
        Ok(if receipt.complete { Exit::Success } else { Exit::No })
    })
}

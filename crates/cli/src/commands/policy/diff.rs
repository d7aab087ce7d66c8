//! `portcullis policy diff`.

use portcullis_api::policy::CheckPolicy;

use super::{File, view};
use crate::args::Output;
use crate::exit::{Exit, Failure};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    file: File,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(args: Args) -> Result<Exit, Failure> {
    let toml = args.file.read()?;
    let check = args.file.control.client()?.check_policy(&CheckPolicy { toml }).await?;
    if args.output.json {
        output::json(&check)?;
    } else if let Some(difference) = &check.difference {
        view::difference(difference);
    }
    // What this command accepted, a control plane of another version may refuse.
    for problem in check.problems.iter().filter(|_| !args.output.json) {
        let place = problem.line.map(|line| format!("line {line}: ")).unwrap_or_default();
        output::talk(&format!("error: {place}{}", problem.message));
    }
    Ok(if check.valid { Exit::Success } else { Exit::No })
}

//! `portcullis policy diff`: a file against the policy in force, or a version against another one.

use std::path::PathBuf;

use portcullis_api::policy::{CheckPolicy, DiffPolicy};

use super::{File, view};
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;

#[derive(Debug, clap::Args)]
#[group(id = "new", required = true, multiple = false, args = ["file", "version"])]
pub(crate) struct Args {
    /// A file: against the policy in force, and whose access it would change.
    file: Option<PathBuf>,
    /// A published version: what changed in its text.
    #[arg(long, value_name = "VERSION")]
    version: Option<u64>,
    /// The version that it is compared with; absent = the one before.
    #[arg(long, value_name = "VERSION", conflicts_with = "file")]
    against: Option<u64>,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(args: Args) -> Result<Exit, Failure> {
    match (args.file, args.version) {
        (Some(file), _) => of_file(&File { file, control: args.control }, args.output).await,
        (None, Some(version)) => of_version(&args.control, version, args.against, args.output).await,
        // The command line was refused.
        (None, None) => Ok(Exit::Failure),
    }
}

async fn of_file(file: &File, how: Output) -> Result<Exit, Failure> {
    let toml = file.read()?;
    let check = file.control.client()?.check_policy(&CheckPolicy { toml }).await?;
    if how.json {
        output::json(&check)?;
    } else if let Some(difference) = &check.difference {
        view::difference(difference);
        view::text("in force", &file.file.display().to_string(), &difference.text);
    }
    // What this command accepted, a control plane of another version may refuse.
    for problem in check.problems.iter().filter(|_| !how.json) {
        let place = problem.line.map(|line| format!("line {line}: ")).unwrap_or_default();
        output::talk(&format!("error: {place}{}", problem.message));
    }
    Ok(if check.valid { Exit::Success } else { Exit::No })
}

async fn of_version(control: &Control, version: u64, against: Option<u64>, how: Output) -> Result<Exit, Failure> {
    let found = control.client()?.policy_diff(version, &DiffPolicy { against }).await?;
    if how.json {
        output::json(&found)?;
        return Ok(Exit::Success);
    }
    let old = found.against.map_or_else(|| "nothing".to_owned(), |old| format!("version {old}"));
    view::text(&old, &format!("version {version}"), &found.text);
    Ok(Exit::Success)
}

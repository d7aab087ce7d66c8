//! `portcullis policy`: files are checked offline; everything else is about the policy that a control plane serves.

mod check;
mod diff;
mod publish;
mod show;
mod view;

use std::path::{Path, PathBuf};

use crate::args::Control;
use crate::exit::{Exit, Failure};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Check policy files; exit code 3 if one is refused, 1 if one cannot be read. Warnings leave it at 0.
    Check(check::Args),
    /// Print the policy in force, or one of its versions.
    Show(show::Args),
    /// Say what a policy file would change, or what changed in a version; exit code 3 if the file is refused.
    Diff(diff::Args),
    /// Publish a policy file: once this returns, edges can fetch it.
    Publish(publish::Args),
    /// List the versions, newest first.
    Versions(show::VersionsArgs),
    /// Publish an older version's text as a new version.
    Restore(publish::RestoreArgs),
}

/// Runs one of them.
pub(crate) fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Check(args) => check::run(&args),
        Command::Show(args) => block_on(show::run(args)),
        Command::Diff(args) => block_on(diff::run(args)),
        Command::Publish(args) => block_on(publish::run(args)),
        Command::Versions(args) => block_on(show::versions(args)),
        Command::Restore(args) => block_on(publish::restore(args)),
    }
}

fn block_on(command: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(command)
}

/// A policy file, and the control plane it is meant for.
#[derive(Debug, clap::Args)]
pub(crate) struct File {
    /// The file.
    file: PathBuf,
    #[command(flatten)]
    control: Control,
}

impl File {
    /// The file's text; a file that is no policy is named with line and column, and is not sent.
    fn read(&self) -> Result<String, Failure> {
        let (text, checked) =
            portcullis_policy::read_and_check(&self.file).map_err(|error| refused(&self.file, error))?;
        checked.warnings.iter().for_each(|warnings| crate::output::talk(&warnings.to_string()));
        Ok(text)
    }
}

/// A file that can be read and is no policy is a clear no.
fn refused(file: &Path, error: portcullis_policy::Diagnostics) -> Failure {
    if std::fs::read_to_string(file).is_ok() { Failure::no(error) } else { Failure::unable(error) }
}

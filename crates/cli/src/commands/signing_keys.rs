//! `portcullis signing-keys`: what access tokens are signed with. The operator's.

use portcullis_api::SigningKey;
use portcullis_api::signing_keys::RotateSigningKey;
use portcullis_sdk::Error;

use super::block_on;
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::table::Table;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List the keys, the newest first.
    List(List),
    /// Make another key, which signs after it was published for ten minutes.
    Rotate(Rotate),
    /// Have edges refuse at once whatever a key signed. If it was the one that signs, another does.
    Revoke(Revoke),
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Rotate {
    /// Let it sign at once. Whoever verifies tokens with a copy of the published keys may not have it yet; edges do.
    #[arg(long)]
    now: bool,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Revoke {
    /// The key's name, as `signing-keys list` and the header of a token have it.
    kid: String,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

/// Runs one of them.
pub(crate) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::List(args) => block_on(list(args)),
        Command::Rotate(args) => block_on(rotate(args)),
        Command::Revoke(args) => block_on(revoke(args)),
    }
}

async fn list(args: &List) -> Result<Exit, Failure> {
    print(&args.control.client()?.list_signing_keys().await?, &args.output)
}

async fn rotate(args: &Rotate) -> Result<Exit, Failure> {
    let request = RotateSigningKey { now: args.now };
    let rotated = args.control.client()?.rotate_signing_key(&request).await.map_err(next_is_there)?;
    output::enforced_from(rotated.version);
    print(&rotated.value.data, &args.output)
}

/// Its hint as it is given here.
fn next_is_there(error: Error) -> Failure {
    match error {
        Error::Refused(problem) if problem.detail.starts_with("the next key is there") => {
            let detail = problem.detail.split(['\\', '\n']).next().unwrap_or_default();
            Failure::unable(format!("{detail} ({})\nhint: --now has it sign at once", problem.code))
        }
        other => Failure::from(other),
    }
}

async fn revoke(args: &Revoke) -> Result<Exit, Failure> {
    let revoked = args.control.client()?.revoke_signing_key(&args.kid).await?;
    output::enforced_from(revoked.version);
    output::print(args.output, &revoked.value, || table([&revoked.value]))
}

fn print(keys: &[SigningKey], how: &Output) -> Result<Exit, Failure> {
    if how.json {
        output::json(&keys)?;
    } else {
        output::data(&table(keys).to_string());
    }
    Ok(Exit::Success)
}

fn table<'a>(keys: impl IntoIterator<Item = &'a SigningKey>) -> Table {
    let mut table = Table::new(["kid", "algorithm", "state", "signs from", "signs until", "accepted until"]);
    let or = |time: &Option<String>, otherwise: &str| time.clone().unwrap_or_else(|| otherwise.to_owned());
    for key in keys {
        table.row([
            key.kid.clone(),
            key.algorithm.clone(),
            key.state.clone(),
            key.signs_from.clone(),
            or(&key.signs_until, "-"),
            or(key.revoked_at.as_ref().map_or(&key.accepted_until, |_| &key.revoked_at), "-"),
        ]);
    }
    table
}

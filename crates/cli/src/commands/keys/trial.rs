//! `portcullis keys trial`: scopes and restrictions are looked at before they are set.

use portcullis_api::keys::StartTrial;
use portcullis_sdk::{Client, Error};

use super::restrict::Restrictions;
use super::wait::Wait;
use super::{Id, view};
use crate::args::{Control, Output};
use crate::exit::Failure;
use crate::output;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Try scopes, restrictions or both, in place of any trial before. Edges tell what they would deny; nothing is.
    Start(Start),
    /// Show what is tried, and what it would have denied so far.
    Show(Target),
    /// Set what was tried. Kinds of restrictions that were not tried stay as they are.
    Enforce(Target),
    /// End the trial and leave the key as it is.
    Discard(Target),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Start {
    #[command(flatten)]
    target: Target,
    /// The whole set of scopes to try. Repeat it, or separate with commas.
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',')]
    scopes: Vec<String>,
    /// Try the key without any scope.
    #[arg(long, conflicts_with = "scopes")]
    no_scopes: bool,
    #[command(flatten)]
    restrictions: Restrictions,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Target {
    #[command(flatten)]
    id: Id,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Start(args) => start(args).await,
        Command::Show(target) => show(target).await,
        Command::Enforce(target) => {
            let client = target.control.client()?;
            let enforced = client.enforce_trial(target.id.get()?).await.map_err(|error| target.refusal(error))?;
            output::talk(&format!("enforced; edges that enforce version {} go by it", enforced.version));
            target.wait.receipt(&client, enforced.version).await;
            view::print(&enforced.value, target.output)
        }
        Command::Discard(target) => {
            let client = target.control.client()?;
            let ended = client.end_trial(target.id.get()?).await.map_err(|error| target.refusal(error))?;
            target.wait.receipt(&client, ended.version).await;
            view::print(&ended.value, target.output)
        }
    }
}

async fn start(args: Start) -> Result<(), Failure> {
    let scopes = (args.no_scopes || !args.scopes.is_empty()).then_some(args.scopes);
    let request = StartTrial { scopes, restrictions: args.restrictions.spec() };
    if request == StartTrial::default() {
        return Err(Failure::usage(
            "nothing to try\nhint: --scope, --no-scopes, --ip-allow, --ip-deny, --referrer, --endpoint",
        ));
    }
    let target = args.target;
    let client = target.control.client()?;
    let started = client.start_trial(target.id.get()?, &request).await.map_err(|error| target.refusal(error))?;
    output::talk("nothing is denied for it; `portcullis keys trial show` tells what would be");
    target.wait.receipt(&client, started.version).await;
    view::print(&started.value, target.output)
}

async fn show(target: Target) -> Result<(), Failure> {
    let (client, id) = (target.control.client()?, target.id.get()?);
    let key = client.show_key(id).await.map_err(|error| target.id.refusal(error))?;
    view::print(&key, target.output)?;
    if key.trial.is_none() {
        output::talk("nothing is tried on it");
    } else if !target.output.json {
        output::talk(&seen(&client, id).await?);
    }
    Ok(())
}

/// How often the trial would have denied, and why.
async fn seen(client: &Client, id: &str) -> Result<String, Failure> {
    let observed = client.observations(id, Some(portcullis_api::edge::SampleKind::Trial)).await?;
    let totals = &observed.totals;
    if totals.count == 0 {
        return Ok("it would have denied nothing so far".to_owned());
    }
    let reasons: Vec<_> = totals.reasons.iter().map(|it| format!("{} {}", it.count, it.value)).collect();
    Ok(format!("it would have denied {} requests so far: {}", totals.count, reasons.join(", ")))
}

impl Target {
    fn refusal(&self, error: Error) -> Failure {
        match error {
            Error::Refused(problem) if problem.code == "not_found" && problem.detail.contains("trial") => {
                Failure::unable("nothing is tried on that key\nhint: `portcullis keys trial start` tries something")
            }
            other => self.id.refusal(other),
        }
    }
}

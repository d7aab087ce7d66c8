//! `portcullis keys update`: the skill that a key belongs to.
//!
//! What is not named stays as it is.

use portcullis_api::UpdateKey;

use super::super::limits::patch;
use super::wait::Wait;
use super::{Id, view};
use crate::args::{Control, Output};
use crate::exit::Failure;
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    id: Id,
    /// The id of the skill it belongs to from now on, whose services it may use.
    #[arg(long, value_name = "ID")]
    skill: Option<String>,
    /// Have it belong to no skill.
    #[arg(long, conflicts_with = "skill")]
    no_skill: bool,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let request = UpdateKey { skill: patch(args.skill, args.no_skill), ..UpdateKey::default() };
    if request == UpdateKey::default() {
        return Err(Failure::usage("nothing to change\nhint: give --skill or --no-skill"));
    }
    let client = args.control.client()?;
    let updated = client.update_key(args.id.get()?, &request).await.map_err(|error| args.id.refusal(error))?;
    output::enforced_from(updated.version);
    args.wait.receipt(&client, updated.version).await;
    view::print(&updated.value, args.output)
}

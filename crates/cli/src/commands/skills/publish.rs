//! `portcullis skills publish`, `unpublish`, `install` and `upgrade`.

use portcullis_api::{InstallSkill, Skill};
use portcullis_sdk::Written;

use super::print;
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// The skill's id: `skl_` and 16 characters.
    id: String,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Install {
    /// The published skill's id: `skl_` and 16 characters.
    id: String,
    /// What it is called here; absent = as its publisher calls it.
    #[arg(long)]
    name: Option<String>,
    /// Make it the organisation's, which finds the team's secrets only; absent = yours.
    #[arg(long)]
    team: bool,
    /// The organisation's id; absent = the one your token is of.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn publish(args: &One) -> Result<Exit, Failure> {
    done("published", args.control.client()?.publish_skill(&args.id).await?, args.output)
}

pub(super) async fn unpublish(args: &One) -> Result<Exit, Failure> {
    done("offered no more", args.control.client()?.unpublish_skill(&args.id).await?, args.output)
}

pub(super) async fn install(args: &Install) -> Result<Exit, Failure> {
    let request = InstallSkill { name: args.name.clone(), team: args.team, organization: args.organization.clone() };
    done("installed", args.control.client()?.install_skill(&args.id, &request).await?, args.output)
}

pub(super) async fn upgrade(args: &One) -> Result<Exit, Failure> {
    done("upgraded", args.control.client()?.upgrade_skill(&args.id).await?, args.output)
}

fn done(what: &str, skill: Written<Skill>, how: Output) -> Result<Exit, Failure> {
    output::talk(&format!("{what}: {} `{}`, version {}", skill.value.id, skill.value.name, skill.value.version));
    print(&skill.value, how.json)
}

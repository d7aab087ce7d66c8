//! `portcullis skills publish`, `unpublish`, `install` and `upgrade`.

use std::collections::BTreeMap;

use portcullis_api::skills::Found;
use portcullis_api::{InstallSkill, Skill, UpgradeSkill};
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
    seen: Seen,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Upgrade {
    /// The skill's id: `skl_` and 16 characters.
    id: String,
    #[command(flatten)]
    seen: Seen,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
struct Seen {
    /// The version that you have looked at; if another is published by now, nothing is done. Absent = whichever is published.
    #[arg(long, value_name = "NUMBER")]
    version: Option<u64>,
}

pub(super) async fn publish(args: &One) -> Result<Exit, Failure> {
    done("published", args.control.client()?.publish_skill(&args.id).await?, args.output)
}

pub(super) async fn unpublish(args: &One) -> Result<Exit, Failure> {
    done("offered no more", args.control.client()?.unpublish_skill(&args.id).await?, args.output)
}

pub(super) async fn install(args: &Install) -> Result<Exit, Failure> {
    let request = InstallSkill {
        name: args.name.clone(),
        team: args.team,
        organization: args.organization.clone(),
        version: args.seen.version,
    };
    taken("installed", args.control.client()?.install_skill(&args.id, &request).await?, args.output)
}

pub(super) async fn upgrade(args: &Upgrade) -> Result<Exit, Failure> {
    let request = UpgradeSkill { version: args.seen.version };
    taken("upgraded", args.control.client()?.upgrade_skill(&args.id, &request).await?, args.output)
}

/// Of somebody else's skill also which of the caller's secrets it uses from now on.
fn taken(what: &str, skill: Written<Skill>, how: Output) -> Result<Exit, Failure> {
    tell(what, &skill.value);
    let names = references(&skill.value);
    let listed: Vec<_> = names.keys().map(|name| format!("`{name}`")).collect();
    match &*listed {
        [] => output::talk("it uses no secrets"),
        listed => output::talk(&format!("it uses the secrets {}, which are yours to supply", listed.join(", "))),
    }
    for (name, found) in names {
        match found {
            Found::Personal => output::talk(&format!("your own secret `{name}` is there already and is used")),
            Found::Team => output::talk(&format!("the team's secret `{name}` is there already and is used")),
            Found::Missing => {}
        }
    }
    print(&skill.value, how.json)
}

fn references(skill: &Skill) -> BTreeMap<String, Found> {
    let all = skill.services.iter().flat_map(|it| &it.secrets);
    all.map(|it| (it.name.clone(), it.found)).collect()
}

fn done(what: &str, skill: Written<Skill>, how: Output) -> Result<Exit, Failure> {
    tell(what, &skill.value);
    print(&skill.value, how.json)
}

fn tell(what: &str, skill: &Skill) {
    output::talk(&format!("{what}: {} `{}`, version {}", skill.id, skill.name, skill.version));
}

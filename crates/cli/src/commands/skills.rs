//! `portcullis skills`: which services keys may use, and with which secrets.

mod change;
mod create;
mod look;
mod publish;
mod uses;

use portcullis_api::Skill;
use portcullis_api::skills::{Found, SecretReference, SkillService};

use super::block_on;
use crate::args::Listing;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::table::Table;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Make a skill.
    Create(create::Args),
    /// List skills, newest first.
    List(Listing),
    /// Show a skill, and where each of the secrets that it names was found.
    Show(look::Show),
    /// Change what a skill is for and which services it uses.
    ///
    /// Services that are named take the place of all those so far; what was published stays as it was.
    Update(change::Update),
    /// Offer a skill, as it is now, to every organisation. No secret goes with it.
    Publish(publish::One),
    /// Offer a skill no more. Where it is installed it goes on working.
    Unpublish(publish::One),
    /// List what others published.
    Published(look::Published),
    /// Make a skill of yours out of a published one. It finds your secrets, by their names.
    Install(publish::Install),
    /// Take over what an installed skill's publisher has published since.
    Upgrade(publish::Upgrade),
    /// Delete a skill.
    Delete(change::Delete),
}

/// Runs one of them.
pub(crate) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Create(args) => block_on(create::run(args)),
        Command::List(args) => block_on(look::list(args)),
        Command::Show(args) => block_on(look::show(args)),
        Command::Update(args) => block_on(change::update(args)),
        Command::Publish(args) => block_on(publish::publish(args)),
        Command::Unpublish(args) => block_on(publish::unpublish(args)),
        Command::Published(args) => block_on(look::published(args)),
        Command::Install(args) => block_on(publish::install(args)),
        Command::Upgrade(args) => block_on(publish::upgrade(args)),
        Command::Delete(args) => block_on(change::delete(args)),
    }
}

/// One skill, as a table of its members, and what its requests would miss.
fn print(it: &Skill, as_json: bool) -> Result<Exit, Failure> {
    for missing in missing(it) {
        // The organisation's skills find the team's secrets only.
        let team = if it.owner.is_none() { " --team" } else { "" };
        output::talk(&format!("there is no secret `{missing}` yet: `portcullis secrets set {missing}{team}` makes it"));
    }
    if as_json {
        output::json(it)?;
        return Ok(Exit::Success);
    }
    let version = |number: Option<u64>| number.map_or_else(|| "none".to_owned(), |number| number.to_string());
    let mut table = Table::pairs();
    let mut pair = |name: &str, value: String| table.row([name.to_owned(), value]);
    pair("id", it.id.clone());
    pair("name", it.name.clone());
    pair("description", it.description.clone());
    pair("organization", it.organization.clone());
    pair("owner", owner(it));
    pair("version", it.version.to_string());
    pair("published", version(it.published_version));
    if let Some(from) = &it.installed_from {
        pair("installed from", from.clone());
        pair("newer", version(it.available_version));
    }
    pair("keys", it.key_count.to_string());
    for service in &it.services {
        pair("service", found(service));
    }
    output::data(&table.to_string());
    Ok(Exit::Success)
}

fn owner(skill: &Skill) -> String {
    skill.owner.clone().unwrap_or_else(|| "the team".to_owned())
}

fn missing(skill: &Skill) -> std::collections::BTreeSet<&str> {
    let all = skill.services.iter().flat_map(|it| &it.secrets);
    all.filter(|it| it.found == Found::Missing).map(|it| it.name.as_str()).collect()
}

/// `weather: weather_api_key (the team's)`.
fn found(service: &SkillService) -> String {
    let one = |it: &SecretReference| {
        let place = match it.found {
            Found::Personal => "personal",
            Found::Team => "the team's",
            Found::Missing => "missing",
        };
        format!("{} ({place})", it.name)
    };
    let secrets: Vec<_> = service.secrets.iter().map(one).collect();
    if secrets.is_empty() { service.service.clone() } else { format!("{}: {}", service.service, secrets.join(", ")) }
}

//! `portcullis skills list`, `show` and `published`.

use portcullis_api::skills::ListSkills;
use portcullis_api::skills::{PublishedSkill, ServiceLink, SkillService};
use portcullis_api::{Skill, WhichPage};

use super::uses::text;
use super::{owner, print};
use crate::args::{Control, Listing, Output};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::paging::{LARGEST_PAGE, all};
use crate::table::Table;

#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    /// The skill's id: `skl_` and 16 characters.
    id: String,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Published {
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn list(args: &Listing) -> Result<Exit, Failure> {
    let client = args.control.client()?;
    let skills = all(async |cursor| {
        let (organization, limit) = (args.organization.clone(), Some(LARGEST_PAGE));
        client.list_skills(&ListSkills { organization, limit, cursor }).await
    })
    .await?;
    output::print(args.output, &skills, || table(&skills))
}

pub(super) async fn show(args: &Show) -> Result<Exit, Failure> {
    print(&args.control.client()?.show_skill(&args.id).await?, args.output.json)
}

pub(super) async fn published(args: &Published) -> Result<Exit, Failure> {
    let client = args.control.client()?;
    let skills =
        all(async |cursor| client.list_published_skills(&WhichPage { limit: Some(LARGEST_PAGE), cursor }).await)
            .await?;
    output::print(args.output, &skills, || offered(&skills))
}

fn table(skills: &[Skill]) -> Table {
    let mut table =
        Table::new(["id", "name", "organization", "owner", "version", "keys", "services", "state", "description"]);
    for it in skills {
        let services: Vec<_> = it.services.iter().map(|it| text(&link(it))).collect();
        table.row([
            it.id.clone(),
            it.name.clone(),
            it.organization.clone(),
            owner(it),
            it.version.to_string(),
            it.key_count.to_string(),
            services.join(" "),
            state(it),
            it.description.clone(),
        ]);
    }
    table
}

fn link(service: &SkillService) -> ServiceLink {
    let secrets = service.secrets.iter().map(|it| it.name.clone()).collect();
    ServiceLink { service: service.service.clone(), secrets }
}

/// What there is to know of it beside that it is there.
fn state(skill: &Skill) -> String {
    let missing = super::missing(skill).len();
    let published = skill.published_version.map(|version| format!("published {version}"));
    let installed = skill.installed_from.as_ref().map(|_| match skill.available_version {
        Some(version) => format!("installed, {version} is there"),
        None => "installed".to_owned(),
    });
    let lacks = (missing > 0).then(|| format!("{missing} secrets missing"));
    [published, installed, lacks].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn offered(skills: &[PublishedSkill]) -> Table {
    let mut table = Table::new(["id", "name", "publisher", "version", "services", "description"]);
    for it in skills {
        table.row([
            it.id.clone(),
            it.name.clone(),
            it.publisher.clone(),
            it.version.to_string(),
            it.services.iter().map(text).collect::<Vec<_>>().join(" "),
            it.description.clone(),
        ]);
    }
    table
}

//! `/skills`: what there is, and one skill with what its references stand for.

use axum::extract::State;
use portcullis_api::Skill;
use portcullis_api::skills::{Found, ListSkills, SecretReference, SkillService};
use serde::Deserialize;

use super::Html;
use super::audit::history;
use super::desk::Desk;
use super::skill_forms::{Typed, known};
use crate::app::App;
use crate::error::Error;
use crate::http::body::{Parameters, Segment};
use crate::http::failure::Failure;
use crate::pages::parts::{Badge, Pager, Tone};
use crate::pages::secrets::Whose;
use crate::pages::shell::Section;
use crate::pages::skills::{Link, Reference, SkillChoice, SkillPage, SkillRow, Skills};
use crate::pages::when::When;
use crate::{skills, tag};

pub(super) const HERE: &str = "/skills";
pub(super) const ON_A_PAGE: u32 = 50;
/// A form offers so many.
const OFFERED: u32 = 1000;

/// Which page.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    pub(super) cursor: String,
}

impl Asked {
    pub(super) fn cursor(&self) -> Option<String> {
        Some(self.cursor.clone()).filter(|it| !it.is_empty())
    }

    /// The way on and back, from a page of so many.
    pub(super) fn pager(&self, here: &str, shown: usize, next: Option<String>) -> Pager {
        Pager {
            shown,
            first: self.cursor().map(|_| here.to_owned()),
            next: next.map(|cursor| format!("{here}?cursor={cursor}")),
        }
    }
}

pub(super) async fn list(
    State(app): State<App>,
    desk: Desk,
    Parameters(asked): Parameters<Asked>,
) -> Result<Html<Skills>, Failure> {
    let query = ListSkills {
        organization: Some(desk.by.organization.to_string()),
        limit: Some(ON_A_PAGE),
        cursor: asked.cursor(),
    };
    let _listing = app.listings.turn(&desk.by).await;
    let found = skills::list(&app, &desk.by, &query).await?;
    Ok(Html::ok(Skills {
        shell: desk.shell("Skills", Section::Skills),
        pager: asked.pager(HERE, found.data.len(), found.next_cursor),
        rows: found.data.iter().map(|it| row(&desk, it)).collect(),
    }))
}

fn row(desk: &Desk, it: &Skill) -> SkillRow {
    SkillRow {
        id: it.id.clone(),
        name: it.name.clone(),
        description: it.description.clone(),
        whose: Whose::of(it.owner.as_deref(), &desk.viewer.email),
        services: it.services.iter().map(|it| it.service.clone()).collect(),
        keys: it.key_count,
        flags: flags(it),
    }
}

fn flags(it: &Skill) -> Vec<Badge> {
    let missing = it.services.iter().flat_map(|it| &it.secrets).any(|it| it.found == Found::Missing);
    let flags = [
        (missing, Tone::Warn, "Secrets missing"),
        (it.available_version.is_some(), Tone::Warn, "Newer version"),
        (it.published_version.is_some(), Tone::Good, "Published"),
        (it.installed_from.is_some(), Tone::Quiet, "Installed"),
    ];
    flags.into_iter().filter(|(shown, ..)| *shown).map(|(_, tone, word)| Badge::new(tone, word)).collect()
}

pub(super) async fn show(State(app): State<App>, desk: Desk, Segment(id): Segment) -> Result<Html<SkillPage>, Failure> {
    let found = skills::show(&app, &desk.by, &id).await?;
    let typed = Typed::of(&found);
    Ok(Html::ok(one(&app, &desk, found, typed).await?))
}

/// The page of one, its form as it is or was typed.
pub(super) async fn one(app: &App, desk: &Desk, found: Skill, typed: Typed) -> Result<SkillPage, Error> {
    let (now, can) = (app.clock.seconds(), desk.viewer.can);
    let skill = row(desk, &found);
    let manages = skill.whose == Whose::Team && can.organizations_write;
    Ok(SkillPage {
        shell: desk.shell(found.name.clone(), Section::Skills),
        version: found.version,
        published: found.published_version,
        available: found.available_version,
        created: When::parse(&found.created_at, now),
        created_by: found.created_by.clone(),
        links: found.services.iter().map(|it| link(desk, &skill.whose, it)).collect(),
        keys: skills::keys(app, &desk.by, &found.id).await?,
        may_change: can.skills_write && (skill.whose == Whose::Yours || manages),
        may_delete: can.skills_write && (skill.whose == Whose::Yours || can.organizations_write),
        known: known(app),
        etag: tag::of(&found),
        entries: history(app, desk, &found.id).await?,
        installed_from: found.installed_from,
        description: typed.description,
        services: typed.services,
        problems: typed.problems,
        skill,
    })
}

fn link(desk: &Desk, whose: &Whose, it: &SkillService) -> Link {
    let secrets = it.secrets.iter().map(|it| reference(desk, whose, it)).collect();
    Link { service: it.service.clone(), secrets }
}

fn reference(desk: &Desk, whose: &Whose, it: &SecretReference) -> Reference {
    let (tone, word) = match it.found {
        Found::Personal if *whose == Whose::Yours => (Tone::Good, "Yours"),
        Found::Personal => (Tone::Good, "Its owner's"),
        Found::Team => (Tone::Good, "The team's"),
        Found::Missing => (Tone::Warn, "Missing"),
    };
    let can = desk.viewer.can;
    let team = *whose == Whose::Team;
    let may = can.secrets_write && (*whose == Whose::Yours || team && can.organizations_write);
    let address = format!("/secrets/new?name={}{}", it.name, if team { "&team=true" } else { "" });
    Reference {
        name: it.name.clone(),
        found: Badge::new(tone, word),
        href: it.secret.as_ref().map(|id| format!("/secrets/{id}")),
        enter: Some(address).filter(|_| may && it.found == Found::Missing),
    }
}

/// The skills of an organisation that the viewer's keys there may belong to, and the one that a key belongs to now.
pub(super) async fn choices(
    app: &App,
    desk: &Desk,
    organization: &str,
    chosen: &str,
) -> Result<Vec<SkillChoice>, Error> {
    let query = ListSkills { organization: Some(organization.to_owned()), limit: Some(OFFERED), cursor: None };
    let found = skills::list(app, &desk.by, &query).await?.data;
    let whose = |it: &Skill| Whose::of(it.owner.as_deref(), &desk.viewer.email);
    let offered = found.iter().filter(|it| it.id == chosen || whose(it).is_usable());
    let choice = |it: &Skill| SkillChoice {
        id: it.id.clone(),
        label: format!("{} ({})", it.name, whose(it).word().to_lowercase()),
        chosen: it.id == chosen,
    };
    let mut choices: Vec<_> = offered.map(choice).collect();
    if !chosen.is_empty() && choices.iter().all(|it| !it.chosen) {
        choices.push(SkillChoice { id: chosen.to_owned(), label: chosen.to_owned(), chosen: true });
    }
    Ok(choices)
}

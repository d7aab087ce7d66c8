//! What becomes of skills: published and taken back, installed and upgraded, deleted.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use portcullis_api::skills::{DeleteSkill, PublishedSkill};
use portcullis_api::{InstallSkill, UpgradeSkill, WhichPage};

use super::desk::Desk;
use super::done::{Done, done};
use super::key_life::Nothing;
use super::problems::beside;
use super::skill_forms::to;
use super::skills::{Asked, HERE, ON_A_PAGE};
use super::{Html, fields};
use crate::access::Permission::{OrganizationsWrite, SkillsWrite};
use crate::app::App;
use crate::error::Error;
use crate::http::body::{Parameters, Segment};
use crate::http::failure::Failure;
use crate::http::session::{Fields, Form};
use crate::pages::form::Problems;
use crate::pages::message::Confirm;
use crate::pages::shell::Section;
use crate::pages::skills::{Install, Published, PublishedRow};
use crate::skills;

const PUBLISHED: &str = "/skills/published";

pub(super) async fn published(
    State(app): State<App>,
    desk: Desk,
    Parameters(asked): Parameters<Asked>,
) -> Result<Html<Published>, Failure> {
    let query = WhichPage { limit: Some(ON_A_PAGE), cursor: asked.cursor() };
    let _listing = app.listings.turn(&desk.by).await;
    let found = skills::list_published(&app, &desk.by, &query).await?;
    Ok(Html::ok(Published {
        shell: desk.shell("Published skills", Section::Skills),
        pager: asked.pager(PUBLISHED, found.data.len(), found.next_cursor),
        rows: found.data.into_iter().map(row).collect(),
    }))
}

fn row(it: PublishedSkill) -> PublishedRow {
    PublishedRow {
        id: it.id,
        name: it.name,
        description: it.description,
        publisher: it.publisher,
        version: it.version,
        services: it.services.into_iter().map(|it| (it.service, it.secrets)).collect(),
    }
}

pub(super) async fn ask_to_install(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
) -> Result<Html<Install>, Failure> {
    desk.by.require(SkillsWrite)?;
    let skill = row(skills::show_published(&app, &desk.by, &id).await?);
    let name = skill.name.clone();
    Ok(Html::ok(Install {
        shell: desk.shell("Install a skill", Section::Skills),
        skill,
        name,
        team: false,
        problems: Problems::default(),
    }))
}

pub(super) async fn install(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(sent): Form<Fields>,
) -> Result<Response, Failure> {
    let name = Some(sent.get("name").to_owned()).filter(|it| !it.is_empty());
    let request = InstallSkill { name, team: fields::is_team(&sent), organization: None, version: None };
    match skills::install(&app, &desk.by, &id, &request).await {
        Ok(made) => Ok(to(&made.value.id, Done::SkillInstalled, made.version)),
        Err(error) => {
            let problems = beside(error, &[("", "name"), ("/team", "team")])?;
            Ok(Html::again(Install {
                shell: desk.shell("Install a skill", Section::Skills),
                skill: row(skills::show_published(&app, &desk.by, &id).await?),
                name: fields::again(&app.policy(), sent.get("name")),
                team: fields::is_team(&sent),
                problems,
            })
            .into_response())
        }
    }
}

pub(super) async fn publish(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Failure> {
    let saved = skills::publish(&app, &desk.by, &id).await?;
    Ok(to(&saved.value.id, Done::SkillPublished, saved.version))
}

pub(super) async fn unpublish(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Failure> {
    let saved = skills::unpublish(&app, &desk.by, &id).await?;
    Ok(to(&saved.value.id, Done::SkillUnpublished, saved.version))
}

pub(super) async fn upgrade(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Failure> {
    let saved = skills::upgrade(&app, &desk.by, &id, &UpgradeSkill::default()).await?;
    Ok(to(&saved.value.id, Done::SkillUpgraded, saved.version))
}

pub(super) async fn ask_to_delete(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
) -> Result<Html<Confirm>, Failure> {
    Ok(Html::ok(question(&app, &desk, &id).await?))
}

async fn question(app: &App, desk: &Desk, id: &str) -> Result<Confirm, Error> {
    desk.by.require(SkillsWrite)?;
    let found = skills::show(app, &desk.by, id).await?;
    if found.owner.as_deref() != Some(desk.viewer.email.as_str()) {
        desk.by.require(OrganizationsWrite)?;
    }
    let used = found.key_count > 0;
    Ok(Confirm {
        shell: desk.shell("Delete a skill", Section::Skills),
        question: format!("Delete the skill {}?", found.name),
        points: points(skills::keys(app, &desk.by, &found.id).await?, found.key_count),
        action: format!("{HERE}/{}/delete", found.id),
        hidden: if used { vec![("force", "true".to_owned())] } else { Vec::new() },
        yes: "Delete it".to_owned(),
        danger: true,
        back: format!("{HERE}/{}", found.id),
    })
}

/// What becomes of its keys.
fn points(keys: Vec<(String, String)>, count: u64) -> Vec<String> {
    let more = count.saturating_sub(u64::try_from(keys.len()).unwrap_or(u64::MAX));
    let mut points: Vec<_> = keys.into_iter().map(|(id, name)| format!("The key {name} loses it ({id}).")).collect();
    if more > 0 {
        points.push(format!("So do {more} more."));
    }
    points.push(match count {
        0 => "No key belongs to it.".to_owned(),
        _ => "These keys go on working, but for services: edges refuse them there at once.".to_owned(),
    });
    points.push("Secrets stay, and so does what others installed of it.".to_owned());
    points
}

pub(super) async fn delete(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(sent): Form<Fields>,
) -> Result<Response, Failure> {
    let query = DeleteSkill { force: sent.has("force").then_some(true) };
    match skills::remove(&app, &desk.by, &id, &query).await {
        Ok(gone) => Ok(done(HERE, Done::SkillDeleted, Some(gone.version)).into_response()),
        // A key belongs to it since the question was asked: it is asked again.
        Err(Error::SkillInUse(_)) => Ok(Html(StatusCode::CONFLICT, question(&app, &desk, &id).await?).into_response()),
        Err(error) => Err(error.into()),
    }
}

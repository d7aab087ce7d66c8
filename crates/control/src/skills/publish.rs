//! Skills for others: published by whose they are, installed by anybody who signs in, upgraded by whoever installed them.
//!
//! What travels is a name, a description, services and the names of secrets. Invariants: no secret is found across
//! organisations; what is installed works on when its publisher takes it back.

use portcullis_api::skills::PublishedSkill;
use portcullis_api::{InstallSkill, Page, Skill, UpgradeSkill, WhichPage};
use portcullis_engine::SkillId;
use serde_json::json;

use super::manage::{changeable, insert, replaced, services};
use super::{fields, view};
use crate::access::Permission::{SkillsRead, SkillsWrite};
use crate::accounts::pages;
use crate::app::{App, Committed};
use crate::caller::Caller;
use crate::error::Error;
use crate::organizations;
use crate::owned;
use crate::random;
use crate::store::{Action, PublishedRow, SkillRow};

/// One page of what anybody published, newest first.
pub(crate) async fn list_published(app: &App, by: &Caller, query: &WhichPage) -> Result<Page<PublishedSkill>, Error> {
    by.require(SkillsRead)?;
    let slice = pages::slice(query.limit, query.cursor.as_deref())?;
    let rows = app.store.published_skills(&slice).await?;
    let place = |it: &PublishedRow| (it.row.created_at, it.row.id.to_string());
    Ok(pages::page(rows, &slice, place, view::published))
}

/// One that anybody published.
pub(crate) async fn show_published(app: &App, by: &Caller, id: &str) -> Result<PublishedSkill, Error> {
    by.require(SkillsRead)?;
    let id: SkillId = id.parse().map_err(|_| Error::NotFound("published skill"))?;
    app.store.published_skill(id).await?.map(view::published).ok_or(Error::NotFound("published skill"))
}

/// Lets others install the version in force.
pub(crate) async fn publish(app: &App, by: &Caller, id: &str) -> Result<Committed<Skill>, Error> {
    by.require(SkillsWrite)?;
    app.change(async || {
        let from = changeable(app, by, id).await?;
        if from.installed_from.is_some() {
            return Err(Error::invalid("", "an installed skill is its publisher's to publish"));
        }
        let to = SkillRow { published: Some(from.version), ..from.clone() };
        replaced(app, by, from, to, Action::SkillPublished).await
    })
    .await
}

/// Lets nobody install it any more. What is installed stays.
pub(crate) async fn unpublish(app: &App, by: &Caller, id: &str) -> Result<Committed<Skill>, Error> {
    by.require(SkillsWrite)?;
    app.change(async || {
        let from = changeable(app, by, id).await?;
        let to = SkillRow { published: None, ..from.clone() };
        replaced(app, by, from, to, Action::SkillUnpublished).await
    })
    .await
}

/// Makes a skill out of a published one. Its references stand for secrets of whoever installs it.
pub(crate) async fn install(
    app: &App,
    by: &Caller,
    id: &str,
    request: &InstallSkill,
) -> Result<Committed<Skill>, Error> {
    by.require(SkillsWrite)?;
    let owner = owned::owner(by, request.team)?;
    let organization = organizations::resolve(app, by, request.organization.as_deref()).await?;
    let id: SkillId = id.parse().map_err(|_| Error::NotFound("published skill"))?;
    let PublishedRow { row: original, .. } =
        app.store.published_skill(id).await?.ok_or(Error::NotFound("published skill"))?;
    let row = SkillRow {
        id: random::skill_id()?,
        organization,
        owner,
        name: fields::name(app, request.name.as_deref().unwrap_or(&original.name))?,
        version: offered(&original, request.version)?,
        published: None,
        installed_from: Some(original.id),
        created_by: by.email().map(str::to_owned),
        created_at: app.clock.seconds(),
        changed_in: 0,
        ..original
    };
    let mut detail = services(&row);
    detail.push(("installed_from", json!(id.to_string())));
    insert(app, by, row, Action::SkillInstalled, detail).await
}

/// Takes what its publisher has published now.
pub(crate) async fn upgrade(
    app: &App,
    by: &Caller,
    id: &str,
    request: &UpgradeSkill,
) -> Result<Committed<Skill>, Error> {
    by.require(SkillsWrite)?;
    app.change(async || {
        let from = changeable(app, by, id).await?;
        let Some(original) = from.installed_from else {
            return Err(Error::invalid("", "only an installed skill is upgraded: this one was made here"));
        };
        let gone = || Error::invalid("", "its publisher does not publish it any more: it stays as it is");
        let PublishedRow { row, .. } = app.store.published_skill(original).await?.ok_or_else(gone)?;
        let version = offered(&row, request.version)?;
        let to = SkillRow { version, services: row.services, ..from.clone() };
        replaced(app, by, from, to, Action::SkillUpgraded).await
    })
    .await
}

/// The version that is published, which has to be the one that the caller has seen, if they say which that was.
fn offered(row: &SkillRow, asked: Option<u64>) -> Result<u64, Error> {
    let current = row.published.unwrap_or(row.version);
    match asked.filter(|asked| *asked != current) {
        None => Ok(current),
        Some(asked) => Err(Error::SkillMoved { asked, current }),
    }
}

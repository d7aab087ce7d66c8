//! Making, changing and removing skills, and looking at them.
//!
//! What is somebody's own is made and changed by them alone; what is the organisation's, by whoever manages it. Invariants: a
//! version, once there, never changes; a skill names services that the policy had when it was named.

use portcullis_api::skills::{DeleteSkill, ListSkills};
use portcullis_api::{CreateSkill, Page, Skill, UpdateSkill};
use portcullis_engine::{OrganizationId, SkillId};
use serde_json::{Value, json};

use super::resolve::Names;
use super::weight::room_for_skill;
use super::{fields, view};
use crate::access::Permission::{KeysRead, SkillsRead, SkillsWrite};
use crate::accounts::pages;
use crate::app::{App, Committed};
use crate::caller::Caller;
use crate::error::Error;
use crate::keys::given;
use crate::organizations;
use crate::owned;
use crate::random;
use crate::store::{Action, Change, ShownSkill, SkillRow, SkillWrite, StoreError, Target, Write};

/// An organisation has no more.
const MOST: u64 = 1000;
/// Of more keys of one skill the number is enough.
const NAMED: u32 = 20;

/// Makes a skill. Its references need not stand for anything yet.
pub(crate) async fn create(app: &App, by: &Caller, request: &CreateSkill) -> Result<Committed<Skill>, Error> {
    by.require(SkillsWrite)?;
    let owner = owned::owner(by, request.team)?;
    let organization = organizations::resolve(app, by, request.organization.as_deref()).await?;
    let row = SkillRow {
        id: random::skill_id()?,
        organization,
        owner,
        name: fields::name(app, &request.name)?,
        description: owned::description(app, request.description.as_deref().unwrap_or_default())?,
        version: 1,
        published: None,
        installed_from: None,
        services: fields::services(app, &request.services)?,
        created_by: by.email().map(str::to_owned),
        created_at: app.clock.seconds(),
        changed_in: 0,
    };
    let detail = services(&row);
    insert(app, by, row, Action::SkillCreated, detail).await
}

/// Stores a new one.
pub(super) async fn insert(
    app: &App,
    by: &Caller,
    row: SkillRow,
    action: Action,
    detail: Vec<(&'static str, Value)>,
) -> Result<Committed<Skill>, Error> {
    room(app, row.organization).await?;
    app.ready().await?;
    let (id, organization) = (row.id, row.organization);
    let done = app.change(async || {
        room_for_skill(app, &row).await?;
        let change = change(app, by, &row, action, SkillWrite::Insert(row.clone()));
        app.commit(change.detail(detail.clone()), ()).await
    });
    let done = done.await.map_err(named)?;
    again(app, by, organization, id, done).await
}

/// One page of skills, newest first.
pub(crate) async fn list(app: &App, by: &Caller, query: &ListSkills) -> Result<Page<Skill>, Error> {
    by.require(SkillsRead)?;
    let scope = organizations::narrow(by, query.organization.as_deref())?;
    let slice = pages::slice(query.limit, query.cursor.as_deref())?;
    let rows = app.store.skills(scope, owned::seen_by(by)?, &slice).await?;
    let secrets = view::secrets(app, rows.iter().map(|it| it.row.organization)).await?;
    let names = Names::of(&secrets);
    let place = |it: &ShownSkill| (it.row.created_at, it.row.id.to_string());
    Ok(pages::page(rows, &slice, place, |it| view::skill(it, &names)))
}

/// One skill.
pub(crate) async fn show(app: &App, by: &Caller, id: &str) -> Result<Skill, Error> {
    by.require(SkillsRead)?;
    record(app, find(app, by, id).await?).await
}

/// Keys that belong to a skill and are not revoked, by id and name: those that it is enough to name.
pub(crate) async fn keys(app: &App, by: &Caller, id: &str) -> Result<Vec<(String, String)>, Error> {
    by.require(KeysRead)?;
    let found = find(app, by, id).await?;
    let keys = app.store.keys_of_skill(found.row.id, NAMED).await?;
    Ok(keys.into_iter().map(|(id, name)| (id.to_string(), name)).collect())
}

/// Changes what a skill is said to be for, and the services it may use. Other services make a new version, in force at once.
pub(crate) async fn update(app: &App, by: &Caller, id: &str, request: &UpdateSkill) -> Result<Committed<Skill>, Error> {
    by.require(SkillsWrite)?;
    let text = given("/description", &request.description)?;
    let description = text.map(|it| owned::description(app, it)).transpose()?;
    let links = given("/services", &request.services)?.map(|it| fields::services(app, it)).transpose()?;
    app.change(async || {
        let from = changeable(app, by, id).await?;
        if from.installed_from.is_some() && links.is_some() {
            let detail = "an installed skill's services are its publisher's: upgrade it, or make a skill of your own";
            return Err(Error::invalid("/services", detail));
        }
        let mut to = from.clone();
        to.description = description.clone().unwrap_or(to.description);
        to.services = links.clone().unwrap_or(to.services);
        if to.services != from.services {
            to.version = to.version.saturating_add(1);
        }
        replaced(app, by, from, to, Action::SkillUpdated).await
    })
    .await
}

/// Removes a skill. One that keys belong to goes only if that is said.
pub(crate) async fn remove(app: &App, by: &Caller, id: &str, query: &DeleteSkill) -> Result<Committed<Skill>, Error> {
    by.require(SkillsWrite)?;
    app.change(async || {
        let found = find(app, by, id).await?;
        owned::may_remove(by, found.row.owner)?;
        let (row, key_count) = (found.row.clone(), found.key_count);
        let record = record(app, found).await?;
        by.still_sees(&record)?;
        if key_count > 0 && !query.force.unwrap_or_default() {
            return Err(Error::SkillInUse(key_count));
        }
        let change = change(app, by, &row, Action::SkillDeleted, SkillWrite::Delete(row.id));
        let detail = [("version", json!(row.version)), ("owner", json!(record.owner)), ("keys", json!(key_count))];
        app.commit(change.detail(detail), record).await
    })
    .await
}

/// One that the caller may change, and that is as they read it.
pub(super) async fn changeable(app: &App, by: &Caller, id: &str) -> Result<SkillRow, Error> {
    let found = find(app, by, id).await?;
    owned::may_change(by, found.row.owner)?;
    let row = found.row.clone();
    by.still_sees(&record(app, found).await?)?;
    Ok(row)
}

/// Puts a skill's new state in place of what it was, unless it is that already.
pub(super) async fn replaced(
    app: &App,
    by: &Caller,
    from: SkillRow,
    to: SkillRow,
    action: Action,
) -> Result<Committed<Skill>, Error> {
    let (organization, id) = (from.organization, from.id);
    let done = if to == from {
        app.published(from.changed_in, ()).await?
    } else {
        if to.services != from.services {
            room_for_skill(app, &to).await?;
        }
        let detail = services(&to);
        app.commit(change(app, by, &to.clone(), action, SkillWrite::Replace(to)).detail(detail), ()).await?
    };
    again(app, by, organization, id, done).await
}

async fn find(app: &App, by: &Caller, id: &str) -> Result<ShownSkill, Error> {
    let id: SkillId = id.parse().map_err(|_| Error::NotFound("skill"))?;
    let found = app.store.skill(by.scope, id).await?;
    found.filter(|it| owned::is_seen(by, it.row.owner)).ok_or(Error::NotFound("skill"))
}

async fn record(app: &App, shown: ShownSkill) -> Result<Skill, Error> {
    let secrets = view::secrets(app, [shown.row.organization]).await?;
    Ok(view::skill(shown, &Names::of(&secrets)))
}

/// As it is now that something was done to it.
async fn again(
    app: &App,
    by: &Caller,
    organization: OrganizationId,
    id: SkillId,
    done: Committed<()>,
) -> Result<Committed<Skill>, Error> {
    let scope = by.scope.within(organization).ok_or(Error::NotFound("skill"))?;
    let shown = app.store.skill(scope, id).await?.ok_or(Error::NotFound("skill"))?;
    let shown = record(app, shown).await?;
    Ok(done.map(|(), _| shown))
}

async fn room(app: &App, organization: OrganizationId) -> Result<(), Error> {
    if app.store.skill_count(organization).await? < MOST {
        return Ok(());
    }
    Err(Error::invalid("/organization", format!("an organisation has at most {MOST} skills: delete one first")))
}

fn named(error: Error) -> Error {
    match error {
        Error::Store(StoreError::Duplicate) => {
            let detail = "there is a skill of that name: choose another".to_owned();
            Error::Taken { pointer: "/name".to_owned(), detail }
        }
        other => other,
    }
}

/// Something done to a skill, and what the log says of it.
fn change(app: &App, by: &Caller, row: &SkillRow, action: Action, write: SkillWrite) -> Change {
    let target = Target::new("skill", row.id, &row.name);
    Change::new(by, app.clock.millis()).add(Write::Skill(write), row.organization, action, target)
}

/// What a skill may use, in the log.
pub(super) fn services(row: &SkillRow) -> Vec<(&'static str, Value)> {
    vec![
        ("version", json!(row.version)),
        ("published_version", json!(row.published)),
        ("team", json!(row.owner.is_none())),
        ("services", json!(row.services)),
    ]
}

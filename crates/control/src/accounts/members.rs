//! Members of an organisation: who they are, what they are, and that they no longer are.

use portcullis_api as api;
use portcullis_api::{Member, Page, UpdateMember, WhichPage};
use portcullis_engine::OrganizationId;
use serde_json::{Value, json};

use super::standing::reach;
use super::{fields, pages};
use crate::access::Permission::{MembersRead, MembersWrite};
use crate::app::App;
use crate::apps;
use crate::caller::{Caller, Scope};
use crate::clock::to_rfc3339;
use crate::error::Error;
use crate::id::UserId;
use crate::organizations;
use crate::store::{AccountWrite, Action, Change, MemberRow, SecretFilter, SecretWrite, Slice, Target, Write};

/// One page of an organisation's members, those who came first before the others.
pub(crate) async fn list_members(
    app: &App,
    by: &Caller,
    organization: &str,
    query: &WhichPage,
) -> Result<Page<Member>, Error> {
    by.require(MembersRead)?;
    let organization = organizations::find(app, by, organization).await?.id;
    let slice = pages::slice(query.limit, query.cursor.as_deref())?;
    let rows = app.store.members(organization, &slice).await?;
    Ok(pages::page(rows, &slice, |row| (row.created_at, row.user.to_string()), member))
}

/// Makes a member something else. Only owners make and unmake owners, and one of them stays.
pub(crate) async fn change_role(
    app: &App,
    by: &Caller,
    organization: &str,
    user: &str,
    request: &UpdateMember,
) -> Result<Member, Error> {
    by.require(MembersWrite)?;
    let organization = organizations::find(app, by, organization).await?.id;
    let role = fields::role(request.role);
    app.change(async || {
        let row = find(app, organization, user).await?;
        reach(app, by, organization, row.role)?;
        reach(app, by, organization, role)?;
        let shown = member(MemberRow { role, ..row.clone() });
        if row.role == role {
            return Ok(shown);
        }
        let (target, detail) = (target(&row), [("from", json!(row.role.as_str())), ("to", json!(role.as_str()))]);
        let user = row.user;
        let write = Write::Account(AccountWrite::SetRole(row, role, app.clock.seconds()));
        let change = Change::new(by, app.clock.millis());
        let change = change.add(write, organization, Action::MemberChanged, target).detail(detail);
        apps::record_standing(app, change, organization, user, Some(role)).await?;
        Ok(shown)
    })
    .await
}

/// A member whom the caller may remove.
pub(crate) async fn removable(app: &App, by: &Caller, organization: &str, user: &str) -> Result<Member, Error> {
    by.require(MembersWrite)?;
    let organization = organizations::find(app, by, organization).await?.id;
    let row = find(app, organization, user).await?;
    reach(app, by, organization, row.role)?;
    Ok(member(row))
}

/// Removes a member. Their sessions, their personal tokens and what they allowed apps there end at once; their secrets and skills
/// there go, which nobody could manage any more.
pub(crate) async fn remove_member(app: &App, by: &Caller, organization: &str, user: &str) -> Result<(), Error> {
    by.require(MembersWrite)?;
    let organization = organizations::find(app, by, organization).await?.id;
    app.change(async || {
        let row = find(app, organization, user).await?;
        reach(app, by, organization, row.role)?;
        let (target, user) = (target(&row), row.user);
        let (gone, counts) = everything_of(app, organization, user).await?;
        let detail = [("role", json!(row.role.as_str()))].into_iter().chain(counts);
        let write = Write::Account(AccountWrite::RemoveMember(row, app.clock.seconds()));
        let change = gone.into_iter().fold(Change::new(by, app.clock.millis()), Change::also);
        let change = change.add(write, organization, Action::MemberRemoved, target).detail(detail);
        apps::record_standing(app, change, organization, user, None).await
    })
    .await
}

/// What deletes a member's secrets and skills, if they have some, and how many there are.
async fn everything_of(
    app: &App,
    organization: OrganizationId,
    user: UserId,
) -> Result<(Option<Write>, Vec<(&'static str, Value)>), Error> {
    let (scope, all) = (Scope::Only(organization), Slice { after: None, limit: u32::MAX });
    let seen = SecretFilter { seen_by: Some(user), ..SecretFilter::default() };
    let secrets = app.store.secrets(scope, &seen, &all).await?;
    let skills = app.store.skills(scope, Some(user), &all).await?;
    let secrets = secrets.iter().filter(|it| it.row.owner == Some(user)).count();
    let skills = skills.iter().filter(|it| it.row.owner == Some(user)).count();
    let write = Write::Secret(SecretWrite::DeleteOf(organization, user));
    let counts = [("secrets", secrets), ("skills", skills)].into_iter().filter(|(_, count)| *count > 0);
    Ok(((secrets + skills > 0).then_some(write), counts.map(|(name, count)| (name, json!(count))).collect()))
}

async fn find(app: &App, organization: OrganizationId, user: &str) -> Result<MemberRow, Error> {
    let user = user.parse().map_err(|_| Error::NotFound("member"))?;
    app.store.member(organization, user).await?.ok_or(Error::NotFound("member"))
}

fn target(row: &MemberRow) -> Target {
    Target::new("user", row.user, &row.email)
}

fn member(row: MemberRow) -> api::Member {
    Member {
        user: row.user.to_string(),
        email: row.email,
        name: row.name,
        role: fields::api_role(row.role),
        created_at: to_rfc3339(row.created_at),
        last_seen: row.last_seen.map(to_rfc3339),
    }
}

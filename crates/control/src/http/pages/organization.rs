//! `/organization`: its members, what they are, who is invited; and looking at another one.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use portcullis_api::{ApiKey, CreateInvitation, Member as Row, UpdateMember, WhichPage};
use serde::Deserialize;

use super::desk::Desk;
use super::done::{Done, done};
use super::key_life::Nothing;
use super::problems::{beside, sentence};
use super::quota::{self, Place};
use super::{Html, fields};
use crate::access::{Permission, Role};
use crate::accounts::{self, standing};
use crate::app::App;
use crate::error::Error;
use crate::http::body::{Parameters, Segment};
use crate::http::failure::Failure;
use crate::http::session::{Form, escaped, no_cookie};
use crate::organizations;
use crate::pages::form::Problems;
use crate::pages::message::Confirm;
use crate::pages::organization::{Member, Organization, PendingInvitation, RoleChoice};
use crate::pages::parts::{Code, Pager};
use crate::pages::shell::Section;
use crate::pages::when::When;

const ON_A_PAGE: u32 = 100;
const INVITATIONS: u32 = 1000;
const HERE: &str = "/organization";

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    cursor: String,
}

/// What a page shows beside what is stored.
#[derive(Default)]
struct Shown {
    cursor: Option<String>,
    link: Option<Code>,
    email: String,
    time_zone: Option<String>,
    problems: Problems,
}

pub(super) async fn show(
    State(app): State<App>,
    desk: Desk,
    Parameters(Asked { cursor }): Parameters<Asked>,
) -> Result<Html<Organization>, Failure> {
    let cursor = Some(cursor).filter(|cursor| !cursor.is_empty());
    Ok(Html::ok(page(&app, &desk, Shown { cursor, ..Shown::default() }).await?))
}

async fn page(app: &App, desk: &Desk, shown: Shown) -> Result<Organization, Error> {
    let _listing = app.listings.turn(&desk.by).await;
    let id = desk.by.organization.to_string();
    let organization = organizations::show(app, &desk.by, &id).await?;
    let which = WhichPage { limit: Some(ON_A_PAGE), cursor: shown.cursor.clone() };
    let members = accounts::list_members(app, &desk.by, &id, &which).await?;
    let which = WhichPage { limit: Some(INVITATIONS), cursor: None };
    let invitations = accounts::list_invitations(app, &desk.by, &id, &which).await?;
    let (now, highest) = (app.clock.seconds(), highest(app, desk));
    let rows: Vec<_> = members.data.into_iter().map(|row| member(row, desk, highest, now)).collect();
    let invitation = |it: portcullis_api::Invitation| PendingInvitation {
        id: it.id,
        email: it.email,
        role: it.role.as_str().to_owned(),
        invited_by: it.created_by,
        expires: When::parse(&it.expires_at, now),
    };
    Ok(Organization {
        shell: desk.shell(organization.name.clone(), Section::Organization),
        id,
        name: organization.name,
        created: When::parse(&organization.created_at, now),
        quota: quota::card(app, desk, None).await?,
        time_zone: shown.time_zone.unwrap_or(organization.time_zone),
        pager: Pager {
            shown: rows.len(),
            first: shown.cursor.map(|_| HERE.to_owned()),
            next: members.next_cursor.map(|cursor| format!("{HERE}?cursor={}", escaped(&cursor))),
        },
        members: rows,
        invitations: invitations.data.into_iter().map(invitation).collect(),
        link: shown.link,
        roles: Role::ALL.into_iter().rev().filter(|role| highest.is_some_and(|it| it <= *role)).map(choice).collect(),
        email: shown.email,
        problems: shown.problems,
    })
}

/// The highest role that the viewer may give and take.
fn highest(app: &App, desk: &Desk) -> Option<Role> {
    let may = desk.by.permissions.has(Permission::MembersWrite);
    standing(app, &desk.by, desk.by.organization).filter(|_| may)
}

fn member(row: Row, desk: &Desk, highest: Option<Role>, now: u64) -> Member {
    let role: Option<Role> = row.role.as_str().parse().ok();
    Member {
        is_viewer: desk.by.user().is_some_and(|id| id.to_string() == row.user),
        editable: role.zip(highest).is_some_and(|(role, highest)| highest <= role),
        id: row.user,
        name: row.name,
        email: row.email,
        role: row.role.as_str().to_owned(),
        joined: When::parse(&row.created_at, now),
        last_seen: row.last_seen.map(|at| When::parse(&at, now)),
    }
}

fn choice(role: Role) -> RoleChoice {
    let meaning = match role {
        Role::Viewer => "Sees keys and the policy.",
        Role::Member => "Also creates and changes keys.",
        Role::Admin => "Also invites people and reads the log.",
        Role::Owner => "Also makes and unmakes owners.",
    };
    RoleChoice { role: role.as_str(), meaning }
}

pub(super) async fn move_to(State(app): State<App>, desk: Desk, Form(place): Form<Place>) -> Result<Response, Failure> {
    let time_zone = Some(fields::again(&app.policy(), place.time_zone()));
    match quota::move_to(&app, &desk, place).await? {
        Ok(version) => Ok(done(HERE, Done::TimeZoneChanged, Some(version)).into_response()),
        Err(problems) => {
            let shown = Shown { time_zone, problems, ..Shown::default() };
            Ok(Html::again(page(&app, &desk, shown).await?).into_response())
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    role: String,
    email: String,
    organization: String,
}

impl Sent {
    fn role(&self) -> Result<portcullis_api::Role, Error> {
        use portcullis_api::Role::{Admin, Member, Owner, Viewer};
        let found = [Owner, Admin, Member, Viewer].into_iter().find(|role| role.as_str() == self.role);
        found.ok_or_else(|| Error::invalid("/role", "choose one"))
    }
}

pub(super) async fn change_role(
    State(app): State<App>,
    desk: Desk,
    Segment(user): Segment,
    Form(sent): Form<Sent>,
) -> Result<Response, Failure> {
    let organization = desk.by.organization.to_string();
    let request = UpdateMember { role: sent.role()? };
    match accounts::change_role(&app, &desk.by, &organization, &user, &request).await {
        Ok(_) => Ok(done(HERE, Done::MemberChanged, None).into_response()),
        Err(error) => refused(&app, desk, error).await,
    }
}

pub(super) async fn ask_to_remove(
    State(app): State<App>,
    desk: Desk,
    Segment(user): Segment,
) -> Result<Html<Confirm>, Failure> {
    let organization = desk.by.organization.to_string();
    let row = accounts::removable(&app, &desk.by, &organization, &user).await?;
    Ok(Html::ok(Confirm {
        shell: desk.shell(format!("Remove {}", row.name), Section::Organization),
        question: format!("Remove {} ({}) from {}?", row.name, row.email, desk.viewer.organization),
        points: vec![
            "Their sessions here and their personal tokens end at once.".to_owned(),
            "Keys and service tokens that they made go on working.".to_owned(),
            "They can be invited again.".to_owned(),
        ],
        action: format!("{HERE}/members/{}/remove", row.user),
        hidden: Vec::new(),
        yes: "Remove them".to_owned(),
        danger: true,
        back: HERE.to_owned(),
    }))
}

pub(super) async fn remove(
    State(app): State<App>,
    desk: Desk,
    Segment(user): Segment,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Failure> {
    let organization = desk.by.organization.to_string();
    match accounts::remove_member(&app, &desk.by, &organization, &user).await {
        // Their own session went with it.
        Ok(()) if desk.by.user().is_some_and(|id| id.to_string() == user) => {
            Ok((no_cookie(&app), done("/sign-in", Done::SignedOut, None)).into_response())
        }
        Ok(()) => Ok(done(HERE, Done::MemberRemoved, None).into_response()),
        Err(error) => refused(&app, desk, error).await,
    }
}

/// Why it was not done, over what there is. What has nothing to do with the members goes on as it is.
async fn refused(app: &App, desk: Desk, error: Error) -> Result<Response, Failure> {
    if !matches!(error, Error::LastOwner) {
        return Err(error.into());
    }
    let desk = desk.troubled(sentence(&error.to_string()));
    Ok(Html(StatusCode::CONFLICT, page(app, &desk, Shown::default()).await?).into_response())
}

pub(super) async fn invite(
    State(app): State<App>,
    desk: Desk,
    Form(sent): Form<Sent>,
) -> Result<Html<Organization>, Failure> {
    let organization = desk.by.organization.to_string();
    let email = sent.email.clone();
    let made = match sent.role() {
        Ok(role) => accounts::invite(&app, &desk.by, &organization, &CreateInvitation { role, email }).await,
        Err(error) => Err(error),
    };
    let problems = match made {
        Ok(made) => {
            let link = Code::secret("invitation-link", "Invitation link", &ApiKey::new(made.url.expose()));
            return Ok(Html::ok(page(&app, &desk, Shown { link: Some(link), ..Shown::default() }).await?));
        }
        Err(Error::AlreadyMember) => Problems(vec![("email", sentence(&Error::AlreadyMember.to_string()))]),
        Err(error) => beside(error, &[("", "email"), ("/role", "role")])?,
    };
    let email = fields::again(&app.policy(), &sent.email);
    Ok(Html::again(page(&app, &desk, Shown { email, problems, ..Shown::default() }).await?))
}

pub(super) async fn withdraw(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Failure> {
    accounts::withdraw(&app, &desk.by, &desk.by.organization.to_string(), &id).await?;
    Ok(done(HERE, Done::InvitationWithdrawn, None))
}

/// From now on the session looks at another organisation.
pub(super) async fn change_over(
    State(app): State<App>,
    desk: Desk,
    Form(sent): Form<Sent>,
) -> Result<Redirect, Failure> {
    accounts::switch(&app, &desk.by, &sent.organization).await?;
    Ok(done("/", Done::OrganizationMoved, None))
}

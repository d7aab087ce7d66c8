//! `/welcome/{token}`, the first owner, and `/invitations/{token}`, everybody else. Whoever accepts is signed in.
//!
//! Invariant: what the link holds is in the page's own address and nowhere in the page.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use portcullis_api::{Patch, UpdateOrganization};
use serde::Deserialize;

use super::done::{Done, done};
use super::problems::{Places, beside};
use super::sign_in::{agent, end_before, gate};
use super::{Html, fields};
use crate::accounts::{self, Acceptance, Accepted, Invited, Password, Started};
use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;
use crate::http::auth::By;
use crate::http::body::Segment;
use crate::http::failure::Failure;
use crate::http::session::{Form, Visitor, cookie};
use crate::pages::form::Problems;
use crate::pages::gate::{Invitation, Welcome};
use crate::policy::PolicyRoom;
use crate::{keys, organizations};

const PLACES: &Places = &[("", "email"), ("/name", "name"), ("/password", "password")];
const ORGANIZATION: &Places = &[("", "organization")];

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    name: String,
    email: String,
    password: String,
    organization: String,
}

pub(super) async fn welcome(
    State(app): State<App>,
    visitor: Visitor,
    Segment(link): Segment,
) -> Result<Response, Failure> {
    look_at(&app, &link, true).await?;
    let page = welcome_page(&app.policy(), &visitor, &Sent::default(), Problems::default());
    Ok((visitor, Html::ok(page)).into_response())
}

pub(super) async fn found(
    State(app): State<App>,
    By(by): By,
    visitor: Visitor,
    headers: HeaderMap,
    Segment(link): Segment,
    Form(sent): Form<Sent>,
) -> Result<Response, Failure> {
    look_at(&app, &link, true).await?;
    let policy = app.policy();
    // Before anybody is made: a link works once.
    let named = keys::name(&policy, &sent.organization).map_err(|error| beside(error, ORGANIZATION));
    let accepted = match named {
        Ok(name) => join(&app, &by, &link, &sent).await?.map(|accepted| (accepted, name)),
        Err(problems) => Err(problems?),
    };
    let (accepted, name) = match accepted {
        Ok(accepted) => accepted,
        Err(problems) => {
            let page = welcome_page(&policy, &visitor, &sent, problems);
            return Ok((visitor, Html::again(page)).into_response());
        }
    };
    let started = start(&app, &by, &visitor, &accepted, &headers).await?;
    let request = UpdateOrganization { name: Patch::Set(name), ..UpdateOrganization::default() };
    let id = accepted.membership.organization.to_string();
    // There is an owner now, who can name it later: no failure of this keeps them out.
    let what = match organizations::update(&app, &started.caller, &id, &request).await {
        Ok(_) => Done::Welcome,
        Err(error) => {
            tracing::warn!(%error, "the first owner's organisation was not named");
            Done::WelcomeUnnamed
        }
    };
    Ok((cookie(&app, &started.cookie), done("/", what, None)).into_response())
}

pub(super) async fn invitation(
    State(app): State<App>,
    visitor: Visitor,
    Segment(link): Segment,
) -> Result<Response, Failure> {
    let invited = look_at(&app, &link, false).await?;
    let page = invitation_page(&app.policy(), &visitor, invited, &Sent::default(), Problems::default());
    Ok((visitor, Html::ok(page)).into_response())
}

pub(super) async fn accept(
    State(app): State<App>,
    By(by): By,
    visitor: Visitor,
    headers: HeaderMap,
    Segment(link): Segment,
    Form(sent): Form<Sent>,
) -> Result<Response, Failure> {
    let invited = look_at(&app, &link, false).await?;
    match join(&app, &by, &link, &sent).await? {
        Ok(accepted) => {
            let started = start(&app, &by, &visitor, &accepted, &headers).await?;
            Ok((cookie(&app, &started.cookie), done("/", Done::Joined, None)).into_response())
        }
        Err(problems) => {
            let page = invitation_page(&app.policy(), &visitor, invited, &sent, problems);
            Ok((visitor, Html::again(page)).into_response())
        }
    }
}

/// What a link is for, if it is one of this kind.
async fn look_at(app: &App, link: &str, is_first: bool) -> Result<Invited, Error> {
    let invited = accounts::look_at(app, link).await?;
    if invited.is_first == is_first { Ok(invited) } else { Err(Error::Void) }
}

async fn join(app: &App, by: &Caller, link: &str, sent: &Sent) -> Result<Result<Accepted, Problems>, Failure> {
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.trim().is_empty());
    let password = Password::typed(sent.password.as_str());
    let request = Acceptance { email: given(&sent.email), name: given(&sent.name), password };
    match accounts::accept(app, by, link, &request).await {
        Ok(accepted) => Ok(Ok(accepted)),
        Err(Error::WrongPassword) => {
            let text = "This address has an account here, and its password is another. If it is not yours, tell whoever invited you.";
            Ok(Err(Problems(vec![("password", text.to_owned())])))
        }
        Err(error) => beside(error, PLACES).map(Err),
    }
}

/// Signs in whoever just joined, where they joined. Whoever was signed in by this browser no longer is.
async fn start(
    app: &App,
    by: &Caller,
    visitor: &Visitor,
    accepted: &Accepted,
    headers: &HeaderMap,
) -> Result<Started, Error> {
    let organization = Some(accepted.membership.organization);
    let started = accounts::begin(app, by, &accepted.user, organization, agent(headers)).await?;
    end_before(app, visitor).await?;
    Ok(started)
}

fn welcome_page(policy: &PolicyRoom, visitor: &Visitor, sent: &Sent, problems: Problems) -> Welcome {
    Welcome {
        shell: gate("Welcome", visitor, None),
        name: fields::again(policy, &sent.name),
        email: fields::again(policy, &sent.email),
        organization: fields::again(policy, &sent.organization),
        problems,
    }
}

fn invitation_page(
    policy: &PolicyRoom,
    visitor: &Visitor,
    invited: Invited,
    sent: &Sent,
    problems: Problems,
) -> Invitation {
    let own = visitor.signed_in.as_ref().and_then(|it| it.caller.email()).unwrap_or_default();
    let email = if sent.email.is_empty() { own } else { &sent.email };
    let is_theirs = !own.is_empty() && invited.email.as_deref().is_none_or(|meant| meant == own);
    Invitation {
        shell: gate(&format!("Join {}", invited.organization), visitor, None),
        organization: invited.organization,
        role: invited.role.as_str().to_owned(),
        invited_by: Some(invited.created_by).filter(|name| !name.is_empty()),
        fixed_email: invited.email,
        email: fields::again(policy, email),
        name: fields::again(policy, &sent.name),
        has_account: is_theirs,
        problems,
    }
}

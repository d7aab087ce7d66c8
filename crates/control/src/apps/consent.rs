//! What a person is asked, and what their yes becomes: a code, which the app redeems within a minute.
//!
//! Invariants: nobody allows what they may not give: a grant is a key, so it takes the right to make keys there; what was
//! not asked for is not given, and what was unticked is not either.

use portcullis_engine::{OrganizationId, scope};
use serde_json::json;

use super::fields::is_offered;
use super::request::{Request, answer};
use crate::access::Permission::KeysWrite;
use crate::app::App;
use crate::caller::{Caller, Scope};
use crate::error::Error;
use crate::secret::{Purpose, Secret};
use crate::store::{Action, AppWrite, Change, CodeRow, MembershipRow, StoreError, Target, Write};

/// A code is nothing after so long (RFC 6749, section 4.1.2).
const CODE_SECONDS: u64 = 60;

/// An organisation in which the person may allow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its id.
    pub organization: OrganizationId,
    /// Its name.
    pub name: String,
}

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Consent {
    /// The name of the organisation that the app is of.
    pub owner: String,
    /// Where it can be allowed, the person's present organisation first; nowhere if `refusal` says why.
    pub places: Vec<Place>,
    /// Why it cannot.
    pub refusal: Option<&'static str>,
}

/// What was answered.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    /// Where.
    pub organization: String,
    /// For which environment.
    pub environment: String,
    /// What.
    pub scopes: Vec<String>,
}

/// What a person who is signed in is asked.
pub(crate) async fn consent(app: &App, by: &Caller, request: &Request) -> Result<Consent, Error> {
    let user = by.user().ok_or(Error::PeopleOnly)?;
    let of = request.app.organization;
    let owner = app.store.organization(Scope::Only(of), of).await?.map(|it| it.name).unwrap_or_default();
    let mut memberships = app.store.memberships(user).await?;
    memberships.retain(|it| is_offered(&request.app, it.organization));
    let is_member = !memberships.is_empty();
    memberships.retain(|it| may_allow(app, it));
    memberships.sort_by_key(|it| it.organization != by.organization);
    let refusal = match (memberships.is_empty(), is_member) {
        (false, _) => None,
        (true, false) => Some("this app is for members of another organisation: ask there for an invitation"),
        (true, true) => Some(
            "allowing an app takes the right to make keys, and you may only look: ask an admin of your organisation for another role",
        ),
    };
    let place = |it: MembershipRow| Place { organization: it.organization, name: it.name };
    Ok(Consent { owner, places: memberships.into_iter().map(place).collect(), refusal })
}

/// Writes down that a person allowed it; where they are sent back to, with the code.
pub(crate) async fn allow(app: &App, by: &Caller, request: &Request, choice: &Choice) -> Result<String, Error> {
    let user = by.user().ok_or(Error::PeopleOnly)?;
    let Consent { places, refusal, .. } = consent(app, by, request).await?;
    if let Some(refusal) = refusal {
        return Err(Error::invalid("", refusal));
    }
    let place = places.iter().find(|it| it.organization.to_string() == choice.organization);
    let place = place.ok_or_else(|| Error::invalid("/organization", "choose one of these organisations"))?;
    if !request.environments.contains(&choice.environment) {
        return Err(Error::invalid("/environment", "choose one of these environments"));
    }
    let (code, now) = (Secret::generate(Purpose::Code)?, app.clock.seconds());
    let row = CodeRow {
        digest: code.digest(),
        app: request.app.id,
        user,
        organization: place.organization,
        environment: choice.environment.clone(),
        scopes: chosen(request, &choice.scopes)?,
        redirect_uri: request.redirect_uri.clone(),
        challenge: request.challenge.clone(),
        expires_at: now + CODE_SECONDS,
        used: None,
    };
    let detail = [("scopes", json!(choice.scopes)), ("environment", json!(choice.environment))];
    let target = Target::new("app", request.app.id, &request.app.name);
    let write = Write::App(AppWrite::InsertCode(row));
    let change = Change::new(by, app.clock.millis()).add(write, place.organization, Action::AppAllowed, target);
    match app.record(change.detail(detail)).await {
        // Revoked, or no member any more, since the question was asked.
        Err(Error::Store(StoreError::Conflict)) => return Err(Error::NotFound("app")),
        recorded => recorded?,
    }
    app.store.app_used(request.app.id, now).await?;
    Ok(answer(app, &request.redirect_uri, request.state.as_deref(), &[("code", code.expose())]))
}

/// What was ticked.
fn chosen(request: &Request, ticked: &[String]) -> Result<String, Error> {
    if !ticked.iter().all(|it| request.scopes.contains(it)) {
        return Err(Error::invalid("/scopes", "this app did not ask for that"));
    }
    if ticked.is_empty() && !request.scopes.is_empty() {
        return Err(Error::invalid("/scopes", "tick what you allow, or deny it all"));
    }
    let ticked = ticked.iter().map(String::as_str);
    scope::canonical_grants(ticked).map_err(|error| Error::invalid("/scopes", error.to_string()))
}

fn may_allow(app: &App, member: &MembershipRow) -> bool {
    member.role.permissions(member.organization == app.default_organization).has(KeysWrite)
}

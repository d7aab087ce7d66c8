//! Invitations: made, listed, withdrawn. Accepting one is in `accept`.
//!
//! Invariant: but for the first owner nobody chooses the address they are known by: whoever invites them vouches for it.

use portcullis_api::{CreateInvitation, CreatedInvitation, Invitation, Page, Secret as SecretText, WhichPage};
use portcullis_engine::OrganizationId;
use serde_json::json;

use super::standing::reach;
use super::{fields, pages};
use crate::access::Permission::{MembersRead, MembersWrite};
use crate::access::Role;
use crate::app::App;
use crate::caller::Caller;
use crate::clock::to_rfc3339;
use crate::error::Error;
use crate::id::InvitationId;
use crate::organizations;
use crate::secret::{Purpose, Secret};
use crate::store::{AccountWrite, Action, Change, InvitationRow, StoreError, Target, Write};

const VALID_SECONDS: u64 = 7 * 24 * 60 * 60;

/// Invites somebody. The link is in this answer and nowhere else.
pub(crate) async fn invite(
    app: &App,
    by: &Caller,
    organization: &str,
    request: &CreateInvitation,
) -> Result<CreatedInvitation, Error> {
    by.require(MembersWrite)?;
    let organization = organizations::find(app, by, organization).await?.id;
    let role = fields::role(request.role);
    reach(app, by, organization, role)?;
    let email = fields::email(&app.policy(), &request.email)?;
    not_yet_a_member(app, organization, &email).await?;
    let (secret, row) = make(organization, role, Some(email), by.name(), app.clock.seconds(), VALID_SECONDS)?;
    let row = InvitationRow { made_by: by.means(), ..row };
    let record = invitation(&row);
    let detail = [("role", json!(role.as_str())), ("email", json!(row.email))];
    let target = target(&row);
    let change = Change::new(by, app.clock.millis());
    let write = Write::Account(AccountWrite::InsertInvitation(row));
    app.record(change.add(write, organization, Action::InvitationCreated, target).detail(detail)).await?;
    let url = format!("{}/invitations/{}", app.public_url, secret.expose());
    Ok(CreatedInvitation { record, url: SecretText::new(url) })
}

/// One page of an organisation's invitations that are neither accepted nor withdrawn, newest first.
pub(crate) async fn list_invitations(
    app: &App,
    by: &Caller,
    organization: &str,
    query: &WhichPage,
) -> Result<Page<Invitation>, Error> {
    by.require(MembersRead)?;
    let organization = organizations::find(app, by, organization).await?.id;
    let slice = pages::slice(query.limit, query.cursor.as_deref())?;
    let rows = app.store.invitations(organization, &slice).await?;
    Ok(pages::page(rows, &slice, |row| (row.created_at, row.id.to_string()), |row| invitation(&row)))
}

/// Withdraws an invitation: its link no longer works.
pub(crate) async fn withdraw(app: &App, by: &Caller, organization: &str, id: &str) -> Result<Invitation, Error> {
    by.require(MembersWrite)?;
    let organization = organizations::find(app, by, organization).await?.id;
    let id: InvitationId = id.parse().map_err(|_| Error::NotFound("invitation"))?;
    let found = app.store.invitation(organization, id).await?;
    let mut row = found.filter(|row| row.accepted_at.is_none()).ok_or(Error::NotFound("invitation"))?;
    reach(app, by, organization, row.role)?;
    if row.withdrawn_at.is_none() {
        let (now, target) = (app.clock.seconds(), target(&row));
        let write = Write::Account(AccountWrite::WithdrawInvitation(id, now));
        let change = Change::new(by, app.clock.millis());
        match app.record(change.add(write, organization, Action::InvitationWithdrawn, target)).await {
            Err(Error::Store(StoreError::Conflict)) => return Err(Error::NotFound("invitation")),
            done => done?,
        }
        row.withdrawn_at = Some(now);
    }
    Ok(invitation(&row))
}

/// A new one, and what its link holds.
pub(super) fn make(
    organization: OrganizationId,
    role: Role,
    email: Option<String>,
    created_by: &str,
    now: u64,
    valid: u64,
) -> Result<(Secret, InvitationRow), Error> {
    let secret = Secret::generate(Purpose::Invitation)?;
    let row = InvitationRow {
        id: InvitationId::generate()?,
        digest: secret.digest(),
        organization,
        email,
        is_first: false,
        role,
        created_by: created_by.to_owned(),
        made_by: None,
        created_at: now,
        expires_at: now + valid,
        accepted_at: None,
        withdrawn_at: None,
    };
    Ok((secret, row))
}

/// What the log calls it.
pub(super) fn target(row: &InvitationRow) -> Target {
    Target::new("invitation", row.id, row.email.as_deref().unwrap_or_default())
}

async fn not_yet_a_member(app: &App, organization: OrganizationId, email: &str) -> Result<(), Error> {
    let Some(user) = app.store.user_by_email(email).await? else { return Ok(()) };
    match app.store.member(organization, user.id).await? {
        Some(_) => Err(Error::AlreadyMember),
        None => Ok(()),
    }
}

fn invitation(row: &InvitationRow) -> Invitation {
    Invitation {
        id: row.id.to_string(),
        organization: row.organization.to_string(),
        role: fields::api_role(row.role),
        email: row.email.clone(),
        created_by: row.created_by.clone(),
        created_at: to_rfc3339(row.created_at),
        expires_at: to_rfc3339(row.expires_at),
        withdrawn_at: row.withdrawn_at.map(to_rfc3339),
    }
}

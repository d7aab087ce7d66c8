//! Accepting an invitation, as somebody new or with the password one has.
//!
//! Invariants: a link works once and until it expires; whoever is a member somewhere joins with the right password only;
//! the link of the first owner is void as soon as there is anybody.

use serde_json::json;

use super::sessions::refuse;
use super::{Password, PasswordHash, fields, invitations};
use crate::access::Role;
use crate::app::App;
use crate::caller::{Caller, Scope};
use crate::error::Error;
use crate::id::UserId;
use crate::secret::{Purpose, Secret};
use crate::store::{AccountWrite, Action, Change, InvitationRow, MemberRow, MembershipRow, Target, UserRow, Write};

/// What somebody sends to accept.
#[derive(Clone, Debug)]
pub(crate) struct Acceptance {
    /// Their e-mail address, unless the invitation names it.
    pub email: Option<String>,
    /// What people call them, if they are new.
    pub name: Option<String>,
    /// Their password, new or not.
    pub password: Password,
}

/// Somebody who just joined.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    /// Who it is.
    pub user: UserRow,
    /// What they are now, and where.
    pub membership: MembershipRow,
}

/// An invitation as its link shows it.
#[derive(Clone, Debug)]
pub(crate) struct Invited {
    /// What the organisation is called.
    pub organization: String,
    /// What they will be.
    pub role: Role,
    /// Whom it is for.
    pub email: Option<String>,
    /// Who made it.
    pub created_by: String,
    /// Whether it is for the first owner.
    pub is_first: bool,
}

/// What an invitation's link is for.
pub(crate) async fn look_at(app: &App, link: &str) -> Result<Invited, Error> {
    let row = find(app, link).await?;
    let organization = app.store.organization(Scope::Only(row.organization), row.organization).await?;
    let organization = organization.ok_or(Error::Void)?.name;
    Ok(Invited { organization, role: row.role, email: row.email, created_by: row.created_by, is_first: row.is_first })
}

/// Accepts an invitation. Whoever does is not signed in by that; pages call `begin` with what this returns.
pub(crate) async fn accept(app: &App, by: &Caller, link: &str, request: &Acceptance) -> Result<Accepted, Error> {
    let row = find(app, link).await?;
    let sent = request.email.as_deref().map(|text| fields::email(&app.policy(), text)).transpose()?;
    let email = match (row.email, sent) {
        (Some(meant), sent) if sent.as_ref().is_none_or(|sent| *sent == meant) => meant,
        (None, Some(sent)) => sent,
        (None, None) => return Err(Error::invalid("/email", "expected your e-mail address")),
        (Some(_), _) => return Err(Error::invalid("/email", "the invitation is for another address")),
    };
    app.attempts.count(by.address, &email)?;
    app.change(async || {
        let row = find(app, link).await?;
        match app.store.user_by_email(&email).await? {
            Some(user) if app.passwords.is_right(Some(&user.password), &request.password).await? => {
                if app.store.member(row.organization, user.id).await?.is_some() {
                    return Err(Error::AlreadyMember);
                }
                app.attempts.succeeded(by.address, &email);
                join(app, by, &row, user, Origin::Known).await
            }
            Some(user) if app.store.memberships(user.id).await?.is_empty() => {
                let (before, id) = (user.password, user.id);
                let user = UserRow { id, ..newcomer(app, &email, request).await? };
                join(app, by, &row, user, Origin::Returned { before }).await
            }
            Some(user) => {
                refuse(app, by, Some(&user));
                Err(Error::WrongPassword)
            }
            None => {
                let user = newcomer(app, &email, request).await?;
                join(app, by, &row, user, Origin::New).await
            }
        }
    })
    .await
}

/// The invitation that a link holds, if it can be accepted.
async fn find(app: &App, link: &str) -> Result<InvitationRow, Error> {
    let secret = Secret::parse(Purpose::Invitation, link.as_bytes()).ok_or(Error::Void)?;
    let row = app.store.invitation_by_digest(secret.digest()).await?;
    let row = row.filter(|row| row.is_open(app.clock.seconds()) && (row.is_first || row.email.is_some()));
    let row = row.ok_or(Error::Void)?;
    if row.is_first && app.store.has_users().await? {
        return Err(Error::Void);
    }
    Ok(row)
}

async fn newcomer(app: &App, email: &str, request: &Acceptance) -> Result<UserRow, Error> {
    let name = fields::name(&app.policy(), request.name.as_deref().unwrap_or_default())?;
    request.password.will_do("/password", email)?;
    let password = app.passwords.hash(&request.password).await?;
    let (id, created_at) = (UserId::generate()?, app.clock.seconds());
    Ok(UserRow { id, email: email.to_owned(), name, password, created_at })
}

/// Where somebody who joins comes from.
enum Origin {
    /// There was no account.
    New,
    /// They have one.
    Known,
    /// The account was a member of nothing any more, so it opens nothing: whoever is invited under its address takes it
    /// over. Else an address that somebody else once had would be lost.
    Returned {
        /// The password that it had.
        before: PasswordHash,
    },
}

async fn join(app: &App, by: &Caller, row: &InvitationRow, user: UserRow, origin: Origin) -> Result<Accepted, Error> {
    let (organization, now) = (row.organization, app.clock.seconds());
    let target = || Target::new("user", user.id, &user.email);
    let mut change = Change::by_user(by, user.id, &user.email, app.clock.millis());
    match origin {
        Origin::New => {
            let write = Write::Account(AccountWrite::InsertUser(user.clone()));
            change = change.add(write, organization, Action::UserCreated, target());
        }
        Origin::Known => {
            let held = AccountWrite::HoldPassword(user.id, user.password.clone());
            change = change.also(Write::Account(held));
        }
        Origin::Returned { before } => {
            let taken = AccountWrite::TakeOver { from: before, to: user.clone(), at: now };
            change = change
                .add(Write::Account(taken), organization, Action::PasswordChanged, target())
                .detail([("by", json!("invitation"))]);
        }
    }
    let member = MemberRow {
        organization,
        user: user.id,
        email: user.email.clone(),
        name: user.name.clone(),
        role: row.role,
        created_at: now,
        last_seen: None,
    };
    let change = change
        .add(
            Write::Account(AccountWrite::AcceptInvitation(row.id, now)),
            organization,
            Action::InvitationAccepted,
            invitations::target(row),
        )
        .add(Write::Account(AccountWrite::InsertMember(member)), organization, Action::MemberAdded, target())
        .detail([("role", json!(row.role.as_str()))])
        // There is somebody now.
        .also(Write::Account(AccountWrite::WithdrawFirst(now)));
    app.record(change).await?;
    let name = app.store.organization(Scope::Only(organization), organization).await?.map(|it| it.name);
    let membership = MembershipRow { organization, name: name.unwrap_or_default(), role: row.role };
    Ok(Accepted { user, membership })
}

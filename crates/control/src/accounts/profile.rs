//! What people change about themselves, and whom the control plane takes a caller for.

use portcullis_api::Me;
use portcullis_api::accounts::{CallerKind, Membership, User};
use serde_json::json;

use super::sessions::{person, refuse};
use super::{Password, fields};
use crate::app::App;
use crate::apps;
use crate::caller::{Caller, Scope, Who};
use crate::error::Error;
use crate::id::UserId;
use crate::store::{AccountWrite, Action, Change, MembershipRow, Slice, StoreError, Target, UserRow, Write};

/// Whom the control plane takes the caller for.
pub(crate) async fn me(app: &App, by: &Caller) -> Result<Me, Error> {
    let organization = app.store.organization(Scope::Only(by.organization), by.organization).await?;
    let organization_name = organization.map(|it| it.name).unwrap_or_default();
    let (user, memberships) = match by.user() {
        Some(id) => (app.store.user(id).await?, app.store.memberships(id).await?),
        None => (None, Vec::new()),
    };
    let (kind, token) = match &by.who {
        Who::Root | Who::System => (CallerKind::Root, None),
        Who::User { .. } | Who::Visitor => (CallerKind::User, None),
        Who::Token { name, .. } => (CallerKind::Token, Some(name.clone())),
    };
    // A token tells of no organisation but its own.
    let is_token = token.is_some();
    let told = memberships.into_iter().filter(|it| !is_token || it.organization == by.organization);
    Ok(Me {
        kind,
        organization: by.organization.to_string(),
        organization_name,
        every_organization: by.scope == Scope::All,
        role: by.role().filter(|_| user.is_some()).map(fields::api_role),
        user: user.map(shown),
        token,
        permissions: by.permissions.iter().map(|it| it.as_str().to_owned()).collect(),
        memberships: told.map(membership).collect(),
    })
}

/// Where the person behind the caller is a member, the oldest membership first.
pub(crate) async fn memberships(app: &App, by: &Caller) -> Result<Vec<Membership>, Error> {
    match by.user() {
        Some(id) => Ok(app.store.memberships(id).await?.into_iter().map(membership).collect()),
        None => Ok(Vec::new()),
    }
}

/// Changes what people call the caller.
pub(crate) async fn rename(app: &App, by: &Caller, name: &str) -> Result<(), Error> {
    let (id, _) = person(by)?;
    let name = fields::name(&app.policy(), name)?;
    let target = Target::new("user", id, by.email().unwrap_or_default());
    let write = Write::Account(AccountWrite::RenameUser(id, name.clone()));
    let change = Change::new(by, app.clock.millis()).add(write, by.organization, Action::UserUpdated, target);
    app.record(change.detail([("name", json!(name))])).await
}

/// Another password for the caller.
#[derive(Clone, Debug)]
pub(crate) struct NewPassword {
    /// The one they have, to prove that it is theirs.
    pub old: Password,
    /// The one they want.
    pub new: Password,
    /// Whether their personal tokens, and what they allowed apps, end with it, in every organisation: somebody else may have made some.
    pub revoke_tokens: bool,
}

/// Changes the caller's password. Every other session of theirs ends.
pub(crate) async fn change_password(app: &App, by: &Caller, request: &NewPassword) -> Result<(), Error> {
    let (id, session) = person(by)?;
    let user = app.store.user(id).await?.ok_or(Error::NotFound("user"))?;
    app.attempts.count_session(session)?;
    if !app.passwords.is_right(Some(&user.password), &request.old).await? {
        refuse(app, by, Some(&user));
        return Err(Error::WrongPassword);
    }
    request.new.will_do("/password", &user.email)?;
    let to = app.passwords.hash(&request.new).await?;
    let target = Target::new("user", id, &user.email);
    let write = Write::Account(AccountWrite::SetPassword { user: id, from: user.password, to });
    // In this order: whoever signs in with the old one at the same time comes before both or fails.
    let mut change = Change::new(by, app.clock.millis())
        .add(write, by.organization, Action::PasswordChanged, target)
        .also(Write::Account(AccountWrite::EndSessions(id, Some(session))));
    if request.revoke_tokens {
        change = change.and(without_tokens(app, by, id).await?);
        return match apps::record_without(app, change, id).await {
            // They allowed something at this very moment, or changed it elsewhere.
            Err(Error::Store(StoreError::Conflict)) => Err(Error::Contended),
            recorded => recorded,
        };
    }
    app.record(change).await
}

/// Revokes every personal token of the caller's; each organisation's log tells of those that acted there.
async fn without_tokens(app: &App, by: &Caller, id: UserId) -> Result<Change, Error> {
    let all = Slice { after: None, limit: u32::MAX };
    let rows = app.store.tokens(Scope::All, Some(id), &all).await?;
    let write = Write::Account(AccountWrite::RevokeTokensOf(id, app.clock.seconds()));
    let change = Change::new(by, app.clock.millis()).also(write);
    Ok(rows.iter().filter(|row| row.revoked_at.is_none()).fold(change, |change, row| {
        change.note(row.organization, Action::TokenRevoked, Target::new("token", row.id, &row.name))
    }))
}

/// A person as others may see them.
pub(crate) fn shown(row: UserRow) -> User {
    User { id: row.id.to_string(), email: row.email, name: row.name }
}

/// A membership as it is sent.
pub(crate) fn membership(row: MembershipRow) -> Membership {
    let MembershipRow { organization, name, role } = row;
    Membership { organization: organization.to_string(), name, role: fields::api_role(role) }
}

//! Signing in, staying signed in, signing out.
//!
//! Invariants: a session begins with a new cookie each time, and never with a password that was changed meanwhile; it ends
//! when it was not used for twelve hours and in any case after thirty days; who fails to sign in learns neither whether the
//! address is known nor how near the password was.

use portcullis_engine::OrganizationId;
use serde_json::json;

use super::{Password, fields};
use crate::access::Role;
use crate::app::App;
use crate::caller::{Caller, Scope, Who};
use crate::error::Error;
use crate::id::{SessionId, UserId};
use crate::secret::{Purpose, Secret};
use crate::store::{AccountWrite, Action, ActiveSession, Change, SessionRow, StoreError, Target, UserRow, Write};

/// A session that was not used for so long has ended.
const IDLE_SECONDS: u64 = 12 * 60 * 60;
/// A session that is so old has ended.
pub(crate) const MAX_SECONDS: u64 = 30 * 24 * 60 * 60;
/// Its use is written down no more often.
const SEEN_EVERY_SECONDS: u64 = 60;
const MAX_AGENT: usize = 200;

/// Somebody who just signed in.
#[derive(Debug)]
pub(crate) struct Started {
    /// The cookie. It is nowhere else.
    pub cookie: Secret,
    /// Who it is from now on.
    pub caller: Caller,
}

/// Somebody who signed in earlier.
#[derive(Clone, Debug)]
pub(crate) struct Resumed {
    /// Who it is.
    pub caller: Caller,
    /// What people call them.
    pub name: String,
    /// Their session.
    pub session: SessionId,
}

/// Signs somebody in. `agent` is what the browser calls itself.
pub(crate) async fn sign_in(
    app: &App,
    by: &Caller,
    email: &str,
    password: &Password,
    agent: &str,
) -> Result<Started, Error> {
    let email = fields::folded(email);
    app.attempts.count(by.address, &email)?;
    let user = app.store.user_by_email(&email).await?;
    let right = app.passwords.is_right(user.as_ref().map(|user| &user.password), password).await?;
    match user {
        Some(user) if right => {
            app.attempts.succeeded(by.address, &email);
            begin(app, by, &user, None, agent).await
        }
        user => {
            refuse(app, by, user.as_ref());
            Err(Error::WrongPassword)
        }
    }
}

/// Counts that somebody failed to prove who they are, and writes it down of members, once in a while. Nobody waits for
/// that: it would tell strangers who is a member.
pub(super) fn refuse(app: &App, by: &Caller, user: Option<&UserRow>) {
    app.metrics.sign_in_refused(user.is_some());
    let Some(user) = user.cloned() else { return };
    let Some(attempts) = app.refusals.count(user.id, app.clock.seconds()) else { return };
    let (app, by) = (app.clone(), by.clone());
    tokio::spawn(async move {
        let written = write_down(&app, &by, &user, attempts).await;
        written.unwrap_or_else(|error| tracing::error!(%error, "a refused sign-in is not in the audit log"));
    });
}

async fn write_down(app: &App, by: &Caller, user: &UserRow, attempts: u64) -> Result<(), Error> {
    let memberships = app.store.memberships(user.id).await?;
    let organization = memberships.first().map_or(app.default_organization, |it| it.organization);
    let target = Target::new("user", user.id, &user.email);
    let change = Change::new(by, app.clock.millis()).note(organization, Action::SignInFailed, target);
    app.record(change.detail([("attempts", json!(attempts))])).await
}

/// A new session of somebody who proved who they are; in that organisation, or where they were a member first.
pub(crate) async fn begin(
    app: &App,
    by: &Caller,
    user: &UserRow,
    organization: Option<OrganizationId>,
    agent: &str,
) -> Result<Started, Error> {
    let memberships = app.store.memberships(user.id).await?;
    let chosen = memberships.iter().find(|it| organization.is_none_or(|organization| organization == it.organization));
    let membership = chosen.ok_or(Error::NoMembership)?;
    let (cookie, now) = (Secret::generate(Purpose::Session)?, app.clock.seconds());
    let row = SessionRow {
        id: SessionId::generate()?,
        digest: cookie.digest(),
        user: user.id,
        organization: membership.organization,
        address: by.address.map(|address| address.to_string()),
        agent: shown(app, agent),
        created_at: now,
        last_seen: now,
        expires_at: now + MAX_SECONDS,
    };
    let caller = caller(app, by, &row, &user.email, membership.role);
    let mut change = Change::new(&caller, app.clock.millis())
        .also(Write::Account(AccountWrite::HoldPassword(user.id, user.password.clone())))
        .also(Write::Account(AccountWrite::InsertSession(row, now.saturating_sub(IDLE_SECONDS))))
        .note(membership.organization, Action::SignedIn, Target::new("user", user.id, &user.email));
    if let attempts @ 1.. = app.refusals.settle(user.id) {
        change = change.detail([("refused_before", json!(attempts))]);
    }
    match app.record(change).await {
        // It was changed while it was being checked.
        Err(Error::Store(StoreError::Conflict)) => return Err(Error::WrongPassword),
        done => done?,
    }
    Ok(Started { cookie, caller })
}

/// Whoever sent a session's cookie; `None` if the session has ended. `visitor` is the request without it.
pub(crate) async fn resume(app: &App, visitor: &Caller, cookie: &Secret) -> Result<Option<Resumed>, Error> {
    let now = app.clock.seconds();
    let found = app.store.session(cookie.digest(), now, now.saturating_sub(IDLE_SECONDS)).await?;
    let Some(ActiveSession { session, email, name, role }) = found else { return Ok(None) };
    if now.saturating_sub(session.last_seen) >= SEEN_EVERY_SECONDS {
        app.store.session_seen(session.id, now).await?;
    }
    let caller = caller(app, visitor, &session, &email, role);
    Ok(Some(Resumed { caller, name, session: session.id }))
}

/// Ends the caller's own session.
pub(crate) async fn sign_out(app: &App, by: &Caller) -> Result<(), Error> {
    let (user, session) = person(by)?;
    end(app, by, user, session).await
}

/// Ends every session of the caller, this one included.
pub(crate) async fn sign_out_everywhere(app: &App, by: &Caller) -> Result<(), Error> {
    let (user, _) = person(by)?;
    let change = Change::new(by, app.clock.millis())
        .also(Write::Account(AccountWrite::EndSessions(user, None)))
        .note(by.organization, Action::SignedOut, Target::new("user", user, by.email().unwrap_or_default()))
        .detail([("sessions", json!("all"))]);
    app.record(change).await
}

/// The caller's sessions that have not ended, newest first.
pub(crate) async fn list_sessions(app: &App, by: &Caller) -> Result<Vec<SessionRow>, Error> {
    let ((user, _), now) = (person(by)?, app.clock.seconds());
    Ok(app.store.sessions(user, now, now.saturating_sub(IDLE_SECONDS)).await?)
}

/// Ends one of the caller's sessions.
pub(crate) async fn end_session(app: &App, by: &Caller, id: &str) -> Result<(), Error> {
    let (user, _) = person(by)?;
    let id = id.parse().map_err(|_| Error::NotFound("session"))?;
    end(app, by, user, id).await
}

async fn end(app: &App, by: &Caller, user: UserId, id: SessionId) -> Result<(), Error> {
    let target = Target::new("session", id, by.email().unwrap_or_default());
    let change = Change::new(by, app.clock.millis());
    let write = Write::Account(AccountWrite::EndSession(user, id));
    match app.record(change.add(write, by.organization, Action::SignedOut, target)).await {
        Err(Error::Store(StoreError::Conflict)) => Err(Error::NotFound("session")),
        done => done,
    }
}

/// From now on the caller's session looks at another organisation they are a member of.
pub(crate) async fn switch(app: &App, by: &Caller, organization: &str) -> Result<(), Error> {
    let (user, session) = person(by)?;
    let organization: OrganizationId = organization.parse().map_err(|_| Error::NotFound("organisation"))?;
    app.store.member(organization, user).await?.ok_or(Error::NotFound("organisation"))?;
    let target = Target::new("session", session, by.email().unwrap_or_default());
    let write = Write::Account(AccountWrite::MoveSession(session, organization));
    let change = Change::new(by, app.clock.millis());
    app.record(change.add(write, organization, Action::SessionMoved, target)).await
}

/// The person who is signed in, and by which session. Tokens manage no sessions.
pub(super) fn person(by: &Caller) -> Result<(UserId, SessionId), Error> {
    match by.who {
        Who::User { id, session, .. } => Ok((id, session)),
        _ => Err(Error::PeopleOnly),
    }
}

fn caller(app: &App, visitor: &Caller, session: &SessionRow, email: &str, role: Role) -> Caller {
    Caller {
        who: Who::User { id: session.user, email: email.to_owned(), role, session: session.id },
        organization: session.organization,
        scope: Scope::Only(session.organization),
        permissions: role.permissions(session.organization == app.default_organization),
        address: visitor.address,
        request_id: visitor.request_id.clone(),
        condition: visitor.condition.clone(),
    }
}

/// What a browser calls itself, for its owner to recognise it by.
fn shown(app: &App, agent: &str) -> String {
    let agent: String = agent.chars().filter(|c| !c.is_control()).take(MAX_AGENT).collect();
    if app.policy().spots_secret_in(&agent) { String::new() } else { agent }
}

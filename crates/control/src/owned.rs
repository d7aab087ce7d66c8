//! What is somebody's own, or everybody's of an organisation: who sees it, who changes it.
//!
//! The same for secrets and for skills. Whoever manages the organisation sees all of it and can remove what is somebody's own;
//! changing that is left to whom it belongs. Invariant: what a caller may not see is not there for them.

use crate::access::Permission::OrganizationsWrite;
use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;
use crate::id::UserId;
use crate::keys;

const LONGEST_DESCRIPTION: usize = 300;

/// Whose alone of what people have of their own the caller sees; `None` = everybody's.
pub(crate) fn seen_by(by: &Caller) -> Result<Option<UserId>, Error> {
    if manages(by) {
        return Ok(None);
    }
    // A program of nobody's sees what is nobody's own: of somebody new there is nothing.
    Ok(Some(by.user().map_or_else(UserId::generate, Ok)?))
}

/// Whether the caller sees what belongs to `owner`.
pub(crate) fn is_seen(by: &Caller, owner: Option<UserId>) -> bool {
    manages(by) || owner.is_none() || owner == by.user()
}

/// Whose something new is: the organisation's, or the caller's own.
pub(crate) fn owner(by: &Caller, team: bool) -> Result<Option<UserId>, Error> {
    if team {
        return by.require(OrganizationsWrite).map(|()| None);
    }
    let nobody = "only a person has something of their own\nhint: with `\"team\": true` it is the organisation's";
    by.user().map(Some).ok_or_else(|| Error::invalid("/team", nobody))
}

/// Fails unless the caller may change what belongs to `owner`, which they see.
pub(crate) fn may_change(by: &Caller, owner: Option<UserId>) -> Result<(), Error> {
    match owner {
        None => by.require(OrganizationsWrite),
        Some(_) if owner == by.user() => Ok(()),
        Some(_) => Err(Error::OwnerOnly),
    }
}

/// Fails unless the caller may remove what belongs to `owner`, which they see.
pub(crate) fn may_remove(by: &Caller, owner: Option<UserId>) -> Result<(), Error> {
    if owner.is_some() && owner == by.user() { Ok(()) } else { by.require(OrganizationsWrite) }
}

/// For people: one line, and no key pasted into the wrong box.
pub(crate) fn description(app: &App, text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.chars().count() > LONGEST_DESCRIPTION || text.chars().any(keys::misleads) {
        let detail = format!("expected at most {LONGEST_DESCRIPTION} characters on one line");
        return Err(Error::invalid("/description", detail));
    }
    keys::no_secret(&app.policy(), "/description", text)?;
    Ok(text.to_owned())
}

fn manages(by: &Caller) -> bool {
    by.permissions.has(OrganizationsWrite)
}

//! How high a caller stands among the members of an organisation.
//!
//! Invariant: nobody gives a role that may more than they may themselves, or touches somebody above them.

use portcullis_engine::OrganizationId;

use crate::access::Role;
use crate::app::App;
use crate::caller::{Caller, Who};
use crate::error::Error;

/// The highest role that the caller may give and take; `None` = not even the lowest.
///
/// A person's is their own. A token's is the highest one that may no more than the token may: with `members:write` alone
/// it could else invite somebody who may everything. A service never makes owners.
pub(crate) fn standing(app: &App, by: &Caller, organization: OrganizationId) -> Option<Role> {
    let highest = match &by.who {
        Who::Root | Who::System => Role::Owner,
        Who::User { role, .. } | Who::Token { owner: Some((_, _, role)), .. } => *role,
        Who::Token { owner: None, .. } => Role::Admin,
        Who::Visitor => return None,
    };
    let operator = organization == app.default_organization;
    let may = |role: &Role| *role >= highest && role.permissions(operator).are_within(by.permissions);
    Role::ALL.into_iter().find(may)
}

/// Fails unless the caller stands at least as high as a role.
pub(super) fn reach(app: &App, by: &Caller, organization: OrganizationId, role: Role) -> Result<(), Error> {
    match standing(app, by, organization) {
        Some(standing) if standing <= role => Ok(()),
        _ => Err(Error::TooLow(role)),
    }
}

//! People and programs as stored: who they are, what they are where, and how they prove it.
//!
//! Rows and questions only, one file for each kind of thing. Invariant: of secrets there are digests, of passwords
//! argon2id hashes.

mod invitations;
mod members;
mod sessions;
mod tokens;
mod users;
mod write;

pub(crate) use invitations::{InvitationRow, Invitations};
pub(crate) use members::{MemberRow, Members, MembershipRow};
pub(crate) use sessions::{ActiveSession, SessionRow, Sessions};
pub(crate) use tokens::{ActiveToken, TokenRow, Tokens};
pub(crate) use users::{UserRow, Users};
pub(crate) use write::AccountWrite;

/// A piece of a list that has an order by time and then by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    /// Only what comes after this: when it was made, and its id.
    pub after: Option<(u64, String)>,
    /// At most this many.
    pub limit: u32,
}

impl Slice {
    /// As a query is bound to it: `NULL`s ask for the beginning.
    pub(crate) fn columns(&self) -> (Option<i64>, Option<&str>) {
        let time = |(time, _): &(u64, String)| i64::try_from(*time).unwrap_or(i64::MAX);
        (self.after.as_ref().map(time), self.after.as_ref().map(|(_, id)| id.as_str()))
    }
}

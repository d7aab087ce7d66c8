//! People and programs: members and their roles, invitations, signing in, API tokens.
//!
//! One file for each thing that can be done; rows and SQL are in `store`. Invariants: nobody gives away more than they
//! have, an organisation keeps an owner, and a password or a secret is in no log, no error and no column.

mod accept;
mod attempts;
mod fields;
mod first;
mod invitations;
mod members;
pub(crate) mod pages;
mod password;
mod profile;
mod recognise;
mod refusals;
mod sessions;
mod standing;
mod tokens;

pub(crate) use accept::{Acceptance, Accepted, Invited, accept, look_at};
pub(crate) use attempts::{Attempts, place};
pub(crate) use first::{first_owner_link, nobody_yet};
pub(crate) use invitations::{invite, list_invitations, withdraw};
pub(crate) use members::{change_role, list_members, removable, remove_member};
pub(crate) use password::{Password, PasswordHash, Passwords};
pub(crate) use profile::{NewPassword, change_password, me, membership, memberships, rename, shown};
pub(crate) use recognise::recognise;
pub(crate) use refusals::Refusals;
pub(crate) use sessions::{
    MAX_SECONDS, Resumed, Started, begin, end_session, list_sessions, resume, sign_in, sign_out, sign_out_everywhere,
    switch,
};
pub(crate) use standing::standing;
pub(crate) use tokens::{create_token, list_tokens, revoke_token};

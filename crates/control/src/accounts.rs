//! People and programs: members and their roles, invitations, signing in, API tokens.
//!
//! One file for each thing that can be done; rows and SQL are in `store`. Invariants: nobody gives away more than they
//! have, an organisation keeps an owner, and a password or a secret is in no log, no error and no column.

mod attempts;
mod fields;
mod password;
mod sessions;
mod tokens;

pub(crate) use attempts::Attempts;
pub(crate) use password::{Password, PasswordHash, Passwords};
pub(crate) use sessions::{
    MAX_SECONDS, Resumed, Started, end_session, list_sessions, resume, sign_in, sign_out, sign_out_everywhere, switch,
};
pub(crate) use tokens::recognise;

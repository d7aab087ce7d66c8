//! What callers send about people and tokens, parsed into what is stored.

use portcullis_api as api;

use crate::access::{Permission, Permissions, Role};
use crate::error::Error;
use crate::keys;
use crate::policy::PolicyRoom;

/// An e-mail address as it is compared and stored: in lower case. What no address holds is left out, so that any text
/// can be asked for.
pub(super) fn folded(text: &str) -> String {
    text.trim().to_lowercase().replace('\0', "")
}

/// The e-mail address of somebody new.
pub(super) fn email(policy: &PolicyRoom, text: &str) -> Result<String, Error> {
    keys::email(policy, "/email", &folded(text))
}

/// What people call somebody or something.
pub(super) fn name(policy: &PolicyRoom, text: &str) -> Result<String, Error> {
    keys::name(policy, text)
}

/// A role as it is decided by.
pub(super) fn role(sent: api::Role) -> Role {
    match sent {
        api::Role::Owner => Role::Owner,
        api::Role::Admin => Role::Admin,
        api::Role::Member => Role::Member,
        api::Role::Viewer => Role::Viewer,
    }
}

/// A role as it is sent.
pub(super) fn api_role(role: Role) -> api::Role {
    match role {
        Role::Owner => api::Role::Owner,
        Role::Admin => api::Role::Admin,
        Role::Member => api::Role::Member,
        Role::Viewer => api::Role::Viewer,
    }
}

/// Scopes of a token: each a permission.
pub(super) fn scopes(list: &[String]) -> Result<Permissions, Error> {
    let parse = |(index, text): (usize, &String)| {
        let known = || Permission::ALL.map(Permission::as_str).join("`, `");
        text.parse::<Permission>().map_err(|_| {
            Error::invalid(format!("/scopes/{index}"), format!("there is no such scope; there is `{}`", known()))
        })
    };
    list.iter().enumerate().map(parse).collect()
}

//! What callers send about people and tokens, parsed into what is stored.

use crate::error::Error;
use crate::keys;
use crate::policy::PolicyRoom;

/// An e-mail address as it is compared and stored: in lower case.
pub(super) fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

/// The e-mail address of somebody new.
pub(super) fn email(policy: &PolicyRoom, text: &str) -> Result<String, Error> {
    keys::email(policy, "/email", &folded(text))
}

/// What people call somebody or something.
pub(super) fn name(policy: &PolicyRoom, text: &str) -> Result<String, Error> {
    keys::name(policy, text)
}

/// What may be written down of an address that is nobody's: perhaps a password was typed in its place.
pub(super) fn known_shape(policy: &PolicyRoom, text: &str) -> String {
    email(policy, text).unwrap_or_default()
}

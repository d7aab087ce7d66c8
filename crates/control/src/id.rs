//! Names of what the management side keeps: ten random bytes behind a readable prefix, as keys and organisations have.
//!
//! None is a secret. Invariant: text and value convert without loss.

use std::fmt;
use std::str::FromStr;

use crate::random::{self, NoRandomness};

/// Crockford's base32 in lower case: no `i`, `l`, `o` or `u`.
const BASE32: &[u8] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 16;

/// Text that is no such name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier: expected `{0}` and 16 characters of 0-9a-z without i, l, o, u")]
pub(crate) struct InvalidId(&'static str);

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name([u8; LENGTH]);

        impl $name {
            /// A new one.
            pub(crate) fn generate() -> Result<Self, NoRandomness> {
                let mut letters = [0; LENGTH];
                letters.copy_from_slice(random::letters(BASE32, LENGTH)?.as_bytes());
                Ok(Self(letters))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let body = text.strip_prefix($prefix).and_then(|body| <[u8; LENGTH]>::try_from(body.as_bytes()).ok());
                let body = body.filter(|body| body.iter().all(|letter| BASE32.contains(letter)));
                body.map(Self).ok_or(InvalidId($prefix))
            }
        }
    };
}

identifier! {
    /// Names a person.
    UserId, "usr_"
}

identifier! {
    /// Names an API token; it is not the token.
    TokenId, "tok_"
}

identifier! {
    /// Names an invitation; it is not its secret.
    InvitationId, "inv_"
}

identifier! {
    /// Names a session; it is not its cookie.
    SessionId, "ses_"
}

identifier! {
    /// Names a webhook.
    WebhookId, "whk_"
}

identifier! {
    /// Names a message to a webhook; whoever receives it knows by it that it was there before.
    DeliveryId, "evt_"
}

identifier! {
    /// Names an app, to people and to itself; it is not its secret.
    AppId, "app_"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_convert() {
        let id = UserId::generate().unwrap();
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in
            ["", "usr_", "tok_0000000000000000", "usr_000000000000000", "usr_000000000000000i", "usr_ü00000000000000"]
        {
            assert_eq!(text.parse::<UserId>(), Err(InvalidId("usr_")), "{text}");
        }
    }
}

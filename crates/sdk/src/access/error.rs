//! Why there is no access token.
//!
//! A type of its own, beside the control API's [`crate::Error`]: every caller that waited for an exchange gets its failure,
//! so this one is cloned. Invariant: none holds a secret, a token, or what stood where one was expected.

use std::fmt;
use std::time::Duration;

/// Why there is no access token. `Debug` shows the hint, as `Display` does: it is what a `main` that returns it prints.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// A variable is not set; whoever starts the program can fix it.
    #[error("{variable} is not set\nhint: {}", missing(variable, example, .prefix.as_deref()))]
    Missing {
        /// Its name.
        variable: String,
        /// What it looks like.
        example: &'static str,
        /// Another prefix, whose variables are set.
        prefix: Option<String>,
    },
    /// A part of the credentials is something else; whoever configured it can fix it.
    #[error("{name} does not hold {expected}\nhint: {example}")]
    Malformed {
        /// The part, or the variable that it was read from.
        name: String,
        /// What it should be.
        expected: &'static str,
        /// What that looks like.
        example: &'static str,
    },
    /// The secret would be sent in clear; whoever configured the address can fix it.
    #[error(
        "the secret would go to `{0}` in clear\nhint: use https, or `allow_plain_http` where nobody else can listen"
    )]
    InClear(String),
    /// There is no HTTP client on this machine, such as without root certificates; its operator can fix it.
    #[error("no connection can be made: {0}")]
    Client(String),
    /// The control plane refused for good: a wrong or revoked secret, a scope that the key has not.
    #[error("the control plane gives no access token: {code}{}\nhint: {}", shown(.description), hint(code))]
    Refused {
        /// The error code of RFC 6749 §5.2, such as `invalid_client`.
        code: String,
        /// What it says of it.
        description: Option<String>,
    },
    /// The control plane was not reached, or could not answer, before the deadline. Trying later helps.
    #[error("no access token before the deadline: {cause}\nhint: is the control plane up and reachable?")]
    Unavailable {
        /// What came of the last attempt.
        cause: String,
        /// How long it asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// Something answered that is no control plane, or another version of it.
    #[error(
        "unexpected answer with status {status} from the token endpoint: {what}\n\
         hint: is the auth API URL the control plane's public URL?"
    )]
    Unexpected {
        /// Its status.
        status: u16,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// Why a request with a token has no answer. `Debug` shows the hint.
#[derive(thiserror::Error)]
pub enum SendError {
    /// There is no token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The request could not be sent; where it went to is left out.
    #[error("the request got no answer: {}", crate::error::cause(.0))]
    Request(#[source] reqwest::Error),
}

impl From<reqwest::Error> for SendError {
    fn from(error: reqwest::Error) -> Self {
        Self::Request(error.without_url())
    }
}

impl TokenError {
    /// The same, with the prefix under which there is what is missing.
    pub(super) fn with_prefix(mut self, other: Option<String>) -> Self {
        if let Self::Missing { prefix, .. } = &mut self {
            *prefix = other;
        }
        self
    }
}

impl fmt::Debug for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn missing(variable: &str, example: &str, prefix: Option<&str>) -> String {
    match prefix {
        Some(prefix) => format!("{prefix}_API_KEY and others are set: from_env_with(\"{prefix}\") reads those"),
        None => format!("export {variable}=<{example}>; from_env_with takes another prefix"),
    }
}

fn shown(description: &Option<String>) -> String {
    description.as_ref().map(|it| format!(" ({it})")).unwrap_or_default()
}

fn hint(code: &str) -> &'static str {
    match code {
        "invalid_client" => "is the secret the one that was shown with this key id, and is the key still in force?",
        "invalid_scope" => "ask for scopes that the key has, or for none to get all of them",
        "invalid_target" => "`resource` must be the audience of the policy, or be left out",
        _ => "is this the credential, and is it still in force?",
    }
}

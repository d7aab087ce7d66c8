//! Why a call did not succeed.

use std::fmt;

use portcullis_api::Problem;

/// Why a call did not succeed. `Debug` shows the hint, as `Display` does: it is what a `main` that returns it prints.
#[derive(thiserror::Error)]
pub enum Error {
    /// The address of the control plane cannot be used; the caller can fix it.
    #[error("`{0}` is not the address of a control plane\nhint: it looks like http://127.0.0.1:8080")]
    Address(String),
    /// The control plane refused, and says why.
    #[error("{} ({})", .0.detail, .0.code)]
    Refused(Box<Problem>),
    /// No edge has a key yet, so there is nothing to seal a secret to; whoever runs the edges can fix it.
    #[error(
        "there is nothing to seal to: the edges have no key\nhint: whoever runs them makes one with `portcullis edge-keys generate`"
    )]
    NoEdgeKeys,
    /// A key is published that is not one of those that secrets may be sealed to. Nothing was sealed.
    #[error(
        "the control plane publishes a key of the edges that is not pinned: `{0}`\nhint: ask whoever runs the edges; if they added \
         it, pin it too, and if they did not, somebody is after your secrets"
    )]
    UnpinnedEdgeKey(String),
    /// The value stands where others read it; whoever enters it can fix it. Nothing was sealed.
    #[error("the value is in the secret's name or description, which others see")]
    ValueInSight,
    /// What is published as a key is none, or one of which everybody knows the other half. Nothing was sealed.
    #[error(
        "the control plane publishes a key that nothing can be sealed to: `{0}`\nhint: whoever runs the edges removes it with \
         `portcullis edge-keys remove`"
    )]
    UnusableEdgeKey(String),
    /// This machine has no randomness; its operator can fix it.
    #[error("the operating system gives no random bytes")]
    Randomness,
    /// Something answered that is no control plane, or another version of it.
    #[error("unexpected answer with status {status}\nhint: is this the address of a control plane?")]
    Unexpected {
        /// Its status.
        status: u16,
    },
    /// The control plane could not be reached.
    #[error("the control plane cannot be reached: {}\nhint: is it running? start it with `portcullis serve`", cause(.0))]
    Unreachable(#[source] reqwest::Error),
}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        Self::Unreachable(error.without_url())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What the operating system says, rather than what surrounds it.
pub(crate) fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

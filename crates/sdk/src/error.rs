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

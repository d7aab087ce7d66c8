//! Exit codes, which tell a script a denial from a failure, and how a failure is told to people.

use std::process::ExitCode;

use crate::output;

const REFUSED_TOKEN: &str = "the control plane refused the token: it is wrong, revoked or too old\n\
    hint: the administrator's is in DATA/admin-token; each `cargo xtask up` without --data makes a new one";

/// How the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what it was asked, or the request is allowed.
    Success,
    /// It could not.
    Failure,
    /// The command line makes no sense; clap uses the same code.
    Usage,
    /// It did what it was asked, and the answer is no: denied, refused, not to be trusted.
    No,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0,
            Exit::Failure => 1,
            Exit::Usage => 2,
            Exit::No => 3,
        })
    }
}

/// Why the command could not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    /// The command line makes no sense.
    pub(crate) fn usage(message: impl ToString) -> Self {
        Self { exit: Exit::Usage, message: message.to_string() }
    }

    /// It could not; nothing was decided.
    pub(crate) fn unable(message: impl ToString) -> Self {
        Self { exit: Exit::Failure, message: message.to_string() }
    }

    /// The answer is no.
    pub(crate) fn no(message: impl ToString) -> Self {
        Self { exit: Exit::No, message: message.to_string() }
    }

    /// Says so on stderr.
    pub(crate) fn report(&self) -> Exit {
        output::talk(&format!("error: {}", self.message));
        self.exit
    }
}

impl<E: std::error::Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let error: &(dyn std::error::Error + 'static) = &error;
        let refused = error.downcast_ref().is_some_and(is_unauthorized);
        if refused { Self::unable(REFUSED_TOKEN) } else { Self::unable(error) }
    }
}

/// Whether the control plane refused the token.
pub(crate) fn is_unauthorized(error: &portcullis_sdk::Error) -> bool {
    matches!(error, portcullis_sdk::Error::Refused(problem) if problem.code == "unauthorized")
}

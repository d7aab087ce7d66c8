//! Pages of one message: an error, a question before something that cannot be undone.

use askama::Template;

use super::gate::Gate;
use super::shell::Shell;

/// An error for somebody who is signed in.
#[derive(Clone, Debug, Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorPage {
    pub(crate) shell: Shell,
    pub(crate) error: ErrorText,
}

/// An error for everyone else.
#[derive(Clone, Debug, Template)]
#[template(path = "gate_error.html")]
pub(crate) struct GateError {
    pub(crate) shell: Gate,
    pub(crate) error: ErrorText,
}

/// What went wrong and what to do.
#[derive(Clone, Debug)]
pub(crate) struct ErrorText {
    pub(crate) status: u16,
    pub(crate) title: String,
    pub(crate) detail: String,
    pub(crate) hint: Option<String>,
    /// Names the request in the log.
    pub(crate) request_id: Option<String>,
    /// Whether somebody was sent here by an app and wants nothing of the dashboard.
    pub(crate) is_stray: bool,
}

/// The question. Scripts show its middle in a dialog (`a data-ask`).
#[derive(Clone, Debug, Template)]
#[template(path = "confirm.html")]
pub(crate) struct Confirm {
    pub(crate) shell: Shell,
    pub(crate) question: String,
    /// What will happen, a sentence each.
    pub(crate) points: Vec<String>,
    /// Where the answer goes.
    pub(crate) action: String,
    pub(crate) hidden: Vec<(&'static str, String)>,
    pub(crate) yes: String,
    pub(crate) danger: bool,
    /// Where no leads.
    pub(crate) back: String,
}

//! `GET /settings`: the viewer's own name, password, sessions and API tokens.

use askama::Template;

use super::form::{Problems, ScopeGroup};
use super::parts::Code;
use super::shell::Shell;
use super::when::When;

/// The page.
#[derive(Clone, Debug, Template)]
#[template(path = "settings.html")]
pub(crate) struct Settings {
    pub(crate) shell: Shell,
    pub(crate) name: String,
    pub(crate) sessions: Vec<SessionRow>,
    pub(crate) tokens: Vec<TokenRow>,
    /// A token just made: shown this once, with how to use it.
    pub(crate) new_token: Option<(Code, Code)>,
    pub(crate) token_name: String,
    pub(crate) token_service: bool,
    pub(crate) token_expires_at: String,
    /// Whether the viewer may make tokens of services.
    pub(crate) may_service: bool,
    pub(crate) scopes: Vec<ScopeGroup>,
    pub(crate) problems: Problems,
}

impl Settings {
    /// Whether the form of a token comes back because something in it is wrong.
    fn is_sent_back(&self) -> bool {
        let Problems(problems) = &self.problems;
        problems.iter().any(|(field, _)| ["token_name", "scopes", "expires_at"].contains(field))
    }
}

/// A browser that is signed in.
#[derive(Clone, Debug)]
pub(crate) struct SessionRow {
    /// Names the session; it is not what the cookie holds.
    pub(crate) id: String,
    /// `Chromium on Linux`
    pub(crate) agent: String,
    pub(crate) address: String,
    pub(crate) created: When,
    pub(crate) last_seen: When,
    pub(crate) current: bool,
}

/// An API token.
#[derive(Clone, Debug)]
pub(crate) struct TokenRow {
    pub(crate) id: String,
    pub(crate) name: String,
    /// `personal` or `service`
    pub(crate) kind: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) created: When,
    pub(crate) last_used: Option<When>,
    pub(crate) expires: Option<When>,
}

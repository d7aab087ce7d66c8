//! The pages outside the gate: sign in, the first owner, an invitation.
//!
//! The one-time token of the last two is the page's own address; their forms have no `action`, so it is written nowhere.

use askama::Template;

use super::form::Problems;
use super::shell::Notice;

/// Around a page of somebody who is not signed in.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    pub(crate) title: String,
    pub(crate) csrf: String,
    pub(crate) notice: Option<Notice>,
}

/// `GET /sign-in`.
#[derive(Clone, Debug, Template)]
#[template(path = "sign_in.html")]
pub(crate) struct SignIn {
    pub(crate) shell: Gate,
    pub(crate) email: String,
    /// The page that was asked for: a path of ours.
    pub(crate) next: String,
}

/// `GET /welcome/{token}`: nobody is there yet.
#[derive(Clone, Debug, Template)]
#[template(path = "welcome.html")]
pub(crate) struct Welcome {
    pub(crate) shell: Gate,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) organization: String,
    pub(crate) problems: Problems,
}

/// `GET /invitations/{token}`.
#[derive(Clone, Debug, Template)]
#[template(path = "invitation.html")]
pub(crate) struct Invitation {
    pub(crate) shell: Gate,
    pub(crate) organization: String,
    pub(crate) role: String,
    pub(crate) invited_by: Option<String>,
    /// Set by whoever invited: it cannot be changed.
    pub(crate) fixed_email: Option<String>,
    pub(crate) email: String,
    pub(crate) name: String,
    /// Whether it is for whoever is signed in: they prove that they are, and have a name already.
    pub(crate) has_account: bool,
    pub(crate) problems: Problems,
}

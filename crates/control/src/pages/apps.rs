//! Apps that act for people, what one was allowed, and the page that asks for it.

use askama::Template;

use super::form::{Problems, ScopeGroup};
use super::gate::Gate;
use super::parts::{Badge, Code, Pager};
use super::shell::Shell;
use super::when::When;

/// `GET /apps`: all of them, and the form of a new one.
#[derive(Clone, Debug, Template)]
#[template(path = "apps.html")]
pub(crate) struct Apps {
    pub(crate) shell: Shell,
    pub(crate) rows: Vec<AppRow>,
    pub(crate) pager: Pager,
    /// What was just registered, and its secret, which is shown this once.
    pub(crate) made: Option<MadeApp>,
    pub(crate) fields: AppFields,
    pub(crate) problems: Problems,
    /// The members of `fields` that the shared part of the form reads.
    pub(crate) scopes: Vec<ScopeGroup>,
}

/// One of them in the list.
#[derive(Clone, Debug)]
pub(crate) struct AppRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) state: Badge,
    pub(crate) created: When,
    pub(crate) last_used: Option<When>,
}

/// What an app's developer takes along.
#[derive(Clone, Debug)]
pub(crate) struct MadeApp {
    pub(crate) id: String,
    pub(crate) client_id: Code,
    /// A public app has none.
    pub(crate) secret: Option<Code>,
}

/// The fields of one.
#[derive(Clone, Debug, Default)]
pub(crate) struct AppFields {
    pub(crate) name: String,
    /// One a line.
    pub(crate) redirect_uris: String,
    pub(crate) public: bool,
    /// Whether the viewer may offer it to everybody.
    pub(crate) may_everyone: bool,
    pub(crate) everyone: bool,
    /// The policy's, and which are chosen.
    pub(crate) environments: Vec<(String, bool)>,
}

/// `GET /apps/{id}`.
#[derive(Clone, Debug, Template)]
#[template(path = "app.html")]
pub(crate) struct App {
    pub(crate) shell: Shell,
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) state: Badge,
    pub(crate) is_public: bool,
    pub(crate) is_revoked: bool,
    pub(crate) created: When,
    pub(crate) created_by: String,
    pub(crate) last_used: Option<When>,
    pub(crate) client_id: Code,
    /// A new secret, which is shown this once.
    pub(crate) secret: Option<Code>,
    /// What its developer has to know of this place.
    pub(crate) authorize: Code,
    pub(crate) token: Code,
    pub(crate) fields: AppFields,
    pub(crate) problems: Problems,
    pub(crate) scopes: Vec<ScopeGroup>,
}

/// `GET /grants`.
#[derive(Clone, Debug, Template)]
#[template(path = "grants.html")]
pub(crate) struct Grants {
    pub(crate) shell: Shell,
    /// Whether those of the whole organisation are shown.
    pub(crate) all: bool,
    pub(crate) may_all: bool,
    pub(crate) rows: Vec<GrantRow>,
    pub(crate) pager: Pager,
}

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct GrantRow {
    pub(crate) id: String,
    pub(crate) app: String,
    pub(crate) email: String,
    pub(crate) environment: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) state: Badge,
    pub(crate) created: When,
    pub(crate) last_used: Option<When>,
}

/// `GET /oauth/authorize`: whether an app may.
#[derive(Clone, Debug, Template)]
#[template(path = "consent.html")]
pub(crate) struct Consent {
    pub(crate) shell: Gate,
    pub(crate) app: String,
    pub(crate) owner: String,
    /// Where the answer goes.
    pub(crate) host: String,
    pub(crate) email: String,
    /// To sign in as somebody else, and come back.
    pub(crate) elsewise: String,
    /// What the app asked, which comes back with the form.
    pub(crate) asked: Vec<(String, String)>,
    /// Id, name and whether it is chosen.
    pub(crate) places: Vec<(String, String, bool)>,
    pub(crate) environments: Vec<(String, bool)>,
    /// The scope, in words, and whether it is ticked.
    pub(crate) scopes: Vec<(String, String, bool)>,
    pub(crate) problems: Problems,
    /// Why the viewer cannot allow it.
    pub(crate) refusal: Option<String>,
}

//! `GET /edges`: who enforces, which version, and how far behind.

use askama::Template;
use portcullis_api::KeyHolders;

use super::form::Problems;
use super::parts::{Badge, Bar, Code};
use super::shell::Shell;
use super::when::When;

/// The page.
#[derive(Clone, Debug, Template)]
#[template(path = "edges.html")]
pub(crate) struct Edges {
    pub(crate) shell: Shell,
    /// The published version.
    pub(crate) version: u64,
    /// Why the last attempt to publish failed.
    pub(crate) publish_error: Option<String>,
    pub(crate) edges: Vec<EdgeRow>,
    /// How to connect one.
    pub(crate) connect: Code,
    /// The public keys that secrets are sealed to.
    pub(crate) keys: Vec<EdgeKeyRow>,
    /// What was typed about a new one.
    pub(crate) description: String,
    /// What of the keys does not fit the edges.
    pub(crate) warnings: Vec<String>,
    /// How to make a pair.
    pub(crate) generate: Code,
    pub(crate) problems: Problems,
}

impl Edges {
    /// Whether the viewer may add and remove keys.
    fn may_change_keys(&self) -> bool {
        self.shell.viewer.can.operate && self.shell.viewer.can.organizations_write
    }
}

/// One of the edges' keys.
#[derive(Clone, Debug)]
pub(crate) struct EdgeKeyRow {
    pub(crate) id: String,
    pub(crate) public_key: String,
    pub(crate) description: String,
    pub(crate) added: When,
    pub(crate) added_by: Option<String>,
    /// How many secrets are not sealed to it.
    pub(crate) unsealed: u64,
    /// How many edges have its private half.
    pub(crate) edges: KeyHolders,
}

/// What an edge opens secrets with.
#[derive(Clone, Debug)]
pub(crate) struct HeldKey {
    pub(crate) id: String,
    /// Whether secrets are sealed to it.
    pub(crate) is_known: bool,
}

/// One edge.
#[derive(Clone, Debug)]
pub(crate) struct EdgeRow {
    pub(crate) edge: String,
    pub(crate) vms: usize,
    /// The private keys that it has; `None` = it does not tell.
    pub(crate) keys: Option<Vec<HeldKey>>,
    pub(crate) version: u64,
    /// How many versions it is behind.
    pub(crate) lag: u64,
    pub(crate) state: Badge,
    /// `4 s`
    pub(crate) bundle_age: String,
    pub(crate) last_report: When,
    /// `120.5`
    pub(crate) requests_per_second: String,
    pub(crate) denied: Vec<Bar>,
    pub(crate) errors: Vec<String>,
}

impl EdgeRow {
    fn denials(&self) -> u64 {
        self.denied.iter().map(|bar| bar.count).sum()
    }
}

//! `GET /`: whether all is well, and what wants attention.

use askama::Template;

use super::audit::AuditRow;
use super::parts::{Badge, Bar, Code};
use super::shell::Shell;
use super::when::When;

/// The page.
#[derive(Clone, Debug, Template)]
#[template(path = "overview.html")]
pub(crate) struct Overview {
    pub(crate) shell: Shell,
    pub(crate) counts: Counts,
    /// Of the last day; only for the operator.
    pub(crate) requests: Option<Requests>,
    pub(crate) attention: Vec<Attention>,
    /// How many keys want attention beyond those shown.
    pub(crate) more_attention: u64,
    pub(crate) denials: Vec<Bar>,
    /// What `observe` and trials would have denied.
    pub(crate) observed: Vec<Bar>,
    /// Since when they are counted; absent if it is the latest that are.
    pub(crate) since: Option<When>,
    /// Only for the operator.
    pub(crate) fleet: Option<FleetSummary>,
    /// Only for whoever may read the log.
    pub(crate) entries: Vec<AuditRow>,
    /// What a newcomer pastes.
    pub(crate) first_key: Code,
}

/// The figures at the top.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) active: u64,
    pub(crate) disabled: u64,
    pub(crate) expired: u64,
    pub(crate) revoked: u64,
    pub(crate) overdue: u64,
    pub(crate) idle: u64,
    /// Overdue, idle or about to expire.
    pub(crate) to_look_after: u64,
}

/// What edges decided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Requests {
    pub(crate) allowed: u64,
    pub(crate) denied: u64,
}

impl Counts {
    fn all(&self) -> u64 {
        self.active + self.disabled + self.expired + self.revoked
    }
}

/// A key to look after.
#[derive(Clone, Debug)]
pub(crate) struct Attention {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) environment: String,
    /// Overdue, idle, expires soon.
    pub(crate) badge: Badge,
    /// What to do: `120 days old: rotate it`.
    pub(crate) advice: String,
}

/// The edges in a sentence and a list.
#[derive(Clone, Debug)]
pub(crate) struct FleetSummary {
    pub(crate) current: usize,
    pub(crate) edges: Vec<FleetEdge>,
}

/// One edge.
#[derive(Clone, Debug)]
pub(crate) struct FleetEdge {
    pub(crate) edge: String,
    pub(crate) silent: bool,
    /// How many versions it is behind.
    pub(crate) lag: u64,
    pub(crate) last_report: When,
}

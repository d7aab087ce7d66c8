//! `/edge/v1/leases` and `/edge/v1/drain`: how an edge gets tokens to spend, and gives them back.
//!
//! Every number is absolute, or cumulative for one process of an edge, one subject and one period: a message may be lost, doubled or
//! late without harm. What a process holds is `granted - spent - returned`. Invariant: an edge spends nothing that was not granted, and
//! nothing of a lease whose time is over.

use serde::{Deserialize, Serialize};

/// `POST /edge/v1/leases`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRequest {
    /// The edge's name, from the filter's configuration.
    pub edge: String,
    /// Which of its processes asks: 16 hex digits, new with every process.
    pub boot: String,
    /// Meters of which something is to be told or wanted.
    #[serde(default)]
    pub meters: Vec<MeterState>,
    /// Asks for the floors of what changed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floors: Option<FloorsAfter>,
}

/// Where one meter stands on the edge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeterState {
    /// `org_...`, or `key_...` for a key's own quota.
    pub subject: String,
    /// When the period began, in Unix seconds.
    pub period: u64,
    /// What was granted so far, as the edge knows it. Cumulative.
    pub granted: u64,
    /// What was spent of it. Tokens in a worker's hands count; they may be given back to the process.
    pub spent: u64,
    /// What was given back to the control plane. Cumulative.
    #[serde(default)]
    pub returned: u64,
    /// How many tokens the edge would like to hold; 0 = none beyond what it holds.
    #[serde(default)]
    pub want: u64,
    /// What the request at hand costs: fewer tokens are of no use.
    #[serde(default)]
    pub least: u64,
    /// Grows whenever `spent` or `returned` changes. What a lower number says of `spent` does not count after a higher one.
    #[serde(default)]
    pub revision: u64,
}

/// Where a list of floors goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FloorsAfter {
    /// The bundle version up to which the edge has the floors; 0 = none yet.
    pub version: u64,
    /// The last subject of the part before; absent at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// The answer to a [`LeaseRequest`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseAnswer {
    /// Leases of this process may be spent for that many seconds, counted from when it asked.
    pub valid_seconds: u64,
    /// Grants: of the meters asked for, and floors. A subject that was asked for under a period that is over comes under the one that runs.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// Subjects asked for that are not metered, or not any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmetered: Vec<String>,
    /// Subjects of which others are short: whatever the process holds of them is to be returned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recall: Vec<String>,
    /// Where the list of floors stands, if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floors: Option<FloorsUpTo>,
    /// The process is about to be stopped: it is to return everything and ask for nothing more.
    #[serde(default, skip_serializing_if = "is_false")]
    pub drain: bool,
}

/// How far a list of floors goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FloorsUpTo {
    /// The version that the list is as of.
    pub version: u64,
    /// The last subject of this part, where another follows; absent = that was all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// What a process may spend of one meter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Whose.
    pub subject: String,
    /// When the period began, in Unix seconds.
    pub period: u64,
    /// When it ends.
    pub ends: u64,
    /// What was granted so far to this process. Cumulative.
    pub granted: u64,
    /// The limit of the period, top-ups included.
    pub limit: u64,
    /// What is left of it for everybody, leases included.
    pub remaining: u64,
    /// Whether there was something to give.
    pub state: GrantState,
    /// Seconds after which asking again makes sense; 0 while there is something to give.
    #[serde(default)]
    pub retry_after: u64,
    /// The highest [`MeterState::revision`] that was heard of this meter: a process that does not know the meter any more has told of it, and
    /// cannot know what it spent.
    #[serde(default)]
    pub revision: u64,
}

/// Whether a meter had something to give.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// It had, or nothing was wanted.
    #[default]
    Granted,
    /// Nothing is free, but other edges hold tokens that they have not spent.
    Busy,
    /// The limit is reached.
    Exhausted,
}

/// `POST /edge/v1/drain`: an edge is about to be stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainRequest {
    /// The edge's name.
    pub edge: String,
}

/// The answer to a [`DrainRequest`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainAnswer {
    /// Processes of that edge that were told.
    pub processes: u64,
    /// Tokens that did not come back in time; 0 = it can be stopped without a loss.
    pub outstanding: u64,
    /// Tokens that processes of that edge held which are gone: they come back no more.
    #[serde(default)]
    pub in_doubt: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

//! `/edge/v1/leases` as JSON. The control plane's `api` crate has the same, with what each member means.
//!
//! Invariant: an answer that is not one, or holds a number that is none, is no answer.

use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize)]
pub(super) struct LeaseRequest<'a> {
    pub(super) edge: &'a str,
    pub(super) boot: &'a str,
    pub(super) meters: &'a [&'a MeterState],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) floors: Option<FloorsAfter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct MeterState {
    pub(super) subject: String,
    pub(super) period: u64,
    pub(super) granted: u64,
    pub(super) spent: u64,
    pub(super) returned: u64,
    pub(super) want: u64,
    pub(super) least: u64,
    /// How often the meter had changed by then: of two messages about it, the later has the higher number, whatever became of them.
    pub(super) revision: u64,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct FloorsAfter {
    pub(super) version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct LeaseAnswer {
    pub(super) valid_seconds: u64,
    #[serde(default)]
    pub(super) grants: Vec<Grant>,
    #[serde(default)]
    pub(super) unmetered: Vec<String>,
    #[serde(default)]
    pub(super) recall: Vec<String>,
    pub(super) floors: Option<FloorsUpTo>,
    #[serde(default)]
    pub(super) drain: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct FloorsUpTo {
    pub(super) version: u64,
    pub(super) subject: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Grant {
    pub(super) subject: String,
    pub(super) period: u64,
    pub(super) ends: u64,
    pub(super) granted: u64,
    pub(super) limit: u64,
    pub(super) remaining: u64,
    pub(super) state: GrantState,
    #[serde(default)]
    pub(super) retry_after: u64,
    /// The highest [`MeterState::revision`] that was heard of it.
    #[serde(default)]
    pub(super) revision: u64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum GrantState {
    Granted,
    Busy,
    Exhausted,
}

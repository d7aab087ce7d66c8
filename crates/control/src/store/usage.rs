//! What keys did, as stored: by hour and by day, in UTC.
//!
//! Rows only. Invariant: an hour is a whole hour and a day a whole day, so each part of what is asked about begins and ends with one.

use async_trait::async_trait;
use portcullis_engine::KeyId;

use super::StoreError;
use crate::caller::Scope;

/// Hours are kept for so many days.
pub(crate) const HOURS_KEPT_DAYS: u64 = 35;
/// Days are kept for so many days.
pub(crate) const DAYS_KEPT: u64 = 400;
/// Streams of batches are remembered for so many days after their last.
pub(crate) const STREAMS_KEPT_DAYS: u64 = 30;

/// So many rules are looked through for the one that was meant.
pub(crate) const MOST_ROUTES: u32 = 2000;

/// Questions about what keys did.
#[async_trait]
pub(crate) trait Usages {
    /// What keys did, added up.
    async fn usage(&self, question: &UsageQuestion) -> Result<Vec<UsageSum>, StoreError>;

    /// Rules of rows that a question is about, [`MOST_ROUTES`] at most: those whose text ends like that.
    async fn usage_routes(&self, question: &UsageQuestion, ending: &str) -> Result<Vec<String>, StoreError>;

    /// Forgets a little of what is older than it is kept. `true` if there is more.
    async fn forget_usage(&self, now: u64) -> Result<bool, StoreError>;
}

/// What requests that are counted together have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct UsedFor {
    /// Whose requests.
    pub key: KeyId,
    /// When the hour began, in Unix seconds.
    pub hour: u64,
    /// The rule; empty if none matched.
    pub route: String,
    /// Why they were refused; empty if they were let through.
    pub reason: String,
}

/// How many, and what they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Used {
    /// How many requests.
    pub requests: u64,
    /// What they cost of a quota.
    pub cost: u64,
}

/// Which of the two tables is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grain {
    /// The one of hours.
    Hours,
    /// The one of days.
    Days,
}

/// What is told apart. In this order, which is that of rows too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Part {
    /// Each hour or day.
    Time,
    /// Each organisation.
    Organization,
    /// Each environment.
    Environment,
    /// Each key.
    Key,
    /// Each rule.
    Route,
    /// Each reason.
    Reason,
}

/// A stretch of time, as one of the tables has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// In which table.
    pub grain: Grain,
    /// From then on, in Unix seconds.
    pub from: u64,
    /// Before then.
    pub to: u64,
}

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct UsageQuestion {
    /// Whether time is told apart by the hour or by the day.
    pub grain: Grain,
    /// When: one stretch after the other, without a gap. There is at least one; hours are told apart only in those of hours.
    pub spans: Vec<Span>,
    /// Whose.
    pub scope: Scope,
    /// Only this key's.
    pub key: Option<KeyId>,
    /// Only in this environment.
    pub environment: Option<String>,
    /// Only under these rules; an empty one = under none.
    pub routes: Option<Vec<String>>,
    /// What is told apart, without repetition, in the order of [`Part`]; none = one sum of all.
    pub by: Vec<Part>,
    /// Those with the most requests first.
    pub busiest_first: bool,
    /// Only what comes after that row, by its parts.
    pub after: Option<Vec<Place>>,
    /// At most this many.
    pub limit: u32,
}

/// One part of a row.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub(crate) enum Place {
    /// A time, in Unix seconds.
    Time(u64),
    /// Anything else.
    Text(String),
}

/// A sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UsageSum {
    /// Of what, as it was asked.
    pub place: Vec<Place>,
    /// Requests let through.
    pub allowed: u64,
    /// What they cost.
    pub cost: u64,
    /// Requests refused.
    pub denied: u64,
}

impl UsageQuestion {
    /// From then on, in Unix seconds.
    pub(crate) fn from(&self) -> u64 {
        self.spans.first().map_or(0, |span| span.from)
    }

    /// Before then.
    pub(crate) fn to(&self) -> u64 {
        self.spans.last().map_or(0, |span| span.to)
    }
}

impl Used {
    /// Adds more of the same.
    pub(crate) fn add(&mut self, more: Self) {
        self.requests = self.requests.saturating_add(more.requests);
        self.cost = self.cost.saturating_add(more.cost);
    }
}

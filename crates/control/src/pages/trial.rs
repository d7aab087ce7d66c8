//! What edges saw that needs a person's eye: what a trial would have denied, who still uses a key that is on its way out.

use std::collections::BTreeMap;

use super::explain::reason_words;
use super::parts::Bar;
use super::restrictions::Restriction;
use super::when::When;

/// More groups than this help nobody decide.
const MAX_BARS: usize = 6;

/// One kind of request, counted.
#[derive(Clone, Debug)]
pub(crate) struct Observation {
    pub(crate) reason: String,
    pub(crate) address: String,
    pub(crate) referrer: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) count: u64,
    pub(crate) last_seen: When,
}

/// A change that is being tried: it counts and denies nothing.
#[derive(Clone, Debug)]
pub(crate) struct Trial {
    pub(crate) since: When,
    /// The scopes it would leave; absent = it does not touch them.
    pub(crate) scopes: Option<Vec<String>>,
    /// The restrictions it would set; absent = it does not touch them.
    pub(crate) restrictions: Option<Vec<Restriction>>,
    pub(crate) observations: Vec<Observation>,
}

/// Counts under one aspect.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) label: &'static str,
    pub(crate) bars: Vec<Bar>,
    pub(crate) more: usize,
}

/// Restrictions in observe mode, which count as a trial does, for as long as they stand.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    pub(crate) observations: Vec<Observation>,
}

impl Trial {
    /// How many requests it would have denied.
    pub(crate) fn total(&self) -> u64 {
        total(&self.observations)
    }

    /// By reason, address, referrer and path.
    pub(crate) fn groups(&self) -> Vec<Group> {
        groups(&self.observations)
    }
}

impl Observed {
    /// How many requests they would have denied.
    pub(crate) fn total(&self) -> u64 {
        total(&self.observations)
    }

    /// By reason, address, referrer and path.
    pub(crate) fn groups(&self) -> Vec<Group> {
        groups(&self.observations)
    }
}

fn total(observations: &[Observation]) -> u64 {
    observations.iter().map(|seen| seen.count).fold(0, u64::saturating_add)
}

fn groups(observations: &[Observation]) -> Vec<Group> {
    [
        group("By reason", observations, |seen| reason_words(&seen.reason)),
        group("By address", observations, |seen| or_none(&seen.address)),
        group("By referrer", observations, |seen| or_none(&seen.referrer)),
        group("By path", observations, |seen| format!("{} {}", seen.method, seen.path)),
    ]
    .into()
}

/// Two keys during a rotation, from the page of either.
#[derive(Clone, Debug)]
pub(crate) struct Rotation {
    /// Whether the page is the old key's.
    pub(crate) is_old: bool,
    pub(crate) other_id: String,
    pub(crate) other_name: String,
    /// Until when the old key works; absent = it does not.
    pub(crate) works_until: Option<When>,
    /// Requests with the old key since the rotation, all together; absent = there were none.
    pub(crate) used: Option<Use>,
    /// The same, one by one.
    pub(crate) uses: Vec<Observation>,
}

impl Rotation {
    /// Its place on the page, where both kinds may be.
    pub(crate) fn anchor(&self) -> &'static str {
        if self.is_old { "rotated" } else { "replaces" }
    }
}

/// How much a key is used that is on its way out.
#[derive(Clone, Debug)]
pub(crate) struct Use {
    pub(crate) requests: u64,
    pub(crate) addresses: usize,
    pub(crate) last: When,
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "none".to_owned() } else { text.to_owned() }
}

fn group(label: &'static str, observations: &[Observation], name: impl Fn(&Observation) -> String) -> Group {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for seen in observations {
        *counts.entry(name(seen)).or_default() += seen.count;
    }
    let mut bars = Bar::all(counts);
    let more = bars.len().saturating_sub(MAX_BARS);
    bars.truncate(MAX_BARS);
    Group { label, bars, more }
}

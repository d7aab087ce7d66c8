//! What a VM tells the control plane: the version it enforces, keys used, what it let through and what it refused.
//!
//! Telling is best effort: nothing on the request path depends on it. Invariant: a report stays well below the 4 MiB that
//! the control plane reads: [`MOST_KEYS`] keys are some 1.2 MiB, samples and refusals some 200 KiB each at worst.

use core::num::NonZeroU64;
use std::collections::BTreeMap;

use portcullis_engine::{KeyId, Reason};
use serde::Serialize;

use crate::config::Control;
use crate::denials::Refused;
use crate::host::{Callout, Host};
use crate::outbox::Told;
use crate::samples::Sample;

/// Keys told of with one report; the others wait for the next.
pub const MOST_KEYS: usize = 32 << 10;

/// One report.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    /// The edge's name.
    pub edge: &'a str,
    /// This VM, told apart from its siblings.
    pub vm: String,
    /// The version it enforces; 0 = none yet.
    pub applied_version: u64,
    /// Seconds since the control plane vouched for it.
    pub bundle_age_seconds: u64,
    /// Let through since the last report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<NonZeroU64>,
    /// Keys used since the last report, with about when.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub last_used: BTreeMap<String, u64>,
    /// Denials by reason since the last report.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub denied: BTreeMap<&'static str, u32>,
    /// Would-be denials by reason since the last report.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub observed: BTreeMap<&'static str, u32>,
    /// Let through and worth telling.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub samples: &'a [Sample],
    /// How many more of these there were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsampled: Option<NonZeroU64>,
    /// The first that were refused.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub denials: &'a [Refused],
    /// What went wrong since the last report.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub errors: &'a [String],
}

/// Where a VM stands.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// This VM's number.
    pub vm: u64,
    /// The version it enforces; 0 = none yet.
    pub version: u64,
    /// Seconds since the control plane vouched for it.
    pub age: u64,
    /// Now, in Unix seconds.
    pub now: u64,
}

impl<'a> Report<'a> {
    /// A report of what there is to tell.
    pub fn new(control: &'a Control, standing: Standing, told: &'a Told) -> Self {
        let counts = &told.entries.counts;
        Self {
            edge: &control.edge_id,
            vm: format!("{:016x}", standing.vm),
            applied_version: standing.version,
            bundle_age_seconds: standing.age,
            allowed: NonZeroU64::new(counts.allowed),
            last_used: by_key(&told.used, standing.now),
            denied: by_reason(&counts.denied),
            observed: by_reason(&counts.observed),
            samples: told.entries.samples.list(),
            unsampled: NonZeroU64::new(told.entries.samples.beyond()),
            denials: &told.entries.denials,
            errors: &told.errors,
        }
    }
}

fn by_reason(counts: &[(Reason, u32)]) -> BTreeMap<&'static str, u32> {
    counts.iter().map(|(reason, count)| (reason.as_str(), *count)).collect()
}

fn by_key(used: &[KeyId], now: u64) -> BTreeMap<String, u64> {
    used.iter().map(|key| (key.to_string(), now)).collect()
}

/// Sends a report off. The answer comes with the returned token.
pub fn send(host: &impl Host, control: &Control, report: &Report<'_>) -> Option<u32> {
    let body = serde_json::to_vec(report).ok()?;
    let authorization = control.token.authorization();
    let headers = [
        (":method", "POST"),
        (":path", "/edge/v1/report"),
        (":authority", control.authority.as_str()),
        ("authorization", authorization.as_str()),
        ("content-type", "application/json"),
    ];
    host.dispatch(&Callout { cluster: &control.cluster, headers: &headers, body: &body, timeout_ms: 5_000 }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_keys_of_one_report_are_far_from_its_limit() {
        let key = |number: usize| {
            let bytes = number.to_le_bytes();
            KeyId::from_bytes(core::array::from_fn(|index| bytes.get(index).copied().unwrap_or_default()))
        };
        let used: Vec<_> = (0..MOST_KEYS).map(key).collect();
        let json = serde_json::to_vec(&by_key(&used, 1_768_478_400)).unwrap();
        assert!(json.len() < 5 << 18, "{} bytes", json.len());
    }
}

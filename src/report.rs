//! What a VM tells the control plane: the version it enforces, keys used, denials counted.
//!
//! Telling is best effort: an answer is not waited for, and nothing on the request path depends on it.

use std::collections::BTreeMap;

use portcullis_engine::{KeyId, Reason};
use serde::Serialize;

use crate::config::Control;
use crate::host::{Callout, Host};

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
    /// Keys used since the last report, with about when.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub last_used: BTreeMap<String, u64>,
    /// Denials by reason since the last report.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub denied: BTreeMap<&'static str, u32>,
    /// Would-be denials by reason since the last report.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub observed: BTreeMap<&'static str, u32>,
    /// What went wrong since the last report.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
}

/// Counts by reason, as the wire has them.
pub fn by_reason(counts: Vec<(Reason, u32)>) -> BTreeMap<&'static str, u32> {
    counts.into_iter().map(|(reason, count)| (reason.as_str(), count)).collect()
}

/// Keys used, as the wire has them.
pub fn by_key(used: Vec<KeyId>, now: u64) -> BTreeMap<String, u64> {
    used.into_iter().map(|key| (key.to_string(), now)).collect()
}

/// Sends a report. Returns whether it was sent off.
pub fn send(host: &impl Host, control: &Control, report: &Report<'_>) -> bool {
    let Ok(body) = serde_json::to_vec(report) else { return false };
    let authorization = control.token.authorization();
    let headers = [
        (":method", "POST"),
        (":path", "/edge/v1/report"),
        (":authority", control.authority.as_str()),
        ("authorization", authorization.as_str()),
        ("content-type", "application/json"),
    ];
    host.dispatch(&Callout { cluster: &control.cluster, headers: &headers, body: &body, timeout_ms: 5_000 }).is_ok()
}

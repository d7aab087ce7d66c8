//! What an edge tells of each key's requests.
//!
//! Counts only: no address, no path of a request, no credential.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Requests of one key under one rule in one hour, since the batch before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// When the hour began, in Unix seconds.
    pub hour: u64,
    /// The key's id.
    pub key: String,
    /// The rule as it is written: `GET /v1/users/{id}`; absent if none matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Let through.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub allowed: u64,
    /// What they cost of a quota; a rule may cost more than 1 a request, or nothing.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cost: u64,
    /// Refused, by reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub denied: BTreeMap<String, u64>,
    /// When the last one was let through, in Unix seconds; 0 = none was.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub last: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

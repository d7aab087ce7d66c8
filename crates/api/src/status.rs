//! `/v1/status` and `/v1/edges`: how the control plane and the fleet are doing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `GET /v1/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Status {
    /// The published manifest version; 0 while the first bundle is being built.
    pub version: u64,
    /// A stored version that is not published yet; `null` if all is.
    pub pending_version: Option<u64>,
    /// Why the last attempt to publish failed; `null` if it did not.
    pub last_publish_error: Option<String>,
    /// Keys in the bundle, recently revoked ones included.
    pub keys: u64,
    /// The policy's name.
    pub policy: String,
    /// The environments the policy knows.
    pub environments: Vec<String>,
    /// The scopes the policy knows.
    pub scopes: Vec<String>,
    /// The Ed25519 key that manifests are signed with, in hex.
    pub public_key: String,
    /// Edges heard of lately.
    pub edges: usize,
    /// The version that every edge heard of lately enforces at least; `null` without edges.
    pub applied_version: Option<u64>,
}

/// One edge, as `GET /v1/edges` lists it. Counts are since it was first heard of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Edge {
    /// Its name.
    pub edge: String,
    /// Whether it has reported nothing for a minute.
    pub silent: bool,
    /// Its processes or VMs heard of lately.
    pub vms: Vec<EdgeVm>,
    /// The ids of the edges' keys whose private halves all of them have that tell which they have; those that fell silent count only
    /// if all did. `null` if none tells: it gives out no secrets, or is of a version that does not tell.
    #[serde(default)]
    pub edge_keys: Option<Vec<String>>,
    /// The lowest version any of them enforces; those that fell silent count only if all did.
    pub applied_version: u64,
    /// Published changes that it does not enforce yet; 1000 stands for more.
    pub versions_behind: u64,
    /// Seconds since the oldest of them was made.
    pub seconds_behind: u64,
    /// When it last reported.
    pub last_report: String,
    /// The age of the oldest bundle among them, as of their reports.
    pub bundle_age_seconds: u64,
    /// Requests per second over the last minute, denied ones included.
    pub requests_per_second: f64,
    /// Number of requests let through.
    pub allowed: u64,
    /// Reason to number of denials.
    pub denied: BTreeMap<String, u64>,
    /// Number of denials.
    pub denied_total: u64,
    /// Reason to number of observed would-be denials.
    pub observed: BTreeMap<String, u64>,
    /// Number of observed would-be denials.
    pub observed_total: u64,
    /// Number of observed requests of which nothing more is known: there was no room for them in a report.
    pub unsampled: u64,
    /// The errors of its last report that had any.
    pub errors: Vec<String>,
}

/// One reporting process or VM of an edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EdgeVm {
    /// Its id.
    pub vm: String,
    /// Whether it has reported nothing for a minute.
    pub silent: bool,
    /// The version it enforces.
    pub applied_version: u64,
    /// The ids of the edges' keys whose private halves it has; `null` if it does not tell.
    #[serde(default)]
    pub edge_keys: Option<Vec<String>>,
    /// When it last reported.
    pub last_report: String,
}

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

/// One edge, as `GET /v1/edges` lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Edge {
    /// Its name.
    pub edge: String,
    /// Its processes or VMs heard of lately.
    pub vms: Vec<EdgeVm>,
    /// The lowest version any of them enforces.
    pub applied_version: u64,
    /// When it last reported.
    pub last_report: String,
    /// The age of the oldest bundle among them, as of their reports.
    pub bundle_age_seconds: u64,
    /// Reason to number of denials since the control plane started.
    pub denied: BTreeMap<String, u64>,
    /// Reason to number of observed would-be denials since the control plane started.
    pub observed: BTreeMap<String, u64>,
    /// The errors of its last report that had any.
    pub errors: Vec<String>,
}

/// One reporting process or VM of an edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EdgeVm {
    /// Its id.
    pub vm: String,
    /// The version it enforces.
    pub applied_version: u64,
    /// When it last reported.
    pub last_report: String,
}

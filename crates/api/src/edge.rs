//! `/edge/v1`: what an edge tells the control plane.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The media type of a signed manifest.
pub const MANIFEST_TYPE: &str = "application/vnd.portcullis.manifest";

/// The longest `wait` of a long poll, in seconds.
pub const MAX_WAIT_SECONDS: u32 = 60;

/// `POST /edge/v1/report`. Members this version does not know are ignored, so that a newer edge can still report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The edge's name, from the filter's configuration.
    pub edge: String,
    /// Which of its processes or VMs reports: 16 hex digits.
    pub vm: String,
    /// The manifest version it enforces: the receipt for every change up to that version.
    pub applied_version: u64,
    /// Seconds since that manifest was issued.
    #[serde(default)]
    pub bundle_age_seconds: u64,
    /// Key id to Unix seconds.
    #[serde(default)]
    pub last_used: BTreeMap<String, u64>,
    /// Reason to number of denials since the last report.
    #[serde(default)]
    pub denied: BTreeMap<String, u64>,
    /// Reason to number of denials that `observe` turned into counts, since the last report.
    #[serde(default)]
    pub observed: BTreeMap<String, u64>,
    /// What went wrong on the edge since the last report.
    #[serde(default)]
    pub errors: Vec<String>,
}

//! `/edge/v1`: what an edge tells the control plane.
//!
//! Nothing here is checked. Invariant: no member is meant for a credential, a query, a cookie or a body.

mod leases;
mod usage;

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

pub use leases::{
    DrainAnswer, DrainRequest, FloorsAfter, FloorsUpTo, Grant, GrantState, LeaseAnswer, LeaseRequest, MeterState,
};
pub use usage::Usage;

/// The media type of a signed manifest.
pub const MANIFEST_TYPE: &str = "application/vnd.portcullis.manifest";

/// The longest `wait` of a long poll, in seconds.
pub const MAX_WAIT_SECONDS: u32 = 60;

/// `POST /edge/v1/report`. Members this version does not know are ignored, and so are entries of lists that it cannot
/// read, so that a newer edge can still report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The edge's name, from the filter's configuration.
    pub edge: String,
    /// Which of its processes or VMs reports: 16 hex digits.
    pub vm: String,
    /// Which run of the edge's process the VM belongs to: 16 hex digits, new with every process.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub boot: String,
    /// The batch's number in the row of this VM's, from 1. A batch that was applied is not applied again; 0 = the edge numbers none.
    #[serde(default)]
    pub seq: u64,
    /// The manifest version it enforces: the receipt for every change up to that version.
    pub applied_version: u64,
    /// Seconds since that manifest was issued.
    #[serde(default)]
    pub bundle_age_seconds: u64,
    /// The ids of the edges' keys whose private halves it has; absent if it gives out no secrets, or is of a version that does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edge_keys: Option<Vec<String>>,
    /// Requests let through since the last report, those without a key included.
    #[serde(default)]
    pub allowed: u64,
    /// Key id to Unix seconds. A key counts as used when a request with it was let through.
    #[serde(default)]
    pub last_used: BTreeMap<String, u64>,
    /// Secret id to Unix seconds: those that were sent to a service since the last report.
    #[serde(default)]
    pub secrets_used: BTreeMap<String, u64>,
    /// Reason to number of denials since the last report.
    #[serde(default)]
    pub denied: BTreeMap<String, u64>,
    /// Reason to number of requests let through that a restriction in `observe`, or a trial, would have denied, since the
    /// last report.
    #[serde(default)]
    pub observed: BTreeMap<String, u64>,
    /// Requests let through of which something is to be told, alike ones counted together.
    #[serde(default)]
    pub samples: Vec<Told<Sample>>,
    /// Such requests for which there was no room among the samples.
    #[serde(default)]
    pub unsampled: u64,
    /// Requests refused: the first ones since the last report. `denied` counts all.
    #[serde(default)]
    pub denials: Vec<Told<Denial>>,
    /// What each key did since the last report.
    #[serde(default)]
    pub usage: Vec<Told<Usage>>,
    /// What went wrong on the edge since the last report.
    #[serde(default)]
    pub errors: Vec<String>,
}

/// One entry of a report. A newer edge may tell what this version cannot read, and the rest of its report counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Told<T> {
    /// As this version knows it.
    Known(T),
    /// Another kind, or another shape.
    Unknown(Unknown),
}

/// What cannot be read. Nothing of it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Unknown;

impl<'de> Deserialize<'de> for Unknown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl<T> Told<T> {
    /// What was told, if it can be read.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(it) => Some(it),
            Self::Unknown(_) => None,
        }
    }
}

/// Requests that were let through and are told of all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The key's id.
    pub key: String,
    /// Why it is told.
    pub kind: SampleKind,
    /// Why it would have been refused; absent for a retiring key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The client's address, if the edge knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The page that called, from Referer or else Origin, without query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<String>,
    /// The method.
    pub method: String,
    /// The path without query, cut at 200 bytes; a segment that holds a key is `***`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// How many there were.
    pub count: u64,
}

/// Why a request that was let through is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SampleKind {
    /// A restriction in `observe` would have refused it.
    Observe,
    /// The key's trial would have refused it.
    Trial,
    /// Its key was rotated and lives on for its overlap.
    Retiring,
}

/// A request that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denial {
    /// `x-request-id`, which the error body has too; absent if there was none or it could not be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// When, in Unix seconds.
    pub at: u64,
    /// The reason's name.
    pub reason: String,
    /// The key's id, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its organisation's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The method.
    pub method: String,
    /// The path without query, cut at 200 bytes; a segment that holds a key is `***`. Absent if there was none, or no
    /// policy yet that says what keys look like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The client's address, if the edge knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

impl SampleKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Observe, Self::Trial, Self::Retiring];

    /// The same word as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Trial => "trial",
            Self::Retiring => "retiring",
        }
    }
}

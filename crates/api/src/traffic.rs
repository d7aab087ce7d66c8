//! `/v1/traffic`: what all edges together let through and refused, hour by hour.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `GET /v1/traffic`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Traffic {
    /// The last 24 hours, oldest first; the last one is not over.
    pub hours: Vec<Hour>,
    /// Requests let through in them.
    pub allowed: u64,
    /// Requests refused in them.
    pub denied: u64,
    /// Requests let through that a restriction in `observe`, or a trial, would have refused.
    pub observed: u64,
}

/// One hour, as reported in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Hour {
    /// When it begins.
    pub starts_at: String,
    /// Requests let through.
    pub allowed: u64,
    /// Reason to number of requests refused.
    pub denied: BTreeMap<String, u64>,
    /// Reason to number of requests let through that would have been refused.
    pub observed: BTreeMap<String, u64>,
}

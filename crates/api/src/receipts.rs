//! `/v1/receipts/{version}`: where a change is enforced, as edges reported it.

use serde::{Deserialize, Serialize};

/// The longest `wait`, in seconds.
pub const MAX_WAIT_SECONDS: u32 = 30;

/// The query of `GET /v1/receipts/{version}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct ReadReceipt {
    /// How many seconds to wait for edges that do not enforce it yet, 0 to 30; absent = 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(minimum = 0, maximum = 30))]
    pub wait: Option<u32>,
}

/// `GET /v1/receipts/{version}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// The version that contains the change.
    pub version: u64,
    /// When the change was made.
    pub changed_at: String,
    /// Edges that report: heard of within the last minute.
    pub edges: u64,
    /// Those of them that enforce the version or a later one, in each of their processes.
    pub enforced: u64,
    /// Edges that fell silent within the last ten minutes, before they reported this version. They may still be serving.
    pub silent: u64,
    /// Milliseconds from the change to the report of the slowest that enforces it; `null` if none was there before it.
    pub slowest_ms: Option<u64>,
    /// Whether every edge that was heard of lately enforces it, and there is one.
    pub complete: bool,
    /// The same for people: `enforced on 2 of 2 edges, slowest 140 ms`.
    pub text: String,
    /// Edge by edge; empty for callers without `edges:read`.
    pub detail: Vec<EdgeReceipt>,
}

/// One edge's part of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EdgeReceipt {
    /// Its name.
    pub edge: String,
    /// Whether it enforces the version or a later one.
    pub enforced: bool,
    /// Whether it has reported nothing for a minute.
    pub silent: bool,
    /// Milliseconds from the change to its report; `null` if it does not enforce it or started later.
    pub ms: Option<u64>,
}

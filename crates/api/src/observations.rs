//! `/v1/keys/{id}/observations`: what was let through with a key and is told of all the same.

use serde::{Deserialize, Serialize};

use crate::edge::SampleKind;

/// The query of `GET /v1/keys/{id}/observations`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct ListObservations {
    /// Only those of this kind: `trial` and `observe` would have been denied, `retiring` used a key that was rotated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<SampleKind>,
}

/// `GET /v1/keys/{id}/observations`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Observations {
    /// What was seen, the most frequent first; at most 500 for a key.
    pub data: Vec<Observation>,
    /// The same counts added up.
    pub totals: ObservationTotals,
}

/// Requests alike, counted together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Observation {
    /// Why it is told.
    pub kind: SampleKind,
    /// Why it would have been denied; `null` for a retiring key.
    pub reason: Option<String>,
    /// The client's address, if the edge knew it.
    pub address: Option<String>,
    /// The page that called.
    pub referrer: Option<String>,
    /// The method; `null` here and in address, referrer and path = of many requests for which there was no room.
    pub method: Option<String>,
    /// The path without query.
    pub path: Option<String>,
    /// How many there were.
    pub count: u64,
    /// When the first was reported.
    pub first_seen: String,
    /// When the last was reported.
    pub last_seen: String,
}

/// Counts added up, the largest first. Values that the edge did not know are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ObservationTotals {
    /// All of them.
    pub count: u64,
    /// By reason.
    pub reasons: Vec<Total>,
    /// By client address.
    pub addresses: Vec<Total>,
    /// By calling page.
    pub referrers: Vec<Total>,
    /// By method and path.
    pub paths: Vec<Total>,
}

/// How often one value occurred.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Total {
    /// The value.
    pub value: String,
    /// How often.
    pub count: u64,
}

//! `/v1/denials`: requests that edges refused, kept for a day.

use serde::{Deserialize, Serialize};

/// The query of `GET /v1/denials`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct ListDenials {
    /// Only those of this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// At most this many, 1 to 1000; absent = 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 1000))]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// `GET /v1/denials`: one page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DenialList {
    /// The denials, newest first.
    pub data: Vec<Denial>,
    /// Where the next page begins; `null` on the last one.
    pub next_cursor: Option<String>,
}

/// A request that an edge refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Denial {
    /// The request's id, as the client was told; `null` if it had none.
    pub request_id: Option<String>,
    /// When.
    pub at: String,
    /// Why, as finely as the edge knows.
    pub reason: String,
    /// What the client was told; `null` if the reason is one that only a newer version knows.
    pub code: Option<String>,
    /// The HTTP status of the answer; `null` likewise.
    pub status: Option<u16>,
    /// The key's id, if the key is known.
    pub key: Option<String>,
    /// Its organisation's id.
    pub organization: Option<String>,
    /// The method.
    pub method: String,
    /// The path without query.
    pub path: Option<String>,
    /// The client's address, if the edge knew it.
    pub address: Option<String>,
    /// The edge that refused it.
    pub edge: String,
    /// What happened and what to do, for people.
    pub explanation: String,
}

//! `POST /v1/explain`: how a request with a certain key would be decided, check by check.

use serde::{Deserialize, Serialize};

/// The request to explain. The key stands for itself by its id; its text is not needed, and not wanted.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Explain {
    /// The key's id, or a whole access token, which is verified and forgotten.
    pub key: String,
    /// The method: `GET`.
    pub method: String,
    /// The path with its query: `/v1/charges?limit=3`.
    pub path: String,
    /// Where it comes from, as the proxy trusts it; absent = unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Its `Referer` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<String>,
    /// Its `Origin` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

impl std::fmt::Debug for Explain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { key, method, path, .. } = self;
        let key = if key.starts_with("key_") { key } else { "redacted" };
        write!(f, "Explain({key}, {method} {path})")
    }
}

/// What an edge that knows the key as it is now would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Explanation {
    /// Whether the request would pass.
    pub allowed: bool,
    /// The HTTP status that the client would see; `null` = the upstream's.
    pub status: Option<u16>,
    /// The code that the client would see.
    pub code: Option<String>,
    /// Why it would be refused, as finely as the edge knows.
    pub reason: Option<String>,
    /// The message that the client would see.
    pub message: Option<String>,
    /// Method and path of the policy's rule that is for this request; `null` = none.
    pub rule: Option<String>,
    /// The checks in their order; the first that denies is the last.
    pub checks: Vec<ExplainedCheck>,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExplainedCheck {
    /// Which: `route`, `credential`, `format`, `lookup`, `status`, `environment`, `ip`, `referrer`, `endpoint`, `scopes`,
    /// `quota`.
    pub step: String,
    /// How it went.
    pub outcome: CheckOutcome,
    /// Why it denied or would have.
    pub reason: Option<String>,
    /// More about it; empty if there is nothing to say.
    pub detail: String,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// It passed.
    Passed,
    /// It denied.
    Denied,
    /// It would have denied, but only observes.
    Observed,
}

impl CheckOutcome {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Denied => "denied",
            Self::Observed => "observed",
        }
    }
}

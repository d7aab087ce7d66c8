//! A key's restrictions as written by whoever restricts it: AND across kinds, OR within a kind.
//!
//! The twin of the engine's `RestrictionsSpec`, field by field, because this crate knows nothing but serde.
//! Absent = unrestricted, empty list = deny all.

use serde::{Deserialize, Serialize};

/// From where and for what a key may be used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RestrictionsSpec {
    /// Client addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpSpec>,
    /// Pages that may call (Referer and Origin).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<ReferrerSpec>,
    /// Endpoints the key may call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<EndpointSpec>,
}

/// Whether a restriction denies or only counts what it would have denied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ModeSpec {
    /// Denies.
    #[default]
    Enforce,
    /// Counts, does not deny.
    Observe,
}

/// Client addresses a key may be used from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct IpSpec {
    /// Enforce or observe.
    #[serde(default)]
    pub mode: ModeSpec,
    /// Addresses or CIDR ranges that may call; absent = all but the denied, empty = none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<Vec<String>>,
    /// Addresses or CIDR ranges that may not call; checked first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
}

/// Pages a key may be used from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReferrerSpec {
    /// Enforce or observe.
    #[serde(default)]
    pub mode: ModeSpec,
    /// Patterns: `https://*.example.com/path/*`.
    pub allow: Vec<String>,
    /// Whether a request with neither Referer nor Origin passes.
    #[serde(default)]
    pub allow_missing: bool,
}

/// Endpoints a key may call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct EndpointSpec {
    /// Enforce or observe.
    #[serde(default)]
    pub mode: ModeSpec,
    /// `METHOD /path/template` or `* /path/template`.
    pub allow: Vec<String>,
}

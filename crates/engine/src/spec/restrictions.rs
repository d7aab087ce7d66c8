//! The wire shape of a key's restrictions: plain data, as stored, as sent and as carried in a bundle.
//!
//! Nothing here is checked; [`RestrictionSet::compile`](crate::RestrictionSet::compile) does. Invariant: a member that
//! this version does not know is an error, so that no restriction is ever taken for none.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::LimitsSpec;

/// A key's restrictions, unchecked: AND across kinds, OR within a kind. Absent = unrestricted, empty list = deny all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Limits of the key's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitsSpec>,
    /// The id of the skill that the key belongs to: not a restriction, but stored beside them, so that a key without one pays
    /// no byte for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skill: Option<String>,
    /// What is tried on the key and never denies. A reader that does not know it refuses the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<TrialSpec>,
}

/// What is tried on a key, unchecked: looked at beside what is enforced, only ever counted. Its restrictions observe,
/// whatever their `mode` says; a kind it does not name stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialSpec {
    /// Client addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpSpec>,
    /// Pages that may call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<ReferrerSpec>,
    /// Endpoints the key may call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<EndpointSpec>,
    /// Scopes in place of the key's own; an empty list = none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// The key was rotated and lives on for its overlap: whoever still uses it is to be told.
    #[serde(default, skip_serializing_if = "is_false")]
    pub retiring: bool,
}

/// Whether a restriction denies or only counts what it would have denied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[serde(deny_unknown_fields)]
pub struct EndpointSpec {
    /// Enforce or observe.
    #[serde(default)]
    pub mode: ModeSpec,
    /// `METHOD /path/template` or `* /path/template`.
    pub allow: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

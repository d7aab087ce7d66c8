//! `POST /v1/keys:import`: keys that were made elsewhere, by their SHA-256.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::restrictions::RestrictionsSpec;

/// The body as JSON: all of them or none. As `text/csv` it has the same members as columns, scopes separated by spaces,
/// and `metadata.NAME` for each entry of the metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ImportKeys {
    /// At most 1000.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 1000))]
    pub keys: Vec<ImportKey>,
}

/// One key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ImportKey {
    /// What people call it.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub name: String,
    /// SHA-256 of the whole key, as 64 hexadecimal digits. Never the key itself.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9A-Fa-f]{64}$"))]
    pub sha256: String,
    /// What the key starts with: the prefix of one of the policy's formats.
    pub prefix: String,
    /// Its environment; absent = the one of its prefix, which it has to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// What people may see of it: the prefix and at most a quarter of the rest; absent = the prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// The organisation's id; absent = the caller's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// What the key may do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// When it stops working; absent = never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// From where and for what it may be used; absent = unrestricted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restrictions: Option<RestrictionsSpec>,
    /// The e-mail address of whoever asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// When it was made; absent = now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// Whatever else there is to know of it, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

//! `/v1/edge-keys`: the public halves of what edges open secrets with.
//!
//! No private half is ever sent: `portcullis edge-keys generate` makes a pair where it is run, and its private half goes into
//! Envoy's environment.

use serde::{Deserialize, Serialize};

/// `POST /v1/edge-keys`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AddEdgeKey {
    /// The X25519 public key (RFC 7748), as 64 hexadecimal digits.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9A-Fa-f]{64}$"))]
    pub public_key: String,
    /// For people: whose edges hold the other half.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// The query of `DELETE /v1/edge-keys/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct RemoveEdgeKey {
    /// Whether it goes although secrets are sealed to it alone, or edges need it. No edge can use those secrets until their values
    /// are entered again, and those edges can use none until they have another key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force: Option<bool>,
}

/// A public key that secrets are sealed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EdgeKey {
    /// The first 16 hexadecimal digits of the public key.
    pub id: String,
    /// The X25519 public key, as 64 hexadecimal digits.
    pub public_key: String,
    /// For people.
    pub description: String,
    /// Who added it.
    pub created_by: Option<String>,
    /// When it was added.
    pub created_at: String,
    /// How many of the secrets that the caller may see are not sealed to it: their values have to be entered again.
    pub unsealed: u64,
    /// How many edges have its private half; `null` for callers who may not see the edges.
    #[serde(default)]
    pub edges: Option<KeyHolders>,
}

/// How many edges have a private key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyHolders {
    /// Edges that report now, and have it in each of their processes or VMs that gives out secrets.
    pub holding: u64,
    /// Edges that report now and tell which keys they have: those with `portcullis-egress.wasm`.
    pub reporting: u64,
}

impl KeyHolders {
    /// Whether edges tell which keys they have, and none has it: what is sealed to it alone can be used nowhere.
    pub fn is_nobodys(self) -> bool {
        self.holding == 0 && self.reporting > 0
    }
}

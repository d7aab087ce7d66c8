//! `/v1/api-keys`: the management API that clients of the payments product already speak.
//!
//! Its success answers are given by that product and carry nothing else; a failure has the same envelope.

use serde::{Deserialize, Serialize};

/// `GET /v1/api-keys`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiKeys {
    /// Always `true`.
    pub success: bool,
    /// Every key that is not revoked, newest first.
    pub data: Vec<ApiKeyEntry>,
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiKeyEntry {
    /// `key_` + 16 characters.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it starts with: `sk_live_`.
    pub prefix: String,
    /// When it was created.
    pub created_at: String,
    /// When an edge last let it pass.
    pub last_used: Option<String>,
}

/// `DELETE /v1/api-keys/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Done {
    /// Always `true`.
    pub success: bool,
    /// What was done, in a sentence.
    pub message: String,
}

/// Any request under `/v1/api-keys` that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Failed {
    /// Always `false`.
    pub success: bool,
    /// Stable, for programs.
    pub code: String,
    /// What went wrong, in a sentence.
    pub message: String,
    /// Names the request in the control plane's log.
    pub request_id: String,
}

//! `/oauth`: answers as RFC 6749 and RFC 8414 have them.

use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// `POST /oauth/token`: an access token (RFC 6749 §5.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenAnswer {
    /// The token.
    pub access_token: Secret,
    /// `Bearer`.
    pub token_type: String,
    /// In how many seconds it ends.
    pub expires_in: u64,
    /// What it may do, separated by spaces; absent = nothing that takes a scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// What the next one is got with, where there is such a thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
}

/// Why there is none (RFC 6749 §5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuthError {
    /// `invalid_request`, `invalid_client`, `invalid_scope` and so on.
    pub error: String,
    /// The same for people.
    pub error_description: String,
}

/// `GET /.well-known/oauth-authorization-server` (RFC 8414).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerMetadata {
    /// The name under which tokens are signed.
    pub issuer: String,
    /// Where tokens are.
    pub token_endpoint: String,
    /// Where the keys are that they are signed with.
    pub jwks_uri: String,
    /// Scopes that there are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
    /// What authorisation answers with.
    pub response_types_supported: Vec<String>,
    /// How tokens can be got.
    pub grant_types_supported: Vec<String>,
    /// How clients prove themselves.
    pub token_endpoint_auth_methods_supported: Vec<String>,
}

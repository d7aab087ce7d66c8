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
    /// Where people are asked whether an app may act for them.
    pub authorization_endpoint: String,
    /// Where an app says that it needs a token no more (RFC 7009).
    pub revocation_endpoint: String,
    /// Where it is asked whether a token works (RFC 7662).
    pub introspection_endpoint: String,
    /// What authorisation answers with.
    pub response_types_supported: Vec<String>,
    /// How the answer comes.
    pub response_modes_supported: Vec<String>,
    /// How an app proves that it is the one that asked (RFC 7636).
    pub code_challenge_methods_supported: Vec<String>,
    /// Whether the answer says whose it is (RFC 9207).
    pub authorization_response_iss_parameter_supported: bool,
    /// How tokens can be got.
    pub grant_types_supported: Vec<String>,
    /// How clients prove themselves.
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// The same where tokens are revoked.
    pub revocation_endpoint_auth_methods_supported: Vec<String>,
    /// The same where it is asked about tokens.
    pub introspection_endpoint_auth_methods_supported: Vec<String>,
}

/// `POST /oauth/introspect`: whether a token works now, and what it may (RFC 7662 §2.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Introspection {
    /// Whether it works. If it does not, or is not for the caller to know, nothing else is said.
    pub active: bool,
    /// What it is.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Introspected>,
}

/// A token that works.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Introspected {
    /// `Bearer`, or `refresh_token`.
    pub token_type: String,
    /// What it may do now, separated by spaces.
    pub scope: String,
    /// Who got it.
    pub client_id: String,
    /// On whose behalf.
    pub sub: String,
    /// Whom it is for.
    pub aud: String,
    /// Who made it.
    pub iss: String,
    /// The organisation.
    pub org: String,
    /// The environment.
    pub env: String,
    /// What somebody allowed an app, if it is of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// When it was made, in Unix seconds.
    pub iat: u64,
    /// When it ends.
    pub exp: u64,
    /// Its own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
}

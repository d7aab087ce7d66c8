//! `/v1/issuers`: bodies of requests and answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::keys::KeyStatus;
use crate::patch::Patch;

/// `POST /v1/issuers`. The issuer's keys are fetched before it is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateIssuer {
    /// For people.
    pub name: String,
    /// The exact text of `iss` in its tokens, a URL: `https://login.example.com/realms/acme`.
    pub issuer: String,
    /// The environment its tokens are good for.
    pub environment: String,
    /// What its tokens may do at most, whatever they say.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// One of these must be in `aud`; absent = the policy's audience.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audiences: Option<Vec<String>>,
    /// Accepted `typ`: `at+jwt`, `jwt`. A token without `typ` counts as `jwt`. Absent = both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<String>>,
    /// Where its keys are; absent = where `{issuer}/.well-known/openid-configuration` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Where scopes stand in its tokens: a claim's name, or names with dots between (`realm_access.roles`). Absent = `scope`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope_claim: Option<String>,
    /// Scopes for each value of that claim; absent = the values are scopes themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope_map: Option<BTreeMap<String, Vec<String>>>,
    /// The organisation's id; absent = the caller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
}

/// `PATCH /v1/issuers/{id}`. What is absent stays as it is. Name, scopes and limits are those of the key with the same id:
/// `PATCH /v1/keys/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateIssuer {
    /// Other audiences, instead of those so far.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub audiences: Patch<Vec<String>>,
    /// Other types.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub types: Patch<Vec<String>>,
    /// Where its keys are; `null` = where its own configuration says.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub jwks_uri: Patch<String>,
    /// Where scopes stand in its tokens.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub scope_claim: Patch<String>,
    /// Scopes for each value of that claim; `null` = the values are scopes themselves.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<BTreeMap<String, Vec<String>>>))]
    pub scope_map: Patch<BTreeMap<String, Vec<String>>>,
}

/// Somebody else's issuer whose access tokens are accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Issuer {
    /// The id of the key that its tokens speak for, `key_` + 16 characters.
    pub id: String,
    /// For people.
    pub name: String,
    /// The organisation's id.
    pub organization: String,
    /// The exact text of `iss`.
    pub issuer: String,
    /// The environment its tokens are good for.
    pub environment: String,
    /// What its tokens may do at most.
    pub scopes: Vec<String>,
    /// One of these must be in `aud`.
    pub audiences: Vec<String>,
    /// Accepted `typ`.
    pub types: Vec<String>,
    /// Where its keys are; `null` = where its own configuration says.
    pub jwks_uri: Option<String>,
    /// Where scopes stand in its tokens.
    pub scope_claim: String,
    /// Scopes for each value of that claim; empty = the values are scopes themselves.
    pub scope_map: BTreeMap<String, Vec<String>>,
    /// The state of its key.
    pub status: KeyStatus,
    /// The keys that its tokens are verified with.
    pub keys: Vec<IssuerKey>,
    /// When they were last fetched.
    pub fetched_at: String,
    /// When they are fetched next.
    pub next_fetch_at: String,
    /// Why they could not be fetched the last time, or none could be used; `null` = they were. What could not be fetched stays
    /// in force for 72 hours.
    pub problem: Option<String>,
    /// Who made it.
    pub created_by: Option<String>,
    /// When it was made.
    pub created_at: String,
}

/// A public key of an issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IssuerKey {
    /// What tokens call it.
    pub kid: Option<String>,
    /// `EdDSA`, `ES256` or `RS256`.
    pub algorithm: String,
}

/// The query of `GET /v1/issuers`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct ListIssuers {
    /// Only this organisation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// At most this many, 1 to 1000; absent = 100.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 1000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

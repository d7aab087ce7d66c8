//! The wire shape of a policy: plain data, as written in `policy.toml` and as carried in a bundle.
//!
//! Nothing here is checked. [`Policy::compile`](crate::Policy::compile) turns a spec into a policy or says what is
//! wrong and where; only a compiled policy can decide.

#[macro_use]
mod words;
mod identity;
mod limits;
mod restrictions;
mod services;
mod tokens;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

pub use identity::{IdentityHeader, IdentityHeaders};
pub use limits::{
    CountedBy, LimitsSpec, OnUnavailable, Period, PolicyRateSpec, QuotaSpec, RateLimitHeaders, RateLimitsSpec,
    RateSpec, RuleRateSpec,
};
pub use restrictions::{EndpointSpec, IpSpec, ModeSpec, ReferrerSpec, RestrictionsSpec, TrialSpec};
pub use services::{ServiceCredentialSpec, ServicePlace, ServiceSpec};
pub use tokens::{TokenAlgorithm, TokensSpec};

/// A whole policy, unchecked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySpec {
    /// Short name, shown in listings and metrics: `systemprompt`.
    pub name: String,
    /// The realm of `WWW-Authenticate` (RFC 6750 §3). Defaults to the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
    /// Where a denial's `docs_url` points; `{code}` is replaced by the stable code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docs_url: Option<String>,
    /// The shape of error bodies.
    #[serde(default)]
    pub error_format: ErrorFormat,
    /// What happens to a request that no rule matches.
    #[serde(default)]
    pub default: DefaultAccess,
    /// Whether `x:write` grants `x:read` too. Off unless written.
    #[serde(default)]
    pub write_implies_read: bool,
    /// What happens to a CORS preflight (`OPTIONS` with `Origin` and `Access-Control-Request-Method`).
    #[serde(default)]
    pub preflight: Preflight,
    /// Whether the credential travels on to the upstream. Off unless written.
    #[serde(default)]
    pub forward_credential: bool,
    /// Which identity headers the upstream gets.
    #[serde(default, skip_serializing_if = "IdentityHeaders::is_default")]
    pub identity_headers: IdentityHeaders,
    /// Which answers tell where limits stand.
    #[serde(default, skip_serializing_if = "RateLimitHeaders::is_default")]
    pub rate_limit_headers: RateLimitHeaders,
    /// The environments keys belong to; every key format and rule names one of these.
    pub environments: Vec<String>,
    /// Every scope that rules may want and keys may hold, as `resource:action`.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Where a credential may stand. Exactly one of them may be present in a request.
    pub credentials: Vec<CredentialSpec>,
    /// The key formats, told apart by longest matching prefix. Without `tokens` there is at least one.
    #[serde(default)]
    pub keys: Vec<KeyFormatSpec>,
    /// Access tokens; without it none is minted or taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokensSpec>,
    /// Services outside that skills call through the edge.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceSpec>,
    /// Route rules; the most specific wins.
    pub rules: Vec<RuleSpec>,
    /// What happens to a request whose quota cannot be asked.
    #[serde(default, skip_serializing_if = "QuotaSpec::is_default")]
    pub quota: QuotaSpec,
    /// The rates of keys and organisations that have none of their own.
    #[serde(default, skip_serializing_if = "RateLimitsSpec::is_default")]
    pub rate_limits: RateLimitsSpec,
    /// Messages by stable code; a code not listed keeps the default wording.
    #[serde(default)]
    pub messages: BTreeMap<String, String>,
}

/// The shape of error bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorFormat {
    /// `{"error":{"code":…,"message":…,"status":…,"request_id":…}}`, `application/json`.
    #[default]
    Json,
    /// RFC 9457, `application/problem+json`.
    Problem,
}

/// What happens to a request that no rule matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DefaultAccess {
    /// Refused. The credential is checked first, so a stranger learns nothing about the routes.
    #[default]
    Deny,
    /// Any good key passes.
    Authenticate,
    /// Passes without a credential.
    Public,
}

/// What happens to a CORS preflight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preflight {
    /// Treated like any other request.
    #[default]
    Authenticate,
    /// Passes without a credential, as browsers send none.
    Allow,
}

/// One place where a credential may stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialSpec {
    /// Header, query parameter or cookie.
    #[serde(rename = "in")]
    pub place: CredentialPlace,
    /// The header, parameter or cookie's name. Header names are case-insensitive.
    pub name: String,
    /// The scheme before the key (`Bearer`), compared without case. Headers only; absent = the whole value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
}

/// The kinds of places where a credential may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialPlace {
    /// A request header.
    Header,
    /// A query parameter.
    Query,
    /// A cookie.
    Cookie,
}

/// One key format: `prefix` + body, and the environment it stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFormatSpec {
    /// What the key starts with: `sp_live_`.
    pub prefix: String,
    /// The environment such a key belongs to.
    pub environment: String,
    /// Number of characters after the prefix, checksum included. New keys have exactly this many.
    pub body_length: usize,
    /// The fewest characters after the prefix that are still accepted, for keys made elsewhere; absent = `body_length`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_body_length: Option<usize>,
    /// The characters allowed after the prefix.
    #[serde(default)]
    pub alphabet: Alphabet,
    /// Whether the last six characters are a checksum.
    #[serde(default)]
    pub checksum: Checksum,
}

/// The characters allowed in a key's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alphabet {
    /// `0-9A-Za-z`.
    #[default]
    Base62,
    /// `0-9a-z`.
    LowerAlphanumeric,
    /// `0-9a-f`.
    LowerHex,
}

/// Whether a key's body ends in a checksum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checksum {
    /// No checksum.
    #[default]
    None,
    /// Six base62 characters: the CRC-32 of the body before them, as GitHub tokens carry it.
    Crc32Base62,
}

/// One route rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    /// Methods it is for; empty = every method. `GET` covers `HEAD`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// Path template: `/v1/users/{id}`; a trailing `/**` stands for any further segments, none included.
    pub path: String,
    /// Who passes.
    #[serde(default)]
    pub access: Access,
    /// Scopes wanted, all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub all: Vec<String>,
    /// Scopes wanted, one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub any: Vec<String>,
    /// Environments it serves; empty = all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<String>,
    /// The service that its requests go to; absent = the upstream of their environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// What a request takes of each quota it falls under; absent = 1, 0 = nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<u32>,
    /// How many requests it lets through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RuleRateSpec>,
}

/// Who passes a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// A good key with the scopes the rule wants.
    #[default]
    Key,
    /// Anyone, without a credential.
    Public,
}

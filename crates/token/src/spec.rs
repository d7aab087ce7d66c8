//! Which issuers are believed, as data: the JSON of the bundle's `tokens` blob.
//!
//! Nothing here decides; [`Issuers`](crate::Issuers) is what it compiles to. Invariant: none, these are plain values.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::jwk::Jwk;

/// No token may be allowed to be longer.
pub const MAX_TOKEN_BYTES: usize = 16_384;

/// Every issuer whose tokens are accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuersSpec {
    /// A longer token is refused unread; at most [`MAX_TOKEN_BYTES`].
    pub max_token_bytes: usize,
    /// The issuers, those that count first first. Several may have one URL if no two of them share an audience; of two that a token with
    /// several audiences could mean, the first counts.
    pub issuers: Vec<IssuerSpec>,
}

/// One issuer, and what of its tokens is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerSpec {
    /// The exact text of `iss`.
    pub issuer: String,
    /// One of these must be in `aud`.
    pub audiences: Vec<String>,
    /// Accepted `typ`, in lower case and without `application/`: `at+jwt`, `jwt`. A token without `typ` counts as `jwt`.
    pub types: Vec<String>,
    /// How far its clock may be from ours.
    pub clock_skew_seconds: u32,
    /// The keys it signs with.
    pub keys: Vec<Jwk>,
    /// Whom its tokens speak for.
    pub subjects: Subjects,
}

/// Whom an issuer's tokens speak for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subjects {
    /// Our own tokens: they name the key record, the environment and the scopes themselves.
    Own,
    /// Somebody else's: all of them speak for one key record.
    Mapped(Mapping),
}

/// What another's tokens mean here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The key record, `key_…`.
    pub key: String,
    /// The environment they are good for.
    pub environment: String,
    /// Where their scopes stand: a claim's name, or a path of names with dots (`realm_access.roles`).
    pub scope_claim: String,
    /// Scopes for each value of that claim. Empty: the values are scopes themselves.
    pub scopes: BTreeMap<String, Vec<String>>,
}

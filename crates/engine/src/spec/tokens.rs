//! The wire shape of `[tokens]`: what access tokens (RFC 9068) a policy has minted and takes.
//!
//! Nothing here is checked; [`Policy::compile`](crate::Policy::compile) does. Whose signatures count is not said here: that is a part
//! of the bundle of its own. Invariant: a field that this version does not know is an error.

use alloc::string::String;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Access tokens: whom they are for, how long they last, how large they may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokensSpec {
    /// Whom they are for (`aud`): the name of the API, usually its address. A token for somebody else is refused.
    pub audience: String,
    /// For how long a minted token is good.
    #[serde(default = "lifetime_seconds")]
    pub lifetime_seconds: u32,
    /// What minted tokens are signed with.
    #[serde(default)]
    pub algorithm: TokenAlgorithm,
    /// By how much clocks may differ.
    #[serde(default = "clock_skew_seconds")]
    pub clock_skew_seconds: u32,
    /// A longer token is refused unread.
    #[serde(default = "max_bytes")]
    pub max_bytes: u32,
    /// For how long a refresh token is good.
    #[serde(default = "refresh_lifetime_days")]
    pub refresh_lifetime_days: u32,
}

/// What minted tokens are signed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenAlgorithm {
    /// Ed25519 (RFC 8037).
    #[default]
    EdDsa,
    /// ECDSA on P-256 (RFC 7518 §3.4), for verifiers that know no Ed25519.
    Es256,
}

words!(TokenAlgorithm { EdDsa = "EdDSA", Es256 = "ES256" });

const fn lifetime_seconds() -> u32 {
    900
}

const fn clock_skew_seconds() -> u32 {
    30
}

const fn max_bytes() -> u32 {
    8192
}

const fn refresh_lifetime_days() -> u32 {
    30
}

//! Public keys as JSON (RFC 7517, RFC 7518 section 6, RFC 8037).
//!
//! It carries text and does not say whether that is a key; [`Issuers::compile`](crate::Issuers::compile) and
//! [`read_jwks`](crate::read_jwks) do. Invariant: there is no member a private or symmetric key could stand in.

use alloc::format;
use alloc::string::String;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::base64url;

/// How a key signs. Nothing else is ever accepted (RFC 8725, section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// Ed25519 (RFC 8037).
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// ECDSA over P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
}

impl Algorithm {
    /// The name in `alg`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::EdDsa, Self::Es256, Self::Rs256].into_iter().find(|it| it.as_str() == text)
    }
}

/// `kty`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyType {
    /// Edwards curves.
    #[serde(rename = "OKP")]
    Okp,
    /// NIST curves.
    #[serde(rename = "EC")]
    Ec,
    /// RSA.
    #[serde(rename = "RSA")]
    Rsa,
}

/// `crv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Curve {
    /// Of `OKP`.
    Ed25519,
    /// Of `EC`.
    #[serde(rename = "P-256")]
    P256,
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jwk {
    /// What kind of key it is.
    pub kty: KeyType,
    /// The curve; not with RSA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crv: Option<Curve>,
    /// The point, or its first coordinate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// The second coordinate; only with P-256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// The modulus; only with RSA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    /// The exponent; only with RSA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
    /// What tokens call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// The one algorithm it may be used with.
    pub alg: Algorithm,
}

impl Jwk {
    /// The SHA-256 thumbprint in base64url (RFC 7638), which does not depend on `kid` or `alg`.
    pub fn thumbprint(&self) -> String {
        let [x, y, n, e] = [&self.x, &self.y, &self.n, &self.e].map(|it| it.as_deref().unwrap_or_default());
        // Base64url needs no escaping, and the members stand in the order of their names.
        let json = match self.kty {
            KeyType::Okp => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
            KeyType::Ec => format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
            KeyType::Rsa => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
        };
        base64url::encode(&Sha256::digest(json))
    }
}

//! Making access tokens: the control plane's keys, and the claims they sign.
//!
//! It reads no clock and takes no randomness but the seed it is given: both algorithms are deterministic (RFC 8032,
//! RFC 6979). Invariant: the private key leaves a [`TokenKey`] only through [`TokenKey::to_bytes`].

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use p256::ecdsa::signature::Signer as _;
use serde::{Deserialize, Serialize};

use crate::base64url;
use crate::jwk::{Algorithm, Curve, Jwk, KeyType};
use crate::public_key::InvalidKey;

/// What an access token of ours says (RFC 9068), in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// The control plane's public URL, without a slash at its end.
    pub iss: String,
    /// On whose behalf: the credential's `key_…`, or the user's `usr_…`.
    pub sub: String,
    /// The policy's audience.
    pub aud: String,
    /// Who got it: the credential's `key_…`, or the app's `app_…`.
    pub client_id: String,
    /// The grant's `key_…`, if an app got it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// The organisation.
    pub org: String,
    /// The environment.
    pub env: String,
    /// Scopes, separated by spaces; absent if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// When it was made, in Unix seconds.
    pub iat: u64,
    /// From when on it is not good any more.
    pub exp: u64,
    /// Its own random name.
    pub jti: String,
}

/// A key that signs access tokens.
pub struct TokenKey {
    secret: Secret,
    kid: String,
}

enum Secret {
    Ed25519(ed25519_dalek::SigningKey),
    P256(p256::ecdsa::SigningKey),
}

impl TokenKey {
    /// A key from 32 random bytes. Refused for RS256, which we do not sign with, and, once in 2^32 times, for bytes
    /// that are no scalar of P-256: take others.
    pub fn generate(algorithm: Algorithm, seed: &[u8; 32]) -> Result<Self, InvalidKey> {
        Self::from_bytes(algorithm, seed)
    }

    /// From what [`Self::to_bytes`] gave.
    pub fn from_bytes(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, InvalidKey> {
        let secret = match algorithm {
            Algorithm::EdDsa => {
                let seed = bytes.try_into().map_err(|_| InvalidKey::Point)?;
                Secret::Ed25519(ed25519_dalek::SigningKey::from_bytes(seed))
            }
            Algorithm::Es256 => {
                Secret::P256(p256::ecdsa::SigningKey::from_slice(bytes).map_err(|_| InvalidKey::Point)?)
            }
            Algorithm::Rs256 => return Err(InvalidKey::Members),
        };
        let kid = secret.public().thumbprint();
        Ok(Self { secret, kid })
    }

    /// The private key, 32 bytes: to be sealed at once.
    pub fn to_bytes(&self) -> Vec<u8> {
        match &self.secret {
            Secret::Ed25519(key) => key.to_bytes().to_vec(),
            Secret::P256(key) => key.to_bytes().to_vec(),
        }
    }

    /// The algorithm it signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.secret.public().alg
    }

    /// What tokens call it: its thumbprint (RFC 7638).
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public key, with its `kid`.
    pub fn jwk(&self) -> Jwk {
        Jwk { kid: Some(self.kid.clone()), ..self.secret.public() }
    }

    /// The token that says this.
    pub fn sign(&self, claims: &Claims) -> String {
        let header = format!(r#"{{"alg":"{}","typ":"at+jwt","kid":"{}"}}"#, self.algorithm().as_str(), self.kid);
        #[expect(clippy::expect_used, reason = "strings and whole numbers always serialise into memory")]
        let payload = serde_json::to_vec(claims).expect("claims are plain values");
        let signed = format!("{}.{}", base64url::encode(header.as_bytes()), base64url::encode(&payload));
        let signature = self.secret.sign(signed.as_bytes());
        format!("{signed}.{}", base64url::encode(&signature))
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKey({})", self.kid)
    }
}

impl Secret {
    fn sign(&self, message: &[u8]) -> [u8; 64] {
        match self {
            Self::Ed25519(key) => key.sign(message).to_bytes(),
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().into()
            }
        }
    }

    /// The public half, not yet named.
    fn public(&self) -> Jwk {
        let (kty, crv, alg, x, y) = match self {
            Self::Ed25519(key) => {
                let x = base64url::encode(key.verifying_key().as_bytes());
                (KeyType::Okp, Curve::Ed25519, Algorithm::EdDsa, x, None)
            }
            Self::P256(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                let [x, y] = [point.x(), point.y()].map(|it| it.map(|it| base64url::encode(it)).unwrap_or_default());
                (KeyType::Ec, Curve::P256, Algorithm::Es256, x, Some(y))
            }
        };
        Jwk { kty, crv: Some(crv), x: Some(x), y, n: None, e: None, kid: None, alg }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{IssuerSpec, Issuers, IssuersSpec, Refusal, Subjects};

    const NOW: u64 = 1_800_000_000;

    fn claims() -> Claims {
        Claims {
            iss: "https://keys.example.com".into(),
            sub: "key_0000000000000001".into(),
            aud: "https://api.example.com".into(),
            client_id: "key_0000000000000001".into(),
            grant: None,
            org: "org_0000000000000001".into(),
            env: "live".into(),
            scope: Some("a:read b:write".into()),
            iat: NOW,
            exp: NOW + 900,
            jti: "abcdefghijklmnopqrstuv".into(),
        }
    }

    fn issuers(key: &TokenKey) -> Issuers {
        let issuer = IssuerSpec {
            issuer: claims().iss,
            audiences: Vec::from([claims().aud]),
            types: Vec::from(["at+jwt".into()]),
            clock_skew_seconds: 30,
            keys: Vec::from([key.jwk()]),
            subjects: Subjects::Own,
        };
        Issuers::compile(&IssuersSpec { max_token_bytes: 8192, issuers: Vec::from([issuer]) }).unwrap()
    }

    #[test]
    fn what_is_signed_is_believed_and_nothing_else() {
        for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
            let key = TokenKey::generate(algorithm, &[3; 32]).unwrap();
            let token = key.sign(&claims());
            let verified = issuers(&key).verify(token.as_bytes(), NOW).unwrap();
            assert_eq!((verified.key, verified.environment), (claims().client_id, claims().env));
            assert_eq!(verified.scopes, ["a:read", "b:write"]);
            let other = TokenKey::generate(algorithm, &[4; 32]).unwrap();
            assert_eq!(issuers(&other).verify(token.as_bytes(), NOW), Err(Refusal::UnknownKey));
            assert_eq!(issuers(&key).verify(token.as_bytes(), NOW + 930), Err(Refusal::Expired));
            // The same key from its bytes signs the same text: neither algorithm takes randomness.
            let again = TokenKey::from_bytes(algorithm, &key.to_bytes()).unwrap();
            assert_eq!((again.sign(&claims()), again.kid()), (token, key.kid()));
        }
    }

    #[test]
    fn the_key_of_rfc_8037() {
        let seed = crate::base64url::decode(b"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let key = TokenKey::from_bytes(Algorithm::EdDsa, &seed).unwrap();
        assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!(format!("{key:?}"), "TokenKey(kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k)");
        let token = key.sign(&claims());
        let header = crate::base64url::decode(token.split('.').next().unwrap().as_bytes()).unwrap();
        let expected = r#"{"alg":"EdDSA","typ":"at+jwt","kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"}"#;
        assert_eq!(header, expected.as_bytes());
    }

    #[test]
    fn what_is_no_key() {
        assert!(TokenKey::generate(Algorithm::Rs256, &[1; 32]).is_err());
        assert!(TokenKey::generate(Algorithm::Es256, &[0xff; 32]).is_err(), "not below the order");
        assert!(TokenKey::generate(Algorithm::Es256, &[0; 32]).is_err());
        assert!(TokenKey::from_bytes(Algorithm::EdDsa, &[1; 31]).is_err());
    }
}

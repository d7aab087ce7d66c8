//! Public keys that can verify, each under one algorithm.
//!
//! It neither chooses a key nor looks at what is signed. Invariant: a [`PublicKey`] is a well-formed key of a strength
//! that is accepted, and no method takes an algorithm: the key's own is the only one (RFC 8725, section 3.1).

use alloc::vec::Vec;

use crate::base64url;
use crate::jwk::{Algorithm, Curve, Jwk, KeyType};
use crate::rsa::RsaKey;

/// Why a JWK cannot be used. Whoever published it can fix it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Its kind and curve do not go with its algorithm, or a member is missing, or one too many.
    #[error("a key whose `kty`, `crv`, `alg` and members do not fit together")]
    Members,
    /// A member is not strict base64url.
    #[error("a key with a member that is not base64url without padding")]
    Encoding,
    /// Not a point of the curve, or one of a small group.
    #[error("a key that is no good point of its curve")]
    Point,
    /// An RSA modulus or exponent that is not accepted.
    #[error("an RSA key that is not 2048 to 4096 bits, or whose exponent is not odd and 3 to 65537")]
    Rsa,
}

/// The signature is not of these bytes by this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadSignature;

/// A key that can verify.
#[derive(Debug, PartialEq)]
pub(crate) enum PublicKey {
    Ed25519(ed25519_dalek::VerifyingKey),
    P256(p256::ecdsa::VerifyingKey),
    Rsa(RsaKey),
}

impl PublicKey {
    /// Reads a JWK.
    pub(crate) fn read(jwk: &Jwk) -> Result<Self, InvalidKey> {
        match (jwk.alg, jwk.kty, jwk.crv, [&jwk.x, &jwk.y, &jwk.n, &jwk.e]) {
            (Algorithm::EdDsa, KeyType::Okp, Some(Curve::Ed25519), [Some(x), None, None, None]) => ed25519(&decode(x)?),
            (Algorithm::Es256, KeyType::Ec, Some(Curve::P256), [Some(x), Some(y), None, None]) => {
                p256(&decode(x)?, &decode(y)?)
            }
            (Algorithm::Rs256, KeyType::Rsa, None, [None, None, Some(n), Some(e)]) => {
                RsaKey::new(&decode(n)?, &decode(e)?).map(Self::Rsa).ok_or(InvalidKey::Rsa)
            }
            _ => Err(InvalidKey::Members),
        }
    }

    /// The only algorithm it verifies with.
    pub(crate) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519(_) => Algorithm::EdDsa,
            Self::P256(_) => Algorithm::Es256,
            Self::Rsa(_) => Algorithm::Rs256,
        }
    }

    /// Whether it signed these bytes.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        match self {
            Self::Ed25519(key) => {
                use ed25519_dalek::Verifier as _;
                let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| BadSignature)?;
                // Compares R as bytes, so R has one encoding; the key is of no small order. What `verify_strict` looks at
                // beside, that R is of no small order either, only who has the private key could get around, to no end.
                key.verify(message, &signature).map_err(|_| BadSignature)
            }
            Self::P256(key) => {
                use p256::ecdsa::signature::Verifier as _;
                // R and S, 32 bytes each (RFC 7518, section 3.4); JOSE has no rule about a low S.
                let signature = p256::ecdsa::Signature::from_slice(signature).map_err(|_| BadSignature)?;
                key.verify(message, &signature).map_err(|_| BadSignature)
            }
            Self::Rsa(key) => key.verify(message, signature),
        }
    }
}

fn decode(text: &str) -> Result<Vec<u8>, InvalidKey> {
    base64url::decode(text.as_bytes()).ok_or(InvalidKey::Encoding)
}

fn ed25519(x: &[u8]) -> Result<PublicKey, InvalidKey> {
    let key = x.try_into().ok().and_then(|bytes| ed25519_dalek::VerifyingKey::from_bytes(bytes).ok());
    key.filter(|key| !key.is_weak()).map(PublicKey::Ed25519).ok_or(InvalidKey::Point)
}

/// From both coordinates alone: what reads every form of a point is large.
fn p256(x: &[u8], y: &[u8]) -> Result<PublicKey, InvalidKey> {
    use p256::elliptic_curve::point::AffineCoordinates as _;
    // Leading zeros belong to a coordinate (RFC 7518, section 6.2.1.2).
    let (Ok(x), Ok(y)) = (x.try_into(), y.try_into()) else { return Err(InvalidKey::Point) };
    let point: Option<p256::AffinePoint> = p256::AffinePoint::from_coordinates(x, y).into();
    let key = point.and_then(|point| p256::ecdsa::VerifyingKey::from_affine(point).ok());
    key.map(PublicKey::P256).ok_or(InvalidKey::Point)
}

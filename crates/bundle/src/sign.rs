//! Signing and verifying manifests: Ed25519 (RFC 8032) over the exact bytes that travel.
//!
//! ```text
//! portcullis-manifest-v1 <first 16 hex digits of the public key> <128 hex digits of signature>\n<JSON>
//! ```
//! The signature covers `portcullis-manifest-v1\n` and the JSON, so it can serve for nothing else. Invariant:
//! [`verify`] returns a manifest only if a configured key signed these bytes.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use ed25519_dalek::{Signature, VerifyingKey};

use crate::manifest::Manifest;

const LABEL: &str = "portcullis-manifest-v1";

/// A key that manifests may be signed with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// Text that is not an Ed25519 public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an Ed25519 public key: expected 64 hex digits")]
pub struct InvalidPublicKey;

impl PublicKey {
    /// The first 16 hex digits: enough to tell keys apart.
    fn short(&self) -> String {
        hex::encode(self.0.as_bytes().first_chunk::<8>().unwrap_or(&[0; 8]))
    }
}

impl FromStr for PublicKey {
    type Err = InvalidPublicKey;

    fn from_str(text: &str) -> Result<Self, InvalidPublicKey> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidPublicKey)?;
        VerifyingKey::from_bytes(&bytes).map(Self).map_err(|_| InvalidPublicKey)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A manifest as it travels. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedManifest(Arc<[u8]>);

impl SignedManifest {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for SignedManifest {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Why bytes are not a manifest to be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Not in the form of a signed manifest.
    #[error("not a signed manifest")]
    Envelope,
    /// Signed by a key that is not configured.
    #[error("signed by a key that is not configured here")]
    UnknownKey,
    /// The signature is not of these bytes.
    #[error("the signature does not fit")]
    Signature,
    /// Signed, but not a manifest that this version can read.
    #[error("signed, but not a manifest that this version can read")]
    Manifest,
}

/// The manifest in these bytes, if one of `keys` signed it.
pub fn verify(bytes: &[u8], keys: &[PublicKey]) -> Result<Manifest, VerifyError> {
    let (short, signature, json) = split(bytes).ok_or(VerifyError::Envelope)?;
    let mut candidates = keys.iter().filter(|key| key.short().as_bytes() == short).peekable();
    candidates.peek().ok_or(VerifyError::UnknownKey)?;
    let message = message(json);
    if !candidates.any(|key| key.0.verify_strict(&message, &signature).is_ok()) {
        return Err(VerifyError::Signature);
    }
    let manifest: Manifest = serde_json::from_slice(json).map_err(|_| VerifyError::Manifest)?;
    if manifest.is_valid() { Ok(manifest) } else { Err(VerifyError::Manifest) }
}

fn split(bytes: &[u8]) -> Option<(&[u8], Signature, &[u8])> {
    let rest = bytes.strip_prefix(LABEL.as_bytes())?.strip_prefix(b" ")?;
    let (short, rest) = rest.split_at_checked(16)?;
    let (signature, rest) = rest.strip_prefix(b" ")?.split_at_checked(128)?;
    let mut raw = [0; 64];
    hex::decode_to_slice(signature, &mut raw).ok()?;
    Some((short, Signature::from_bytes(&raw), rest.strip_prefix(b"\n")?))
}

fn message(json: &[u8]) -> Vec<u8> {
    [LABEL.as_bytes(), b"\n", json].concat()
}

/// The control plane's key.
#[cfg(feature = "build")]
pub struct SigningKey(ed25519_dalek::SigningKey);

#[cfg(feature = "build")]
impl SigningKey {
    /// From its 32 secret bytes.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(&seed))
    }

    /// What edges verify with.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs a manifest.
    pub fn sign(&self, manifest: &Manifest) -> Result<SignedManifest, crate::build::BuildError> {
        use ed25519_dalek::Signer as _;
        let json = serde_json::to_vec(manifest).map_err(|_| crate::build::BuildError::Encoding)?;
        let signature = self.0.sign(&message(&json));
        let head = alloc::format!("{LABEL} {} {}\n", self.public_key().short(), hex::encode(signature.to_bytes()));
        Ok(SignedManifest([head.as_bytes(), &json].concat().into()))
    }
}

#[cfg(feature = "build")]
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(public {})", self.public_key())
    }
}

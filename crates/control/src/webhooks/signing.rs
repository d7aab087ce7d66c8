//! What messages are signed with, and how: `v1,` and HMAC-SHA-256 of `id.timestamp.body`, in base64.
//!
//! Invariant: the secret leaves this file sealed, or to whoever made the webhook, once.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::hmac;
use crate::id::WebhookId;
use crate::random::{self, NoRandomness};
use crate::sealing::{Lock, SealingKey};

/// NEVER CHANGE: it is the specification's, and secret scanners look for it.
pub(crate) const PREFIX: &str = "whsec_";
/// The specification asks for 24 to 64.
const LENGTH: usize = 32;

/// A webhook's secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SigningSecret([u8; LENGTH]);

impl SigningSecret {
    /// A new one.
    pub(super) fn generate() -> Result<Self, NoRandomness> {
        Ok(Self(random::bytes()?))
    }

    /// As whoever verifies is given it. Never log or store what this returns.
    pub(super) fn expose(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(self.0))
    }

    /// As it is stored.
    pub(super) fn seal(&self, with: &SealingKey, id: WebhookId) -> Result<Vec<u8>, NoRandomness> {
        lock(with, id).seal(&self.0)
    }

    /// From a column; `None` if it was sealed for another webhook, or by a control plane with another signing key.
    pub(super) fn open(with: &SealingKey, id: WebhookId, sealed: &[u8]) -> Option<Self> {
        lock(with, id).open(sealed)?.try_into().ok().map(Self)
    }

    /// The value of `webhook-signature`.
    pub(super) fn sign(&self, id: &str, timestamp: u64, body: &str) -> String {
        let timestamp = timestamp.to_string();
        let parts = [id, ".", &timestamp, ".", body].map(str::as_bytes);
        format!("v1,{}", STANDARD.encode(hmac::sha256(&self.0, &parts)))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(redacted)")
    }
}

fn lock(with: &SealingKey, id: WebhookId) -> Lock {
    with.lock(&[b"webhook", id.to_string().as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_for_its_own_webhook_alone() {
        let (one, other) = (WebhookId::generate().unwrap(), WebhookId::generate().unwrap());
        let (key, another) = (SealingKey::derive(&[1; 32]), SealingKey::derive(&[2; 32]));
        let secret = SigningSecret::generate().unwrap();
        let sealed = secret.seal(&key, one).unwrap();
        assert_eq!(SigningSecret::open(&key, one, &sealed), Some(secret.clone()));
        assert_eq!(SigningSecret::open(&key, other, &sealed), None);
        assert_eq!(SigningSecret::open(&another, one, &sealed), None);
        assert_eq!(secret.expose().len(), 50);
        assert_eq!(format!("{secret:?}"), "SigningSecret(redacted)");
    }

    /// As `printf evt_1.1768478400.{} | openssl dgst -sha256 -mac HMAC -macopt hexkey:0707… -binary | base64` has it.
    #[test]
    fn signatures_are_as_specified() {
        let secret = SigningSecret([7; LENGTH]);
        assert_eq!(secret.sign("evt_1", 1_768_478_400, "{}"), "v1,tmrrXykcXCsD4aYyrvbqEo9Z8eE0f7hqnyewMTgKCAQ=");
        assert_eq!(secret.expose(), "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
    }
}

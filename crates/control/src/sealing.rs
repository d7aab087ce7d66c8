//! What is kept for a caller to fetch again and for nobody else to read: sealed under a key that only a request like
//! theirs and the control plane's own secret make together.
//!
//! The secret is derived from the signing key's seed, so every control plane of one database has the same one. Invariant:
//! the database alone opens nothing and confirms no guess.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, KeyInit, Nonce};

use crate::hmac;
use crate::random::{self, NoRandomness};

const NONCE: usize = 12;

/// The control plane's own secret for sealing.
#[derive(Clone)]
pub(crate) struct SealingKey([u8; 32]);

/// The key to one sealed thing, and its name in the database.
#[derive(Clone)]
pub(crate) struct Lock {
    name: [u8; 32],
    key: [u8; 32],
}

impl SealingKey {
    /// The secret that goes with a signing key's seed. The seed itself signs and does nothing else.
    pub(crate) fn derive(seed: &[u8; 32]) -> Self {
        Self(hmac(seed, &[b"portcullis sealing 1"]))
    }

    /// The lock for what `parts` name together.
    pub(crate) fn lock(&self, parts: &[&[u8]]) -> Lock {
        let [name, key] = [b"name".as_slice(), b"key"].map(|purpose| {
            let mut all = vec![purpose];
            all.extend(parts);
            hmac(&self.0, &all)
        });
        Lock { name, key }
    }
}

impl Lock {
    /// What the sealed thing is called.
    pub(crate) fn name(&self) -> [u8; 32] {
        self.name
    }

    /// Seals something.
    pub(crate) fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, NoRandomness> {
        let nonce = random::bytes::<NONCE>()?;
        let payload = Payload { msg: plain, aad: &self.name };
        // It fails only for what is larger than memory.
        let sealed = self.cipher().encrypt(&Nonce::from(nonce), payload).unwrap_or_default();
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed with the same lock; `None` if it was not, or was tampered with.
    pub(crate) fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        self.cipher().decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: &self.name }).ok()
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(&Key::from(self.key))
    }
}

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealingKey(redacted)")
    }
}

/// HMAC of parts, each behind its length, so that no two lists of parts are the same text.
fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut text = Vec::new();
    for part in parts {
        text.extend(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        text.extend_from_slice(part);
    }
    hmac::sha256(key, &[&text])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_lock_opens() {
        let (one, other) = (SealingKey::derive(&[1; 32]), SealingKey::derive(&[2; 32]));
        let lock = one.lock(&[b"root", b"k"]);
        let sealed = lock.seal(b"sk_live_secret").unwrap();
        assert_eq!(one.lock(&[b"root", b"k"]).open(&sealed).unwrap(), b"sk_live_secret");
        assert_ne!(lock.seal(b"sk_live_secret").unwrap(), sealed, "no two are alike");
        for wrong in [one.lock(&[b"root", b"l"]), one.lock(&[b"roo", b"tk"]), other.lock(&[b"root", b"k"])] {
            assert_ne!(wrong.name(), lock.name());
            assert_eq!(wrong.open(&sealed), None);
        }
        let mut tampered = sealed.clone();
        tampered[NONCE] ^= 1;
        assert_eq!(lock.open(&tampered), None);
        assert_eq!(lock.open(b"short"), None);
        assert!(!format!("{one:?}").contains('['));
    }
}

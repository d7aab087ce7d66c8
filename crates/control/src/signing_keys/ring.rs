//! The signing keys that are published here, and the private halves of those that were used.
//!
//! The publisher says what is published; nothing here is newer than what edges can fetch. Invariant: a private half is held
//! open in memory alone, and only as long as its key is published.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use portcullis_token::{Algorithm, TokenKey};

use super::schedule::signer;
use crate::public_url::PublicUrl;
use crate::random::NoRandomness;
use crate::sealing::{Lock, SealingKey};
use crate::store::{TokenKeyRow, TokenSources};

/// The keys.
pub(crate) struct Ring {
    published: ArcSwap<TokenSources>,
    opened: Mutex<HashMap<String, Arc<TokenKey>>>,
    sealing: SealingKey,
}

/// What a token is signed with, and as whom.
pub(crate) struct Signer {
    /// The key.
    pub(crate) key: Arc<TokenKey>,
    /// The control plane's name in tokens.
    pub(crate) issuer: String,
    /// Until when what it signs is accepted, if an end is set.
    pub(crate) accepted_until: Option<u64>,
}

impl Ring {
    /// Without a key.
    pub(crate) fn new(sealing: SealingKey) -> Self {
        Self { published: ArcSwap::default(), opened: Mutex::default(), sealing }
    }

    /// What edges can fetch from now on.
    pub(crate) fn publish(&self, sources: TokenSources) {
        if *self.published.load_full() == sources {
            return;
        }
        self.opened().retain(|kid, _| sources.keys.iter().any(|row| row.kid == *kid && row.secret.is_some()));
        self.published.store(Arc::new(sources));
    }

    /// What is published.
    pub(crate) fn published(&self) -> Arc<TokenSources> {
        self.published.load_full()
    }

    /// The name under which tokens are signed.
    pub(crate) fn name(&self, public_url: &PublicUrl) -> String {
        self.published.load().issuer.clone().unwrap_or_else(|| public_url.to_string())
    }

    /// What to sign with at a time; `None` if there is nothing.
    pub(crate) fn signer(&self, now: u64) -> Option<Signer> {
        let published = self.published.load();
        let row = signer(&published.keys, now)?;
        Some(Signer { key: self.open(row)?, issuer: published.issuer.clone()?, accepted_until: row.accepted_until })
    }

    /// Whether a key's private half can be opened here.
    pub(super) fn opens(&self, row: &TokenKeyRow) -> bool {
        self.open(row).is_some()
    }

    /// A private half as it is stored.
    pub(super) fn seal(&self, key: &TokenKey) -> Result<Vec<u8>, NoRandomness> {
        self.lock(key.kid()).seal(&key.to_bytes())
    }

    fn open(&self, row: &TokenKeyRow) -> Option<Arc<TokenKey>> {
        if let Some(open) = self.opened().get(&row.kid) {
            return Some(open.clone());
        }
        let algorithm = [Algorithm::EdDsa, Algorithm::Es256].into_iter().find(|it| it.as_str() == row.algorithm)?;
        let bytes = self.lock(&row.kid).open(row.secret.as_deref()?)?;
        let key = TokenKey::from_bytes(algorithm, &bytes).ok().filter(|key| key.kid() == row.kid)?;
        let key = Arc::new(key);
        self.opened().insert(row.kid.clone(), key.clone());
        Some(key)
    }

    fn lock(&self, kid: &str) -> Lock {
        self.sealing.lock(&[b"token key", kid.as_bytes()])
    }

    fn opened(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<TokenKey>>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ring({} keys)", self.published.load().keys.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ring: &Ring, seed: u8, algorithm: Algorithm) -> TokenKeyRow {
        let key = TokenKey::generate(algorithm, &[seed; 32]).unwrap();
        TokenKeyRow {
            kid: key.kid().to_owned(),
            algorithm: algorithm.as_str().to_owned(),
            jwk: String::new(),
            secret: Some(ring.seal(&key).unwrap()),
            created_at: 1,
            signs_from: 1,
            signs_until: None,
            accepted_until: None,
            revoked_at: None,
        }
    }

    #[test]
    fn a_private_half_opens_for_its_own_key_and_as_long_as_that_is_published() {
        let [ring, other] = [1, 2].map(|seed| Ring::new(SealingKey::derive(&[seed; 32])));
        let (one, two) = (row(&ring, 1, Algorithm::EdDsa), row(&ring, 2, Algorithm::Es256));
        assert!(ring.opens(&one) && ring.opens(&two) && !other.opens(&one));
        ring.publish(TokenSources { issuer: Some("https://x.example".to_owned()), keys: vec![two.clone()] });
        assert_eq!(ring.signer(5).map(|it| it.key.kid().to_owned()), Some(two.kid.clone()));
        assert!(ring.opened().keys().eq([&two.kid]), "the other is forgotten");
        ring.publish(TokenSources { keys: vec![TokenKeyRow { secret: None, ..two.clone() }], issuer: None });
        assert!(ring.signer(5).is_none() && ring.opened().is_empty());
        let swapped = TokenKeyRow { secret: one.secret.clone(), ..two };
        assert!(!ring.opens(&swapped), "sealed for another");
    }
}

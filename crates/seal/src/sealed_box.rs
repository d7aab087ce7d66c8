//! libsodium's `crypto_box_seal`: X25519, HSalsa20, XSalsa20 and Poly1305, the nonce made of both public keys.
//!
//! ```text
//! box   = ephemeral public key 32 · tag 16 · ciphertext
//! nonce = BLAKE2b-192(ephemeral public key · recipient's public key)
//! key   = HSalsa20(X25519(ephemeral, recipient), 0)
//! ```
//! Invariant: a key of low order, with which anybody could make a box or open it, neither seals nor opens.

use alloc::vec::Vec;

use blake2::Blake2b;
use blake2::digest::Digest as _;
use blake2::digest::consts::U24;
use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit as _;
use salsa20::cipher::consts::U10;
use salsa20::cipher::{KeyIvInit as _, StreamCipher as _};
use salsa20::{XSalsa20, hsalsa};
use x25519_dalek::StaticSecret;
use zeroize::{Zeroize as _, Zeroizing};

use crate::keys::{PrivateKey, PublicKey};

const KEY: usize = 32;
const TAG: usize = 16;

/// How much longer a box is than what is in it.
pub const OVERHEAD: usize = KEY + TAG;

/// A public key of low order: what is sealed to it, anybody could open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key of low order: anybody could open what is sealed to it")]
pub struct WeakKey;

/// Seals `plain` to `recipient`. `random` must come from a secure source, and never be used again.
pub fn seal(recipient: &PublicKey, plain: &[u8], random: [u8; KEY]) -> Result<Vec<u8>, WeakKey> {
    let ephemeral = StaticSecret::from(random);
    let public = PublicKey::of(&ephemeral);
    let mut cipher = Cipher::agreed(&ephemeral, recipient, &public, recipient).ok_or(WeakKey)?;
    let mut sealed = Vec::with_capacity(OVERHEAD + plain.len());
    sealed.extend(public.0);
    sealed.extend([0; TAG]);
    sealed.extend(plain);
    if let Some((head, text)) = sealed.split_first_chunk_mut::<OVERHEAD>() {
        cipher.stream.apply_keystream(text);
        let tag = cipher.tag(text);
        head.iter_mut().skip(KEY).zip(tag).for_each(|(place, byte)| *place = byte);
    }
    Ok(sealed)
}

impl PrivateKey {
    /// Opens a box that was sealed to this key; `None` if it was not, or is not whole and unchanged.
    pub fn open(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (ephemeral, rest) = sealed.split_first_chunk::<KEY>()?;
        let (tag, text) = rest.split_first_chunk::<TAG>()?;
        let ephemeral = PublicKey(*ephemeral);
        let mut cipher = Cipher::agreed(self.secret(), &ephemeral, &ephemeral, &self.public())?;
        if !is_same(&cipher.tag(text), tag) {
            return None;
        }
        let mut plain = Zeroizing::new(text.to_vec());
        cipher.stream.apply_keystream(&mut plain);
        Some(plain)
    }
}

/// XSalsa20-Poly1305, ready for one message.
struct Cipher {
    stream: XSalsa20,
    authenticator: Zeroizing<[u8; KEY]>,
}

impl Cipher {
    /// What `ours` and `theirs` agree on, for a box from `ephemeral` to `recipient`; `None` if theirs is of low order.
    fn agreed(ours: &StaticSecret, theirs: &PublicKey, ephemeral: &PublicKey, recipient: &PublicKey) -> Option<Self> {
        let shared = ours.diffie_hellman(&x25519_dalek::PublicKey::from(theirs.0));
        if !shared.was_contributory() {
            return None;
        }
        let mut key = hsalsa::<U10>(shared.as_bytes().into(), &Default::default());
        let nonce = Blake2b::<U24>::new().chain_update(ephemeral.0).chain_update(recipient.0).finalize();
        let mut stream = XSalsa20::new(&key, &nonce);
        key.as_mut_slice().zeroize();
        // The first block of the stream begins with the authenticator's key (NaCl's crypto_secretbox).
        let mut authenticator = Zeroizing::new([0; KEY]);
        stream.apply_keystream(authenticator.as_mut_slice());
        Some(Self { stream, authenticator })
    }

    fn tag(&self, text: &[u8]) -> [u8; TAG] {
        let authenticator = Poly1305::new((&*self.authenticator).into());
        authenticator.compute_unpadded(text).into()
    }
}

/// In a time that does not depend on where they differ.
fn is_same(one: &[u8; TAG], other: &[u8; TAG]) -> bool {
    one.iter().zip(other).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
}

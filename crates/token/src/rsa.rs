//! RSASSA-PKCS1-v1_5 with SHA-256: verifying only (RFC 8017, section 8.2.2).
//!
//! Nothing here is secret, so nothing has to take constant time. The encoded message is not parsed but built anew and
//! compared whole: a lax reader of paddings is what forgeries have always been made of. Invariant: the modulus is odd
//! and has 2048 to 4096 bits, the exponent is odd and 3 to 65537.

use alloc::vec::Vec;

use sha2::{Digest as _, Sha256};

use crate::modular::{Modulus, words};
use crate::public_key::BadSignature;

/// DER of the `DigestInfo` of SHA-256, up to the digest (RFC 8017, section 9.2, note 1).
const DIGEST_INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];

/// What everybody takes; a larger one would let a provider make each of its tokens, forged ones too, cost what it likes.
const LARGEST_EXPONENT: u32 = 65_537;

/// A public key.
#[derive(Debug, PartialEq)]
pub(crate) struct RsaKey {
    modulus: Modulus,
    /// Length of the modulus, and of every signature, in bytes.
    len: usize,
    exponent: u32,
}

impl RsaKey {
    /// From big-endian bytes without leading zeros (RFC 7518, section 2).
    pub(crate) fn new(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let bits = match modulus.first()? {
            0 => return None,
            first => u32::try_from(modulus.len()).ok()?.checked_mul(8)? - first.leading_zeros(),
        };
        if !(2048..=4096).contains(&bits) || exponent.first() == Some(&0) || exponent.len() > 4 {
            return None;
        }
        let exponent = exponent.iter().fold(0, |value, byte| value << 8 | u32::from(*byte));
        if !(3..=LARGEST_EXPONENT).contains(&exponent) || exponent.is_multiple_of(2) {
            return None;
        }
        Some(Self { modulus: Modulus::new(modulus)?, len: modulus.len(), exponent })
    }

    /// Whether it signed these bytes.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let encoded = self.encoded(&Sha256::digest(message)).ok_or(BadSignature)?;
        let opened = Some(signature).filter(|it| it.len() == self.len);
        let opened = opened.and_then(|it| self.modulus.power(it, self.exponent)).ok_or(BadSignature)?;
        if opened == words(&encoded) { Ok(()) } else { Err(BadSignature) }
    }

    /// `00 01 FF … FF 00 DigestInfo digest`, as long as the modulus.
    fn encoded(&self, digest: &[u8]) -> Option<Vec<u8>> {
        let padding = self.len.checked_sub(3 + DIGEST_INFO.len() + digest.len())?;
        let mut encoded = Vec::from([0, 1]);
        encoded.resize(2 + padding, 0xff);
        encoded.push(0);
        encoded.extend_from_slice(&DIGEST_INFO);
        encoded.extend_from_slice(digest);
        Some(encoded)
    }
}

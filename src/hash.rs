//! A cheap hash for what the control plane made up at random: identifiers of keys and organisations.
//!
//! Clients cannot choose what is hashed here, so nothing is gained by picking collisions. Invariant: it is not for
//! anything that a client sends.

use core::hash::{BuildHasherDefault, Hasher};
use std::collections::HashMap;

/// A table by identifiers.
pub type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// Odd, with its bits well spread (2^64 divided by the golden ratio).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Folds what is random already.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let (chunks, rest) = bytes.as_chunks::<8>();
        for chunk in chunks {
            self.write_u64(u64::from_le_bytes(*chunk));
        }
        for byte in rest {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(23) ^ number).wrapping_mul(SPREAD);
    }
}

/// The first eight bytes of an identifier.
pub fn head(bytes: &[u8]) -> u64 {
    bytes.first_chunk::<8>().map_or(0, |head| u64::from_le_bytes(*head))
}

/// Which of so many slots an identifier's record stands in.
pub fn slot(bytes: &[u8], slots: u64) -> u64 {
    let mut hasher = IdHasher::default();
    hasher.write(bytes);
    (hasher.finish() >> 32) % slots
}

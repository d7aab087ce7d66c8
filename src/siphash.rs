//! SipHash-2-4 with 128 bits (Aumasson and Bernstein 2012, and their reference code for the longer output), of a whole text.
//!
//! The crate that is compared with in the tests takes a text in pieces, which costs three times as much: this is run on
//! every request. Invariant: the same bytes as the reference's, for every text and key.

/// The keyed hash of a text, as two halves.
pub fn hash(key: &[u8; 16], text: &[u8]) -> (u64, u64) {
    let (k0, k1) = halves(key);
    let mut state = State {
        v0: k0 ^ 0x736f_6d65_7073_6575,
        v1: k1 ^ 0x646f_7261_6e64_6f6d ^ 0xee,
        v2: k0 ^ 0x6c79_6765_6e65_7261,
        v3: k1 ^ 0x7465_6462_7974_6573,
    };
    let (words, rest) = text.as_chunks::<8>();
    for word in words {
        state.absorb(u64::from_le_bytes(*word));
    }
    // The last word holds what is left over and, in its highest byte, the length.
    let last = rest.iter().rev().fold(0, |last, byte| last << 8 | u64::from(*byte));
    state.absorb(last | (text.len() as u64) << 56);
    state.v2 ^= 0xee;
    let first = state.finish();
    state.v1 ^= 0xdd;
    (first, state.finish())
}

fn halves(key: &[u8; 16]) -> (u64, u64) {
    let key = u128::from_le_bytes(*key);
    (key as u64, (key >> 64) as u64)
}

struct State {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl State {
    #[inline]
    fn absorb(&mut self, word: u64) {
        self.v3 ^= word;
        self.rounds(2);
        self.v0 ^= word;
    }

    fn finish(&mut self) -> u64 {
        self.rounds(4);
        self.v0 ^ self.v1 ^ self.v2 ^ self.v3
    }

    #[inline]
    fn rounds(&mut self, count: usize) {
        for _ in 0..count {
            self.v0 = self.v0.wrapping_add(self.v1);
            self.v2 = self.v2.wrapping_add(self.v3);
            self.v1 = self.v1.rotate_left(13) ^ self.v0;
            self.v3 = self.v3.rotate_left(16) ^ self.v2;
            self.v0 = self.v0.rotate_left(32);
            self.v2 = self.v2.wrapping_add(self.v1);
            self.v0 = self.v0.wrapping_add(self.v3);
            self.v1 = self.v1.rotate_left(17) ^ self.v2;
            self.v3 = self.v3.rotate_left(21) ^ self.v0;
            self.v2 = self.v2.rotate_left(32);
        }
    }
}

#[cfg(test)]
mod tests {
    use siphasher::sip128::SipHasher24;

    use super::*;

    #[test]
    fn it_is_the_crates() {
        let key: [u8; 16] = core::array::from_fn(|index| (index * 37) as u8);
        let text: Vec<u8> = (0..100_u8).map(|index| index.wrapping_mul(101)).collect();
        for length in 0..=text.len() {
            let theirs = SipHasher24::new_with_key(&key).hash(&text[..length]);
            assert_eq!(hash(&key, &text[..length]), (theirs.h1, theirs.h2), "{length}");
        }
    }

    /// `vectors_sip128` of the authors' reference implementation, for the key 00 01 … 0f.
    #[test]
    fn it_is_the_references() {
        let key: [u8; 16] = core::array::from_fn(|index| index as u8);
        let (first, second) = hash(&key, b"");
        let expected = "a3817f04ba25a8e66df67214c7550293";
        let bytes = [first.to_le_bytes(), second.to_le_bytes()].concat();
        assert_eq!(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), expected);
    }
}

//! Powers modulo an odd number, by Montgomery's multiplication (P. L. Montgomery, 1985; the CIOS form of Koç, Acar and
//! Kaliski, 1996).
//!
//! For public numbers only: how long it takes depends on them. A general library of big numbers would add some 55 kB to the
//! module at the edge. Invariant: numbers are little-endian, as long as the modulus and below it.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use once_cell::race::OnceBox;

/// An odd modulus, and what is needed of it.
#[derive(Debug)]
pub(crate) struct Modulus {
    words: Vec<u32>,
    /// Minus its inverse modulo 2^32.
    inverse: u32,
    /// The square of R = 2^(32 * words), modulo it: worked out when it is first needed, since it takes about as long as
    /// verifying and most keys that providers publish verify nothing.
    square: OnceBox<Vec<u32>>,
}

impl PartialEq for Modulus {
    fn eq(&self, other: &Self) -> bool {
        self.words == other.words
    }
}

impl Modulus {
    /// From big-endian bytes; `None` if it is even.
    pub(crate) fn new(bytes: &[u8]) -> Option<Self> {
        let words = words(bytes);
        let lowest = *words.first().filter(|it| **it & 1 == 1)?;
        // Each step of Newton's doubles the bits that are right; five of 3 bits are more than 32.
        let inverse = (0..5).fold(lowest, |x, _| x.wrapping_mul(2_u32.wrapping_sub(lowest.wrapping_mul(x))));
        Some(Self { words, inverse: inverse.wrapping_neg(), square: OnceBox::new() })
    }

    /// 2 to the power of R's length in bits, which is R, in Montgomery's form, which is times R.
    fn square_of_r(&self) -> Option<Vec<u32>> {
        let highest = *self.words.last()?;
        let mut number = vec![0; self.words.len()];
        // The highest bit alone: below the modulus, and a few doublings from R.
        *number.last_mut()? = 1_u32 << 31_u32.checked_sub(highest.leading_zeros())?;
        let r = (0..=highest.leading_zeros()).fold(number, |number, _| self.doubled(number));
        let bits = u32::try_from(self.words.len()).ok()?.checked_mul(32)?;
        self.raised(&self.doubled(r), bits)
    }

    /// `base` to the power of `exponent`, both big-endian and the exponent at least 1; `None` if the base is not below the
    /// modulus.
    pub(crate) fn power(&self, base: &[u8], exponent: u32) -> Option<Vec<u32>> {
        let base = words(base);
        if base.len() != self.words.len() || !is_below(&base, &self.words) {
            return None;
        }
        let square = self.square.get_or_try_init(|| self.square_of_r().map(Box::new).ok_or(())).ok()?;
        let base = self.product(&base, square);
        Some(self.product(&self.raised(&base, exponent)?, &self.one()))
    }

    /// The same in Montgomery's form, from the highest bit of the exponent to the lowest.
    fn raised(&self, base: &[u32], exponent: u32) -> Option<Vec<u32>> {
        let below_top = 31_u32.checked_sub(exponent.leading_zeros())?;
        let step = |power: Vec<u32>, bit: u32| {
            let square = self.product(&power, &power);
            if exponent >> bit & 1 == 1 { self.product(&square, base) } else { square }
        };
        Some((0..below_top).rev().fold(base.to_vec(), step))
    }

    fn one(&self) -> Vec<u32> {
        let mut one = vec![0; self.words.len()];
        one.first_mut().into_iter().for_each(|it| *it = 1);
        one
    }

    /// `a * b / R`.
    fn product(&self, a: &[u32], b: &[u32]) -> Vec<u32> {
        let mut sum = vec![0_u32; self.words.len() + 1];
        for digit in a {
            let carried = add_multiple(&mut sum, b, *digit);
            let factor = sum.first().map_or(0, |lowest| lowest.wrapping_mul(self.inverse));
            // Makes the lowest word zero, which is then left out.
            let carried = carried + add_multiple(&mut sum, &self.words, factor);
            sum.rotate_left(1);
            sum.last_mut().into_iter().for_each(|it| *it = carried);
        }
        let is_over = sum.pop() != Some(0);
        self.reduced(sum, is_over)
    }

    fn doubled(&self, mut number: Vec<u32>) -> Vec<u32> {
        let carried = number.iter_mut().fold(0, |carried, word| {
            let shifted = *word << 1 | carried;
            core::mem::replace(word, shifted) >> 31
        });
        self.reduced(number, carried == 1)
    }

    /// Less the modulus, if it is not below it; `is_over` = there is one bit more than words.
    fn reduced(&self, mut number: Vec<u32>, is_over: bool) -> Vec<u32> {
        if is_over || !is_below(&number, &self.words) {
            let mut borrowed = false;
            for (word, less) in number.iter_mut().zip(&self.words) {
                let (once, first) = word.overflowing_sub(*less);
                let (twice, second) = once.overflowing_sub(u32::from(borrowed));
                (*word, borrowed) = (twice, first || second);
            }
        }
        number
    }
}

/// Adds `number * factor` to a sum that is one word longer; returns what does not fit, 0 or 1.
fn add_multiple(sum: &mut [u32], number: &[u32], factor: u32) -> u32 {
    let longer = number.iter().chain(core::iter::once(&0));
    let carried = sum.iter_mut().zip(longer).fold(0, |carried, (word, digit)| {
        let added = u64::from(*word) + u64::from(*digit) * u64::from(factor) + carried;
        *word = added as u32;
        added >> 32
    });
    carried as u32
}

fn is_below(one: &[u32], other: &[u32]) -> bool {
    one.iter().rev().lt(other.iter().rev())
}

/// Big-endian bytes as words, the lowest first.
pub(crate) fn words(bytes: &[u8]) -> Vec<u32> {
    let word = |chunk: &[u8]| chunk.iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
    bytes.rchunks(4).map(word).collect()
}

#[cfg(test)]
mod tests {
    use std::prelude::v1::*;

    use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
    use crypto_bigint::{BoxedUint, Odd};
    use sha2::{Digest as _, Sha256};

    use super::*;

    /// Bytes that look random and are the same each time.
    fn bytes(seed: u32, len: usize) -> Vec<u8> {
        (0_u32..)
            .flat_map(|block| Sha256::digest([seed.to_be_bytes(), block.to_be_bytes()].concat()))
            .take(len)
            .collect()
    }

    #[track_caller]
    fn check(modulus: &[u8], base: &[u8], exponent: u32) {
        let odd = Odd::new(BoxedUint::from_be_slice_vartime(modulus)).unwrap();
        let params = BoxedMontyParams::new_vartime(odd);
        let theirs = BoxedUint::from_be_slice(base, params.bits_precision()).unwrap();
        let is_below = theirs < *params.modulus().as_ref();
        let ours = Modulus::new(modulus).unwrap().power(base, exponent);
        assert_eq!(ours.is_some(), is_below);
        if let Some(ours) = ours {
            let theirs = BoxedMontyForm::new(theirs, &params).pow(&BoxedUint::from(exponent)).retrieve();
            // Theirs may be a word longer.
            let mut theirs = words(&theirs.to_be_bytes());
            theirs.truncate(ours.len());
            assert_eq!(ours, theirs, "{modulus:x?}\n{base:x?}\n{exponent}");
        }
    }

    #[test]
    fn powers_are_those_of_a_library() {
        for seed in 0..20 {
            let len = [256, 260, 384, 512][seed as usize % 4];
            let (mut modulus, base) = (bytes(seed, len), bytes(seed + 1000, len));
            modulus[0] |= 0x80;
            modulus[len - 1] |= 1;
            check(&modulus, &base, [3, 17, 65_537, u32::MAX, 1][seed as usize % 5]);
        }
    }

    #[test]
    fn numbers_at_the_edges() {
        for modulus in [[vec![0xff; 256]].concat(), [vec![0x80], vec![0; 254], vec![1]].concat()] {
            let mut below = modulus.clone();
            below[255] -= 1;
            for base in [vec![0; 256], [vec![0; 255], vec![1]].concat(), below, modulus.clone(), vec![0xff; 256]] {
                check(&modulus, &base, 65_537);
                check(&modulus, &base, 3);
            }
        }
        assert!(Modulus::new(&[0x80, 0]).is_none() && Modulus::new(&[]).is_none());
    }

    /// Whoever publishes a thousand keys is not to cost an edge a thousand of these.
    #[test]
    fn what_is_not_used_costs_nothing() {
        let mut modulus = [0xff; 512];
        modulus[0] = 0x80;
        let modulus = Modulus::new(&modulus).unwrap();
        assert!(modulus.square.get().is_none());
        assert!(modulus.power(&[1; 512], 3).is_some() && modulus.square.get().is_some());
    }
}

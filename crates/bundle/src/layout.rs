//! How many shards and buckets a bundle has, and which one a key or organisation falls into.
//!
//! A shard is what is fetched; a bucket is what a worker reads on a miss, a few KiB. Invariant: the layout depends on
//! counts alone, so that two builders over the same data agree.

use core::ops::RangeInclusive;

use portcullis_engine::{KeyDigest, OrganizationId};
use serde::{Deserialize, Serialize};

/// A bucket has at most about this many keys on average.
const KEYS_PER_BUCKET: usize = 64;
/// A shard has at most about this many keys on average: some 128 KiB.
const KEYS_PER_SHARD: usize = 2048;
const ORGANIZATIONS_PER_SHARD: usize = 256;
const MAX_BITS: u8 = 20;

/// How a bundle is divided, in bits of the digest or identifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// Key shards: two to the power of this.
    pub key_shard_bits: u8,
    /// Key buckets: two to the power of this; at least as many as shards.
    pub key_bucket_bits: u8,
    /// Organisation shards: two to the power of this.
    pub organization_shard_bits: u8,
}

impl Layout {
    /// The layout for that many keys and organisations.
    pub fn for_counts(keys: usize, organizations: usize) -> Self {
        Self {
            key_shard_bits: bits(keys, KEYS_PER_SHARD),
            key_bucket_bits: bits(keys, KEYS_PER_BUCKET),
            organization_shard_bits: bits(organizations, ORGANIZATIONS_PER_SHARD),
        }
    }

    /// Whether it can be read: enough buckets for the shards, and no more than memory can name.
    pub(crate) fn is_valid(&self) -> bool {
        self.key_shard_bits <= self.key_bucket_bits
            && self.key_bucket_bits <= MAX_BITS
            && self.key_bucket_bits - self.key_shard_bits <= 10
            && self.organization_shard_bits <= MAX_BITS
    }

    /// The number of key shards.
    pub fn key_shards(&self) -> usize {
        1 << self.key_shard_bits
    }

    /// The number of key buckets in the whole bundle.
    pub fn key_buckets(&self) -> usize {
        1 << self.key_bucket_bits
    }

    /// The number of key buckets in each shard.
    pub fn buckets_per_shard(&self) -> usize {
        1 << self.key_bucket_bits.saturating_sub(self.key_shard_bits)
    }

    /// The number of organisation shards.
    pub fn organization_shards(&self) -> usize {
        1 << self.organization_shard_bits
    }

    /// The shard a key is in.
    pub fn key_shard_of(&self, digest: &KeyDigest) -> usize {
        top(digest.leading_bits(), self.key_shard_bits)
    }

    /// The bucket a key is in, counted over the whole bundle.
    pub fn key_bucket_of(&self, digest: &KeyDigest) -> usize {
        top(digest.leading_bits(), self.key_bucket_bits)
    }

    /// The digests that fall into a bucket there is, from the lowest to the highest.
    pub fn digests_of_bucket(&self, bucket: usize) -> RangeInclusive<KeyDigest> {
        let bits = u32::from(self.key_bucket_bits);
        let first = (bucket as u64).checked_shl(64 - bits).unwrap_or(0);
        let last = first | u64::MAX.checked_shr(bits).unwrap_or(0);
        digest(first, 0)..=digest(last, u8::MAX)
    }

    /// Where about among the `len` sorted digests of its bucket a digest stands: digests are spread evenly, so it is seldom
    /// more than a few places off.
    pub(crate) fn place_in_bucket(&self, digest: &KeyDigest, len: usize) -> usize {
        let share = (digest.leading_bits() << self.key_bucket_bits.min(MAX_BITS)) >> 32;
        (share.wrapping_mul(len as u64) >> 32) as usize
    }

    /// The shard an organisation is in.
    pub fn organization_shard_of(&self, id: &OrganizationId) -> usize {
        let leading = id.as_bytes().first_chunk::<8>().map_or(0, |head| u64::from_be_bytes(*head));
        top(leading, self.organization_shard_bits)
    }
}

/// A digest that begins with these bits and goes on with the same byte.
fn digest(leading: u64, rest: u8) -> KeyDigest {
    let mut bytes = [rest; 32];
    if let Some(head) = bytes.first_chunk_mut() {
        *head = leading.to_be_bytes();
    }
    KeyDigest::from_bytes(bytes)
}

/// The leading `bits` of a number.
fn top(number: u64, bits: u8) -> usize {
    number.checked_shr(64 - u32::from(bits)).unwrap_or(0) as usize
}

/// The fewest bits that divide `count` into parts of at most `part`.
fn bits(count: usize, part: usize) -> u8 {
    (0..MAX_BITS).find(|bits| count <= part << bits).unwrap_or(MAX_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_choose_the_layout() {
        for (keys, shards, buckets) in [(0, 1, 1), (64, 1, 1), (65, 1, 2), (10_000, 8, 256), (1_000_000, 512, 16_384)] {
            let layout = Layout::for_counts(keys, 0);
            assert_eq!((layout.key_shards(), layout.key_buckets()), (shards, buckets), "{keys}");
            assert!(layout.is_valid());
        }
        assert!(Layout::for_counts(usize::MAX >> 16, usize::MAX >> 16).is_valid());
    }

    #[test]
    fn every_digest_is_in_one_bucket() {
        for keys in [0, 65, 10_000, usize::MAX >> 16] {
            let layout = Layout::for_counts(keys, 1);
            let mut next = digest(0, 0);
            for bucket in 0..layout.key_buckets() {
                let range = layout.digests_of_bucket(bucket);
                assert_eq!(*range.start(), next, "{keys}");
                assert_eq!([range.start(), range.end()].map(|it| layout.key_bucket_of(it)), [bucket; 2], "{keys}");
                let after = range.end().leading_bits().wrapping_add(1);
                next = digest(after, 0);
            }
            assert_eq!(next, digest(0, 0), "{keys}: the last one ends where digests do");
        }
    }

    #[test]
    fn a_digest_stands_where_its_bits_say() {
        let layout = Layout::for_counts(10_000, 1);
        let at = |leading: u64| {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&leading.to_be_bytes());
            layout.place_in_bucket(&KeyDigest::from_bytes(digest), 64)
        };
        let bucket = 1 << (64 - layout.key_bucket_bits);
        for first in [0, 7 * bucket, u64::MAX - (bucket - 1)] {
            assert_eq!([0, bucket / 2, bucket - 1].map(|it| at(first + it)), [0, 32, 63]);
        }
    }

    #[test]
    fn buckets_nest_in_shards() {
        let layout = Layout::for_counts(100_000, 1);
        for seed in 0u32..1000 {
            let digest = KeyDigest::of(&seed.to_le_bytes());
            let (shard, bucket) = (layout.key_shard_of(&digest), layout.key_bucket_of(&digest));
            assert_eq!(bucket / layout.buckets_per_shard(), shard);
        }
    }
}

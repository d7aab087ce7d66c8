//! A key shard: one blob holding the buckets of a run of digests.
//!
//! ```text
//! "PKS1" · u16 buckets · u32 end offset per bucket · buckets
//! ```
//! It is cut, not parsed: a bucket's bytes go to shared memory as they are.

use portcullis_engine::KeyDigest;

use crate::key_bucket::{KeyBucket, StoredKey};
use crate::layout::Layout;
use crate::read::{Malformed, slice_of, u16_at};

pub(crate) const MAGIC: &[u8; 4] = b"PKS1";
const MALFORMED: Malformed = Malformed("key shard");

/// A shard's bytes, seen as buckets.
#[derive(Clone, Copy, Debug)]
pub struct KeyShard<'a> {
    ends: &'a [u8],
    buckets: &'a [u8],
}

impl<'a> KeyShard<'a> {
    /// Sees a blob as the shard of a layout.
    pub fn open(bytes: &'a [u8], layout: &Layout) -> Result<Self, Malformed> {
        let shard = Self::outline(bytes).ok_or(MALFORMED)?;
        if shard.len() != layout.buckets_per_shard() {
            return Err(MALFORMED);
        }
        (0..shard.len()).try_for_each(|index| KeyBucket::open(shard.bucket(index).ok_or(MALFORMED)?).map(drop))?;
        Ok(shard)
    }

    fn outline(bytes: &'a [u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let ends = u16_at(rest, 0)? * 4;
        let (ends, buckets) = rest.get(2..)?.split_at_checked(ends)?;
        Some(Self { ends, buckets })
    }

    /// The number of buckets.
    pub fn len(&self) -> usize {
        self.ends.len() / 4
    }

    /// Whether there is no bucket; never so in a shard that was opened.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of a bucket, by its position in the shard.
    pub fn bucket(&self, index: usize) -> Option<&'a [u8]> {
        slice_of(self.ends, self.buckets, index)
    }

    /// The record of a key.
    pub fn find(&self, layout: &Layout, digest: &KeyDigest) -> Result<Option<StoredKey<'a>>, Malformed> {
        let index = layout.key_bucket_of(digest) % layout.buckets_per_shard();
        KeyBucket::open(self.bucket(index).ok_or(MALFORMED)?)?.find(layout, digest)
    }
}

//! A worker's bounded cache of key buckets, and which of their keys were used.
//!
//! Indexed by bucket number, so that a hit is an array access. It is emptied when a new version goes live. Invariant:
//! its bytes stay under its limit, one bucket apart.

use portcullis_bundle::KeyBucket;
use portcullis_engine::{KeyId, RestrictionSet};

/// Cached buckets.
#[derive(Debug)]
pub struct BucketCache {
    slots: Vec<Option<Entry>>,
    bytes: usize,
    limit: usize,
    /// Where the next eviction looks first.
    hand: usize,
}

/// One cached bucket.
#[derive(Debug)]
pub struct Entry {
    /// Its bytes, as [`KeyBucket`] reads them.
    pub bytes: Vec<u8>,
    /// Restriction sets read so far, by pool entry.
    pub restrictions: Vec<(usize, RestrictionSet)>,
    /// One flag per record: used since last asked.
    pub used: Vec<bool>,
}

impl BucketCache {
    /// An empty cache of at most about that many bytes.
    pub fn new(limit: usize) -> Self {
        Self { slots: Vec::new(), bytes: 0, limit, hand: 0 }
    }

    /// Empties it, for a bundle of that many buckets.
    pub fn reset(&mut self, buckets: usize) {
        self.slots.clear();
        self.slots.resize_with(buckets, || None);
        self.bytes = 0;
        self.hand = 0;
    }

    /// A cached bucket.
    pub fn get_mut(&mut self, bucket: usize) -> Option<&mut Entry> {
        self.slots.get_mut(bucket)?.as_mut()
    }

    /// Whether a bucket is cached.
    pub fn contains(&self, bucket: usize) -> bool {
        self.slots.get(bucket).is_some_and(Option::is_some)
    }

    /// Caches a bucket, making room first. Keys used in a bucket that has to go are handed to `used`.
    pub fn insert(&mut self, bucket: usize, bytes: Vec<u8>, used: &mut Vec<KeyId>) {
        self.make_room(bytes.len(), used);
        self.bytes += bytes.len();
        let records = KeyBucket::open(&bytes).map_or(0, |it| it.len());
        if let Some(slot) = self.slots.get_mut(bucket) {
            *slot = Some(Entry { bytes, restrictions: Vec::new(), used: vec![false; records] });
        }
    }

    fn make_room(&mut self, wanted: usize, used: &mut Vec<KeyId>) {
        let mut looked = 0;
        while self.bytes + wanted > self.limit && looked < self.slots.len() {
            let index = self.hand;
            self.hand = (self.hand + 1) % self.slots.len();
            looked += 1;
            if let Some(mut entry) = self.slots.get_mut(index).and_then(Option::take) {
                entry.drain_used(used);
                self.bytes = self.bytes.saturating_sub(entry.bytes.len());
            }
        }
    }

    /// Takes the names of keys used since last asked.
    pub fn drain_used(&mut self, used: &mut Vec<KeyId>) {
        for entry in self.slots.iter_mut().flatten() {
            entry.drain_used(used);
        }
    }
}

impl Entry {
    fn drain_used(&mut self, used: &mut Vec<KeyId>) {
        let Ok(bucket) = KeyBucket::open(&self.bytes) else { return };
        for (index, flag) in self.used.iter_mut().enumerate() {
            if core::mem::take(flag) {
                used.extend(bucket.id(index));
            }
        }
    }
}

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
    /// Where the next question for used keys looks first.
    asked: usize,
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
        Self { slots: Vec::new(), bytes: 0, limit, hand: 0, asked: 0 }
    }

    /// Empties it, for a bundle of that many buckets.
    pub fn reset(&mut self, buckets: usize) {
        self.slots.clear();
        self.slots.resize_with(buckets, || None);
        self.bytes = 0;
        self.hand = 0;
        self.asked = 0;
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
                entry.take_used(used);
                self.bytes = self.bytes.saturating_sub(entry.bytes.len());
            }
        }
    }

    /// Takes the names of keys used since last asked until there are `most`, one bucket's apart. The next question goes on
    /// where this one stops, so that every bucket has its turn.
    pub fn take_used(&mut self, most: usize, used: &mut Vec<KeyId>) {
        for _ in 0..self.slots.len() {
            if used.len() >= most {
                return;
            }
            if let Some(entry) = self.slots.get_mut(self.asked).and_then(Option::as_mut) {
                entry.take_used(used);
            }
            self.asked = (self.asked + 1) % self.slots.len();
        }
    }
}

impl Entry {
    fn take_used(&mut self, used: &mut Vec<KeyId>) {
        let Ok(bucket) = KeyBucket::open(&self.bytes) else { return };
        for (index, flag) in self.used.iter_mut().enumerate() {
            if core::mem::take(flag) {
                used.extend(bucket.id(index));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use portcullis_bundle::{KeyEntry, KeyShard, Layout, build_key_shard};
    use portcullis_engine::{KeyDigest, KeyStatus, OrganizationId, RestrictionSet};

    use super::*;

    /// Keys, divided over several buckets, all used.
    fn used(keys: u16) -> BucketCache {
        let entries: Vec<_> = (0..keys).map(entry).collect();
        let layout = Layout { key_shard_bits: 0, ..Layout::for_counts(entries.len(), 0) };
        let blob = build_key_shard(&layout, 0, &entries).unwrap();
        let shard = KeyShard::open(blob.bytes(), &layout).unwrap();
        let mut cache = BucketCache::new(usize::MAX);
        cache.reset(layout.key_buckets());
        for bucket in 0..layout.key_buckets() {
            cache.insert(bucket, shard.bucket(bucket).unwrap().to_vec(), &mut Vec::new());
            cache.get_mut(bucket).unwrap().used.fill(true);
        }
        cache
    }

    fn entry(number: u16) -> KeyEntry {
        let digest = KeyDigest::of(&number.to_le_bytes());
        KeyEntry {
            digest,
            id: KeyId::from_bytes(*digest.as_bytes().first_chunk().unwrap()),
            organization: OrganizationId::from_bytes([1; 10]),
            status: KeyStatus::Active,
            expires_at: None,
            scopes: Vec::new(),
            restrictions: RestrictionSet::default(),
        }
    }

    #[test]
    fn used_keys_are_told_in_parts_and_each_once() {
        for most in [1, 50, 299, 300, usize::MAX] {
            let mut cache = used(300);
            let mut told = BTreeSet::new();
            loop {
                let mut part = Vec::new();
                cache.take_used(most, &mut part);
                if part.is_empty() {
                    break;
                }
                assert!(part.len() < most.saturating_add(100), "{most} wanted, {} came", part.len());
                for key in part {
                    assert!(told.insert(key), "told twice");
                }
            }
            assert_eq!(told.len(), 300, "{most}");
        }
    }

    #[test]
    fn every_bucket_has_its_turn_although_others_stay_in_use() {
        let mut cache = used(300);
        let mut told = BTreeSet::new();
        for _ in 0..300 {
            let mut part = Vec::new();
            cache.take_used(1, &mut part);
            told.extend(part);
            cache.slots.iter_mut().flatten().for_each(|entry| entry.used.fill(true));
        }
        assert_eq!(told.len(), 300);
    }
}

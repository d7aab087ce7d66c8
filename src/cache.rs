//! A worker's bounded cache of key buckets.
//!
//! Indexed by bucket number, so that a hit is an array access. When a new version goes live, what changed in it is
//! forgotten. Invariants: its bytes stay under its limit, one bucket apart; a large bucket costs no other its place.

use portcullis_engine::RestrictionSet;

/// What is more than this part of the limit is large. Keys with the longest restrictions make such buckets.
const LARGE: usize = 4;

/// Cached buckets.
#[derive(Debug)]
pub struct BucketCache {
    slots: Vec<Option<Entry>>,
    /// The last of the large ones, with its number.
    large: Option<(usize, Entry)>,
    bytes: usize,
    limit: usize,
    /// Where the next eviction looks first.
    hand: usize,
}

/// One cached bucket.
#[derive(Debug)]
pub struct Entry {
    /// Its bytes, as [`KeyBucket`](portcullis_bundle::KeyBucket) reads them.
    pub bytes: Vec<u8>,
    /// Restriction sets read so far, by pool entry, in its order: there may be thousands.
    pub restrictions: Vec<(usize, RestrictionSet)>,
}

impl BucketCache {
    /// An empty cache of at most about that many bytes.
    pub fn new(limit: usize) -> Self {
        Self { slots: Vec::new(), large: None, bytes: 0, limit, hand: 0 }
    }

    /// Follows to a bundle of that many buckets, where some are the `same` as before.
    pub fn follow(&mut self, buckets: usize, same: impl Fn(usize) -> bool) {
        for (_, slot) in self.slots.iter_mut().enumerate().filter(|(bucket, _)| !same(*bucket)) {
            self.bytes = self.bytes.saturating_sub(slot.take().map_or(0, |entry| entry.bytes.len()));
        }
        self.large.take_if(|(bucket, _)| !same(*bucket));
        self.slots.resize_with(buckets, || None);
        self.hand %= buckets.max(1);
    }

    /// A cached bucket.
    pub fn get_mut(&mut self, bucket: usize) -> Option<&mut Entry> {
        match self.slots.get_mut(bucket)? {
            Some(entry) => Some(entry),
            None => self.large.as_mut().filter(|(large, _)| *large == bucket).map(|(_, entry)| entry),
        }
    }

    /// Whether a bucket is cached.
    pub fn contains(&self, bucket: usize) -> bool {
        self.slots.get(bucket).is_some_and(Option::is_some)
            || self.large.as_ref().is_some_and(|(large, _)| *large == bucket)
    }

    /// Caches a bucket, making room first.
    pub fn insert(&mut self, bucket: usize, bytes: Vec<u8>) {
        let (size, entry) = (bytes.len(), Entry { bytes, restrictions: Vec::new() });
        if size > self.limit / LARGE {
            self.large = Some((bucket, entry));
            return;
        }
        self.make_room(size);
        self.bytes += size;
        if let Some(slot) = self.slots.get_mut(bucket) {
            *slot = Some(entry);
        }
    }

    fn make_room(&mut self, wanted: usize) {
        let mut looked = 0;
        while self.bytes + wanted > self.limit && looked < self.slots.len() {
            let index = self.hand;
            self.hand = (self.hand + 1) % self.slots.len();
            looked += 1;
            if let Some(entry) = self.slots.get_mut(index).and_then(Option::take) {
                self.bytes = self.bytes.saturating_sub(entry.bytes.len());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_within_its_limit_and_forgets_in_turn() {
        let mut cache = BucketCache::new(450);
        cache.follow(10, |_| false);
        for bucket in 0..10 {
            cache.insert(bucket, vec![0; 100]);
            assert!(cache.bytes <= 450, "{bucket}");
        }
        assert_eq!(kept(&cache), [6, 7, 8, 9]);
        assert!(cache.get_mut(10).is_none());
    }

    fn kept(cache: &BucketCache) -> Vec<usize> {
        (0..10).filter(|bucket| cache.contains(*bucket)).collect()
    }

    #[test]
    fn a_large_bucket_takes_no_others_place() {
        let mut cache = BucketCache::new(450);
        cache.follow(10, |_| false);
        (0..4).for_each(|bucket| cache.insert(bucket, vec![0; 100]));
        for bucket in [7, 8] {
            cache.insert(bucket, vec![7; 1000]);
            assert_eq!(cache.get_mut(bucket).unwrap().bytes.len(), 1000);
            assert_eq!((kept(&cache), cache.bytes), (vec![0, 1, 2, 3, bucket], 400));
        }
        cache.follow(10, |_| true);
        assert_eq!(kept(&cache), [0, 1, 2, 3, 8]);
        cache.follow(10, |bucket| bucket != 8);
        assert_eq!(kept(&cache), [0, 1, 2, 3]);
    }

    #[test]
    fn it_keeps_what_a_new_version_has_too() {
        let mut cache = BucketCache::new(1000);
        cache.follow(4, |_| false);
        (0..4).for_each(|bucket| cache.insert(bucket, vec![0; 100]));
        cache.follow(4, |bucket| bucket != 2);
        assert_eq!((0..4).map(|bucket| cache.contains(bucket)).collect::<Vec<_>>(), [true, true, false, true]);
        assert_eq!(cache.bytes, 300);
        // Divided anew, nothing is where it was.
        cache.follow(2, |_| false);
        assert_eq!((cache.bytes, cache.contains(0), cache.contains(1)), (0, false, false));
    }
}

//! Where the records of lately seen keys stand, so that a key in use need not be hashed with SHA-256 and searched for
//! on every request.
//!
//! A key is told by a keyed 128-bit hash: SipHash-2-4 under a secret that clients cannot know, so that nobody can make
//! another text pass for a key, and the table gives no key away. Only keys that were found are put in, so that strangers
//! displace nobody. Invariant: a place is good as long as its bucket is what it was when it was put in; a new version
//! forgets the others.

use crate::siphash;

/// More would push more useful things out of a processor's caches.
const MOST_SLOTS: usize = 32 << 10;
const LEAST_SLOTS: usize = 64;

/// A secret that nobody outside the edge knows.
#[derive(Clone)]
pub struct RecentSecret(pub [u8; 16]);

impl core::fmt::Debug for RecentSecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("RecentSecret(..)")
    }
}

/// The keyed hash of a key, an access token or an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag(u64, u64);

impl Tag {
    /// Bits that choose a place in a table.
    pub fn bits(self) -> u64 {
        self.0
    }
}

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The bucket, counted over the whole bundle.
    pub bucket: u32,
    /// The record's position in it.
    pub index: u32,
}

/// A two-way set-associative table.
#[derive(Debug)]
pub struct Recent {
    secret: RecentSecret,
    sets: Vec<[Option<(Tag, Position)>; 2]>,
    limit: usize,
}

impl Recent {
    /// An empty table that takes at most about `bytes`.
    pub fn new(secret: RecentSecret, bytes: usize) -> Self {
        let slots = bytes / size_of::<Option<(Tag, Position)>>();
        Self { secret, sets: Vec::new(), limit: slots.clamp(LEAST_SLOTS, MOST_SLOTS) }
    }

    /// Follows to a bundle of that many keys, where some places are the `same` as before.
    pub fn follow(&mut self, keys: u64, same: impl Fn(Position) -> bool) {
        let wanted = usize::try_from(keys).unwrap_or(usize::MAX).saturating_mul(2).clamp(LEAST_SLOTS, self.limit);
        // A power of two, so that a mask picks the set.
        let sets = (wanted / 2 + 1).next_power_of_two() / 2;
        if sets != self.sets.len() {
            self.sets.clear();
            self.sets.resize(sets, [None; 2]);
        }
        for slot in self.sets.iter_mut().flatten() {
            *slot = slot.filter(|(_, position)| same(*position));
        }
    }

    /// The keyed hash of a key or an access token.
    pub fn tag(&self, credential: &[u8]) -> Tag {
        let (first, second) = siphash::hash(&self.secret.0, credential);
        Tag(first, second)
    }

    /// Where the key's record stands, if it was seen lately.
    pub fn get(&self, tag: Tag) -> Option<Position> {
        let set = self.sets.get(self.set_of(tag))?;
        set.iter().flatten().find(|(known, _)| *known == tag).map(|(_, place)| *place)
    }

    /// Remembers where a key's record stands; what it displaces is what was put into its set longest ago.
    pub fn put(&mut self, tag: Tag, place: Position) {
        let index = self.set_of(tag);
        if let Some([newest, oldest]) = self.sets.get_mut(index) {
            *oldest = newest.replace((tag, place));
        }
    }

    fn set_of(&self, tag: Tag) -> usize {
        tag.bits() as usize & self.sets.len().wrapping_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSITION: Position = Position { bucket: 7, index: 3 };

    fn table(bytes: usize, keys: u64) -> Recent {
        let mut recent = Recent::new(RecentSecret(*b"sixteen bytes..."), bytes);
        recent.follow(keys, |_| false);
        recent
    }

    #[test]
    fn a_key_is_known_until_its_bucket_changes() {
        let mut recent = table(1 << 20, 10);
        let tag = recent.tag(b"sk_live_1");
        assert_eq!(recent.get(tag), None);
        recent.put(tag, POSITION);
        assert_eq!(recent.get(tag), Some(POSITION));
        assert_eq!(recent.get(recent.tag(b"sk_live_2")), None);
        recent.follow(10, |position| position == POSITION);
        assert_eq!(recent.get(tag), Some(POSITION));
        recent.follow(10, |position| position != POSITION);
        assert_eq!(recent.get(tag), None);
    }

    #[test]
    fn the_secret_decides() {
        let other = Recent::new(RecentSecret(*b"another secret.."), 1 << 20);
        assert_ne!(table(1 << 20, 1).tag(b"sk_live_1"), other.tag(b"sk_live_1"));
    }

    #[test]
    fn size() {
        for (bytes, keys, slots) in [
            (1 << 20, 0, 64),
            (1 << 20, 33, 64),
            (1 << 20, 10_000, 16_384),
            (1 << 20, 16_384, 32_768),
            (1 << 20, u64::MAX, 32_768),
            (0, 10_000, 64),
            (100_000, 10_000, 2_048),
        ] {
            assert_eq!(table(bytes, keys).sets.len() * 2, slots, "{bytes} bytes for {keys} keys");
        }
    }

    #[test]
    fn a_full_set_forgets_its_oldest() {
        let mut recent = table(1 << 20, 1);
        let tags = [0, 1, 2].map(|it| Tag(64 * it, it));
        for tag in tags {
            recent.put(tag, POSITION);
        }
        assert_eq!(tags.map(|tag| recent.get(tag).is_some()), [false, true, true]);
    }
}

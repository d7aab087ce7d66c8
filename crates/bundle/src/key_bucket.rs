//! A bucket: some dozens of key records and what they refer to, read in place.
//!
//! ```text
//! u16 records · u16 pool entries · records sorted by digest · u32 end offset per pool entry · pool bytes
//! record = digest 32 · key id 10 · organisation 10 · status 1 · expiry u32 (0 = never) · scopes u16 · restrictions u16
//! ```
//! `scopes` and `restrictions` count pool entries from 1; 0 = none. Equal entries are stored once. A bucket refers to
//! nothing outside itself, so it can be cut out of its shard and kept alone. Invariant: reading never panics and never
//! allocates; what does not fit its own header is [`Malformed`].

use portcullis_engine::{KeyDigest, KeyId, KeyStatus, OrganizationId};

use crate::layout::Layout;
use crate::read::{Malformed, array, slice_of, u16_at, u32_at};

pub(crate) const HEADER: usize = 4;
pub(crate) const RECORD: usize = 61;
const MALFORMED: Malformed = Malformed("key bucket");
/// Of 64 records that are spread evenly, hardly any is further from where it should stand.
const MOST_STEPS: u32 = 12;

/// A bucket's bytes, seen as records.
#[derive(Clone, Copy, Debug)]
pub struct KeyBucket<'a> {
    records: &'a [u8],
    pool_ends: &'a [u8],
    pool: &'a [u8],
}

/// One record as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredKey<'a> {
    /// Its position in the bucket.
    pub index: usize,
    /// The key's name.
    pub id: KeyId,
    /// Its organisation.
    pub organization: OrganizationId,
    /// Whether it works.
    pub status: KeyStatus,
    /// Unix seconds from which it no longer works.
    pub expires_at: Option<u64>,
    /// Space-separated scopes.
    pub scopes: &'a str,
    /// The pool entry of its restrictions and the entry's bytes, for [`read_restrictions`](crate::read_restrictions).
    pub restrictions: Option<(usize, &'a [u8])>,
}

impl<'a> KeyBucket<'a> {
    /// Sees bytes as a bucket. Only the outline is checked; each record is when it is read.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Malformed> {
        Self::outline(bytes).ok_or(MALFORMED)
    }

    fn outline(bytes: &'a [u8]) -> Option<Self> {
        let (records, entries) = (u16_at(bytes, 0)? * RECORD, u16_at(bytes, 2)? * 4);
        let (records, rest) = bytes.get(HEADER..)?.split_at_checked(records)?;
        let (pool_ends, pool) = rest.split_at_checked(entries)?;
        Some(Self { records, pool_ends, pool })
    }

    /// The number of records.
    pub fn len(&self) -> usize {
        self.records.len() / RECORD
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The record of a key, in a bucket of that layout.
    pub fn find(&self, layout: &Layout, digest: &KeyDigest) -> Result<Option<StoredKey<'a>>, Malformed> {
        let index = self.first_from(digest, layout.place_in_bucket(digest, self.len())).ok_or(MALFORMED)?;
        match self.record(index) {
            Some(record) if record.starts_with(digest.as_bytes()) => {
                self.decode(index, record).map(Some).ok_or(MALFORMED)
            }
            _ => Ok(None),
        }
    }

    /// The first record whose digest is not less than that one. It is looked for from `near` on, a record at a time, so that
    /// what is read lies side by side in memory; among digests that somebody made up it may be further, and is halved in on.
    fn first_from(&self, digest: &KeyDigest, near: usize) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        let (mut at, mut steps) = (near.min(high.saturating_sub(1)), 0);
        while low < high {
            let is_below = is_below(self.record(at)?, digest)?;
            if is_below {
                low = at + 1
            } else {
                high = at
            }
            steps += 1;
            at = match is_below {
                _ if steps >= MOST_STEPS => low.midpoint(high),
                true => low,
                false => high.saturating_sub(1),
            };
        }
        Some(low)
    }

    /// The record at a position, with its digest.
    pub fn get(&self, index: usize) -> Result<(KeyDigest, StoredKey<'a>), Malformed> {
        let record = self.record(index).ok_or(MALFORMED)?;
        let digest = record.first_chunk::<32>().ok_or(MALFORMED)?;
        Ok((KeyDigest::from_bytes(*digest), self.decode(index, record).ok_or(MALFORMED)?))
    }

    /// The record at a position.
    pub fn at(&self, index: usize) -> Result<StoredKey<'a>, Malformed> {
        self.record(index).and_then(|record| self.decode(index, record)).ok_or(MALFORMED)
    }

    /// The name of the key at a position.
    pub fn id(&self, index: usize) -> Option<KeyId> {
        self.record(index).and_then(|record| array(record, 32)).map(KeyId::from_bytes)
    }

    fn record(&self, index: usize) -> Option<&'a [u8]> {
        self.records.get(index * RECORD..(index + 1) * RECORD)
    }

    fn decode(&self, index: usize, record: &[u8]) -> Option<StoredKey<'a>> {
        let status = match record.get(52)? {
            0 => KeyStatus::Active,
            1 => KeyStatus::Disabled,
            2 => KeyStatus::Revoked,
            _ => return None,
        };
        let scopes = self.pooled(u16_at(record, 57)?)?.map_or(Some(""), |(_, text)| core::str::from_utf8(text).ok());
        Some(StoredKey {
            index,
            id: KeyId::from_bytes(array(record, 32)?),
            organization: OrganizationId::from_bytes(array(record, 42)?),
            status,
            expires_at: Some(u64::from(u32_at(record, 53)?)).filter(|expiry| *expiry != 0),
            scopes: scopes?,
            restrictions: self.pooled(u16_at(record, 59)?)?,
        })
    }

    /// Outer `None`: no such entry. Inner `None`: entry 0, nothing.
    #[expect(clippy::option_option, reason = "a missing entry is malformed, entry 0 is not")]
    fn pooled(&self, entry: usize) -> Option<Option<(usize, &'a [u8])>> {
        match entry.checked_sub(1) {
            Some(index) => slice_of(self.pool_ends, self.pool, index).map(|bytes| Some((entry, bytes))),
            None => Some(None),
        }
    }
}

/// Whether a record's digest is less than that one. Eight bytes tell most apart; only made-up ones begin with the same.
fn is_below(record: &[u8], digest: &KeyDigest) -> Option<bool> {
    let (head, wanted) = (u64::from_be_bytes(*record.first_chunk()?), digest.leading_bits());
    Some(head < wanted || head == wanted && record.first_chunk::<32>()? < digest.as_bytes())
}

//! Building key shards, whole or those buckets of them that changed.
//!
//! Invariant: the same entries in any order, and whichever of them are taken from the shard as it was, give the same bytes.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use portcullis_engine::{KeyStatus, RestrictionSet, scope};

use super::{BuildError, KeyEntry};
use crate::blob::Blob;
use crate::key_shard::{self, KeyShard};
use crate::layout::Layout;

/// The blob of a key shard out of its entries.
pub fn build_key_shard(layout: &Layout, shard: usize, entries: &[KeyEntry]) -> Result<Blob, BuildError> {
    let mut buckets: Vec<Vec<&KeyEntry>> = Vec::new();
    buckets.resize_with(layout.buckets_per_shard(), Vec::new);
    for entry in entries {
        if layout.key_shard_of(&entry.digest) != shard {
            return Err(BuildError::WrongShard(shard));
        }
        let index = layout.key_bucket_of(&entry.digest) % layout.buckets_per_shard();
        buckets.get_mut(index).ok_or(BuildError::WrongShard(shard))?.push(entry);
    }
    shard_of(&buckets.into_iter().map(build_bucket).collect::<Result<Vec<_>, _>>()?)
}

/// The same of which only some buckets changed: with their position in the shard, all of their entries. What the others hold
/// is taken from the blob as it was.
pub fn rebuild_key_shard(
    layout: &Layout,
    shard: usize,
    before: &Blob,
    changed: &BTreeMap<usize, Vec<KeyEntry>>,
) -> Result<Blob, BuildError> {
    let old = KeyShard::open(before.bytes(), layout).ok();
    let first = shard * layout.buckets_per_shard();
    let bucket = |index: usize| match (changed.get(&index), old) {
        (Some(entries), _) if entries.iter().any(|it| layout.key_bucket_of(&it.digest) != first + index) => {
            Err(BuildError::WrongShard(shard))
        }
        (Some(entries), _) => build_bucket(entries.iter().collect()).map(Cow::Owned),
        (None, Some(old)) => old.bucket(index).map(Cow::Borrowed).ok_or(BuildError::NothingBefore(shard)),
        (None, None) => Err(BuildError::NothingBefore(shard)),
    };
    shard_of(&(0..layout.buckets_per_shard()).map(bucket).collect::<Result<Vec<_>, _>>()?)
}

fn shard_of(buckets: &[impl AsRef<[u8]>]) -> Result<Blob, BuildError> {
    let size = key_shard::MAGIC.len() + 2 + buckets.iter().map(|it| 4 + it.as_ref().len()).sum::<usize>();
    let mut bytes = Vec::with_capacity(size);
    bytes.extend(key_shard::MAGIC);
    bytes.extend(u16::try_from(buckets.len()).map_err(|_| BuildError::TooLarge)?.to_le_bytes());
    extend_ends(&mut bytes, buckets)?;
    buckets.iter().for_each(|bucket| bytes.extend_from_slice(bucket.as_ref()));
    Ok(Blob::new(bytes))
}

fn build_bucket(mut entries: Vec<&KeyEntry>) -> Result<Vec<u8>, BuildError> {
    entries.sort_by_key(|entry| entry.digest);
    let mut neighbours = entries.iter().zip(entries.iter().skip(1));
    if let Some((twin, _)) = neighbours.find(|(a, b)| a.digest == b.digest) {
        return Err(BuildError::DuplicateKey(twin.digest));
    }
    let mut pool = Pool::default();
    let mut records = Vec::new();
    for entry in &entries {
        let scopes = scope::canonical_grants(entry.scopes.iter().map(String::as_str))?;
        let scopes = pool.intern(scopes.into_bytes())?;
        let restrictions = pool.intern(encode_restrictions(&entry.restrictions)?)?;
        push_record(&mut records, entry, scopes, restrictions);
    }
    let count = |len: usize| u16::try_from(len).map(u16::to_le_bytes).map_err(|_| BuildError::TooLarge);
    let mut bytes = Vec::new();
    bytes.extend(count(entries.len())?);
    bytes.extend(count(pool.entries.len())?);
    bytes.extend(records);
    extend_ends(&mut bytes, &pool.entries)?;
    pool.entries.iter().for_each(|entry| bytes.extend(entry));
    Ok(bytes)
}

fn push_record(records: &mut Vec<u8>, entry: &KeyEntry, scopes: u16, restrictions: u16) {
    records.extend(entry.digest.as_bytes());
    records.extend(entry.id.as_bytes());
    records.extend(entry.organization.as_bytes());
    records.push(match entry.status {
        KeyStatus::Active => 0,
        KeyStatus::Disabled => 1,
        KeyStatus::Revoked => 2,
    });
    // 0 means never, so an expiry at the epoch becomes one second later: expired all the same.
    let expiry = entry.expires_at.map_or(0, |at| u32::try_from(at.max(1)).unwrap_or(u32::MAX));
    records.extend(expiry.to_le_bytes());
    records.extend(scopes.to_le_bytes());
    records.extend(restrictions.to_le_bytes());
}

fn encode_restrictions(set: &RestrictionSet) -> Result<Vec<u8>, BuildError> {
    if set.is_empty() {
        return Ok(Vec::new());
    }
    serde_json::to_vec(&set.to_spec()).map_err(|_| BuildError::Encoding)
}

/// A bucket's shared entries, each stored once, numbered from 1.
#[derive(Default)]
struct Pool {
    entries: Vec<Vec<u8>>,
    numbers: BTreeMap<Vec<u8>, u16>,
}

impl Pool {
    fn intern(&mut self, bytes: Vec<u8>) -> Result<u16, BuildError> {
        if bytes.is_empty() {
            return Ok(0);
        }
        if let Some(number) = self.numbers.get(&bytes) {
            return Ok(*number);
        }
        self.entries.push(bytes.clone());
        let number = u16::try_from(self.entries.len()).map_err(|_| BuildError::TooLarge)?;
        self.numbers.insert(bytes, number);
        Ok(number)
    }
}

fn extend_ends(bytes: &mut Vec<u8>, parts: &[impl AsRef<[u8]>]) -> Result<(), BuildError> {
    let mut end = 0u32;
    for part in parts {
        let len = u32::try_from(part.as_ref().len()).map_err(|_| BuildError::TooLarge)?;
        end = end.checked_add(len).ok_or(BuildError::TooLarge)?;
        bytes.extend(end.to_le_bytes());
    }
    Ok(())
}

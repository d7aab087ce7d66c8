//! Building blobs out of keys, organisations and a policy.
//!
//! It signs nothing and stores nothing. Invariant: the same entries in any order give the same bytes.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use portcullis_engine::{
    KeyDigest, KeyId, KeyStatus, OrganizationId, OrganizationLimits, OrganizationState, PolicySpec, RestrictionSet,
    scope,
};
use portcullis_token::{InvalidIssuers, Issuers, IssuersSpec};

use crate::blob::Blob;
use crate::layout::Layout;
use crate::{key_shard, organizations};

/// A key to be built into a bundle.
#[derive(Clone, Debug)]
pub struct KeyEntry {
    /// SHA-256 of the key.
    pub digest: KeyDigest,
    /// Its name.
    pub id: KeyId,
    /// Its organisation.
    pub organization: OrganizationId,
    /// Whether it works.
    pub status: KeyStatus,
    /// Unix seconds from which it no longer works; kept to the 32 bits that last until 2106.
    pub expires_at: Option<u64>,
    /// Its scopes, in any order.
    pub scopes: Vec<String>,
    /// Its restrictions.
    pub restrictions: RestrictionSet,
}

/// An organisation to be built into a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrganizationEntry {
    /// Its name.
    pub id: OrganizationId,
    /// Whether its keys work.
    pub state: OrganizationState,
    /// What they share.
    pub limits: OrganizationLimits,
}

/// Entries that cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A scope that is not one.
    #[error(transparent)]
    Scope(#[from] scope::InvalidScope),
    /// Two keys with one digest.
    #[error("two keys have the digest {0}")]
    DuplicateKey(KeyDigest),
    /// A key or organisation that belongs to another shard.
    #[error("an entry does not belong to shard {0}")]
    WrongShard(usize),
    /// More in one bucket than its header can count.
    #[error("too much in one bucket")]
    TooLarge,
    /// Issuers whose tokens no edge could verify.
    #[error(transparent)]
    Issuers(#[from] InvalidIssuers),
    /// A spec that cannot be written as JSON.
    #[error("cannot be encoded")]
    Encoding,
}

/// The blob of a policy.
pub fn build_policy(spec: &PolicySpec) -> Result<Blob, BuildError> {
    serde_json::to_vec(spec).map(Blob::new).map_err(|_| BuildError::Encoding)
}

/// The blob that says whose access tokens count.
pub fn build_tokens(spec: &IssuersSpec) -> Result<Blob, BuildError> {
    compile_tokens(spec).map(|(blob, _)| blob)
}

/// The same, and the issuers as whoever reads the blob has them.
pub fn compile_tokens(spec: &IssuersSpec) -> Result<(Blob, Issuers), BuildError> {
    let issuers = Issuers::compile(spec)?;
    let json = serde_json::to_vec(spec).map_err(|_| BuildError::Encoding)?;
    Ok((Blob::new(json), issuers))
}

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
    let built = buckets.into_iter().map(build_bucket).collect::<Result<Vec<_>, _>>()?;
    let mut bytes = key_shard::MAGIC.to_vec();
    bytes.extend(u16::try_from(built.len()).map_err(|_| BuildError::TooLarge)?.to_le_bytes());
    extend_ends(&mut bytes, &built)?;
    built.iter().for_each(|bucket| bytes.extend(bucket));
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

fn extend_ends(bytes: &mut Vec<u8>, parts: &[Vec<u8>]) -> Result<(), BuildError> {
    let mut end = 0u32;
    for part in parts {
        let len = u32::try_from(part.len()).map_err(|_| BuildError::TooLarge)?;
        end = end.checked_add(len).ok_or(BuildError::TooLarge)?;
        bytes.extend(end.to_le_bytes());
    }
    Ok(())
}

/// The blob of an organisation shard. One that is active and has no limits needs no record.
pub fn build_organization_shard(
    layout: &Layout,
    shard: usize,
    entries: &[OrganizationEntry],
) -> Result<Blob, BuildError> {
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_by_key(|entry| entry.id);
    let mut bytes = organizations::MAGIC.to_vec();
    for entry in sorted {
        if layout.organization_shard_of(&entry.id) != shard {
            return Err(BuildError::WrongShard(shard));
        }
        if (entry.state, entry.limits) != Default::default() {
            push_organization(&mut bytes, entry);
        }
    }
    Ok(Blob::new(bytes))
}

fn push_organization(bytes: &mut Vec<u8>, entry: &OrganizationEntry) {
    let (state, until) = match entry.state {
        OrganizationState::Active => (0, 0),
        OrganizationState::Suspended => (1, 0),
        OrganizationState::QuotaExhausted { until } => (2, until),
    };
    let OrganizationLimits { metered, rate } = entry.limits;
    let flag = |is: bool, flag: u8| if is { flag } else { 0 };
    bytes.extend(entry.id.as_bytes());
    bytes.push(state);
    bytes.extend(until.to_le_bytes());
    bytes.push(flag(metered, organizations::METERED) | flag(rate.is_some(), organizations::HAS_RATE));
    let numbers = rate.map_or([0; 3], |it| [it.requests(), it.seconds(), it.burst()]);
    numbers.iter().for_each(|number| bytes.extend(number.to_le_bytes()));
}

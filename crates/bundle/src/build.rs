//! Building blobs out of keys, organisations and a policy.
//!
//! It signs nothing and stores nothing. Invariant: the same entries in any order give the same bytes.

use alloc::string::String;
use alloc::vec::Vec;

use portcullis_engine::{
    KeyDigest, KeyId, KeyStatus, OrganizationId, OrganizationLimits, OrganizationState, PolicySpec, RestrictionSet,
    scope,
};
use portcullis_token::{InvalidIssuers, Issuers, IssuersSpec};

use crate::blob::Blob;
use crate::layout::Layout;
use crate::organizations;

mod keys;

pub use keys::{build_key_shard, rebuild_key_shard};

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
    /// A shard of which a part is to stay as it was, and that was none.
    #[error("shard {0} cannot be read as it was")]
    NothingBefore(usize),
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

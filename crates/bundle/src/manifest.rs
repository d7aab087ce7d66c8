//! The manifest: which blobs make up a version of the bundle.
//!
//! It is only ever obtained through [`verify`](crate::verify) at the edge. Invariant: as many blobs are named as the
//! layout has shards.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::blob::BlobRef;
use crate::layout::Layout;
use crate::skills::is_shard_count;

/// The only format there is so far.
pub const MANIFEST_FORMAT: u32 = 1;

/// Which blobs make up a version of the bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`MANIFEST_FORMAT`].
    pub format: u32,
    /// Grows with every change; an edge never goes back.
    pub version: u64,
    /// When the control plane signed this, in Unix seconds; the bundle's age counts from here.
    pub issued_at: u64,
    /// How keys and organisations are divided.
    pub layout: Layout,
    /// Keys in the bundle, revoked ones included.
    pub key_count: u64,
    /// The policy.
    pub policy: BlobRef,
    /// Whose access tokens count; absent if none do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<BlobRef>,
    /// Shards of skills and their sealed secrets, in order; none if there are no skills.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<BlobRef>,
    /// Organisation shards, in order.
    pub organizations: Vec<BlobRef>,
    /// Key shards, in order.
    pub keys: Vec<BlobRef>,
}

impl Manifest {
    /// Whether it is one this code can read.
    pub(crate) fn is_valid(&self) -> bool {
        self.format == MANIFEST_FORMAT
            && self.layout.is_valid()
            && is_shard_count(self.skills.len())
            && self.keys.len() == self.layout.key_shards()
            && self.organizations.len() == self.layout.organization_shards()
    }

    /// Every blob it names: policy, tokens, skills, organisations, keys.
    pub fn blobs(&self) -> impl Iterator<Item = &BlobRef> {
        let alone = core::iter::once(&self.policy).chain(&self.tokens);
        alone.chain(&self.skills).chain(&self.organizations).chain(&self.keys)
    }
}

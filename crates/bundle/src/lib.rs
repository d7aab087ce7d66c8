//! The signed, sharded, content-addressed bundle: built by the control plane, verified and read in place by the edge.
//!
//! It moves no bytes over any network and keeps no state; it says what bytes mean. Invariant: nothing unverified is
//! ever read as a policy or a key: manifests are verified by signature, blobs by the digest a manifest names.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod archive;
mod blob;
#[cfg(feature = "build")]
mod build;
mod key_bucket;
mod key_shard;
mod layout;
mod manifest;
mod organizations;
mod policy;
mod read;
mod sign;
mod skills;
mod tokens;

pub use archive::{Archive, ArchiveError};
pub use blob::{Blob, BlobDigest, BlobRef, InvalidDigest};
#[cfg(feature = "build")]
pub use build::{
    BuildError, KeyEntry, OrganizationEntry, build_key_shard, build_organization_shard, build_policy, build_tokens,
    compile_tokens, rebuild_key_shard,
};
pub use key_bucket::{KeyBucket, StoredKey};
pub use key_shard::KeyShard;
pub use layout::Layout;
pub use manifest::{MANIFEST_FORMAT, Manifest};
pub use organizations::OrganizationShard;
pub use policy::{read_policy, read_restrictions};
pub use read::Malformed;
#[cfg(feature = "build")]
pub use sign::SigningKey;
pub use sign::{InvalidPublicKey, PublicKey, SignedManifest, VerifyError, verify};
#[cfg(feature = "build")]
pub use skills::build::{SealedBox, SecretEntry, SkillEntry, build_skill_shard};
pub use skills::{Boxes, SKILL_BYTES, SealedSecret, SkillShard, skill_shard_of, skill_shards};
pub use tokens::{AcceptedToken, read_tokens};

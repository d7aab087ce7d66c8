//! Bundles built in a test: the whole way from entries to a signed file, with a signing key that everybody knows.
//!
//! Not for anything that is reachable from outside: the seed is in the source.

use std::iter::once;

use anyhow::Result;
use portcullis_bundle::{
    Archive, Blob, KeyEntry, Layout, MANIFEST_FORMAT, Manifest, OrganizationEntry, PublicKey, SignedManifest,
    SigningKey, SkillEntry, build_key_shard, build_organization_shard, build_policy, build_skill_shard, build_tokens,
    skill_shard_of, skill_shards,
};
use portcullis_engine::PolicySpec;
use portcullis_token::IssuersSpec;

use crate::corpus::Corpus;

const SEED: [u8; 32] = *b"testkit: known to all, worthless";

/// A signed manifest and every blob it names.
#[derive(Clone, Debug)]
pub struct TestBundle {
    /// What was signed.
    pub manifest: Manifest,
    /// Signed with [`signing_key`].
    pub signed: SignedManifest,
    /// Policy, tokens, skill shards, organisation shards, key shards.
    pub blobs: Vec<Blob>,
}

/// The key that test bundles are signed with.
pub fn signing_key() -> SigningKey {
    SigningKey::from_seed(SEED)
}

/// Its public half.
pub fn public_key() -> PublicKey {
    signing_key().public_key()
}

impl TestBundle {
    /// Builds and signs a bundle.
    pub fn build(
        spec: &PolicySpec,
        keys: &[KeyEntry],
        organizations: &[OrganizationEntry],
        version: u64,
        issued_at: u64,
    ) -> Result<Self> {
        Self::build_all(spec, keys, organizations, None, &[], version, issued_at)
    }

    /// The same, with whose access tokens count, and with skills.
    pub fn build_all(
        spec: &PolicySpec,
        keys: &[KeyEntry],
        organizations: &[OrganizationEntry],
        issuers: Option<&IssuersSpec>,
        skills: &[SkillEntry],
        version: u64,
        issued_at: u64,
    ) -> Result<Self> {
        let layout = Layout::for_counts(keys.len(), organizations.len());
        Self::build_divided(layout, spec, keys, organizations, (issuers, skills), (version, issued_at))
    }

    /// The same, divided as if there were more keys or fewer.
    fn build_divided(
        layout: Layout,
        spec: &PolicySpec,
        keys: &[KeyEntry],
        organizations: &[OrganizationEntry],
        (issuers, skills): (Option<&IssuersSpec>, &[SkillEntry]),
        (version, issued_at): (u64, u64),
    ) -> Result<Self> {
        let policy = build_policy(spec)?;
        let tokens = issuers.map(build_tokens).transpose()?;
        let organizations = (0..layout.organization_shards()).map(|shard| {
            let inside = organizations.iter().filter(|it| layout.organization_shard_of(&it.id) == shard);
            build_organization_shard(&layout, shard, &inside.copied().collect::<Vec<_>>())
        });
        let organizations = organizations.collect::<Result<Vec<_>, _>>()?;
        let shards = split(&layout, keys).into_iter().enumerate();
        let shards = shards.map(|(shard, inside)| build_key_shard(&layout, shard, &inside));
        let shards = shards.collect::<Result<Vec<_>, _>>()?;
        let count = skill_shards(skills.len());
        let skills = (0..count).map(|shard| {
            let inside = skills.iter().filter(|it| skill_shard_of(&it.id, count) == shard);
            build_skill_shard(count, shard, &inside.cloned().collect::<Vec<_>>())
        });
        let skills = skills.collect::<Result<Vec<_>, _>>()?;
        let manifest = Manifest {
            format: MANIFEST_FORMAT,
            version,
            issued_at,
            layout,
            key_count: keys.len() as u64,
            policy: policy.to_ref(),
            tokens: tokens.as_ref().map(Blob::to_ref),
            skills: skills.iter().map(Blob::to_ref).collect(),
            organizations: organizations.iter().map(Blob::to_ref).collect(),
            keys: shards.iter().map(Blob::to_ref).collect(),
        };
        let blobs = once(policy).chain(tokens).chain(skills).chain(organizations).chain(shards).collect();
        Ok(Self { signed: signing_key().sign(&manifest)?, manifest, blobs })
    }

    /// The bundle as one file.
    pub fn archive(&self) -> Vec<u8> {
        Archive::write(&self.signed, &self.blobs)
    }

    /// The file, opened and verified.
    pub fn open(&self) -> Result<Archive> {
        Ok(Archive::open(&self.archive(), &[public_key()])?)
    }
}

/// Entries by shard.
fn split(layout: &Layout, keys: &[KeyEntry]) -> Vec<Vec<KeyEntry>> {
    let mut shards = vec![Vec::new(); layout.key_shards()];
    for key in keys {
        if let Some(shard) = shards.get_mut(layout.key_shard_of(&key.digest)) {
            shard.push(key.clone());
        }
    }
    shards
}

impl Corpus {
    /// The corpus as a bundle of that version, issued at the corpus's time.
    pub fn bundle(&self, version: u64) -> Result<TestBundle> {
        let (keys, organizations, issuers) = (self.key_entries()?, self.organization_entries(), self.issuers_spec()?);
        let (spec, skills) = (&self.spec, self.skill_entries()?);
        TestBundle::build_all(spec, &keys, &organizations, issuers.as_ref(), &skills, version, self.now)
    }

    /// The same, divided as if there were that many keys.
    pub fn bundle_as_of_many(&self, version: u64, keys: usize) -> Result<TestBundle> {
        let (entries, organizations, issuers) =
            (self.key_entries()?, self.organization_entries(), self.issuers_spec()?);
        let layout = Layout::for_counts(keys, organizations.len());
        let beside = (issuers.as_ref(), &*self.skill_entries()?);
        TestBundle::build_divided(layout, &self.spec, &entries, &organizations, beside, (version, self.now))
    }
}

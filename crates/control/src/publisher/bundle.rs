//! One version of the bundle, and how the next one is made of it: only shards with a change are built again.
//!
//! Invariant: the same keys, organisations, skills and policy in the same version give the same blobs, whichever changes led
//! there, and whoever builds them when.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use portcullis_bundle::{
    Blob, BlobDigest, BuildError, Layout, MANIFEST_FORMAT, Manifest, OrganizationEntry, build_organization_shard,
    rebuild_key_shard,
};
use portcullis_engine::OrganizationId;
use portcullis_token::Issuers;

use super::index::Index;
use super::skills::Skills;
use super::tokens::Tokens;
use crate::store::{BundleKey, SkillSources};

/// One published version.
#[derive(Debug)]
pub(crate) struct Published {
    manifest: Manifest,
    issuers: Option<Arc<Issuers>>,
    blobs: BTreeMap<BlobDigest, Blob>,
}

impl Published {
    /// Its version.
    pub(crate) fn version(&self) -> u64 {
        self.manifest.version
    }

    /// How it is divided.
    pub(crate) fn layout(&self) -> Layout {
        self.manifest.layout
    }

    /// Keys in it, recently revoked ones included.
    pub(crate) fn key_count(&self) -> u64 {
        self.manifest.key_count
    }

    /// Whose access tokens count in it, if any do.
    pub(crate) fn issuers(&self) -> Option<Arc<Issuers>> {
        self.issuers.clone()
    }

    /// Its manifest, issued at `now`.
    pub(super) fn manifest_as_of(&self, now: u64) -> Manifest {
        Manifest { issued_at: now, ..self.manifest.clone() }
    }

    /// One of its blobs.
    pub(crate) fn blob(&self, digest: &BlobDigest) -> Option<&Blob> {
        self.blobs.get(digest)
    }

    /// All of its blobs.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = &Blob> {
        self.blobs.values()
    }
}

/// The keys and organisations of the bundle, the shards built of them, and which of those are out of date.
pub(super) struct Builder {
    policy: Blob,
    /// Whose access tokens count, if any do.
    tokens: Option<Tokens>,
    index: Index,
    skills: Skills,
    layout: Layout,
    keys: Vec<Blob>,
    organizations: Vec<Blob>,
    /// Keys revoked before this are not in it.
    forgotten_before: u64,
    /// Buckets that are out of date, counted over the whole of `layout`.
    stale_keys: BTreeSet<usize>,
    /// Shards that are.
    stale_organizations: BTreeSet<usize>,
}

impl Builder {
    pub(super) fn new(policy: Blob) -> Self {
        Self {
            policy,
            tokens: None,
            index: Index::default(),
            skills: Skills::default(),
            layout: Layout::default(),
            keys: Vec::new(),
            organizations: Vec::new(),
            forgotten_before: 0,
            stale_keys: BTreeSet::new(),
            stale_organizations: BTreeSet::new(),
        }
    }

    /// Takes in a new policy.
    pub(super) fn replace_policy(&mut self, policy: Blob) {
        self.policy = policy;
    }

    /// Takes in whose access tokens count.
    pub(super) fn replace_tokens(&mut self, tokens: Option<Tokens>) {
        self.tokens = tokens;
    }

    /// Takes in what the skills of organisations stand on, in place of what they stood on.
    pub(super) fn replace_skills(&mut self, skills: &[(OrganizationId, SkillSources)]) {
        skills.iter().for_each(|(organization, sources)| self.skills.put(*organization, sources));
    }

    /// Takes in what changed, and lets go of keys revoked before `forgotten_before`.
    pub(super) fn apply(&mut self, keys: Vec<BundleKey>, organizations: &[OrganizationEntry], forgotten_before: u64) {
        self.stale_keys.extend(keys.iter().map(|key| self.layout.key_bucket_of(&key.digest)));
        self.stale_organizations.extend(organizations.iter().map(|it| self.layout.organization_shard_of(&it.id)));
        for key in keys {
            match key.revoked_at.is_some_and(|at| at < forgotten_before) {
                true => self.index.forget_key(&key.digest),
                false => self.index.put_key(key),
            }
        }
        organizations.iter().for_each(|organization| self.index.put_organization(*organization));
        if forgotten_before != self.forgotten_before {
            let forgotten = self.index.forget_revoked(forgotten_before);
            self.stale_keys.extend(forgotten.iter().map(|digest| self.layout.key_bucket_of(digest)));
            self.forgotten_before = forgotten_before;
        }
    }

    /// Builds what is out of date. On failure it stays out of date, and the next call tries again.
    pub(super) fn build(&mut self, version: u64) -> Result<Published, BuildError> {
        let layout = Layout::for_counts(self.index.key_count(), self.index.organization_count());
        if layout != self.layout || self.keys.is_empty() {
            self.start_over(layout);
        }
        self.build_keys()?;
        for &shard in &self.stale_organizations {
            let blob = build_organization_shard(&layout, shard, &self.index.organization_shard(&layout, shard))?;
            replace(&mut self.organizations, shard, blob);
        }
        self.stale_organizations.clear();
        self.skills.build()?;
        Ok(self.publish(version))
    }

    /// Of a shard with a change only those buckets that it is in.
    fn build_keys(&mut self) -> Result<(), BuildError> {
        let each = self.layout.buckets_per_shard();
        while let Some(shard) = self.stale_keys.first().and_then(|bucket| bucket.checked_div(each)) {
            let stale = self.stale_keys.range(shard * each..(shard + 1) * each);
            let changed = stale.map(|&bucket| (bucket % each, self.index.key_bucket(&self.layout, bucket))).collect();
            let before = self.keys.get(shard).ok_or(BuildError::WrongShard(shard))?;
            let blob = rebuild_key_shard(&self.layout, shard, before, &changed)?;
            replace(&mut self.keys, shard, blob);
            self.stale_keys = self.stale_keys.split_off(&((shard + 1) * each));
        }
        Ok(())
    }

    /// Every shard is out of date.
    fn start_over(&mut self, layout: Layout) {
        let nothing = Blob::new([]);
        self.layout = layout;
        self.keys = vec![nothing.clone(); layout.key_shards()];
        self.organizations = vec![nothing; layout.organization_shards()];
        self.stale_keys = (0..layout.key_buckets()).collect();
        self.stale_organizations = (0..layout.organization_shards()).collect();
    }

    fn publish(&self, version: u64) -> Published {
        let tokens = self.tokens.as_ref().map(|it| &it.blob);
        let all = [&self.policy].into_iter().chain(tokens).chain(self.skills.shards());
        let all = all.chain(&self.organizations).chain(&self.keys);
        Published {
            manifest: Manifest {
                format: MANIFEST_FORMAT,
                version,
                issued_at: 0,
                layout: self.layout,
                key_count: self.index.key_count() as u64,
                policy: self.policy.to_ref(),
                tokens: tokens.map(Blob::to_ref),
                skills: self.skills.shards().iter().map(Blob::to_ref).collect(),
                organizations: self.organizations.iter().map(Blob::to_ref).collect(),
                keys: self.keys.iter().map(Blob::to_ref).collect(),
            },
            issuers: self.tokens.as_ref().map(|it| it.issuers.clone()),
            blobs: all.map(|blob| (blob.digest(), blob.clone())).collect(),
        }
    }
}

fn replace(shards: &mut [Blob], shard: usize, blob: Blob) {
    if let Some(slot) = shards.get_mut(shard) {
        *slot = blob;
    }
}

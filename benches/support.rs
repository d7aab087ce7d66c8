//! What the benches share: a bundle of many keys, cut into buckets as a worker has them in its cache.
//!
//! Seeded throughout, so that two runs measure the same bytes.
#![expect(dead_code, reason = "each bench uses a part of it")]

use std::net::{IpAddr, Ipv4Addr};

use portcullis_bundle::{KeyBucket, KeyEntry, KeyShard, Layout, build_key_shard};
use portcullis_engine::spec::{Alphabet, KeyFormatSpec};
use portcullis_engine::{
    Ambient, KeyDigest, KeyId, KeyRecord, KeyStatus, KeyStore, OrganizationId, OrganizationState, Policy, PolicySpec,
    RestrictionSet, StoreUnavailable,
};
pub(crate) use portcullis_testkit::sized::key_text as key;

/// Buckets as a worker has them.
#[derive(Debug)]
pub(crate) struct Buckets {
    layout: Layout,
    buckets: Vec<Vec<u8>>,
}

impl Buckets {
    /// Buckets of that many keys.
    pub(crate) fn of(count: usize) -> Self {
        let layout = Layout::for_counts(count, 1);
        let mut shards = vec![Vec::new(); layout.key_shards()];
        for number in 0..count {
            let entry = entry(number);
            shards[layout.key_shard_of(&entry.digest)].push(entry);
        }
        let mut buckets = Vec::new();
        for (index, entries) in shards.iter().enumerate() {
            let blob = build_key_shard(&layout, index, entries).expect("entries are well formed");
            let shard = KeyShard::open(blob.bytes(), &layout).expect("it was just built");
            buckets.extend((0..shard.len()).map(|it| shard.bucket(it).expect("it is in range").to_vec()));
        }
        Self { layout, buckets }
    }

    /// Bytes in all.
    pub(crate) fn bytes(&self) -> usize {
        self.buckets.iter().map(Vec::len).sum()
    }
}

impl KeyStore for Buckets {
    fn find(&mut self, digest: &KeyDigest) -> Result<Option<KeyRecord<'_>>, StoreUnavailable> {
        let bytes = self.buckets.get(self.layout.key_bucket_of(digest)).ok_or(StoreUnavailable)?;
        let stored = KeyBucket::open(bytes)
            .and_then(|bucket| bucket.find(&self.layout, digest))
            .map_err(|_| StoreUnavailable)?;
        Ok(stored.map(|stored| KeyRecord {
            id: stored.id,
            organization: stored.organization,
            organization_state: OrganizationState::Active,
            organization_limits: Default::default(),
            status: stored.status,
            expires_at: stored.expires_at,
            scopes: stored.scopes,
            restrictions: None,
            skill: None,
        }))
    }
}

fn entry(number: usize) -> KeyEntry {
    let digest = KeyDigest::of(key(number).as_bytes());
    let id = *digest.as_bytes().last_chunk().expect("a digest has 32 bytes");
    KeyEntry {
        digest,
        id: KeyId::from_bytes(id),
        organization: OrganizationId::from_bytes([7; 10]),
        status: KeyStatus::Active,
        expires_at: None,
        scopes: vec!["skills:read".into(), "agents:write".into()],
        restrictions: RestrictionSet::default(),
    }
}

/// A policy of five resources, each with a rule to read and one to write.
pub(crate) fn policy() -> Policy {
    let resources = ["skills", "agents", "plugins", "content", "mcp"];
    let mut spec: PolicySpec = serde_json::from_value(serde_json::json!({
        "name": "bench", "environments": ["production"],
        "scopes": resources.iter().flat_map(|it| [format!("{it}:read"), format!("{it}:write")]).collect::<Vec<_>>(),
        "credentials": [{ "in": "header", "name": "authorization", "scheme": "Bearer" }],
        "keys": [], "rules": resources.iter().flat_map(|it| [
            serde_json::json!({ "methods": ["GET"], "path": format!("/api/v1/{it}/**"), "all": [format!("{it}:read")] }),
            serde_json::json!({ "methods": ["POST"], "path": format!("/api/v1/{it}/**"), "all": [format!("{it}:write")] }),
        ]).collect::<Vec<_>>(),
    }))
    .expect("the spec is well formed");
    spec.keys.push(KeyFormatSpec {
        prefix: "sp_live_".into(),
        environment: "production".into(),
        body_length: 32,
        min_body_length: None,
        alphabet: Alphabet::default(),
        checksum: Default::default(),
    });
    Policy::compile(&spec).expect("the policy is well formed")
}

/// Nothing that the decision should have to ask for.
#[derive(Debug)]
pub(crate) struct Quiet;

impl Ambient for Quiet {
    fn now(&self) -> u64 {
        1_700_000_000
    }

    fn source_address(&self) -> Option<IpAddr> {
        Some(IpAddr::V4(Ipv4Addr::LOCALHOST))
    }
}

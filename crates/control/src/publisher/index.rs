//! Every key and organisation of the bundle in memory, small: equal scopes and equal restrictions are held once.
//!
//! Ordered by digest and id, so that a bucket is one range. Invariant: scopes or restrictions that this version
//! cannot read switch their key off; they are never taken for none, and keep no other key from being published.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use portcullis_bundle::{KeyEntry, Layout, OrganizationEntry};
use portcullis_engine::{KeyDigest, KeyId, KeyStatus, OrganizationId, RestrictionSet, scope};

use super::crowd;
use crate::store::BundleKey;

#[derive(Default)]
pub(super) struct Index {
    keys: BTreeMap<KeyDigest, Record>,
    organizations: BTreeMap<OrganizationId, OrganizationEntry>,
    scopes: HashMap<String, Arc<[String]>>,
    restrictions: HashMap<String, Arc<RestrictionSet>>,
}

struct Record {
    id: KeyId,
    organization: OrganizationId,
    status: KeyStatus,
    expires_at: Option<u64>,
    revoked_at: Option<u64>,
    scopes: Arc<[String]>,
    restrictions: Option<Arc<RestrictionSet>>,
}

impl Index {
    pub(super) fn key_count(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn organization_count(&self) -> usize {
        self.organizations.len()
    }

    pub(super) fn put_organization(&mut self, entry: OrganizationEntry) {
        self.organizations.insert(entry.id, entry);
    }

    pub(super) fn put_key(&mut self, key: BundleKey) {
        let restrictions = key.restrictions.map(|json| self.restrictions(json)).transpose();
        let scopes = self.scopes(key.scopes);
        let is_readable = restrictions.is_ok() && scopes.is_ok();
        if !is_readable {
            tracing::error!(key = %key.id, "its stored scopes or restrictions cannot be read; it is switched off");
        }
        let record = Record {
            id: key.id,
            organization: key.organization,
            status: if is_readable || key.status == KeyStatus::Revoked { key.status } else { KeyStatus::Disabled },
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            scopes: scopes.unwrap_or_else(|()| Arc::new([])),
            restrictions: restrictions.unwrap_or_default(),
        };
        self.keys.insert(key.digest, record);
    }

    /// Drops one key, if it is there.
    pub(super) fn forget_key(&mut self, digest: &KeyDigest) {
        self.keys.remove(digest);
    }

    /// Drops keys revoked before `since` and returns their digests.
    pub(super) fn forget_revoked(&mut self, since: u64) -> Vec<KeyDigest> {
        let old = |record: &Record| record.revoked_at.is_some_and(|at| at < since);
        let forgotten: Vec<_> = self.keys.extract_if(.., |_, record| old(record)).map(|(digest, _)| digest).collect();
        self.scopes.retain(|_, shared| Arc::strong_count(shared) > 1);
        self.restrictions.retain(|_, shared| Arc::strong_count(shared) > 1);
        forgotten
    }

    pub(super) fn key_bucket(&self, layout: &Layout, bucket: usize) -> Vec<KeyEntry> {
        let all = self.keys.range(layout.digests_of_bucket(bucket)).collect();
        let fitting = crowd::fitting(bucket, all, |(_, record): &(_, &Record)| record.organization);
        fitting.into_iter().map(|(digest, record)| record.entry(*digest)).collect()
    }

    pub(super) fn organization_shard(&self, layout: &Layout, shard: usize) -> Vec<OrganizationEntry> {
        let entries = self.organizations.values().copied();
        entries.filter(|entry| layout.organization_shard_of(&entry.id) == shard).collect()
    }

    fn scopes(&mut self, text: String) -> Result<Arc<[String]>, ()> {
        if let Some(known) = self.scopes.get(&text) {
            return Ok(known.clone());
        }
        scope::canonical_grants(text.split_whitespace()).map_err(|_| ())?;
        let list: Arc<[String]> = text.split_whitespace().map(str::to_owned).collect();
        self.scopes.insert(text, list.clone());
        Ok(list)
    }

    fn restrictions(&mut self, json: String) -> Result<Arc<RestrictionSet>, ()> {
        if let Some(known) = self.restrictions.get(&json) {
            return Ok(known.clone());
        }
        let spec = serde_json::from_str(&json).map_err(|_| ())?;
        let set = Arc::new(RestrictionSet::compile(&spec).map_err(|_| ())?);
        self.restrictions.insert(json, set.clone());
        Ok(set)
    }
}

impl Record {
    fn entry(&self, digest: KeyDigest) -> KeyEntry {
        KeyEntry {
            digest,
            id: self.id,
            organization: self.organization,
            status: self.status,
            expires_at: self.expires_at,
            scopes: self.scopes.to_vec(),
            restrictions: self.restrictions.as_deref().cloned().unwrap_or_default(),
        }
    }
}

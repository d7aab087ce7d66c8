//! Key records in memory, and a clock and address that a test sets.
//!
//! Stands in for the bundle and the proxy. It stores what the engine reads and nothing more.

use std::collections::HashMap;
use std::net::IpAddr;

use anyhow::{Context, Result};
use portcullis_bundle::{KeyEntry, OrganizationEntry};
use portcullis_engine::scope::canonical_grants;
use portcullis_engine::{Ambient, KeyDigest, KeyRecord, KeyStore, OrganizationId, OrganizationLimits};
use portcullis_engine::{RestrictionSet, StoreUnavailable};

use crate::corpus::Corpus;
use crate::key::KnownKey;

/// Key records by digest.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    keys: HashMap<KeyDigest, (KeyEntry, String)>,
    organizations: HashMap<OrganizationId, OrganizationEntry>,
    /// While set, nothing can be read.
    pub unavailable: bool,
}

/// The time and address of a test.
#[derive(Clone, Copy, Debug)]
pub struct FixedAmbient {
    /// Now, in Unix seconds.
    pub now: u64,
    /// The client's address.
    pub address: Option<IpAddr>,
}

impl Ambient for FixedAmbient {
    fn now(&self) -> u64 {
        self.now
    }

    fn source_address(&self) -> Option<IpAddr> {
        self.address
    }
}

impl MemoryStore {
    /// A store of these keys and organisations; an organisation not listed is active.
    pub fn new(keys: Vec<KeyEntry>, organizations: Vec<OrganizationEntry>) -> Result<Self> {
        let keys = keys.into_iter().map(|key| {
            let scopes = canonical_grants(key.scopes.iter().map(String::as_str))?;
            Ok((key.digest, (key, scopes)))
        });
        Ok(Self {
            keys: keys.collect::<Result<_>>()?,
            organizations: organizations.into_iter().map(|it| (it.id, it)).collect(),
            unavailable: false,
        })
    }
}

impl KeyStore for MemoryStore {
    fn find(&mut self, digest: &KeyDigest) -> Result<Option<KeyRecord<'_>>, StoreUnavailable> {
        if self.unavailable {
            return Err(StoreUnavailable);
        }
        let state = |id| self.organizations.get(id).map(|it| (it.state, it.limits)).unwrap_or_default();
        let record = self.keys.get(digest).map(|(key, scopes)| {
            let (organization_state, organization_limits) = state(&key.organization);
            KeyRecord {
                id: key.id,
                organization: key.organization,
                organization_state,
                organization_limits,
                status: key.status,
                expires_at: key.expires_at,
                scopes,
                restrictions: Some(&key.restrictions).filter(|set| !set.is_empty()),
            }
        });
        Ok(record)
    }
}

impl Corpus {
    /// The keys as the control plane would put them into a bundle at the corpus's time.
    pub fn key_entries(&self) -> Result<Vec<KeyEntry>> {
        self.keys.values().map(|key| self.key_entry(key).with_context(|| format!("key `{}`", key.alias))).collect()
    }

    fn key_entry(&self, key: &KnownKey) -> Result<KeyEntry> {
        let organization = self.organizations.get(&key.organization).context("no such organisation")?;
        Ok(KeyEntry {
            digest: KeyDigest::of(key.text.as_bytes()),
            id: key.id,
            organization: organization.id,
            status: key.status,
            expires_at: key.expires_in.map(|seconds| self.now.saturating_add_signed(seconds)),
            scopes: key.scopes.clone(),
            restrictions: RestrictionSet::compile(&key.restrictions)?,
        })
    }

    /// The organisations, likewise.
    pub fn organization_entries(&self) -> Vec<OrganizationEntry> {
        self.organizations
            .values()
            .map(|it| OrganizationEntry { id: it.id, state: it.state, limits: OrganizationLimits::default() })
            .collect()
    }

    /// Both in memory.
    pub fn store(&self) -> Result<MemoryStore> {
        MemoryStore::new(self.key_entries()?, self.organization_entries())
    }
}

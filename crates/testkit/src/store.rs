//! Key records in memory, and a clock and address that a test sets.
//!
//! Stands in for the bundle and the proxy. It stores what the engine reads and nothing more.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use portcullis_bundle::{AcceptedToken, KeyEntry, OrganizationEntry};
use portcullis_engine::scope::canonical_grants;
use portcullis_engine::{Ambient, KeyDigest, KeyRecord, KeyStore, OrganizationId, OrganizationLimits};
use portcullis_engine::{Reason, RestrictionSet, Skill, SkillId, StoreUnavailable, TokenRecord};
use portcullis_token::{Issuers, IssuersSpec};

use crate::corpus::Corpus;
use crate::key::{KeyKind, KnownKey};

/// Key records by digest.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    keys: HashMap<KeyDigest, (KeyEntry, String)>,
    organizations: HashMap<OrganizationId, OrganizationEntry>,
    issuers: Option<Arc<Issuers>>,
    skills: HashMap<SkillId, Skill>,
    write_implies_read: bool,
    /// The token found last, and the scopes that count of it.
    token: Option<(AcceptedToken, String)>,
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
            ..Self::default()
        })
    }

    /// The same, taking these issuers' access tokens.
    pub fn with_tokens(mut self, issuers: &IssuersSpec, write_implies_read: bool) -> Result<Self> {
        self.issuers = Some(Arc::new(Issuers::compile(issuers)?));
        self.write_implies_read = write_implies_read;
        Ok(self)
    }

    /// The same, with these skills.
    pub fn with_skills(mut self, skills: impl IntoIterator<Item = Skill>) -> Self {
        self.skills = skills.into_iter().map(|skill| (skill.id, skill)).collect();
        self
    }
}

impl KeyStore for MemoryStore {
    fn find(&mut self, digest: &KeyDigest) -> Result<Option<KeyRecord<'_>>, StoreUnavailable> {
        if self.unavailable {
            return Err(StoreUnavailable);
        }
        Ok(record(&self.keys, &self.organizations, &self.skills, digest))
    }

    fn find_token(&mut self, token: &[u8], now: u64) -> Result<TokenRecord<'_>, Reason> {
        if self.unavailable {
            return Err(Reason::StoreUnavailable);
        }
        let accepted = AcceptedToken::verify(self.issuers.as_deref().ok_or(Reason::TokensNotAccepted)?, token, now)?;
        let record = record(&self.keys, &self.organizations, &self.skills, &accepted.digest());
        let record = record.ok_or(Reason::UnknownTokenSubject)?;
        let scopes = accepted.scopes_of(&record, self.write_implies_read);
        let (accepted, scopes) = self.token.insert((accepted, scopes));
        accepted.with_record(record, scopes)
    }
}

fn record<'a>(
    keys: &'a HashMap<KeyDigest, (KeyEntry, String)>,
    organizations: &HashMap<OrganizationId, OrganizationEntry>,
    skills: &'a HashMap<SkillId, Skill>,
    digest: &KeyDigest,
) -> Option<KeyRecord<'a>> {
    let (key, scopes) = keys.get(digest)?;
    let organization = organizations.get(&key.organization).map(|it| (it.state, it.limits));
    let (organization_state, organization_limits) = organization.unwrap_or_default();
    Some(KeyRecord {
        id: key.id,
        organization: key.organization,
        organization_state,
        organization_limits,
        status: key.status,
        expires_at: key.expires_at,
        scopes,
        restrictions: Some(&key.restrictions).filter(|set| !set.is_empty()),
        skill: key.restrictions.skill().and_then(|id| skills.get(&id)),
    })
}

impl Corpus {
    /// The keys as the control plane would put them into a bundle at the corpus's time.
    pub fn key_entries(&self) -> Result<Vec<KeyEntry>> {
        self.keys.values().map(|key| self.key_entry(key).with_context(|| format!("key `{}`", key.alias))).collect()
    }

    fn key_entry(&self, key: &KnownKey) -> Result<KeyEntry> {
        let organization = self.organizations.get(&key.organization).context("no such organisation")?;
        Ok(KeyEntry {
            digest: match key.kind {
                KeyKind::ApiKey => KeyDigest::of(key.text.as_bytes()),
                KeyKind::Minting => KeyDigest::of_token_key(key.id),
            },
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

    /// Both in memory, and whose access tokens count.
    pub fn store(&self) -> Result<MemoryStore> {
        let store = MemoryStore::new(self.key_entries()?, self.organization_entries())?;
        let store = store.with_skills(self.open_skills()?);
        match self.issuers_spec()? {
            Some(issuers) => store.with_tokens(&issuers, self.spec.write_implies_read),
            None => Ok(store),
        }
    }
}

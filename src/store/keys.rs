//! The keys of the live bundle, looked up in cached buckets or, failing that, in shared memory.
//!
//! Invariant: a record is read only from bytes that carry the tag its header names; anything else is "unavailable", never
//! "unknown".

use portcullis_bundle::{AcceptedToken, KeyBucket, OrganizationShard, read_restrictions};
use portcullis_engine::ip::customer;
use portcullis_engine::{
    KeyDigest, KeyRecord, KeyStore, OrganizationId, OrganizationLimits, OrganizationState, Policy, Reason,
    RestrictionSet, Skill, SkillId, StoreUnavailable, TokenRecord,
};
use portcullis_token::Issuers;

use super::found;
use crate::cache::{BucketCache, Entry};
use crate::forgeries::Forgeries;
use crate::host::Host;
use crate::live::{Live, Names, Place};
use crate::recent::{Position, Recent};
use crate::tokens::{Handle, Tokens};
use crate::vault::Vault;

/// The keys of the live bundle.
pub struct Keys<'s, H> {
    pub(super) host: &'s H,
    pub(super) names: &'s Names,
    pub(super) live: &'s Live,
    pub(super) policy: &'s Policy,
    pub(super) issuers: Option<&'s Issuers>,
    pub(super) organizations: &'s mut Vec<Option<Vec<u8>>>,
    pub(super) cache: &'s mut BucketCache,
    pub(super) recent: &'s mut Recent,
    pub(super) tokens: &'s mut Tokens,
    pub(super) forgeries: &'s mut Forgeries,
    pub(super) vault: &'s mut Vault,
    pub(super) missing: &'s mut bool,
}

impl<H: Host> Keys<'_, H> {
    /// Where a key's record stands, `None` if there is no such key.
    fn position(&mut self, digest: &KeyDigest) -> Result<Option<Position>, StoreUnavailable> {
        let layout = &self.live.layout;
        let bucket = layout.key_bucket_of(digest);
        let entry = self.entry(bucket)?;
        let found =
            KeyBucket::open(&entry.bytes).and_then(|it| it.find(layout, digest)).map_err(|_| StoreUnavailable)?;
        let Some(stored) = found else { return Ok(None) };
        let (Ok(bucket), Ok(index)) = (bucket.try_into(), stored.index.try_into()) else {
            return Err(StoreUnavailable);
        };
        Ok(Some(Position { bucket, index }))
    }

    fn record(&mut self, position: Position) -> Result<KeyRecord<'_>, StoreUnavailable> {
        let bucket = position.bucket as usize;
        self.entry(bucket)?;
        let Self { host, names, live, organizations, cache, vault, missing, .. } = self;
        let shared = SharedParts { host: *host, names, live, missing };
        record(cache.get_mut(bucket).ok_or(StoreUnavailable)?, position.index, shared, organizations, vault)
    }

    fn entry(&mut self, bucket: usize) -> Result<&mut Entry, StoreUnavailable> {
        if !self.cache.contains(bucket) && self.load(bucket).is_none() {
            return Err(StoreUnavailable);
        }
        self.cache.get_mut(bucket).ok_or(StoreUnavailable)
    }

    fn load(&mut self, bucket: usize) -> Option<()> {
        let place = self.live.keys.get(bucket / self.live.layout.buckets_per_shard())?;
        let shared = self.host.shared(&self.names.bucket(&self.live.layout, place, bucket));
        let bytes = found(shared.as_ref(), place, self.missing)?.to_vec();
        KeyBucket::open(&bytes).ok()?;
        self.cache.insert(bucket, bytes);
        Some(())
    }
}

/// The parts that all VMs share.
struct SharedParts<'s, H> {
    host: &'s H,
    names: &'s Names,
    live: &'s Live,
    missing: &'s mut bool,
}

impl<H: Host> SharedParts<'_, H> {
    fn read(&mut self, name: &str, place: &Place) -> Option<Vec<u8>> {
        found(self.host.shared(name).as_ref(), place, self.missing).map(<[u8]>::to_vec)
    }

    /// The state and limits of an organisation; its shard is read the first time it is asked for.
    fn organization(
        &mut self,
        shards: &mut [Option<Vec<u8>>],
        id: &OrganizationId,
    ) -> Option<(OrganizationState, OrganizationLimits)> {
        let layout = &self.live.layout;
        let shard = layout.organization_shard_of(id);
        let slot = shards.get_mut(shard)?;
        if slot.is_none() {
            let place = self.live.organizations.get(shard)?;
            *slot = Some(self.read(&self.names.organizations(layout, place, shard), place)?);
        }
        OrganizationShard::open(slot.as_deref()?).and_then(|it| it.find(id)).ok()
    }

    /// A skill; its shard is read the first time that it is asked for.
    fn skill<'v>(&mut self, vault: &'v mut Vault, id: SkillId) -> Result<Option<&'v Skill>, StoreUnavailable> {
        let (names, shards) = (self.names, self.live.skills.len());
        vault.skill(id, |shard, place| self.read(&names.skills(shards, place, shard), place))
    }
}

impl<H: Host> KeyStore for Keys<'_, H> {
    fn find(&mut self, digest: &KeyDigest) -> Result<Option<KeyRecord<'_>>, StoreUnavailable> {
        match self.position(digest)? {
            Some(position) => self.record(position).map(Some),
            None => Ok(None),
        }
    }

    fn find_presented(&mut self, key: &[u8]) -> Result<Option<KeyRecord<'_>>, StoreUnavailable> {
        let tag = self.recent.tag(key);
        if let Some(position) = self.recent.get(tag) {
            return self.record(position).map(Some);
        }
        let Some(position) = self.position(&KeyDigest::of(key))? else { return Ok(None) };
        self.recent.put(tag, position);
        self.record(position).map(Some)
    }

    fn find_token(&mut self, token: &[u8], now: u64) -> Result<TokenRecord<'_>, Reason> {
        let issuers = self.issuers.ok_or(Reason::TokensNotAccepted)?;
        let tag = self.recent.tag(token);
        let handle = match self.tokens.find(tag) {
            Some(handle) => handle,
            None => {
                let accepted = self.verify(issuers, token, now)?;
                self.tokens.keep(tag, accepted)
            }
        };
        let known = self.tokens.get(handle).ok_or(Reason::StoreUnavailable)?;
        if let Err(reason) = known.accepted.counts_at(now) {
            // What is over goes for good; what has not come yet, as the clock was set back, is verified again when it has.
            self.tokens.drop(handle);
            return Err(reason);
        }
        let position = self.place_of(handle)?;
        self.token_record(handle, position)
    }
}

impl<H: Host> Keys<'_, H> {
    /// Verifies a token that was not seen lately, unless too many wrong ones come from there.
    fn verify(&mut self, issuers: &Issuers, token: &[u8], now: u64) -> Result<AcceptedToken, Reason> {
        let Self { host, recent, forgeries, .. } = self;
        let source = || host.source_ip().map(|address| recent.tag(&customer(address)));
        if forgeries.bar(now, source) {
            return Err(Reason::TokenForgeries);
        }
        let verified = AcceptedToken::verify(issuers, token, now);
        if matches!(verified, Err(Reason::TokenSignature)) {
            forgeries.note(now, source());
        }
        verified
    }

    /// Where the record of a token stands in the live bundle; its bucket is cached then.
    fn place_of(&mut self, token: Handle) -> Result<Position, Reason> {
        let found = match (self.tokens.position(token), self.tokens.get(token)) {
            (Some(position), _) => self.entry(position.bucket as usize).map(|_| Some(position)),
            (None, Some(known)) => self.position(&known.accepted.digest()),
            (None, None) => Err(StoreUnavailable),
        };
        found.map_err(|StoreUnavailable| Reason::StoreUnavailable)?.ok_or(Reason::UnknownTokenSubject)
    }

    /// What a token stands for, by its record as it is in the live bundle.
    fn token_record(&mut self, token: Handle, position: Position) -> Result<TokenRecord<'_>, Reason> {
        let Self { host, names, live, policy, organizations, cache, tokens, vault, missing, .. } = self;
        let shared = SharedParts { host: *host, names, live, missing };
        let entry = cache.get_mut(position.bucket as usize).ok_or(Reason::StoreUnavailable)?;
        let record =
            record(entry, position.index, shared, organizations, vault).map_err(|_| Reason::StoreUnavailable)?;
        if tokens.position(token).is_none() {
            let known = tokens.get(token).ok_or(Reason::StoreUnavailable)?;
            let scopes = known.accepted.scopes_of(&record, policy.write_implies_read());
            tokens.found(token, position, scopes);
        }
        let known = tokens.get(token).ok_or(Reason::StoreUnavailable)?;
        known.accepted.with_record(record, known.scopes())
    }
}

fn record<'s>(
    entry: &'s mut Entry,
    index: u32,
    mut shared: SharedParts<'_, impl Host>,
    organizations: &mut [Option<Vec<u8>>],
    vault: &'s mut Vault,
) -> Result<KeyRecord<'s>, StoreUnavailable> {
    let Entry { bytes, restrictions, .. } = entry;
    let stored = KeyBucket::open(bytes).and_then(|it| it.at(index as usize)).map_err(|_| StoreUnavailable)?;
    let organization = shared.organization(organizations, &stored.organization);
    let (organization_state, organization_limits) = organization.ok_or(StoreUnavailable)?;
    let restrictions = match stored.restrictions {
        None => None,
        Some((number, bytes)) => {
            let known = restrictions.binary_search_by_key(&number, |(known, _)| *known);
            let place = known.or_else(|place| {
                let set = read_restrictions(bytes).map_err(|_| StoreUnavailable)?;
                restrictions.insert(place, (number, set));
                Ok(place)
            })?;
            restrictions.get(place).map(|(_, set)| set)
        }
    };
    let skill = match restrictions.and_then(RestrictionSet::skill) {
        Some(id) => shared.skill(vault, id)?,
        None => None,
    };
    Ok(KeyRecord {
        id: stored.id,
        organization: stored.organization,
        organization_state,
        organization_limits,
        status: stored.status,
        expires_at: stored.expires_at,
        scopes: stored.scopes,
        restrictions,
        skill,
    })
}

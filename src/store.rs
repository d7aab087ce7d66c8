//! A worker's view of the shared bundle: the header it last saw, the policy, and key buckets read on demand.
//!
//! It reads shared memory and never writes it, the repair flag apart. Invariant: a key is looked up only in buckets
//! that carry the tag its header names; anything else is "unavailable", never "unknown".

use portcullis_bundle::{KeyBucket, OrganizationShard, read_policy, read_restrictions};
use portcullis_engine::{
    KeyDigest, KeyId, KeyRecord, KeyStatus, KeyStore, OrganizationId, OrganizationState, Policy, StoreUnavailable,
};

use crate::cache::{BucketCache, Entry};
use crate::host::{Expect, Host, Shared};
use crate::live::{Live, Names, Place, untagged};

/// A worker's view of the shared bundle.
#[derive(Debug)]
pub struct Store {
    names: Names,
    view: Option<View>,
    header_cas: u32,
    cache: BucketCache,
    /// Keys used in buckets that were evicted since last asked.
    evicted: Vec<KeyId>,
    /// A part was not where the header says. Parts that are there and cannot be read are the same when fetched again.
    missing: bool,
}

#[derive(Debug)]
struct View {
    live: Live,
    policy: Policy,
    /// Organisation shards read so far.
    organizations: Vec<Option<Vec<u8>>>,
}

/// What a look at the header showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// Nothing new.
    Unchanged,
    /// Another version is live now.
    NewVersion,
}

impl Store {
    /// Sees nothing yet.
    pub fn new(names: Names, cache_bytes: usize) -> Self {
        Self {
            names,
            view: None,
            header_cas: 0,
            cache: BucketCache::new(cache_bytes),
            evicted: Vec::new(),
            missing: false,
        }
    }

    /// What is live, as last seen.
    pub fn live(&self) -> Option<&Live> {
        self.view.as_ref().map(|view| &view.live)
    }

    /// Looks at the header and follows it. A header whose policy cannot be read is not followed.
    pub fn refresh(&mut self, host: &impl Host) -> Refresh {
        let Some(shared) = host.shared(&self.names.header()) else { return Refresh::Unchanged };
        if shared.cas == self.header_cas {
            return Refresh::Unchanged;
        }
        let Ok(live) = serde_json::from_slice::<Live>(&shared.value) else { return Refresh::Unchanged };
        self.header_cas = shared.cas;
        if let Some(view) = &mut self.view
            && view.live.version == live.version
            && view.live.has_parts_of(&live)
        {
            view.live.issued_at = live.issued_at;
            return Refresh::Unchanged;
        }
        self.follow(host, live).unwrap_or_else(|| {
            self.ask_for_repair(host);
            Refresh::Unchanged
        })
    }

    fn follow(&mut self, host: &impl Host, live: Live) -> Option<Refresh> {
        let policy = match self.view.take() {
            Some(view) if view.live.policy.tag == live.policy.tag => view.policy,
            old => {
                self.view = old;
                let shared = host.shared(&self.names.policy(&live.policy));
                let bytes = found(shared.as_ref(), &live.policy, &mut self.missing)?;
                read_policy(bytes).ok()?
            }
        };
        self.cache.drain_used(&mut self.evicted);
        self.cache.reset(live.layout.key_buckets());
        self.missing = false;
        let organizations = vec![None; live.organizations.len()];
        self.view = Some(View { live, policy, organizations });
        Some(Refresh::NewVersion)
    }

    /// The policy and the keys, to decide with; `None` if there is no bundle yet.
    pub fn parts_mut<'s, H: Host>(&'s mut self, host: &'s H) -> Option<(&'s Policy, Keys<'s, H>)> {
        let Self { names, view, cache, evicted, missing, .. } = self;
        let View { live, policy, organizations } = view.as_mut()?;
        Some((policy, Keys { host, names, live, organizations, cache, evicted, missing }))
    }

    /// Takes the names of keys used since last asked.
    pub fn drain_used(&mut self) -> Vec<KeyId> {
        self.cache.drain_used(&mut self.evicted);
        core::mem::take(&mut self.evicted)
    }

    /// Tells the leader if a part is missing.
    pub fn ask_for_repair(&mut self, host: &impl Host) {
        if core::mem::take(&mut self.missing) {
            // A lost race means that another VM asked.
            let _ = host.set_shared(&self.names.repair(), b"1", Expect::Anything);
        }
    }
}

/// The keys of the live bundle.
pub struct Keys<'s, H> {
    host: &'s H,
    names: &'s Names,
    live: &'s Live,
    organizations: &'s mut Vec<Option<Vec<u8>>>,
    cache: &'s mut BucketCache,
    evicted: &'s mut Vec<KeyId>,
    missing: &'s mut bool,
}

/// The bytes of a shared part if they are those the header means; notes if they are not.
fn found<'a>(shared: Option<&'a Shared>, place: &Place, missing: &mut bool) -> Option<&'a [u8]> {
    let bytes = shared.and_then(|shared| untagged(place, &shared.value));
    *missing |= bytes.is_none();
    bytes
}

impl<H: Host> Keys<'_, H> {
    fn load(&mut self, bucket: usize) -> Option<()> {
        let place = self.live.keys.get(bucket / self.live.layout.buckets_per_shard())?;
        let shared = self.host.shared(&self.names.bucket(&self.live.layout, place, bucket));
        let bytes = found(shared.as_ref(), place, self.missing)?.to_vec();
        KeyBucket::open(&bytes).ok()?;
        self.cache.insert(bucket, bytes, self.evicted);
        Some(())
    }
}

/// The state of an organisation; its shard is read the first time it is asked for.
fn organization_state(
    host: &impl Host,
    names: &Names,
    live: &Live,
    shards: &mut [Option<Vec<u8>>],
    missing: &mut bool,
    id: &OrganizationId,
) -> Option<OrganizationState> {
    let shard = live.layout.organization_shard_of(id);
    let slot = shards.get_mut(shard)?;
    if slot.is_none() {
        let place = live.organizations.get(shard)?;
        let shared = host.shared(&names.organizations(&live.layout, place, shard));
        *slot = Some(found(shared.as_ref(), place, missing)?.to_vec());
    }
    OrganizationShard::open(slot.as_deref()?).and_then(|it| it.state(id)).ok()
}

impl<H: Host> KeyStore for Keys<'_, H> {
    fn find(&mut self, digest: &KeyDigest) -> Result<Option<KeyRecord<'_>>, StoreUnavailable> {
        let bucket = self.live.layout.key_bucket_of(digest);
        if !self.cache.contains(bucket) && self.load(bucket).is_none() {
            return Err(StoreUnavailable);
        }
        let Self { host, names, live, organizations, cache, missing, .. } = self;
        let state = |id: &OrganizationId| organization_state(*host, names, live, organizations, missing, id);
        let entry = cache.get_mut(bucket).ok_or(StoreUnavailable)?;
        record(entry, digest, state)
    }
}

fn record<'e>(
    entry: &'e mut Entry,
    digest: &KeyDigest,
    organization_state: impl FnOnce(&OrganizationId) -> Option<OrganizationState>,
) -> Result<Option<KeyRecord<'e>>, StoreUnavailable> {
    let Entry { bytes, restrictions, used } = entry;
    let found = KeyBucket::open(bytes).and_then(|it| it.find(digest)).map_err(|_| StoreUnavailable)?;
    let Some(stored) = found else { return Ok(None) };
    let organization_state = organization_state(&stored.organization).ok_or(StoreUnavailable)?;
    if stored.status == KeyStatus::Active
        && let Some(flag) = used.get_mut(stored.index)
    {
        *flag = true;
    }
    let restrictions = match stored.restrictions {
        None => None,
        Some((number, bytes)) => {
            if !restrictions.iter().any(|(known, _)| *known == number) {
                restrictions.push((number, read_restrictions(bytes).map_err(|_| StoreUnavailable)?));
            }
            restrictions.iter().find(|(known, _)| *known == number).map(|(_, set)| set)
        }
    };
    Ok(Some(KeyRecord {
        id: stored.id,
        organization: stored.organization,
        organization_state,
        status: stored.status,
        expires_at: stored.expires_at,
        scopes: stored.scopes,
        restrictions,
    }))
}

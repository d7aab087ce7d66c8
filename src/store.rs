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
use crate::recent::{Position, Recent, RecentSecret};

/// A worker's view of the shared bundle.
#[derive(Debug)]
pub struct Store {
    names: Names,
    view: Option<View>,
    header_cas: u32,
    cache: BucketCache,
    recent: Recent,
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
    /// Sees nothing yet. Of `cache_bytes` up to half goes to remembering keys lately seen.
    pub fn new(names: Names, cache_bytes: usize, secret: RecentSecret) -> Self {
        Self {
            names,
            view: None,
            header_cas: 0,
            cache: BucketCache::new(cache_bytes),
            recent: Recent::new(Some(secret), cache_bytes / 2),
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
        self.recent.reset(live.key_count);
        self.missing = false;
        let organizations = vec![None; live.organizations.len()];
        self.view = Some(View { live, policy, organizations });
        Some(Refresh::NewVersion)
    }

    /// The policy and the keys, to decide with; `None` if there is no bundle yet.
    pub fn parts_mut<'s, H: Host>(&'s mut self, host: &'s H) -> Option<(&'s Policy, Keys<'s, H>)> {
        let Self { names, view, cache, recent, evicted, missing, .. } = self;
        let View { live, policy, organizations } = view.as_mut()?;
        Some((policy, Keys { host, names, live, organizations, cache, recent, evicted, missing }))
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
    recent: &'s mut Recent,
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
    /// Where a key's record stands, `None` if there is no such key.
    fn position(&mut self, digest: &KeyDigest) -> Result<Option<Position>, StoreUnavailable> {
        let bucket = self.live.layout.key_bucket_of(digest);
        let entry = self.entry(bucket)?;
        let found = KeyBucket::open(&entry.bytes).and_then(|it| it.find(digest)).map_err(|_| StoreUnavailable)?;
        let Some(stored) = found else { return Ok(None) };
        let (Ok(bucket), Ok(index)) = (bucket.try_into(), stored.index.try_into()) else {
            return Err(StoreUnavailable);
        };
        Ok(Some(Position { bucket, index }))
    }

    fn record(&mut self, position: Position) -> Result<KeyRecord<'_>, StoreUnavailable> {
        let bucket = position.bucket as usize;
        self.entry(bucket)?;
        let Self { host, names, live, organizations, cache, missing, .. } = self;
        let state = |id: &OrganizationId| organization_state(*host, names, live, organizations, missing, id);
        record(cache.get_mut(bucket).ok_or(StoreUnavailable)?, position.index, state)
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
        match self.position(digest)? {
            Some(position) => self.record(position).map(Some),
            None => Ok(None),
        }
    }

    fn find_presented(&mut self, key: &[u8]) -> Result<Option<KeyRecord<'_>>, StoreUnavailable> {
        let tag = self.recent.tag(key);
        if let Some(position) = tag.and_then(|tag| self.recent.get(tag)) {
            return self.record(position).map(Some);
        }
        let Some(position) = self.position(&KeyDigest::of(key))? else { return Ok(None) };
        if let Some(tag) = tag {
            self.recent.put(tag, position);
        }
        self.record(position).map(Some)
    }
}

fn record(
    entry: &mut Entry,
    index: u32,
    organization_state: impl FnOnce(&OrganizationId) -> Option<OrganizationState>,
) -> Result<KeyRecord<'_>, StoreUnavailable> {
    let Entry { bytes, restrictions, used } = entry;
    let stored = KeyBucket::open(bytes).and_then(|it| it.at(index as usize)).map_err(|_| StoreUnavailable)?;
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
    Ok(KeyRecord {
        id: stored.id,
        organization: stored.organization,
        organization_state,
        status: stored.status,
        expires_at: stored.expires_at,
        scopes: stored.scopes,
        restrictions,
    })
}

//! A worker's view of the shared bundle: the header it last saw, the policy, and key buckets read on demand.
//!
//! It reads shared memory and never writes it, the repair flag apart. Invariant: a key is looked up only in buckets
//! that carry the tag its header names; anything else is "unavailable", never "unknown".

mod keys;

use portcullis_bundle::read_policy;
use portcullis_engine::Policy;

use crate::cache::BucketCache;
use crate::host::{Expect, Host, Shared};
use crate::live::{Live, Names, Place, untagged};
use crate::recent::{Recent, RecentSecret};

pub use keys::Keys;

/// A worker's view of the shared bundle.
#[derive(Debug)]
pub struct Store {
    names: Names,
    view: Option<View>,
    header_cas: u32,
    cache: BucketCache,
    recent: Recent,
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
        self.cache.reset(live.layout.key_buckets());
        self.recent.reset(live.key_count);
        self.missing = false;
        let organizations = vec![None; live.organizations.len()];
        self.view = Some(View { live, policy, organizations });
        Some(Refresh::NewVersion)
    }

    /// The policy and the keys, to decide with; `None` if there is no bundle yet.
    pub fn parts_mut<'s, H: Host>(&'s mut self, host: &'s H) -> Option<(&'s Policy, Keys<'s, H>)> {
        let Self { names, view, cache, recent, missing, .. } = self;
        let View { live, policy, organizations } = view.as_mut()?;
        Some((policy, Keys { host, names, live, organizations, cache, recent, missing }))
    }

    /// Tells the leader if a part is missing.
    pub fn ask_for_repair(&mut self, host: &impl Host) {
        if core::mem::take(&mut self.missing) {
            // A lost race means that another VM asked.
            let _ = host.set_shared(&self.names.repair(), b"1", Expect::Anything);
        }
    }
}

/// The bytes of a shared part if they are those the header means; notes if they are not.
fn found<'a>(shared: Option<&'a Shared>, place: &Place, missing: &mut bool) -> Option<&'a [u8]> {
    let bytes = shared.and_then(|shared| untagged(place, &shared.value));
    *missing |= bytes.is_none();
    bytes
}

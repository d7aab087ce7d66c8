//! A worker's view of the shared bundle: the header it last saw, the policy, and key buckets read on demand.
//!
//! It reads shared memory and never writes it, the repair flag apart. Invariant: a key is looked up only in buckets
//! that carry the tag its header names; anything else is "unavailable", never "unknown".

mod keys;

use portcullis_bundle::{read_policy, read_tokens};
use portcullis_engine::Policy;
use portcullis_token::{Issuers, Succession};

use crate::cache::BucketCache;
use crate::config::CacheSizes;
use crate::forgeries::Forgeries;
use crate::host::{Expect, Host, Shared};
use crate::live::{Live, Names, Place, untagged};
use crate::recent::{Recent, RecentSecret};
use crate::tokens::Tokens;
use crate::vault::{EdgeKeys, Vault};

pub use keys::Keys;

/// A worker's view of the shared bundle.
#[derive(Debug)]
pub struct Store {
    names: Names,
    view: Option<View>,
    header_cas: u32,
    cache: BucketCache,
    recent: Recent,
    tokens: Tokens,
    forgeries: Forgeries,
    vault: Vault,
    /// A part was not where the header says. Parts that are there and cannot be read are the same when fetched again.
    missing: bool,
}

#[derive(Debug)]
struct View {
    live: Live,
    policy: Policy,
    /// Whose access tokens count.
    issuers: Option<Issuers>,
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
    /// Sees nothing yet. Remembering keys lately seen takes up to half as much again as the buckets.
    pub fn new(names: Names, sizes: CacheSizes, secret: RecentSecret, keys: EdgeKeys) -> Self {
        Self {
            names,
            view: None,
            header_cas: 0,
            cache: BucketCache::new(sizes.keys),
            recent: Recent::new(secret, sizes.keys / 2),
            tokens: Tokens::new(sizes.tokens),
            forgeries: Forgeries::default(),
            vault: Vault::new(keys),
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
        let old = self.view.as_ref().map(|View { live, .. }| (live.policy.tag, live.tokens.map(|it| it.tag)));
        // What changed is read before the old view is let go of: if it cannot be, that one stays.
        let policy = match old {
            Some((old, _)) if old == live.policy.tag => None,
            _ => Some(read_policy(&self.read(host, &self.names.policy(&live.policy), &live.policy)?).ok()?),
        };
        let issuers = match live.tokens {
            Some(place) if old.and_then(|(_, tokens)| tokens) != Some(place.tag) => {
                Some(Some(read_tokens(&self.read(host, &self.names.tokens(&place), &place)?).ok()?))
            }
            Some(_) => None,
            None => Some(None),
        };
        let old = self.view.take();
        let organizations = self.keep_unchanged(old.as_ref(), &live);
        let (old_policy, old_issuers) = old.map(|view| (view.policy, view.issuers)).unzip();
        let (policy, old_issuers) = (policy.or(old_policy)?, old_issuers.flatten());
        let issuers = match issuers {
            Some(issuers) => {
                self.change_issuers(old_issuers.as_ref(), issuers.as_ref());
                issuers
            }
            None => old_issuers,
        };
        self.tokens.next_generation();
        let (names, shards) = (&self.names, live.skills.len());
        self.vault.follow(&live.skills, |shard, place| {
            let shared = host.shared(&names.skills(shards, place, shard))?;
            untagged(place, &shared.value).map(<[u8]>::to_vec)
        });
        self.missing = false;
        self.view = Some(View { live, policy, issuers, organizations });
        Some(Refresh::NewVersion)
    }

    /// Forgets what is not in `live` as it was. What stands under the same tag in the same place is the same. Returns the
    /// organisation shards that still count.
    fn keep_unchanged(&mut self, old: Option<&View>, live: &Live) -> Vec<Option<Vec<u8>>> {
        let unchanged: Option<Vec<bool>> = old
            .map(|it| &it.live)
            .filter(|it| it.same_key_layout(&live.layout))
            .map(|old| live.keys.iter().zip(&old.keys).map(|(new, old)| new == old).collect());
        let per_shard = live.layout.buckets_per_shard();
        let is_same = |bucket: usize| {
            unchanged.as_ref().and_then(|it| it.get(bucket / per_shard)).is_some_and(|is_unchanged| *is_unchanged)
        };
        self.cache.follow(live.layout.key_buckets(), is_same);
        self.recent.follow(live.key_count, |position| is_same(position.bucket as usize));
        let old = old.filter(|it| it.live.same_organization_layout(&live.layout));
        let kept = |shard: usize, place: &Place| {
            let old = old.filter(|old| old.live.organizations.get(shard) == Some(place))?;
            old.organizations.get(shard)?.clone()
        };
        live.organizations.iter().enumerate().map(|(shard, place)| kept(shard, place)).collect()
    }

    /// What is vouched for no more counts no more.
    fn change_issuers(&mut self, old: Option<&Issuers>, new: Option<&Issuers>) {
        match (old, new) {
            (Some(old), Some(new)) => self.tokens.succeed(&Succession::new(old, new)),
            _ => self.tokens.clear(),
        }
    }

    /// The bytes of a part; notes if it is not there.
    fn read(&mut self, host: &impl Host, name: &str, place: &Place) -> Option<Vec<u8>> {
        found(host.shared(name).as_ref(), place, &mut self.missing).map(<[u8]>::to_vec)
    }

    /// The policy and the keys, to decide with; `None` if there is no bundle yet.
    pub fn parts_mut<'s, H: Host>(&'s mut self, host: &'s H) -> Option<(&'s Policy, Keys<'s, H>)> {
        let Self { names, view, cache, recent, tokens, forgeries, vault, missing, .. } = self;
        let View { live, policy, issuers, organizations } = view.as_mut()?;
        let (policy, issuers) = (&*policy, issuers.as_ref());
        Some((
            policy,
            Keys {
                host,
                names,
                live,
                policy,
                issuers,
                organizations,
                cache,
                recent,
                tokens,
                forgeries,
                vault,
                missing,
            },
        ))
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

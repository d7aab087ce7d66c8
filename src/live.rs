//! The shared header: which version is live and under which names its parts stand in shared memory.
//!
//! Parts are written beside the live ones (each shard has two slots) and become visible by one write, of this header.
//! Invariant: whoever holds a header finds exactly the blobs it names, or nothing.

use std::rc::Rc;

use portcullis_bundle::{BlobDigest, Layout, Manifest};
use serde::{Deserialize, Serialize};

/// Where a shard or the policy stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Which of the two slots.
    pub slot: u8,
    /// The leading bytes of its digest: each shared value carries them too, so that a stray write is noticed.
    pub tag: u64,
}

/// What is live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// The bundle's version.
    pub version: u64,
    /// When the control plane last vouched for it, in Unix seconds.
    pub issued_at: u64,
    /// How keys and organisations are divided.
    pub layout: Layout,
    /// Keys in the bundle.
    pub key_count: u64,
    /// The policy.
    pub policy: Place,
    /// Whose access tokens count, if any do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Place>,
    /// Shards of skills.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<Place>,
    /// Organisation shards.
    pub organizations: Vec<Place>,
    /// Key shards.
    pub keys: Vec<Place>,
}

/// A digest's leading bytes.
pub fn tag(digest: &BlobDigest) -> u64 {
    digest.as_bytes().first_chunk::<8>().map_or(0, |head| u64::from_le_bytes(*head))
}

impl Live {
    /// The header of `manifest` written beside `old`: unchanged parts stay where they are, others go to the other slot.
    pub fn beside(manifest: &Manifest, old: Option<&Live>) -> Self {
        let same_keys = old.filter(|it| it.same_key_layout(&manifest.layout));
        let keys = same_keys.map(|live| live.keys.as_slice()).unwrap_or_default();
        let same_organizations = old.filter(|it| it.same_organization_layout(&manifest.layout));
        let organizations = same_organizations.map(|live| live.organizations.as_slice()).unwrap_or_default();
        let same_skills = old.filter(|it| it.skills.len() == manifest.skills.len());
        let skills = same_skills.map(|live| live.skills.as_slice()).unwrap_or_default();
        let places = |blobs: &[portcullis_bundle::BlobRef], old: &[Place]| {
            blobs.iter().enumerate().map(|(index, blob)| place(&blob.digest, old.get(index))).collect()
        };
        Self {
            version: manifest.version,
            issued_at: manifest.issued_at,
            layout: manifest.layout,
            key_count: manifest.key_count,
            policy: place(&manifest.policy.digest, old.map(|live| &live.policy)),
            tokens: manifest.tokens.map(|it| place(&it.digest, old.and_then(|live| live.tokens.as_ref()))),
            skills: places(&manifest.skills, skills),
            organizations: places(&manifest.organizations, organizations),
            keys: places(&manifest.keys, keys),
        }
    }
}

impl Live {
    /// Whether keys are divided in the same way.
    pub fn same_key_layout(&self, layout: &Layout) -> bool {
        (self.layout.key_shard_bits, self.layout.key_bucket_bits) == (layout.key_shard_bits, layout.key_bucket_bits)
    }

    /// Whether organisations are divided in the same way.
    pub fn same_organization_layout(&self, layout: &Layout) -> bool {
        self.layout.organization_shard_bits == layout.organization_shard_bits
    }

    /// Whether it is the same bundle in the same places, whenever it was vouched for.
    pub fn has_parts_of(&self, other: &Live) -> bool {
        let parts = |it: &Live| (it.layout, it.key_count, it.policy, it.tokens);
        parts(self) == parts(other)
            && self.skills == other.skills
            && self.organizations == other.organizations
            && self.keys == other.keys
    }

    /// The same places under tags that nothing has, so that everything counts as changed.
    pub fn distrusted(mut self) -> Self {
        let alone = core::iter::once(&mut self.policy).chain(&mut self.tokens);
        let places = alone.chain(&mut self.skills).chain(&mut self.organizations).chain(&mut self.keys);
        places.for_each(|place| place.tag = !place.tag);
        self
    }

    /// Where its parts stand.
    pub fn spots(&self) -> Vec<Spot> {
        let mut spots = vec![Spot::Policy { slot: self.policy.slot }];
        spots.extend(self.tokens.iter().map(|place| Spot::Tokens { slot: place.slot }));
        let shards = self.skills.len();
        let slots = |places: &[Place]| places.iter().map(|place| place.slot).enumerate().collect::<Vec<_>>();
        for (shard, slot) in slots(&self.skills) {
            spots.push(Spot::Skills { shards, slot, shard });
        }
        let Layout { key_shard_bits, key_bucket_bits, organization_shard_bits } = self.layout;
        for (shard, slot) in slots(&self.organizations) {
            spots.push(Spot::Organizations { organization_shard_bits, slot, shard });
        }
        for (shard, slot) in slots(&self.keys) {
            spots.push(Spot::Keys { key_shard_bits, key_bucket_bits, slot, shard });
        }
        spots
    }

    /// Whether one of its parts stands there.
    pub fn stands_at(&self, spot: &Spot) -> bool {
        let is = |place: Option<&Place>, slot: u8| place.is_some_and(|place| place.slot == slot);
        let layout = &self.layout;
        match *spot {
            Spot::Policy { slot } => is(Some(&self.policy), slot),
            Spot::Tokens { slot } => is(self.tokens.as_ref(), slot),
            Spot::Skills { shards, slot, shard } => shards == self.skills.len() && is(self.skills.get(shard), slot),
            Spot::Organizations { organization_shard_bits, slot, shard } => {
                organization_shard_bits == layout.organization_shard_bits && is(self.organizations.get(shard), slot)
            }
            Spot::Keys { key_shard_bits, key_bucket_bits, slot, shard } => {
                (key_shard_bits, key_bucket_bits) == (layout.key_shard_bits, layout.key_bucket_bits)
                    && is(self.keys.get(shard), slot)
            }
        }
    }
}

/// Where a part stands, whatever stands there: one shared value, or a bucket each of a key shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of a layout and of a place")]
pub enum Spot {
    /// The policy.
    Policy { slot: u8 },
    /// Whose access tokens count.
    Tokens { slot: u8 },
    /// A shard of skills.
    Skills { shards: usize, slot: u8, shard: usize },
    /// A shard of organisations.
    Organizations { organization_shard_bits: u8, slot: u8, shard: usize },
    /// A shard of keys.
    Keys { key_shard_bits: u8, key_bucket_bits: u8, slot: u8, shard: usize },
}

impl Spot {
    /// The names of its values.
    pub fn names(&self, names: &Names) -> Vec<String> {
        let at = |slot| Place { slot, tag: 0 };
        match *self {
            Self::Policy { slot } => vec![names.policy(&at(slot))],
            Self::Tokens { slot } => vec![names.tokens(&at(slot))],
            Self::Skills { shards, slot, shard } => vec![names.skills(shards, &at(slot), shard)],
            Self::Organizations { organization_shard_bits, slot, shard } => {
                let layout = Layout { organization_shard_bits, ..Layout::default() };
                vec![names.organizations(&layout, &at(slot), shard)]
            }
            Self::Keys { key_shard_bits, key_bucket_bits, slot, shard } => {
                let layout = Layout { key_shard_bits, key_bucket_bits, ..Layout::default() };
                let per_shard = layout.buckets_per_shard();
                let buckets = shard * per_shard..(shard + 1) * per_shard;
                buckets.map(|bucket| names.bucket(&layout, &at(slot), bucket)).collect()
            }
        }
    }
}

fn place(digest: &BlobDigest, old: Option<&Place>) -> Place {
    let tag = tag(digest);
    match old {
        Some(old) if old.tag == tag => *old,
        Some(old) => Place { slot: 1 - old.slot.min(1), tag },
        None => Place { slot: 0, tag },
    }
}

/// The names of shared values, under a prefix of this plugin's own.
#[derive(Clone, Debug)]
pub struct Names {
    prefix: Rc<str>,
}

impl Names {
    /// Names under an identity; two plugins with different identities never meet.
    pub fn new(identity: &BlobDigest) -> Self {
        Self { prefix: format!("portcullis.{:016x}.", tag(identity)).into() }
    }

    /// The header.
    pub fn header(&self) -> String {
        self.name("header")
    }

    /// The signed manifest that the header was made from.
    pub fn manifest(&self) -> String {
        self.name("manifest")
    }

    /// The leader's lease.
    pub fn lease(&self) -> String {
        self.name("lease")
    }

    /// The counter that numbers VMs.
    pub fn counter(&self) -> String {
        self.name("counter")
    }

    /// Set when a part was found missing or under another tag: the leader fetches everything again.
    pub fn repair(&self) -> String {
        self.name("repair")
    }

    /// The process' name towards the control plane.
    pub fn boot(&self) -> String {
        self.name("boot")
    }

    /// The number of the last call about leases.
    pub fn calls(&self) -> String {
        self.name("calls")
    }

    /// How long leases may be spent, and whether the process is to be stopped.
    pub fn validity(&self) -> String {
        self.name("validity")
    }

    /// The bundle version up to which floors are there.
    pub fn floors(&self) -> String {
        self.name("floors")
    }

    /// Which slots of meters are in use.
    pub fn meters_in_use(&self) -> String {
        self.name("quotas")
    }

    /// A slot of meters.
    pub fn meters(&self, slot: u64) -> String {
        format!("{}quota.{slot}", self.prefix)
    }

    /// A slot of rate limits.
    pub fn rates(&self, slot: u64) -> String {
        format!("{}rate.{slot}", self.prefix)
    }

    /// What a VM has counted and nobody has acknowledged.
    pub fn usage(&self, vm: u64) -> String {
        format!("{}usage.{vm}", self.prefix)
    }

    /// When a VM last showed that it lives; empty once another has its counts.
    pub fn alive(&self, vm: u64) -> String {
        format!("{}alive.{vm}", self.prefix)
    }

    /// The policy.
    pub fn policy(&self, place: &Place) -> String {
        format!("{}policy.{}", self.prefix, place.slot)
    }

    /// Whose access tokens count.
    pub fn tokens(&self, place: &Place) -> String {
        format!("{}tokens.{}", self.prefix, place.slot)
    }

    /// One of so many shards of skills.
    pub fn skills(&self, shards: usize, place: &Place, shard: usize) -> String {
        format!("{}skl.{shards}.{}.{shard}", self.prefix, place.slot)
    }

    /// An organisation shard.
    pub fn organizations(&self, layout: &Layout, place: &Place, shard: usize) -> String {
        format!("{}org.{}.{}.{shard}", self.prefix, layout.organization_shard_bits, place.slot)
    }

    /// A key bucket, counted over the whole bundle.
    pub fn bucket(&self, layout: &Layout, place: &Place, bucket: usize) -> String {
        format!("{}key.{}.{}.{}.{bucket}", self.prefix, layout.key_shard_bits, layout.key_bucket_bits, place.slot)
    }

    fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

/// A part as shared: its shard's tag, then its bytes.
pub fn tagged(place: &Place, bytes: &[u8]) -> Vec<u8> {
    [&place.tag.to_le_bytes(), bytes].concat()
}

/// A shared part's bytes, if they are those the header means.
pub fn untagged<'a>(place: &Place, value: &'a [u8]) -> Option<&'a [u8]> {
    value.strip_prefix(&place.tag.to_le_bytes())
}

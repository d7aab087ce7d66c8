//! Skills and the values of their secrets, as far as keys of this worker have used them.
//!
//! A skill is read and its secrets are opened when a key of it is first used, and then no more until its shard changes: then
//! they are dropped, which wipes them, before the new version decides anything. Invariants: a value is in the memory of this VM
//! alone, never in what VMs share; what cannot be opened is there as unreadable, never as missing.

use std::rc::Rc;

use portcullis_bundle::{SealedSecret, SkillShard, skill_shard_of};
use portcullis_engine::{SecretState, SecretValue, Skill, SkillId, SkillSecret, StoreUnavailable};
use portcullis_seal::{PrivateKey, Purpose};

use crate::hash::IdMap;
use crate::live::Place;

/// More skills than a worker keeps open; then it starts over.
const MOST: usize = 4096;
/// And more bytes of values.
const MOST_BYTES: usize = 4 << 20;

/// What opens secrets here: the private halves of the edges' keys. Cheap to clone; prints redacted.
#[derive(Clone, Debug)]
pub struct EdgeKeys(Rc<[PrivateKey]>);

impl EdgeKeys {
    /// None, or several while they are exchanged.
    pub fn new(keys: Vec<PrivateKey>) -> Self {
        Self(keys.into())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Opens a secret with whichever key it is sealed to, if it is what the skill's organisation sealed under that name.
    pub fn open(&self, secret: SealedSecret<'_>) -> SecretState {
        let SealedSecret { id, organization, name, boxes } = secret;
        let organization = organization.to_text();
        let purpose = Purpose { organization: organization.as_str(), name };
        let key = |name| self.0.iter().find(|key| *key.public().name().as_bytes() == name);
        let value = boxes.iter().find_map(|(name, sealed)| purpose.open(key(name)?, sealed));
        let value = value.and_then(|mut plain| SecretValue::new(core::mem::take(&mut *plain)));
        value.map_or(SecretState::Unreadable(id), |value| SecretState::Open(id, value))
    }
}

/// The skills that were used, with their secrets open.
#[derive(Debug)]
pub struct Vault {
    keys: EdgeKeys,
    /// Where the shards of the live version stand.
    places: Vec<Place>,
    /// `None`: there is no such skill.
    skills: IdMap<SkillId, Option<Skill>>,
    /// Bytes of their values.
    bytes: usize,
}

impl Vault {
    /// Empty.
    pub fn new(keys: EdgeKeys) -> Self {
        Self { keys, places: Vec::new(), skills: IdMap::default(), bytes: 0 }
    }

    /// Another version is live: forgets the skills whose shards are others in it.
    pub fn follow(&mut self, places: &[Place]) {
        let (old, count) = (core::mem::replace(&mut self.places, places.to_vec()), places.len());
        let is_same = |shard: usize| old.len() == count && old.get(shard) == places.get(shard);
        self.skills.retain(|id, _| is_same(skill_shard_of(id, count)));
        self.bytes = self.skills.values().flatten().map(size).sum();
    }

    /// A skill; `read` gives the bytes of its shard if it was not used before.
    pub fn skill(
        &mut self,
        id: SkillId,
        read: impl FnOnce(usize, &Place) -> Option<Vec<u8>>,
    ) -> Result<Option<&Skill>, StoreUnavailable> {
        if !self.skills.contains_key(&id) {
            let skill = self.find(id, read)?;
            let size = skill.as_ref().map_or(0, size);
            if self.skills.len() >= MOST || self.bytes + size > MOST_BYTES {
                self.skills.clear();
                self.bytes = 0;
            }
            self.bytes += size;
            self.skills.insert(id, skill);
        }
        Ok(self.skills.get(&id).and_then(Option::as_ref))
    }

    /// Not inlined: it runs once for each skill and version.
    #[inline(never)]
    fn find(
        &self,
        id: SkillId,
        read: impl FnOnce(usize, &Place) -> Option<Vec<u8>>,
    ) -> Result<Option<Skill>, StoreUnavailable> {
        let shard = skill_shard_of(&id, self.places.len());
        let Some(place) = self.places.get(shard) else { return Ok(None) };
        let bytes = read(shard, place).ok_or(StoreUnavailable)?;
        let shard = SkillShard::open(&bytes).map_err(|_| StoreUnavailable)?;
        shard.find(&id, |secret| self.keys.open(secret)).map_err(|_| StoreUnavailable)
    }
}

/// Bytes of a skill's values.
fn size(skill: &Skill) -> usize {
    let value = |secret: &SkillSecret| match &secret.state {
        SecretState::Open(_, value) => value.expose().len(),
        SecretState::Missing | SecretState::Sealed(_) | SecretState::Unreadable(_) => 0,
    };
    skill.secrets.iter().map(value).sum()
}

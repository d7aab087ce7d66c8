//! Skills and the values of their secrets, as far as keys of this worker have used them.
//!
//! A skill is read and its secrets are opened when a key of it is first used, and then no more until its shard changes: then
//! they are dropped, which wipes them, before the new version decides anything. Invariants: a value is in the memory of this VM
//! alone, never in what VMs share; what cannot be opened is there as unreadable, never as missing.

use std::rc::Rc;

use portcullis_bundle::{Boxes, SkillShard, skill_shard_of};
use portcullis_engine::{SecretId, SecretState, SecretValue, Skill, SkillId, StoreUnavailable};
use portcullis_seal::PrivateKey;

use crate::hash::IdMap;
use crate::live::Place;

/// More skills than a worker keeps open; then it starts over.
const MOST: usize = 4096;

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

    /// Opens a secret with whichever key it is sealed to.
    pub fn open(&self, id: SecretId, boxes: Boxes<'_>) -> SecretState {
        let key = |name| self.0.iter().find(|key| *key.public().name().as_bytes() == name);
        let value = boxes.iter().find_map(|(name, sealed)| key(name)?.open(sealed));
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
}

impl Vault {
    /// Empty.
    pub fn new(keys: EdgeKeys) -> Self {
        Self { keys, places: Vec::new(), skills: IdMap::default() }
    }

    /// Another version is live: forgets the skills whose shards are others in it.
    pub fn follow(&mut self, places: &[Place]) {
        let (old, count) = (core::mem::replace(&mut self.places, places.to_vec()), places.len());
        let is_same = |shard: usize| old.len() == count && old.get(shard) == places.get(shard);
        self.skills.retain(|id, _| is_same(skill_shard_of(id, count)));
    }

    /// A skill; `read` gives the bytes of its shard if it was not used before.
    pub fn skill(
        &mut self,
        id: SkillId,
        read: impl FnOnce(usize, &Place) -> Option<Vec<u8>>,
    ) -> Result<Option<&Skill>, StoreUnavailable> {
        if !self.skills.contains_key(&id) {
            let skill = self.find(id, read)?;
            if self.skills.len() >= MOST {
                self.skills.clear();
            }
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
        shard.find(&id, |secret, boxes| self.keys.open(secret, boxes)).map_err(|_| StoreUnavailable)
    }
}

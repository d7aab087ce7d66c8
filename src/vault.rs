//! Skills and the values of their secrets, as far as keys of this worker have used them.
//!
//! A skill is read and its secrets are opened when a key of it is first used, and then no more until its shard changes: then
//! what is in another box is wiped and opened anew, before the new version decides anything. Invariants: a value is in the memory of this VM
//! alone, never in what VMs share; what cannot be opened is there as unreadable, never as missing.

use std::collections::BTreeMap;
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

    /// What their public halves are called. Written as numbers of VMs are, since what writes those is in the module anyway.
    pub fn names(&self) -> Vec<String> {
        let name = |key: &PrivateKey| format!("{:016x}", u64::from_be_bytes(*key.public().name().as_bytes()));
        self.0.iter().map(name).collect()
    }

    /// The beginning of the box that would be opened.
    fn print(&self, secret: &SealedSecret<'_>) -> Option<Print> {
        let is_ours = |name: &[u8; 8]| self.0.iter().any(|key| key.public().name().as_bytes() == name);
        let (_, sealed) = secret.boxes.iter().find(|(name, _)| is_ours(name))?;
        sealed.first_chunk().copied()
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

/// A skill, and the beginning of the box that each of its secrets was in: another box begins otherwise.
#[derive(Debug)]
struct Opened {
    skill: Skill,
    boxes: Vec<Option<Print>>,
}

/// A box's ephemeral key and tag.
type Print = [u8; 48];

/// The skills that were used, with their secrets open.
#[derive(Debug)]
pub struct Vault {
    keys: EdgeKeys,
    /// Where the shards of the live version stand.
    places: Vec<Place>,
    /// `None`: there is no such skill.
    skills: IdMap<SkillId, Option<Opened>>,
    /// Bytes of their values.
    bytes: usize,
}

impl Vault {
    /// Empty.
    pub fn new(keys: EdgeKeys) -> Self {
        Self { keys, places: Vec::new(), skills: IdMap::default(), bytes: 0 }
    }

    /// Another version is live: looks at the skills again whose shards are others in it, so that no request has to wait for that. Values
    /// whose boxes are others are wiped, those whose boxes are the same need not be opened again.
    pub fn follow(&mut self, places: &[Place], read: impl Fn(usize, &Place) -> Option<Vec<u8>>) {
        let (old, count) = (core::mem::replace(&mut self.places, places.to_vec()), places.len());
        let is_same = |shard: usize| old.len() == count && old.get(shard) == places.get(shard);
        let changed = |id: &SkillId| Some(skill_shard_of(id, count)).filter(|shard| !is_same(*shard));
        let stale: Vec<_> = self.skills.keys().filter_map(|id| Some((changed(id)?, *id))).collect();
        let mut shards: BTreeMap<usize, Option<Vec<u8>>> = BTreeMap::new();
        for (shard, id) in stale {
            let before = self.skills.remove(&id).flatten();
            let bytes = || places.get(shard).and_then(|place| read(shard, place));
            let bytes = shards.entry(shard).or_insert_with(bytes).as_deref();
            // What cannot be read now is read when it is asked for.
            if let (Some(bytes), Some(before)) = (bytes, before)
                && let Ok(Some(opened)) = self.open(bytes, id, Some(&before))
            {
                self.skills.insert(id, Some(opened));
            }
        }
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
        Ok(self.skills.get(&id).and_then(Option::as_ref).map(|opened| &opened.skill))
    }

    /// Not inlined: it runs once for each skill and version.
    #[inline(never)]
    fn find(
        &self,
        id: SkillId,
        read: impl FnOnce(usize, &Place) -> Option<Vec<u8>>,
    ) -> Result<Option<Opened>, StoreUnavailable> {
        let shard = skill_shard_of(&id, self.places.len());
        let Some(place) = self.places.get(shard) else { return Ok(None) };
        let bytes = read(shard, place).ok_or(StoreUnavailable)?;
        self.open(&bytes, id, None)
    }

    /// A skill out of its shard's bytes, with the values that were open `before` in the same boxes.
    fn open(&self, bytes: &[u8], id: SkillId, before: Option<&Opened>) -> Result<Option<Opened>, StoreUnavailable> {
        let shard = SkillShard::open(bytes).map_err(|_| StoreUnavailable)?;
        let mut boxes = Vec::new();
        let open = |secret: SealedSecret<'_>| {
            let print = self.keys.print(&secret);
            let known = before.and_then(|it| it.state_of(&secret, print?));
            boxes.push((secret.name.to_owned(), print));
            known.unwrap_or_else(|| self.keys.open(secret))
        };
        let Some(skill) = shard.find(&id, open).map_err(|_| StoreUnavailable)? else { return Ok(None) };
        let print = |secret: &SkillSecret| boxes.iter().find(|(name, _)| **name == *secret.name)?.1;
        let boxes = skill.secrets.iter().map(print).collect();
        Ok(Some(Opened { skill, boxes }))
    }
}

impl Opened {
    /// What became of that secret before, if it was in that box and under that name.
    fn state_of(&self, secret: &SealedSecret<'_>, print: Print) -> Option<SecretState> {
        let known = self.skill.secrets.iter().zip(&self.boxes);
        let same = |(it, known): &(&SkillSecret, &Option<Print>)| {
            it.state.id() == Some(secret.id) && *it.name == *secret.name && **known == Some(print)
        };
        known.into_iter().find(same).map(|(it, _)| it.state.clone())
    }
}

/// Bytes of a skill's values.
fn size(opened: &Opened) -> usize {
    let value = |secret: &SkillSecret| match &secret.state {
        SecretState::Open(_, value) => value.expose().len(),
        SecretState::Missing | SecretState::Sealed(_) | SecretState::Unreadable(_) => 0,
    };
    opened.skill.secrets.iter().map(value).sum()
}

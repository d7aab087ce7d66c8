//! What edges told, on its way into the database.
//!
//! Invariants: everything in here adds up or takes the later, so that it may be merged in any order; what a numbered batch
//! holds is kept apart from all else until the database has said whether it was added before.

use std::collections::BTreeMap;

use async_trait::async_trait;
use portcullis_engine::{KeyId, SecretId};

use super::{DenialRow, Heard, Seen, Sighting, StoreError, Used, UsedFor};

/// Adding what edges told.
#[async_trait]
pub(crate) trait Intake {
    /// Adds all of it or nothing, but of batches only those that were not added before. It is durable when this returns.
    /// Of keys that do not exist nothing is kept.
    async fn take_in(&self, portion: &Portion) -> Result<TakenIn, StoreError>;
}

/// What edges told, ready to be stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Noted {
    /// Of edges.
    pub heard: Heard,
    /// When keys were last used, in Unix seconds.
    pub uses: BTreeMap<KeyId, u64>,
    /// When secrets were last used, in Unix seconds.
    pub secrets: BTreeMap<SecretId, u64>,
    /// Requests that were let through and are told of.
    pub seen: BTreeMap<Sighting, Seen>,
    /// Requests that were refused.
    pub denials: Vec<DenialRow>,
    /// What keys did.
    pub usage: BTreeMap<UsedFor, Used>,
}

/// The row that a batch stands in: one VM's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stream {
    /// The edge.
    pub edge: String,
    /// The run of its process.
    pub boot: String,
    /// The VM.
    pub vm: String,
}

/// A numbered batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// When it was last heard, in Unix seconds.
    pub at: u64,
    /// What is so however often it is told.
    pub present: Heard,
    /// What counts once.
    pub noted: Noted,
}

/// What is written at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Portion {
    /// Of edges that number nothing.
    pub noted: Noted,
    /// By stream and number.
    pub batches: BTreeMap<(Stream, u64), Batch>,
}

impl Portion {
    /// Takes the second half out of it; `None` if it is one batch or one row.
    pub(crate) fn halve(&mut self) -> Option<Self> {
        if self.batches.is_empty() {
            let first = self.noted.halve()?;
            let noted = std::mem::replace(&mut self.noted, first);
            return Some(Self { noted, ..Self::default() });
        }
        if self.noted != Noted::default() {
            return Some(Self { noted: std::mem::take(&mut self.noted), ..Self::default() });
        }
        let middle = self.batches.keys().nth(self.batches.len().div_ceil(2))?.clone();
        Some(Self { batches: self.batches.split_off(&middle), ..Self::default() })
    }
}

/// What became of a portion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TakenIn {
    /// Batches that were added.
    pub applied: u64,
    /// Batches that had been added before.
    pub repeated: u64,
    /// Requests of keys that do not exist.
    pub strangers: u64,
}

impl Noted {
    /// About how many rows it takes.
    pub(crate) fn len(&self) -> usize {
        self.uses.len() + self.secrets.len() + self.seen.len() + self.denials.len() + self.usage.len()
    }

    /// A key was used.
    pub(crate) fn used(&mut self, key: KeyId, time: u64) {
        let last = self.uses.entry(key).or_default();
        *last = time.max(*last);
    }

    /// A secret was used.
    pub(crate) fn used_secret(&mut self, secret: SecretId, time: u64) {
        let last = self.secrets.entry(secret).or_default();
        *last = time.max(*last);
    }

    /// Something was seen.
    pub(crate) fn saw(&mut self, sighting: Sighting, seen: Seen) {
        self.seen.entry(sighting).and_modify(|it| it.absorb(seen)).or_insert(seen);
    }

    /// A key did something.
    pub(crate) fn did(&mut self, what: UsedFor, used: Used) {
        self.usage.entry(what).or_default().add(used);
    }

    /// Adds what was told after it.
    pub(crate) fn absorb(&mut self, later: Self) {
        self.heard.absorb(later.heard);
        later.uses.into_iter().for_each(|(key, time)| self.used(key, time));
        later.secrets.into_iter().for_each(|(secret, time)| self.used_secret(secret, time));
        later.seen.into_iter().for_each(|(sighting, seen)| self.saw(sighting, seen));
        self.denials.extend(later.denials);
        later.usage.into_iter().for_each(|(what, used)| self.did(what, used));
    }

    /// Takes the first half out of it, with what was heard of edges; `None` if that would be all or nothing.
    fn halve(&mut self) -> Option<Self> {
        let is_whole = self.len() == 0 || self.len() == 1 && self.heard == Heard::default();
        (!is_whole).then(|| self.take(self.len() / 2))
    }

    /// Takes so many rows out of it, and all of what was heard of edges.
    pub(crate) fn take(&mut self, mut most: usize) -> Self {
        let denials: Vec<_> = self.denials.drain(..self.denials.len().min(most)).collect();
        most -= denials.len();
        Self {
            heard: std::mem::take(&mut self.heard),
            uses: first(&mut self.uses, &mut most),
            secrets: first(&mut self.secrets, &mut most),
            seen: first(&mut self.seen, &mut most),
            usage: first(&mut self.usage, &mut most),
            denials,
        }
    }
}

/// Takes entries out of a map, as long as there is room.
fn first<K: Ord, V>(map: &mut BTreeMap<K, V>, room: &mut usize) -> BTreeMap<K, V> {
    let mut taken = BTreeMap::new();
    while *room > 0
        && let Some((key, value)) = map.pop_first()
    {
        taken.insert(key, value);
        *room -= 1;
    }
    taken
}

//! What was heard and is not written yet.
//!
//! Invariant: each part is written in short transactions and let go of once it is written, so nothing is written twice.

use std::collections::BTreeMap;

use portcullis_engine::KeyId;

use crate::store::{DenialRow, Heard, Seen, Sighting, Store, StoreError};

/// A transaction with so many updates does not keep other writers waiting.
const AT_ONCE: usize = 500;
/// More is not collected before it is written.
const FULL: usize = 20_000;

#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) heard: Heard,
    /// When keys were last used, in Unix seconds.
    pub(super) uses: BTreeMap<KeyId, u64>,
    pub(super) seen: BTreeMap<Sighting, Seen>,
    pub(super) denials: Vec<DenialRow>,
}

impl Pending {
    /// Whether it has to be written before more is taken in.
    pub(super) fn is_full(&self) -> bool {
        self.uses.len() + self.seen.len() + self.denials.len() > FULL
    }

    pub(super) fn used(&mut self, key: KeyId, time: u64) {
        let last = self.uses.entry(key).or_default();
        *last = time.max(*last);
    }

    pub(super) fn saw(&mut self, sighting: Sighting, seen: Seen) {
        self.seen.entry(sighting).and_modify(|it| it.absorb(seen)).or_insert(seen);
    }

    /// Adds what was heard after it.
    pub(super) fn absorb(&mut self, later: Self) {
        self.heard.absorb(later.heard);
        later.uses.into_iter().for_each(|(key, time)| self.used(key, time));
        later.seen.into_iter().for_each(|(sighting, seen)| self.saw(sighting, seen));
        self.denials.extend(later.denials);
    }

    /// Writes it; what is left was not written.
    pub(super) async fn write(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        if self.heard != Heard::default() {
            store.record_reports(&self.heard).await?;
            self.heard = Heard::default();
        }
        while !self.uses.is_empty() {
            let some: Vec<_> = self.uses.iter().take(AT_ONCE).map(|(key, time)| (*key, *time)).collect();
            store.record_use(&some).await?;
            for (key, _) in &some {
                self.uses.remove(key);
            }
        }
        while !self.seen.is_empty() {
            let some: Vec<_> = self.seen.iter().take(AT_ONCE).map(|(it, seen)| (it.clone(), *seen)).collect();
            store.observe(&some).await?;
            for (sighting, _) in &some {
                self.seen.remove(sighting);
            }
        }
        while !self.denials.is_empty() {
            let some = self.denials.len().min(AT_ONCE);
            store.record_denials(self.denials.get(..some).unwrap_or_default()).await?;
            self.denials.drain(..some);
        }
        Ok(())
    }
}

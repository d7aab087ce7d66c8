//! What callers have at once, each within a limit, given back as soon as it is dropped.
//!
//! In memory, for each replica. Invariant: nothing is kept of those who have nothing.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How much each has.
#[derive(Debug)]
pub(super) struct Tally<K>(Mutex<HashMap<K, usize>>);

/// What was taken, until it is dropped.
#[derive(Debug)]
pub(super) struct Held<K: Eq + Hash> {
    tally: Arc<Tally<K>>,
    names: Vec<K>,
    size: usize,
}

impl<K: Clone + Eq + Hash> Tally<K> {
    /// Takes so much under each of these names; none at all if one of them would have more than it may.
    pub(super) fn take(self: &Arc<Self>, limits: Vec<(K, usize)>, size: usize) -> Option<Held<K>> {
        let mut taken = self.taken();
        let fits = |(name, most): &(K, usize)| {
            let before = taken.get(name).copied().unwrap_or_default();
            before.saturating_add(size) <= *most
        };
        if !limits.iter().all(fits) {
            return None;
        }
        let names: Vec<_> = limits.into_iter().map(|(name, _)| name).collect();
        for name in &names {
            *taken.entry(name.clone()).or_default() += size;
        }
        Some(Held { tally: self.clone(), names, size })
    }
}

impl<K> Tally<K> {
    pub(super) fn taken(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K> Default for Tally<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> Drop for Held<K> {
    fn drop(&mut self) {
        let mut taken = self.tally.taken();
        for name in &self.names {
            if let Some(has) = taken.get_mut(name) {
                *has = has.saturating_sub(self.size);
            }
        }
        taken.retain(|_, has| *has > 0);
    }
}

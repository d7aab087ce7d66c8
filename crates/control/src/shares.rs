//! Permits for each of many: so that nobody takes all of something, by whatever they are told apart.
//!
//! What there is in all is bounded by whoever uses this. Invariant: only those are remembered who hold or await a permit.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Semaphore;

/// The permits of each, as long as somebody has or awaits one.
#[derive(Debug)]
pub(crate) struct Shares<K> {
    each: u32,
    held: Mutex<HashMap<K, Weak<Semaphore>>>,
}

impl<K: Eq + Hash> Shares<K> {
    /// So many each.
    pub(crate) fn new(each: u32) -> Self {
        Self { each, held: Mutex::default() }
    }

    /// The share of one.
    pub(crate) fn of(&self, name: K) -> Arc<Semaphore> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = held.get(&name).and_then(Weak::upgrade) {
            return share;
        }
        // There are no more of them than requests at work.
        held.retain(|_, share| share.strong_count() > 0);
        let share = semaphore(self.each);
        held.insert(name, Arc::downgrade(&share));
        share
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.held.lock().unwrap().len()
    }
}

/// So many permits.
pub(crate) fn semaphore(permits: u32) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(usize::try_from(permits).unwrap_or(Semaphore::MAX_PERMITS)))
}

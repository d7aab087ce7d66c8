//! Every key in memory, as far as listings ask about it, so that no filter and no search is slow.
//!
//! What is rare, or not there at all, would otherwise take a walk through the whole table, and no index serves every
//! combination of filters, least of all text in the middle of a name. Before each look it takes in what changed in the
//! database since the last one, whoever changed it. Some 250 bytes for each key. Invariants: it only says which rows to
//! read; what a caller sees comes from the database, bound to the caller's scope, and is checked there once more.

mod block;
mod shelf;
mod text;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use portcullis_engine::KeyId;

use self::shelf::Shelf;
use self::text::Changed;
pub(super) use self::text::fold;
use super::question::Question;
use crate::store::{KeyRow, KeySummary, Store, StoreError};

/// Keys taken in before readers get their turn.
const TAKEN_AT_ONCE: usize = 4096;

const REFRESH_EVERY: Duration = Duration::from_secs(1);

/// Where a key stands in listings: the version it was created in, and its id.
pub(super) type Place = (u64, KeyId);

/// The keys.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    shelf: RwLock<Shelf>,
    refreshing: tokio::sync::Mutex<()>,
    /// How many looks at the database were begun.
    begun: AtomicU64,
    /// The last of them that took in all it had to.
    finished: AtomicU64,
}

impl Directory {
    /// Takes in what changed, again and again: no listing has to wait for much. One that fails is not told here; the
    /// next listing meets the same failure and tells it.
    pub(crate) async fn keep_fresh(self: Arc<Self>, store: Arc<dyn Store>) {
        loop {
            let _ = self.refresh(store.as_ref()).await;
            tokio::time::sleep(REFRESH_EVERY).await;
        }
    }

    /// Takes in what changed until now.
    pub(crate) async fn refresh(&self, store: &dyn Store) -> Result<(), StoreError> {
        let asked_after = self.begun.load(Ordering::SeqCst);
        let _one = self.refreshing.lock().await;
        // One look serves all who waited for the one before it.
        if self.finished.load(Ordering::SeqCst) > asked_after {
            return Ok(());
        }
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let known = self.read().version();
        let (mut changed, mut version) = (Vec::with_capacity(TAKEN_AT_ONCE), known);
        let mut each = |key: KeySummary| {
            version = version.max(key.changed_in);
            changed.push(Changed::from(key));
            if changed.len() == TAKEN_AT_ONCE {
                self.take_in(&mut changed);
            }
        };
        store.summaries(known, &mut each).await?;
        self.take_in(&mut changed);
        self.write().complete(version);
        self.finished.store(number, Ordering::SeqCst);
        Ok(())
    }

    /// Takes in some, the oldest first, and forgets them here: all keys at once would be held twice.
    fn take_in(&self, changed: &mut Vec<Changed>) {
        changed.sort_unstable_by_key(|key| key.place);
        let mut shelf = self.write();
        changed.drain(..).for_each(|key| shelf.put(&key));
    }

    /// The first of those that answer a question, newest first; fewer than asked for if there are no more.
    pub(super) async fn find(&self, question: &Question, limit: usize) -> Vec<Place> {
        let look = question.begin();
        let mut found = Vec::new();
        let mut after = question.after;
        loop {
            let (places, next) = self.read().look(question, &look, after, limit - found.len());
            found.extend(places);
            match next {
                Some(next) if found.len() < limit => after = Some(next),
                _ => return found,
            }
            tokio::task::yield_now().await;
        }
    }

    /// Remembers when keys were last used: that takes no version, so a refresh does not tell it.
    pub(super) fn learn(&self, rows: &[KeyRow]) {
        let used = rows.iter().filter_map(|row| Some(((row.created_in, row.id), row.last_used?)));
        let news: Vec<_> = {
            let shelf = self.read();
            let is_news = |(place, time): &(Place, u64)| {
                shelf.entry(*place).is_some_and(|entry| entry.life.last_used < Some(*time))
            };
            used.filter(is_news).collect()
        };
        if news.is_empty() {
            return;
        }
        let mut shelf = self.write();
        for (place, time) in news {
            if let Some(entry) = shelf.entry_mut(place) {
                entry.life.last_used = entry.life.last_used.max(Some(time));
            }
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Shelf> {
        self.shelf.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Shelf> {
        self.shelf.write().unwrap_or_else(PoisonError::into_inner)
    }
}

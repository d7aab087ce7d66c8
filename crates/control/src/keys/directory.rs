//! Every key in memory, as far as listings ask about it, so that no filter and no search is slow.
//!
//! What is rare, or not there at all, would otherwise take a walk through the whole table, and no index serves every
//! combination of filters, least of all text in the middle of a name. Before each look it takes in what changed in the
//! database since the last one, whoever changed it. Some 300 bytes for each key. Invariants: it only says which rows to
//! read; what a caller sees comes from the database, bound to the caller's scope, and is checked there once more.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use portcullis_engine::{KeyId, OrganizationId};

use super::life::Life;
use super::question::{Look, Question};
use crate::store::{KeyRow, KeySummary, Store, StoreError};

/// Entries looked at before others get their turn.
const SLICE: usize = 4096;

const REFRESH_EVERY: Duration = Duration::from_secs(1);

/// Where a key stands in listings: the version it was created in, and its id.
pub(super) type Place = (u64, KeyId);

/// The keys, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    entries: RwLock<Entries>,
    refreshing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Entries {
    /// What it knows of is in versions up to this one.
    version: u64,
    list: Vec<Entry>,
    environments: HashSet<Arc<str>>,
}

/// One key.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) place: Place,
    pub(super) organization: OrganizationId,
    pub(super) environment: Arc<str>,
    pub(super) life: Life,
    /// What can be searched, folded.
    pub(super) text: Box<str>,
    changed_in: u64,
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

    /// Takes in what changed.
    pub(crate) async fn refresh(&self, store: &dyn Store) -> Result<(), StoreError> {
        let _one = self.refreshing.lock().await;
        let after = self.read().version;
        let mut changed = Vec::new();
        store.summaries(after, &mut |key| changed.push(Entry::of(&key))).await?;
        if !changed.is_empty() {
            self.write().take_in(changed);
        }
        Ok(())
    }

    /// The first of those that answer a question, newest first.
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
        let mut entries = self.write();
        for row in rows {
            if let Ok(index) = entries.position((row.created_in, row.id))
                && let Some(entry) = entries.list.get_mut(index)
            {
                entry.life.last_used = entry.life.last_used.max(row.last_used);
            }
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Entries> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Entries> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn position(&self, place: Place) -> Result<usize, usize> {
        self.list.binary_search_by_key(&place, |entry| entry.place)
    }

    fn take_in(&mut self, mut changed: Vec<Entry>) {
        changed.sort_unstable_by_key(|entry| entry.place);
        for mut entry in changed {
            self.version = self.version.max(entry.changed_in);
            entry.environment = self.environment(entry.environment);
            match self.position(entry.place) {
                Ok(index) => {
                    if let Some(known) = self.list.get_mut(index) {
                        *known = entry;
                    }
                }
                // New keys are the newest: this is the end of the list.
                Err(index) => self.list.insert(index, entry),
            }
        }
    }

    /// The one copy of its name.
    fn environment(&mut self, name: Arc<str>) -> Arc<str> {
        if let Some(known) = self.environments.get(&name) {
            return known.clone();
        }
        self.environments.insert(name.clone());
        name
    }

    /// Looks at one slice behind a place; says where the next one begins, if there is one.
    fn look(
        &self,
        question: &Question,
        look: &Look<'_>,
        after: Option<Place>,
        limit: usize,
    ) -> (Vec<Place>, Option<Place>) {
        let end = after.map_or(self.list.len(), |place| self.position(place).unwrap_or_else(|index| index));
        let start = end.saturating_sub(SLICE);
        let slice = self.list.get(start..end).unwrap_or_default();
        let admitted = slice.iter().rev().filter(|entry| question.admits(entry, look));
        let found = admitted.take(limit).map(|entry| entry.place).collect();
        (found, slice.first().filter(|_| start > 0).map(|entry| entry.place))
    }
}

impl Entry {
    fn of(key: &KeySummary) -> Self {
        let id = key.id.to_string();
        let fields = [key.name.as_str(), &id, &key.display, key.created_by.as_deref().unwrap_or_default()];
        let metadata = key.metadata.iter().map(|(name, value)| format!("{name}={value}"));
        let text = fields.map(str::to_owned).into_iter().chain(metadata).collect::<Vec<_>>().join("\n");
        Self {
            place: (key.created_in, key.id),
            organization: key.organization,
            environment: key.environment.as_str().into(),
            life: Life::from(key),
            text: fold(&text).into(),
            changed_in: key.changed_in,
        }
    }
}

/// The same text for texts that differ in case alone, in every script.
pub(super) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // Upper case first: some letters have two lower cases (final sigma) or none of their own (sharp s).
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding() {
        for (one, other) in
            [("Till", "tILL"), ("ÄRGER", "ärger"), ("ΟΔΟΣ", "οδός".replace('ό', "ο").as_str()), ("Straße", "STRASSE")]
        {
            assert_eq!(fold(one), fold(other));
        }
        assert_ne!(fold("a"), fold("b"));
    }
}

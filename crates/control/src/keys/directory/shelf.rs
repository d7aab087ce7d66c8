//! All keys, in blocks, and the walk through them from the newest on.
//!
//! It reads no database and waits for nobody. Invariant: no block is empty, and the keys of one are older than those of
//! the next.

use super::Place;
use super::block::{Block, Entry};
use super::text::Changed;
use crate::keys::question::{Look, Question};

/// Blocks looked at before others get their turn.
const SLICE: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// What it knows of is in versions up to this one.
    version: u64,
    blocks: Vec<Block>,
    environments: Vec<Box<str>>,
}

impl Shelf {
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Says that everything up to that version was taken in.
    pub(super) fn complete(&mut self, version: u64) {
        self.version = self.version.max(version);
    }

    pub(super) fn put(&mut self, changed: &Changed) {
        let environment = self.environment(&changed.environment);
        let &Changed { place, organization, kind, life, .. } = changed;
        let entry = Entry { place, organization, kind, environment, life };
        // New keys are the newest: nearly always this is the end of the last block.
        if self.blocks.last().is_none_or(|last| last.is_full_before(place)) {
            self.blocks.last_mut().into_iter().for_each(Block::shrink);
            self.blocks.push(Block::default());
        }
        let holder = self.holder(place);
        self.blocks.get_mut(holder).into_iter().for_each(|block| block.put(entry, &changed.text));
    }

    pub(super) fn entry(&self, place: Place) -> Option<&Entry> {
        self.blocks.get(self.holder(place))?.entry(place)
    }

    pub(super) fn entry_mut(&mut self, place: Place) -> Option<&mut Entry> {
        let holder = self.holder(place);
        self.blocks.get_mut(holder)?.entry_mut(place)
    }

    /// Looks at one slice behind a place; says where the next one begins, if there is one.
    pub(super) fn look(
        &self,
        question: &Question,
        look: &Look<'_>,
        after: Option<Place>,
        limit: usize,
    ) -> (Vec<Place>, Option<Place>) {
        let environment = question.environment.as_deref().map(|name| self.number(name));
        if environment == Some(None) {
            return (Vec::new(), None);
        }
        let admits = |entry: &Entry| {
            environment.is_none_or(|it| it == Some(entry.environment))
                && question.admits(&entry.place.1, entry.organization, entry.kind, entry.life)
        };
        let end = after.map_or(self.blocks.len(), |place| self.blocks.partition_point(|it| it.first() < Some(place)));
        let start = end.saturating_sub(SLICE);
        let mut found = Vec::new();
        for block in self.blocks.get(start..end).unwrap_or_default().iter().rev() {
            found.extend(block.find(after, look.finder(), admits, limit - found.len()));
            if found.len() >= limit {
                break;
            }
        }
        (found, self.blocks.get(start).filter(|_| start > 0).and_then(Block::first))
    }

    /// The block that a place is in, or would be.
    fn holder(&self, place: Place) -> usize {
        // An empty one was just made, for this place.
        let starts = |block: &Block| block.first().is_none_or(|first| first <= place);
        self.blocks.partition_point(starts).saturating_sub(1)
    }

    /// There are as many as policies ever named.
    fn number(&self, environment: &str) -> Option<u32> {
        let index = self.environments.iter().position(|it| **it == *environment)?;
        u32::try_from(index).ok()
    }

    fn environment(&mut self, name: &str) -> u32 {
        self.number(name).unwrap_or_else(|| {
            self.environments.push(name.into());
            u32::try_from(self.environments.len() - 1).unwrap_or(u32::MAX)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use portcullis_api::KeyKind;
    use portcullis_engine::{KeyId, OrganizationId};

    use super::*;
    use crate::caller::Scope;
    use crate::keys::life::Life;

    fn organization(number: u64) -> OrganizationId {
        OrganizationId::from_bytes([number.to_le_bytes()[0]; 10])
    }

    /// Key `number` as it is after so many changes. A few share each version, and so does what comes in late.
    fn changed(number: u64, changes: u64) -> Changed {
        let mut id = [0; 10];
        id[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
        let last_used = (changes > 0).then_some(changes);
        Changed {
            place: (number / 3, KeyId::from_bytes(id)),
            organization: organization(number % 5),
            kind: if number.is_multiple_of(13) { KeyKind::Grant } else { KeyKind::ApiKey },
            environment: ["live", "test"][usize::from(number.is_multiple_of(7))].to_owned(),
            life: Life {
                enabled: !number.is_multiple_of(4),
                created_at: 0,
                expires_at: None,
                revoked_at: None,
                last_used,
            },
            text: format!("key-{number}\n{}\n", "é".repeat(usize::try_from((number + changes) % 30).unwrap())),
        }
    }

    fn question(scope: Scope, environment: Option<&str>, text: Option<&str>) -> Question {
        let (environment, text) = (environment.map(str::to_owned), text.map(str::to_owned));
        let (kind, own, status, overdue, idle, after, limit, now) = (None, None, None, false, false, None, 1, 1);
        Question { scope, kind, own, status, environment, overdue, idle, text, after, limit, now }
    }

    fn all(shelf: &Shelf, question: &Question, limit: usize) -> Vec<Place> {
        let (look, mut found, mut after) = (question.begin(), Vec::new(), None);
        loop {
            let (places, next) = shelf.look(question, &look, after, limit);
            // As a listing does: a full page is followed by one behind its last key.
            after = if places.len() < limit { next } else { places.last().copied() };
            found.extend(places);
            if after.is_none() {
                return found;
            }
        }
    }

    #[test]
    fn what_is_found_is_what_a_look_at_each_key_finds() {
        let (mut shelf, mut known) = (Shelf::default(), BTreeMap::new());
        let some = (0..10_000).filter(|number| number % 97 > 0).map(|number| (number, 0));
        let late = (0..10_000).step_by(97).map(|number| (number, 0));
        let again = (0..10_000).step_by(11).flat_map(|number| [(number, 1), (number, 9)]);
        for (number, changes) in some.chain(late).chain(again) {
            let key = changed(number, changes);
            shelf.put(&key);
            known.insert(key.place, key);
        }
        assert!(shelf.blocks.len() > SLICE, "more than one slice");
        for scope in [Scope::All, Scope::Only(organization(2))] {
            for environment in [None, Some("live"), Some("test"), Some("nowhere")] {
                for text in [None, Some("key-"), Some("key-77"), Some("ééé"), Some("key-9999\n"), Some("nothing")] {
                    let question = question(scope, environment, text);
                    let admits = |key: &&Changed| {
                        scope.covers(key.organization)
                            && key.kind == KeyKind::ApiKey
                            && environment.is_none_or(|it| it == key.environment)
                            && text.is_none_or(|text| key.text.contains(text))
                    };
                    let expected: Vec<_> = known.values().rev().filter(admits).map(|key| key.place).collect();
                    for limit in [7, 1000, usize::MAX] {
                        assert_eq!(all(&shelf, &question, limit), expected, "{question:?} {limit}");
                    }
                }
            }
        }
        for key in known.values() {
            assert_eq!(shelf.entry(key.place).map(|it| it.life), Some(key.life));
        }
    }
}

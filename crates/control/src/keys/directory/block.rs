//! Some keys in a row, with everything that can be searched of them in one text.
//!
//! One search goes over all of them; a text for each would cost a look into another corner of memory each time. It knows
//! no question. Invariant: texts lie in the order of their keys, each ends with a line end, and what is searched for has
//! none, so it is never found across two of them.

use memchr::memmem::Finder;
use portcullis_api::KeyKind;
use portcullis_engine::OrganizationId;

use super::Place;
use crate::keys::life::Life;

/// Long enough that a search is one long stretch, short enough that a text can be replaced by moving what is behind it.
const FULL: usize = 1024;

/// Keys, oldest first.
#[derive(Debug, Default)]
pub(super) struct Block {
    kept: Vec<Kept>,
    text: Vec<u8>,
}

/// What filters ask about.
#[derive(Clone, Copy, Debug)]
pub(in crate::keys) struct Entry {
    pub(in crate::keys) place: Place,
    pub(in crate::keys) organization: OrganizationId,
    pub(in crate::keys) kind: KeyKind,
    /// The number of its name.
    pub(super) environment: u32,
    pub(in crate::keys) life: Life,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    entry: Entry,
    /// Where its text ends; that of the one before it ends where it begins.
    end: usize,
}

impl Block {
    /// The first of those before a place that are admitted and have a text in theirs, newest first.
    pub(super) fn find(
        &self,
        before: Option<Place>,
        text: Option<&Finder<'_>>,
        admits: impl Fn(&Entry) -> bool,
        limit: usize,
    ) -> Vec<Place> {
        let end = before.map_or(self.kept.len(), |place| self.position(place).unwrap_or_else(|index| index));
        let Some(text) = text else {
            let entries = self.kept.get(..end).unwrap_or_default().iter().rev().map(|it| &it.entry);
            return entries.filter(|entry| admits(entry)).take(limit).map(|entry| entry.place).collect();
        };
        let (mut found, mut from, until) = (Vec::new(), 0, self.start(end));
        while let Some(at) = self.text.get(from..until).and_then(|rest| text.find(rest)) {
            let index = self.kept.partition_point(|it| it.end <= from + at);
            let Some(Kept { entry, end }) = self.kept.get(index) else { break };
            from = *end;
            if admits(entry) {
                found.push(entry.place);
            }
        }
        found.reverse();
        found.truncate(limit);
        found
    }

    /// Takes in a new key, or what is new of one that it has. `text` ends with a line end.
    pub(super) fn put(&mut self, entry: Entry, text: &str) {
        let (index, is_new) = self.position(entry.place).map_or_else(|index| (index, true), |index| (index, false));
        let start = self.start(index);
        if is_new {
            self.kept.insert(index, Kept { entry, end: start });
        }
        let Some(kept) = self.kept.get_mut(index) else { return };
        let old_end = std::mem::replace(kept, Kept { entry, end: start + text.len() }).end;
        if self.text.get(start..old_end) != Some(text.as_bytes()) {
            self.text.splice(start..old_end, text.bytes());
            let behind = self.kept.iter_mut().skip(index + 1);
            behind.for_each(|it| it.end = it.end - old_end + start + text.len());
        }
    }

    pub(super) fn entry_mut(&mut self, place: Place) -> Option<&mut Entry> {
        let index = self.position(place).ok()?;
        self.kept.get_mut(index).map(|it| &mut it.entry)
    }

    pub(super) fn entry(&self, place: Place) -> Option<&Entry> {
        self.kept.get(self.position(place).ok()?).map(|it| &it.entry)
    }

    pub(super) fn first(&self) -> Option<Place> {
        self.kept.first().map(|it| it.entry.place)
    }

    /// Whether a key behind all of these belongs into another block.
    pub(super) fn is_full_before(&self, place: Place) -> bool {
        self.kept.len() >= FULL && self.kept.last().is_some_and(|it| it.entry.place < place)
    }

    /// Gives back what was taken to grow into.
    pub(super) fn shrink(&mut self) {
        self.kept.shrink_to_fit();
        self.text.shrink_to_fit();
    }

    fn position(&self, place: Place) -> Result<usize, usize> {
        self.kept.binary_search_by_key(&place, |it| it.entry.place)
    }

    /// Where the text of the one at an index begins.
    fn start(&self, index: usize) -> usize {
        index.checked_sub(1).and_then(|before| self.kept.get(before)).map_or(0, |it| it.end)
    }
}

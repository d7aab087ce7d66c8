//! Access tokens verified lately, so that a token in use costs a keyed hash in place of a signature.
//!
//! A token is told by the same keyed 128-bit hash as keys are (`recent`); the token itself is not kept. Only tokens that
//! were verified are put in, so that strangers displace nobody. Kept is what the token says; where its record stands and
//! which of its scopes count is kept for one version of the bundle and found anew in the next, and what its record says
//! is read on every request. Invariant: what is kept was verified by a key that still counts, and no more than its limit
//! in bytes is ever kept, one token and what was found since then apart.

use core::hash::BuildHasherDefault;
use std::collections::HashMap;

use portcullis_bundle::AcceptedToken;
use portcullis_token::Succession;

use crate::hash::IdHasher;
use crate::recent::{Position, Tag};

/// What a token takes beside itself: its place and its entry in the table of tags, half of both unused at times, and what
/// the allocator puts around five pieces.
const AROUND: usize = 192;
/// So many tokens in use are passed over in search of one that is not.
const MOST_PASSED: usize = 32;

/// Where a token stands, until the next one is kept or dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle(u32);

/// Verified tokens. What makes room is what was not used since it was last looked at (second chance).
#[derive(Debug)]
pub struct Tokens {
    slots: Vec<Option<Slot>>,
    /// Clients cannot choose tags, which are hashes under a secret.
    places: HashMap<Tag, Handle, BuildHasherDefault<IdHasher>>,
    free: Vec<Handle>,
    /// Bytes that are kept, and the most that may be.
    bytes: usize,
    limit: usize,
    /// Which version of the bundle what is kept of records is about.
    generation: u32,
    /// Where the next eviction looks first.
    hand: usize,
}

#[derive(Debug)]
struct Slot {
    tag: Tag,
    is_in_use: bool,
    known: Box<Known>,
}

/// A token that was verified.
#[derive(Debug)]
pub struct Known {
    /// What it says.
    pub accepted: AcceptedToken,
    found: Option<Found>,
}

/// What was found of its record under one version.
#[derive(Debug)]
struct Found {
    generation: u32,
    position: Position,
    scopes: Box<str>,
}

impl Tokens {
    /// Empty; it takes at most about `limit` bytes, and nothing before there is a token.
    pub fn new(limit: usize) -> Self {
        Self {
            slots: Vec::new(),
            places: HashMap::default(),
            free: Vec::new(),
            bytes: 0,
            limit,
            generation: 0,
            hand: 0,
        }
    }

    /// Forgets everything: no tokens count any more.
    pub fn clear(&mut self) {
        *self = Self { generation: self.generation, ..Self::new(self.limit) };
    }

    /// Other issuers count now: forgets what was signed with keys that are not among theirs.
    pub fn succeed(&mut self, succession: &Succession) {
        for place in 0..self.slots.len() {
            let handle = Handle(place as u32);
            if self.slot_mut(handle).is_some_and(|slot| !slot.known.accepted.succeed(succession)) {
                self.drop(handle);
            }
        }
    }

    /// Another version of the bundle is live: records stand elsewhere and say something else.
    pub fn next_generation(&mut self) {
        self.generation = self.generation.wrapping_add(1);
    }

    /// Finds a token.
    pub fn find(&mut self, tag: Tag) -> Option<Handle> {
        let handle = *self.places.get(&tag)?;
        self.slot_mut(handle)?.is_in_use = true;
        Some(handle)
    }

    /// Keeps a token that was just verified.
    pub fn keep(&mut self, tag: Tag, accepted: AcceptedToken) -> Handle {
        let known = Box::new(Known { accepted, found: None });
        self.make_room(known.size());
        self.bytes += known.size();
        let slot = Some(Slot { tag, is_in_use: false, known });
        let handle = match self.free.pop() {
            Some(handle) => handle,
            None => {
                self.slots.push(None);
                // A handle is four bytes, and a token takes more than a hundred of an address space of four.
                Handle(u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX))
            }
        };
        if let Some(place) = self.slots.get_mut(handle.0 as usize) {
            *place = slot;
        }
        self.places.insert(tag, handle);
        handle
    }

    /// Drops a token: its time is over.
    pub fn drop(&mut self, handle: Handle) {
        let Some(slot) = self.slots.get_mut(handle.0 as usize).and_then(Option::take) else { return };
        self.places.remove(&slot.tag);
        self.free.push(handle);
        self.bytes = self.bytes.saturating_sub(slot.known.size());
    }

    /// What was found, if it is still there.
    pub fn get(&self, handle: Handle) -> Option<&Known> {
        self.slots.get(handle.0 as usize)?.as_ref().map(|slot| &*slot.known)
    }

    /// Where its record stands, if that was found under this version.
    pub fn position(&self, handle: Handle) -> Option<Position> {
        let found = self.get(handle)?.found.as_ref()?;
        (found.generation == self.generation).then_some(found.position)
    }

    /// Its record stands there and has these of its scopes.
    pub fn found(&mut self, handle: Handle, position: Position, scopes: String) {
        let generation = self.generation;
        let Some(slot) = self.slot_mut(handle) else { return };
        let before = slot.known.size();
        slot.known.found = Some(Found { generation, position, scopes: scopes.into() });
        self.bytes = (self.bytes + self.get(handle).map_or(0, Known::size)).saturating_sub(before);
    }

    fn slot_mut(&mut self, handle: Handle) -> Option<&mut Slot> {
        self.slots.get_mut(handle.0 as usize)?.as_mut()
    }

    /// Until there is room for so much more, or nothing is left.
    fn make_room(&mut self, wanted: usize) {
        let mut passed = 0;
        while self.bytes + wanted > self.limit && !self.places.is_empty() {
            let index = self.hand;
            self.hand = (self.hand + 1) % self.slots.len().max(1);
            match self.slots.get_mut(index) {
                Some(Some(slot)) if slot.is_in_use && passed < MOST_PASSED => {
                    slot.is_in_use = false;
                    passed += 1;
                }
                Some(Some(_)) => self.drop(Handle(index as u32)),
                _ => {}
            }
        }
    }
}

impl Known {
    /// Those of its scopes that its record has.
    pub fn scopes(&self) -> &str {
        self.found.as_ref().map_or("", |it| &it.scopes)
    }

    fn size(&self) -> usize {
        AROUND + size_of::<Option<Found>>() + self.scopes().len() + self.accepted.size()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use portcullis_testkit::Corpus;
    use portcullis_testkit::mint::{KnownToken, Tampered};
    use portcullis_token::Issuers;

    use super::*;
    use crate::recent::{Recent, RecentSecret};

    const POSITION: Position = Position { bucket: 7, index: 3 };

    /// So many verified tokens with their tags.
    fn verified(count: u32) -> Vec<(Tag, AcceptedToken)> {
        let corpus = Corpus::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/scope")).unwrap();
        let issuers = Issuers::compile(&corpus.issuers_spec().unwrap().unwrap()).unwrap();
        let recent = Recent::new(RecentSecret(*b"sixteen bytes..."), 0);
        let known: KnownToken = serde_json::from_str(r#"{ "for": "reader", "scopes": ["documents:read"] }"#).unwrap();
        let mut mint = corpus.mint_by_hand(&known).unwrap();
        let token = |number: u32| {
            mint.payload.insert("jti".to_owned(), format!("{number:022}").into());
            let token = mint.sign(Tampered::No).unwrap();
            let accepted = AcceptedToken::verify(&issuers, token.as_bytes(), corpus.now).unwrap();
            (recent.tag(token.as_bytes()), accepted)
        };
        (0..count).map(token).collect()
    }

    /// What is counted is what is there.
    #[track_caller]
    fn check_counts(tokens: &Tokens) {
        let kept = || tokens.slots.iter().flatten();
        assert_eq!(kept().map(|slot| slot.known.size()).sum::<usize>(), tokens.bytes);
        assert_eq!((kept().count(), tokens.slots.len() - kept().count()), (tokens.places.len(), tokens.free.len()));
        let is_named = |slot: &Slot| tokens.places.get(&slot.tag).and_then(|it| tokens.get(*it)).is_some();
        assert!(kept().all(is_named));
    }

    #[test]
    fn what_was_found_is_good_for_one_generation() {
        let mut tokens = Tokens::new(1 << 16);
        let (tag, accepted) = verified(1).pop().unwrap();
        assert_eq!(tokens.find(tag), None);
        let handle = tokens.keep(tag, accepted);
        assert_eq!((tokens.find(tag), tokens.position(handle)), (Some(handle), None));
        tokens.found(handle, POSITION, "a:read".to_owned());
        assert_eq!(tokens.position(handle), Some(POSITION));
        assert_eq!(tokens.get(handle).unwrap().scopes(), "a:read");
        tokens.next_generation();
        assert_eq!((tokens.find(tag), tokens.position(handle)), (Some(handle), None));
        check_counts(&tokens);
        tokens.drop(handle);
        assert!(tokens.find(tag).is_none() && tokens.get(handle).is_none());
        check_counts(&tokens);
    }

    #[test]
    fn other_issuers_empty_it() {
        let mut tokens = Tokens::new(1 << 16);
        let (tag, accepted) = verified(1).pop().unwrap();
        tokens.keep(tag, accepted);
        assert!(tokens.bytes > 0);
        tokens.clear();
        assert!(tokens.find(tag).is_none());
        assert_eq!(tokens.bytes, 0);
        check_counts(&tokens);
    }

    #[test]
    fn it_keeps_within_its_limit_and_uses_it() {
        for limit in [0, 1 << 14, 1 << 16] {
            let mut tokens = Tokens::new(limit);
            let mut size = 0;
            for (tag, accepted) in verified(400) {
                let handle = tokens.keep(tag, accepted);
                tokens.found(handle, POSITION, "documents:read".to_owned());
                size = tokens.get(handle).expect("the newest is never displaced").size();
                assert!(tokens.bytes <= limit.max(size), "{} bytes of {limit}", tokens.bytes);
            }
            check_counts(&tokens);
            assert!(tokens.bytes + 2 * size > limit, "{} bytes of {limit}", tokens.bytes);
        }
    }

    #[test]
    fn what_is_in_use_stays() {
        let mut tokens = Tokens::new(1 << 14);
        let mut all = verified(400).into_iter();
        let (used, accepted) = all.next().unwrap();
        tokens.keep(used, accepted);
        for (tag, accepted) in all {
            assert!(tokens.find(used).is_some());
            tokens.keep(tag, accepted);
        }
        check_counts(&tokens);
    }
}

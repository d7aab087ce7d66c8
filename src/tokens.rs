//! Access tokens verified lately, so that a token in use costs a keyed hash in place of a signature.
//!
//! A token is told by the same keyed 128-bit hash as keys are (`recent`); the token itself is not kept. Only tokens that
//! were verified are put in, so that strangers displace nobody. Kept is what the token says; where its record stands and which of
//! its scopes count is kept for one version of the bundle and found anew in the next, and what its record says is read on every
//! request. Invariant: other issuers or keys than those it was verified by empty the table, and no more than its limit in bytes
//! is ever kept, one token apart.

use portcullis_bundle::AcceptedToken;

use crate::recent::{Position, Tag};

/// More would push more useful things out of a processor's caches.
const MOST_SLOTS: usize = 16 << 10;
const LEAST_SLOTS: usize = 32;
/// What a token takes with its place in the table, more or less.
const USUAL_BYTES: usize = 256;

/// A place in the table.
type Slot = Option<(Tag, Box<Known>)>;

/// A two-way set-associative table.
#[derive(Debug)]
pub struct Tokens {
    sets: Vec<[Slot; 2]>,
    /// Bytes that are kept, and the most that may be.
    bytes: usize,
    limit: usize,
    /// Which version of the bundle what is kept of records is about.
    generation: u32,
    /// Where the next eviction looks first.
    hand: usize,
    /// The token of this request, until it is put in again.
    current: Option<Box<Known>>,
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
    /// An empty table that takes at most about `bytes`, and nothing before there is a token.
    pub fn new(bytes: usize) -> Self {
        Self { sets: Vec::new(), bytes: 0, limit: bytes, generation: 0, hand: 0, current: None }
    }

    /// Forgets everything: other issuers or other keys count now.
    pub fn clear(&mut self) {
        self.sets = Vec::new();
        (self.bytes, self.hand, self.current) = (0, 0, None);
    }

    /// Another version of the bundle is live: records stand elsewhere and say something else.
    pub fn next_generation(&mut self) {
        self.generation = self.generation.wrapping_add(1);
    }

    /// Takes a token out, to be [kept](Self::keep) again.
    pub fn take(&mut self, tag: Tag) -> Option<Box<Known>> {
        let index = self.set_of(tag);
        let set = self.sets.get_mut(index)?;
        let slot = set.iter_mut().find(|slot| slot.as_ref().is_some_and(|(known, _)| *known == tag))?;
        let (_, token) = slot.take()?;
        self.bytes = self.bytes.saturating_sub(token.size());
        Some(token)
    }

    /// Keeps a token; what it displaces is what was used longest ago of its set, and whatever else is too much. Without a tag it
    /// is kept for this request alone.
    pub fn keep(&mut self, tag: Option<Tag>, token: Box<Known>) -> Option<&Known> {
        let Some(tag) = tag else { return Some(self.current.insert(token)) };
        if self.sets.is_empty() {
            let slots = (self.limit / USUAL_BYTES).clamp(LEAST_SLOTS, MOST_SLOTS);
            // A power of two, so that a mask picks the set.
            self.sets.resize_with((slots / 2 + 1).next_power_of_two() / 2, Default::default);
        }
        let index = self.set_of(tag);
        self.bytes += token.size();
        let [newest, oldest] = self.sets.get_mut(index)?;
        let displaced = newest.replace((tag, token)).and_then(|second| oldest.replace(second));
        self.bytes = self.bytes.saturating_sub(displaced.map_or(0, |(_, it)| it.size()));
        self.make_room(index);
        self.sets.get(index)?.first()?.as_ref().map(|(_, token)| &**token)
    }

    /// Until it is no more than the limit, in turn; the set that was just put into is spared.
    fn make_room(&mut self, spared: usize) {
        let mut looked = 0;
        while self.bytes > self.limit && looked < self.sets.len() {
            let index = self.hand;
            self.hand = (self.hand + 1) % self.sets.len();
            looked += 1;
            if index != spared
                && let Some(set) = self.sets.get_mut(index)
            {
                let freed: usize = set.iter_mut().filter_map(Option::take).map(|(_, it)| it.size()).sum();
                self.bytes = self.bytes.saturating_sub(freed);
            }
        }
    }

    fn set_of(&self, tag: Tag) -> usize {
        tag.low() & self.sets.len().wrapping_sub(1)
    }
}

impl Known {
    /// A token that was just verified.
    pub fn new(accepted: AcceptedToken) -> Self {
        Self { accepted, found: None }
    }

    /// Where its record stands, if that was found under this version.
    pub fn position(&self, tokens: &Tokens) -> Option<Position> {
        self.found.as_ref().filter(|it| it.generation == tokens.generation).map(|it| it.position)
    }

    /// Its record stands there and has these of its scopes.
    pub fn found(&mut self, tokens: &Tokens, position: Position, scopes: String) {
        self.found = Some(Found { generation: tokens.generation, position, scopes: scopes.into() });
    }

    /// Those of its scopes that its record has.
    pub fn scopes(&self) -> &str {
        self.found.as_ref().map_or("", |it| &it.scopes)
    }

    fn size(&self) -> usize {
        size_of::<Found>() + self.scopes().len() + self.accepted.size()
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
    fn verified(count: u32) -> Vec<(Tag, Box<Known>)> {
        let corpus = Corpus::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/scope")).unwrap();
        let issuers = Issuers::compile(&corpus.issuers_spec().unwrap().unwrap()).unwrap();
        let recent = Recent::new(Some(RecentSecret(*b"sixteen bytes...")), 0);
        let known: KnownToken = serde_json::from_str(r#"{ "for": "reader", "scopes": ["documents:read"] }"#).unwrap();
        let mut mint = corpus.mint_by_hand(&known).unwrap();
        let token = |number: u32| {
            mint.payload.insert("jti".to_owned(), format!("{number:022}").into());
            let token = mint.sign(Tampered::No).unwrap();
            let accepted = AcceptedToken::verify(&issuers, token.as_bytes(), corpus.now).unwrap();
            (recent.tag(token.as_bytes()).unwrap(), Box::new(Known::new(accepted)))
        };
        (0..count).map(token).collect()
    }

    #[test]
    fn what_was_found_is_good_for_one_generation() {
        let mut tokens = Tokens::new(1 << 16);
        let (tag, mut known) = verified(1).pop().unwrap();
        assert_eq!(known.position(&tokens), None);
        known.found(&tokens, POSITION, "a:read".to_owned());
        assert_eq!((known.position(&tokens), known.scopes()), (Some(POSITION), "a:read"));
        assert!(tokens.keep(Some(tag), known).is_some_and(|it| it.scopes() == "a:read"));
        tokens.next_generation();
        let known = tokens.take(tag).unwrap();
        assert_eq!(known.position(&tokens), None);
        assert!(tokens.take(tag).is_none(), "taken is taken");
        assert!(tokens.keep(None, known).is_some(), "without a tag for one request");
        assert!(tokens.sets.iter().flatten().all(|slot| slot.as_ref().is_none()));
    }

    #[test]
    fn other_issuers_empty_it() {
        let mut tokens = Tokens::new(1 << 16);
        let (tag, known) = verified(1).pop().unwrap();
        tokens.keep(Some(tag), known);
        assert!(tokens.bytes > 0);
        tokens.clear();
        assert!(tokens.take(tag).is_none());
        assert_eq!(tokens.bytes, 0);
    }

    #[test]
    fn it_keeps_within_its_limits() {
        for (limit, slots) in [(0, 32), (1 << 14, 64), (1 << 16, 256)] {
            let mut tokens = Tokens::new(limit);
            for (tag, known) in verified(400) {
                let size = known.size();
                assert!(tokens.keep(Some(tag), known).is_some(), "the newest is never displaced");
                assert!(tokens.bytes <= limit.max(2 * size), "{} bytes of {limit}", tokens.bytes);
            }
            let kept: Vec<_> = tokens.sets.iter().flatten().flatten().collect();
            assert_eq!(tokens.sets.len() * 2, slots, "{limit}");
            assert_eq!(kept.iter().map(|(_, it)| it.size()).sum::<usize>(), tokens.bytes, "{limit}");
            assert!(!kept.is_empty() && kept.len() <= slots, "{limit}");
        }
    }
}

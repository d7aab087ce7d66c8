//! What one list of issuers has in common with the next, so that a token need not be verified again because some other
//! issuer's keys changed.
//!
//! Positions only: it verifies nothing. Invariant: a key is found again only under the same rules of the same issuer,
//! with the same `kid` and bytes.

use alloc::vec::Vec;

use crate::issuers::{Issuer, Issuers, NamedKey};

/// The key that verified a token, as a position in one list of issuers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedBy {
    pub(crate) issuer: u16,
    pub(crate) key: u16,
}

/// Where the keys of one list stand in the next.
#[derive(Debug)]
pub struct Succession(Vec<Vec<Option<VerifiedBy>>>);

impl Succession {
    /// From the earlier list to the later one.
    pub fn new(earlier: &Issuers, later: &Issuers) -> Self {
        let mut from = 0;
        let keys = |issuer: &Issuer| {
            // Both lists are in one order, so that the next one is almost always where it is looked for first.
            let (before, after) = later.issuers.split_at_checked(from)?;
            let here = |list: &[Issuer]| list.iter().position(|it| it.has_rules_of(issuer));
            let place = here(after).map(|it| it + before.len()).or_else(|| here(before))?;
            from = place + 1;
            let next = later.issuers.get(place)?;
            Some(issuer.keys.iter().map(|key| VerifiedBy::find(place, next, key)).collect())
        };
        Self(earlier.issuers.iter().map(keys).map(Option::unwrap_or_default).collect())
    }

    /// Where that key stands in the later list, if it does.
    pub fn of(&self, by: VerifiedBy) -> Option<VerifiedBy> {
        *self.0.get(usize::from(by.issuer))?.get(usize::from(by.key))?
    }
}

impl VerifiedBy {
    fn find(issuer: usize, next: &Issuer, key: &NamedKey) -> Option<Self> {
        Self::at(issuer, next.keys.iter().position(|it| it == key)?)
    }

    pub(crate) fn at(issuer: usize, key: usize) -> Option<Self> {
        Some(Self { issuer: issuer.try_into().ok()?, key: key.try_into().ok()? })
    }
}

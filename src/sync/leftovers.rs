//! Parts that a newer version replaced: emptied some at a time, once no worker goes by the header that named them.
//!
//! Nothing depends on the space being free. Invariants: what the live header names is not emptied, nothing is once another
//! VM may lead, and one tick empties no more than takes it a moment, however much a version replaced.

use crate::host::{Expect, Host};
use crate::lease::Lease;
use crate::live::{Live, Names, Spot};
use crate::timer::Timer;

/// How long a replaced part stays for workers that have not looked at the header yet.
const GRACE_NANOS: u64 = 1_000_000_000;
/// Shared values emptied in one tick, one part apart: some half a millisecond.
const PER_TICK: usize = 512;

/// Where replaced parts stand, and when they may be emptied, those first whose time comes first.
#[derive(Debug, Default)]
pub(super) struct Leftovers(Vec<(Timer, Spot)>);

impl Leftovers {
    /// A version took the place of another. What was left before it and is in use again is left no more, so that there is at
    /// most one leftover of each part under each layout.
    pub(super) fn add(&mut self, now: u64, old: Option<&Live>, new: &Live) {
        self.0.retain(|(_, spot)| !new.stands_at(spot));
        let old = old.map(Live::spots).unwrap_or_default();
        let replaced = old.into_iter().filter(|spot| !new.stands_at(spot));
        self.0.extend(replaced.map(|spot| (Timer::start(now, GRACE_NANOS), spot)));
    }

    /// Whether there is something to empty by now.
    pub(super) fn are_due(&self, now: u64) -> bool {
        self.0.first().is_some_and(|(timer, _)| timer.is_due(now))
    }

    /// Empties some of what is due, unless it is in use again; while `lease` is held, as whoever leads then may have put
    /// something there.
    pub(super) fn empty_some(&mut self, host: &impl Host, names: &Names, lease: &Lease, live: &Live) {
        let (mut looked_at, mut emptied) = (0, 0);
        for (timer, spot) in &self.0 {
            let now = host.now_nanos();
            if emptied >= PER_TICK || !timer.is_due(now) || !lease.is_held(now) {
                break;
            }
            looked_at += 1;
            if live.stands_at(spot) {
                continue;
            }
            for name in spot.names(names) {
                // All that may be lost is the space.
                let _ = host.set_shared(&name, b"", Expect::Anything);
                emptied += 1;
            }
        }
        self.0.drain(..looked_at);
    }

    /// They stay as they are.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use portcullis_bundle::{BlobDigest, Layout};

    use super::*;
    use crate::fake_host::{FakeHost, Memory};
    use crate::live::Place;

    fn live(shards: usize, slot: u8) -> Live {
        let place = Place { slot, tag: 7 };
        let layout = Layout::for_counts(shards * 2048, 0);
        Live {
            version: 1,
            issued_at: 1,
            layout,
            key_count: 1,
            policy: place,
            tokens: None,
            skills: Vec::new(),
            organizations: vec![place],
            keys: vec![place; layout.key_shards()],
        }
    }

    /// A process in which everything of these versions stands.
    fn host(versions: &[&Live], names: &Names) -> FakeHost {
        let host = FakeHost::new(&Memory::default(), &Rc::new(Cell::new(1)));
        for name in versions.iter().flat_map(|it| it.spots()).flat_map(|spot| spot.names(names)) {
            host.set_shared(&name, b"something", Expect::Anything).unwrap();
        }
        host
    }

    /// A process in which one of two versions took the place of the other, a moment after its start.
    fn replaced(old: &Live, new: &Live, names: &Names) -> (FakeHost, Leftovers) {
        let mut leftovers = Leftovers::default();
        leftovers.add(1, Some(old), new);
        (host(&[old, new], names), leftovers)
    }

    fn standing(host: &FakeHost, of: &Live, names: &Names) -> usize {
        let all = of.spots().into_iter().flat_map(|spot| spot.names(names));
        all.filter(|name| !host.shared(name).unwrap().value.is_empty()).count()
    }

    /// The lease of whoever leads from then on, for a second.
    fn leads(host: &FakeHost, names: &Names, now: u64) -> Lease {
        host.clock.set(now);
        let mut lease = Lease::enter(host, names).unwrap();
        assert!(lease.bid(host, names));
        lease
    }

    #[test]
    fn a_version_that_replaced_everything_is_cleared_away_in_slices() {
        let (names, old, new) = (Names::new(&BlobDigest::of(b"")), live(512, 0), live(512, 1));
        let (host, mut leftovers) = replaced(&old, &new, &names);
        assert!(!leftovers.are_due(GRACE_NANOS));
        let (mut left, mut ticks, now) = (standing(&host, &old, &names), 0, 1 + GRACE_NANOS);
        let lease = leads(&host, &names, now);
        assert_eq!(left, 512 * 32 + 2);
        while leftovers.are_due(now) {
            leftovers.empty_some(&host, &names, &lease, &new);
            let still = standing(&host, &old, &names);
            assert!(left - still <= PER_TICK + 32, "{} in a tick", left - still);
            (left, ticks) = (still, ticks + 1);
        }
        assert_eq!((left, standing(&host, &new, &names)), (0, 512 * 32 + 2));
        assert!((32..=40).contains(&ticks), "{ticks} ticks");
    }

    #[test]
    fn what_is_in_use_again_stays() {
        let (names, old, new) = (Names::new(&BlobDigest::of(b"")), live(1, 0), live(1, 1));
        let (host, mut leftovers) = replaced(&old, &new, &names);
        let lease = leads(&host, &names, 2 * GRACE_NANOS);
        // Another leader went on from there, and this one leads again.
        leftovers.empty_some(&host, &names, &lease, &old);
        assert_eq!(standing(&host, &old, &names), 34);
        assert!(!leftovers.are_due(u64::MAX));
    }

    #[test]
    fn whoever_no_longer_leads_empties_nothing() {
        let (names, old, new) = (Names::new(&BlobDigest::of(b"")), live(8, 0), live(8, 1));
        let (host, mut leftovers) = replaced(&old, &new, &names);
        let mut lease = leads(&host, &names, 2 * GRACE_NANOS);
        host.clock.set(3 * GRACE_NANOS);
        leftovers.empty_some(&host, &names, &lease, &new);
        assert_eq!(standing(&host, &old, &names), 8 * 32 + 2);
        assert!(lease.bid(&host, &names));
        leftovers.empty_some(&host, &names, &lease, &new);
        assert_eq!(standing(&host, &old, &names), 0);
    }

    #[test]
    fn there_is_at_most_one_leftover_of_each_part() {
        let (zero, one) = (live(8, 0), live(8, 1));
        let mut leftovers = Leftovers::default();
        for _ in 0..10 {
            leftovers.add(1, Some(&zero), &one);
            leftovers.add(1, Some(&one), &zero);
        }
        assert_eq!(leftovers.0.len(), 8 + 2);
    }

    #[test]
    fn another_layout_has_other_places() {
        let (names, old, new) = (Names::new(&BlobDigest::of(b"")), live(1, 0), live(2, 0));
        let (host, mut leftovers) = replaced(&old, &new, &names);
        let lease = leads(&host, &names, 2 * GRACE_NANOS);
        leftovers.empty_some(&host, &names, &lease, &new);
        assert_eq!((standing(&host, &old, &names), standing(&host, &new, &names)), (2, 66));
    }
}

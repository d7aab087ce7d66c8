//! How long the process may spend its leases, as the last answer said.
//!
//! Counted from when the call was sent, by this machine's clock. A clock that went back to before that makes leases invalid.
//! Leases that lapsed stay lapsed: a later answer begins a new era, in which nothing granted before is spent. Invariant: the
//! answer to the latest call counts, in whatever order answers come.

use crate::codec::Reader;
use crate::host::{Expect, Host};
use crate::live::Names;
use crate::timer::SECOND;

/// Nobody keeps leases for longer without a word, whatever an answer says.
const MOST_SECONDS: u64 = 600;

/// What the last answer said of all leases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Validity {
    /// The number of the call that was answered.
    pub(super) seq: u64,
    /// When it was sent, in nanoseconds.
    pub(super) from: u64,
    /// Nothing is spent from then on.
    pub(super) until: u64,
    /// Counts how often leases lapsed.
    pub(super) era: u64,
    /// The process is about to be stopped.
    pub(super) drain: bool,
}

impl Validity {
    /// Whether leases may be spent at that moment.
    pub(super) fn covers(&self, now: u64) -> bool {
        (self.from..self.until).contains(&now)
    }

    /// As shared.
    pub(super) fn load(host: &impl Host, names: &Names) -> Self {
        host.shared(&names.validity()).map(|it| Self::decode(&it.value)).unwrap_or_default()
    }

    /// Follows the answer to a call, unless that of a later one came already. Tells what counts now.
    pub(super) fn follow(host: &impl Host, names: &Names, seq: u64, sent: u64, seconds: u64, drain: bool) -> Self {
        for _ in 0..32 {
            let current = host.shared(&names.validity());
            let expect = current.as_ref().map_or(Expect::Absent, |it| Expect::Unchanged(it.cas));
            let old = current.map(|it| Self::decode(&it.value)).unwrap_or_default();
            if seq <= old.seq {
                return old;
            }
            let new = old.answered(seq, sent, seconds, drain);
            if host.set_shared(&names.validity(), &new.encode(), expect).is_ok() {
                return new;
            }
        }
        Self::default()
    }

    fn answered(self, seq: u64, sent: u64, seconds: u64, drain: bool) -> Self {
        // Calls are numbered and sent at about the same time, not in one step: so little is no clock that went back.
        let lapsed = sent >= self.until || sent.saturating_add(SECOND) < self.from;
        let until = sent.saturating_add(seconds.min(MOST_SECONDS).saturating_mul(SECOND));
        Self { seq, from: sent, until, era: self.era + u64::from(lapsed), drain }
    }

    fn encode(&self) -> Vec<u8> {
        [self.seq, self.from, self.until, self.era, u64::from(self.drain)].map(u64::to_le_bytes).concat()
    }

    fn decode(bytes: &[u8]) -> Self {
        let mut reader = Reader::new(bytes);
        let mut next = || reader.u64();
        let read = || Some(Self { seq: next()?, from: next()?, until: next()?, era: next()?, drain: next()? == 1 });
        let mut read = read;
        read().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_lapse_and_stay_lapsed() {
        let first = Validity::default().answered(1, 100 * SECOND, 60, false);
        assert_eq!((first.era, first.covers(100 * SECOND), first.covers(160 * SECOND)), (1, true, false));
        assert!(!first.covers(99 * SECOND), "a clock set back");
        // (sent, era of the answer)
        for (sent, era) in [(101, 1), (159, 1), (160, 2), (99, 1), (98, 2)] {
            assert_eq!(first.answered(2, sent * SECOND, 60, false).era, era, "{sent}");
        }
        let none = first.answered(2, 101 * SECOND, 0, true);
        assert!(!none.covers(101 * SECOND) && none.answered(3, 102 * SECOND, 60, false).era == 2, "nothing is valid");
        assert_eq!(Validity::decode(&none.encode()), none);
        assert_eq!(first.answered(2, 0, u64::MAX, false).until, MOST_SECONDS * SECOND);
    }
}

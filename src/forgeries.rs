//! Signatures that did not fit lately: what they may cost a worker, and where they came from.
//!
//! An access token whose signature has to be verified costs as much as a hundred other requests, and whoever has seen one
//! token can make up any number of those. So a worker verifies a few wrong ones a second for anybody; while there are
//! more, it verifies no token of whoever sent a wrong one in the last minute, and beyond what it can bear none at all.
//! Tokens that were verified before are not asked about. Invariant: while wrong signatures are few, nobody is refused for
//! them, and an address is asked for only with a wrong one or while they are many.

use crate::recent::Tag;

/// Wrong signatures that are verified for anybody, at once and then each second: one to three milliseconds apiece at the worst.
const FEW: Rate = Rate { at_once: 32, a_second: 8 };
/// Those that are verified at all, wherever they come from: somebody may have thousands of addresses.
const MOST: Rate = Rate { at_once: 256, a_second: 128 };
/// For so many seconds an address is remembered.
const REMEMBERED: u64 = 60;
/// Addresses that are remembered; each displaces whoever had its place.
const PLACES: usize = 1024;

/// Wrong signatures that a worker saw.
#[derive(Debug, Default)]
pub struct Forgeries {
    few: Count,
    most: Count,
    /// From where the last ones came, and until when that counts; empty before the first.
    sources: Vec<(u32, u64)>,
}

/// So many, and then so many a second.
#[derive(Clone, Copy, Debug)]
struct Rate {
    at_once: u32,
    a_second: u32,
}

/// Those that count, as of that second.
#[derive(Debug, Default)]
struct Count {
    count: u32,
    second: u64,
}

impl Forgeries {
    /// Whether a signature from there, a tagged address, is not to be verified now (Unix seconds).
    pub fn bar(&mut self, now: u64, source: impl FnOnce() -> Option<Tag>) -> bool {
        if self.most.is_full(now, MOST) {
            return true;
        }
        if !self.few.is_full(now, FEW) {
            return false;
        }
        // Those without an address are not told apart, so that one of them does not bar them all.
        let Some((place, mark)) = source().map(place) else { return false };
        let known = self.sources.get(place).filter(|(known, _)| *known == mark);
        // A clock that was set back remembers nobody for longer.
        known.is_some_and(|(_, until)| (now + 1..=now + REMEMBERED).contains(until))
    }

    /// A signature from there did not fit.
    pub fn note(&mut self, now: u64, source: Option<Tag>) {
        self.few.add(now, FEW);
        self.most.add(now, MOST);
        let Some((place, mark)) = source.map(place) else { return };
        if self.sources.is_empty() {
            self.sources.resize(PLACES, (0, 0));
        }
        if let Some(known) = self.sources.get_mut(place) {
            *known = (mark, now + REMEMBERED);
        }
    }
}

impl Count {
    fn is_full(&mut self, now: u64, rate: Rate) -> bool {
        // A clock that was set back begins anew.
        let passed = u32::try_from(now.saturating_sub(self.second)).unwrap_or(u32::MAX);
        self.count = self.count.saturating_sub(passed.saturating_mul(rate.a_second));
        self.second = now;
        self.count >= rate.at_once
    }

    fn add(&mut self, now: u64, rate: Rate) {
        if !self.is_full(now, rate) {
            self.count += 1;
        }
    }
}

fn place(source: Tag) -> (usize, u32) {
    let bits = source.bits();
    (bits as usize % PLACES, (bits >> 32) as u32)
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use portcullis_engine::ip::customer;

    use super::*;
    use crate::recent::{Recent, RecentSecret};

    fn tag(address: &str) -> Option<Tag> {
        let recent = Recent::new(RecentSecret(*b"sixteen bytes..."), 0);
        Some(recent.tag(&customer(address.parse().unwrap())))
    }

    /// So many wrong signatures from there, each a second that many after 1000.
    fn after(wrong: &[(u64, &str, u32)]) -> Forgeries {
        let mut forgeries = Forgeries::default();
        for (second, address, count) in wrong {
            (0..*count).for_each(|_| forgeries.note(1000 + second, tag(address)));
        }
        forgeries
    }

    #[test]
    fn who_is_barred() {
        let many = &[(0, "192.0.2.1", FEW.at_once)][..];
        let few = &[(0, "192.0.2.1", FEW.at_once - 1)][..];
        let long = &[(0, "2001:db8:0:1::1", 1), (30, "192.0.2.1", 100)][..];
        for (wrong, second, address, barred) in [
            (&[][..], 0, "192.0.2.1", false),
            (few, 0, "192.0.2.1", false),
            (many, 0, "192.0.2.1", true),
            (many, 0, "192.0.2.2", false),
            (many, 0, "::ffff:192.0.2.1", true),
            (many, 1, "192.0.2.1", false),
            (long, 30, "192.0.2.1", true),
            (long, 30, "2001:db8:0:1:ffff::2", true),
            (long, 30, "2001:db8:0:2::1", false),
            (&[(0, "192.0.2.1", 1), (59, "192.0.2.2", 99)], 59, "192.0.2.1", true),
            (&[(0, "192.0.2.1", 1), (60, "192.0.2.2", 99)], 60, "192.0.2.1", false),
        ] {
            assert_eq!(after(wrong).bar(1000 + second, || tag(address)), barred, "{wrong:?} {second} {address}");
        }
        assert!(!after(many).bar(1000, || None), "without an address");
    }

    #[test]
    fn from_everywhere_no_more_than_a_worker_can_bear() {
        let mut forgeries = Forgeries::default();
        let mut verified = |second: u64, addresses: u32| {
            let mut count = 0;
            for address in (0..addresses).map(|it| tag(&Ipv4Addr::from_bits(it + second as u32 * 100_000).to_string()))
            {
                if !forgeries.bar(1000 + second, || address) {
                    forgeries.note(1000 + second, address);
                    count += 1;
                }
            }
            count
        };
        assert_eq!([verified(0, 5000), verified(1, 5000), verified(3, 5000)], [256, 128, 256]);
    }

    #[test]
    fn nobody_is_asked_for_an_address_while_they_are_few() {
        let mut forgeries = after(&[(0, "192.0.2.1", FEW.at_once - 1)]);
        let mut asked = false;
        let barred = forgeries.bar(1000, || {
            asked = true;
            None
        });
        assert!(!barred && !asked);
    }

    #[test]
    fn a_clock_that_is_set_back_bars_nobody_for_ever() {
        let mut forgeries = after(&[(500, "192.0.2.1", 100)]);
        assert!(!forgeries.bar(1000 + 1, || tag("192.0.2.2")));
        assert!(!forgeries.bar(1000 + 10, || tag("192.0.2.1")));
        (0..100).for_each(|_| forgeries.note(1010, tag("192.0.2.3")));
        assert!(!forgeries.bar(1010, || tag("192.0.2.1")), "it was remembered until later than a minute from now");
        assert!(forgeries.bar(1010, || tag("192.0.2.3")));
    }
}

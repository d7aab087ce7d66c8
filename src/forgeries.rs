//! Signatures that did not fit lately: what they may cost a worker, and where they came from.
//!
//! An access token whose signature has to be verified costs as much as a hundred other requests, and whoever has seen one
//! token can make up any number of those. So a worker verifies a few wrong ones a second for anybody; while there are
//! more, it verifies no token of whoever sent a wrong one in the last minute. Tokens that were verified before are not
//! asked about, nor is anybody who sent none. Invariant: while wrong signatures are few, nobody is refused for them, and
//! an address is asked for only with a wrong one or while they are many.

use core::net::IpAddr;

use crate::recent::Tag;

/// Wrong signatures that are verified at once, and then each second: one to three milliseconds apiece at the worst.
const AT_ONCE: u32 = 32;
const A_SECOND: u32 = 8;
/// For so many seconds an address is remembered.
const REMEMBERED: u64 = 60;
/// Addresses that are remembered; each displaces whoever had its place.
const PLACES: usize = 1024;

/// Wrong signatures that a worker saw.
#[derive(Debug, Default)]
pub struct Forgeries {
    /// Those that count, as of that second.
    count: u32,
    second: u64,
    /// From where the last ones came, and until when that counts; empty before the first.
    sources: Vec<(u32, u64)>,
}

impl Forgeries {
    /// Whether a signature from there is not to be verified now (Unix seconds).
    pub fn bar(&mut self, now: u64, source: impl FnOnce() -> Option<Tag>) -> bool {
        self.forget(now);
        if self.count < AT_ONCE {
            return false;
        }
        // Who has no address has them all.
        let Some(source) = source() else { return true };
        let (place, mark) = place(source);
        self.sources.get(place).is_some_and(|(known, until)| *known == mark && now < *until)
    }

    /// A signature from there did not fit.
    pub fn note(&mut self, now: u64, source: Option<Tag>) {
        self.forget(now);
        self.count = self.count.saturating_add(1).min(AT_ONCE);
        let Some(source) = source else { return };
        if self.sources.is_empty() {
            self.sources.resize(PLACES, (0, 0));
        }
        let (place, mark) = place(source);
        if let Some(known) = self.sources.get_mut(place) {
            *known = (mark, now.saturating_add(REMEMBERED));
        }
    }

    fn forget(&mut self, now: u64) {
        // A clock that was set back begins anew.
        let passed = u32::try_from(now.saturating_sub(self.second)).unwrap_or(u32::MAX);
        self.count = self.count.saturating_sub(passed.saturating_mul(A_SECOND));
        self.second = now;
    }
}

fn place(source: Tag) -> (usize, u32) {
    let bits = source.bits();
    (bits as usize % PLACES, (bits >> 32) as u32)
}

/// What counts as one source: an address, or the network that IPv6 gives to one customer.
pub fn network(address: IpAddr) -> [u8; 9] {
    let mut bytes = [0; 9];
    let (head, rest) = bytes.split_at_mut(1);
    match address.to_canonical() {
        IpAddr::V4(it) => rest.iter_mut().zip(it.octets()).for_each(|(to, from)| *to = from),
        IpAddr::V6(it) => {
            head.fill(6);
            rest.iter_mut().zip(it.octets()).for_each(|(to, from)| *to = from);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recent::{Recent, RecentSecret};

    fn tag(address: &str) -> Option<Tag> {
        let recent = Recent::new(RecentSecret(*b"sixteen bytes..."), 0);
        Some(recent.tag(&network(address.parse().unwrap())))
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
        let many = &[(0, "192.0.2.1", AT_ONCE)][..];
        let few = &[(0, "192.0.2.1", AT_ONCE - 1)][..];
        let long = &[(0, "2001:db8:0:1::1", 1), (30, "192.0.2.1", 1000)][..];
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
        assert!(after(many).bar(1000, || None), "without an address");
    }

    #[test]
    fn nobody_is_asked_for_an_address_while_they_are_few() {
        let mut forgeries = after(&[(0, "192.0.2.1", AT_ONCE - 1)]);
        let mut asked = false;
        let barred = forgeries.bar(1000, || {
            asked = true;
            None
        });
        assert!(!barred && !asked);
    }

    #[test]
    fn a_clock_that_is_set_back_bars_nobody_for_ever() {
        let mut forgeries = after(&[(500, "192.0.2.1", 1000)]);
        assert!(!forgeries.bar(1000 + 1, || tag("192.0.2.2")));
        assert!(!forgeries.bar(1000 + 10, || tag("192.0.2.1")));
    }
}

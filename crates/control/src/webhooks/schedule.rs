//! When a message that did not arrive is sent again.
//!
//! Invariant: the times grow, and end.

use crate::random;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
/// After the first attempt, the second, and so on. Some 31 hours in all: a weekend's outage is too long, a night's is not.
const WAITS_MS: [u64; 7] = [5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, 24 * HOUR];

/// How long to wait, in milliseconds, after so many attempts; `None` = it is given up. Up to a fifth longer than the plan,
/// so that what failed together is not sent together again.
pub(super) fn wait_ms(attempts: u64) -> Option<u64> {
    let place = usize::try_from(attempts.checked_sub(1)?).ok()?;
    let wait = WAITS_MS.get(place)?;
    // Without randomness it is as planned.
    let [part] = random::bytes::<1>().unwrap_or_default();
    Some(wait + wait / 5 * u64::from(part) / 255)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        for (attempts, seconds) in [(1, 5), (2, 30), (3, 120), (4, 600), (5, 3600), (6, 21_600), (7, 86_400)] {
            for _ in 0..100 {
                let wait = wait_ms(attempts).unwrap();
                assert!((seconds * 1000..=seconds * 1200).contains(&wait), "{attempts}: {wait}");
            }
        }
        let waits: std::collections::BTreeSet<_> = (0..100).map(|_| wait_ms(7)).collect();
        assert!(waits.len() > 10, "they are spread: {waits:?}");
        assert_eq!([wait_ms(0), wait_ms(8), wait_ms(u64::MAX)], [None; 3]);
    }
}

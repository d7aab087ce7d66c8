//! Which revoked keys a version still tells of: a matter of the version's day, not of who builds it when.
//!
//! A version is at least the millisecond in which it was taken, so it says its own day, and days never go back.
//! Invariant: what a version holds follows from the database and the version alone; replicas agree to the byte.

use crate::clock::DAY;

/// Revoked keys stay in the bundle this long, so that the edge can say that they are revoked.
const TOMBSTONE_DAYS: u64 = 30;

/// In that version there is no key revoked before this, in Unix seconds.
pub(super) fn forgotten_before(version: u64) -> u64 {
    (version / (DAY * 1000)).saturating_sub(TOMBSTONE_DAYS) * DAY
}

/// No version below this one is of today or later.
pub(super) fn first_version(now: u64) -> u64 {
    now / DAY * DAY * 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_says_its_day() {
        let noon = 1_768_478_400;
        let midnight = noon - DAY / 2;
        assert_eq!(first_version(noon), midnight * 1000);
        for (version, expected) in [
            (0, 0),
            (noon * 1000, midnight - 30 * DAY),
            (midnight * 1000, midnight - 30 * DAY),
            (midnight * 1000 - 1, midnight - 31 * DAY),
        ] {
            assert_eq!(forgotten_before(version), expected, "{version}");
        }
    }
}

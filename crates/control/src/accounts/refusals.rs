//! Failures to prove who one is, as far as the audit log does not tell of them yet.
//!
//! In memory, for each replica. Invariant: however often strangers try, the log gets a row for each member they try and
//! each while, so they cannot fill it; the rows together count every failure up to the last of them that came within two whiles
//! of one before. Memory holds those who were tried within two whiles.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::id::UserId;

/// Of one member there is no more than one row in this time.
const WHILE_SECONDS: u64 = 10 * 60;

/// Those who are done are looked for no more often: whoever counts holds up everybody else who does.
const SWEPT_EVERY_SECONDS: u64 = 60;
/// Whatever was never told of is forgotten after so many times that while.
const WHILES_KEPT: u64 = 2;

/// Members whose password was tried in vain, and whatever else is told of once in a while.
#[derive(Debug)]
pub(crate) struct Refusals<K = UserId> {
    counted: Mutex<Counted<K>>,
    each_seconds: u64,
}

#[derive(Debug)]
struct Counted<K> {
    of: HashMap<K, Refused>,
    /// When those who are done were looked for.
    swept_at: u64,
}

#[derive(Debug)]
struct Refused {
    /// When a row was last written.
    told_at: u64,
    /// How many there were since.
    untold: u64,
}

impl<K> Default for Refusals<K> {
    fn default() -> Self {
        Self::each(WHILE_SECONDS)
    }
}

impl<K> Refusals<K> {
    /// With a row in so many seconds.
    pub(crate) fn each(seconds: u64) -> Self {
        Self { counted: Mutex::new(Counted { of: HashMap::new(), swept_at: 0 }), each_seconds: seconds }
    }
}

impl<K: Eq + Hash> Refusals<K> {
    /// Counts one. If it is time for a row: how many failures that tells of.
    pub(crate) fn count(&self, user: K, now: u64) -> Option<u64> {
        let mut counted = self.counted();
        if now.saturating_sub(counted.swept_at) >= SWEPT_EVERY_SECONDS {
            counted.swept_at = now;
            counted.of.retain(|_, it| self.is_kept(it, now));
        }
        let Some(it) = counted.of.get_mut(&user) else {
            counted.of.insert(user, Refused { told_at: now, untold: 0 });
            return Some(1);
        };
        it.untold += 1;
        if now.saturating_sub(it.told_at) < self.each_seconds {
            return None;
        }
        it.told_at = now;
        Some(std::mem::take(&mut it.untold))
    }

    /// How many no row tells of, now that the member signs in.
    pub(crate) fn settle(&self, user: K) -> u64 {
        self.counted().of.get_mut(&user).map_or(0, |it| std::mem::take(&mut it.untold))
    }

    /// Those who must wait stay; and for a while longer those of whom there is something to tell.
    fn is_kept(&self, it: &Refused, now: u64) -> bool {
        let whiles = if it.untold > 0 { WHILES_KEPT } else { 1 };
        now.saturating_sub(it.told_at) < self.each_seconds.saturating_mul(whiles)
    }

    fn counted(&self) -> MutexGuard<'_, Counted<K>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_member_there_is_a_row_in_a_while_and_none_is_lost() {
        let refusals = Refusals::default();
        let [ada, bob] = [(); 2].map(|()| UserId::generate().unwrap());
        for (user, now, told) in [
            (ada, 1000, Some(1)),
            (ada, 1001, None),
            (bob, 1001, Some(1)),
            (ada, 1599, None),
            (ada, 1600, Some(3)),
            (ada, 1601, None),
            (bob, 2500, Some(1)),
        ] {
            assert_eq!(refusals.count(user, now), told, "{now}");
        }
        assert_eq!([refusals.settle(ada), refusals.settle(ada), refusals.settle(bob)], [1, 0, 0]);
        assert_eq!(refusals.count(ada, 9001), Some(1));
    }

    #[test]
    fn who_was_tried_long_ago_is_forgotten_and_looked_for_once_a_minute() {
        let refusals = Refusals::default();
        let [ada, bob, eve] = [(); 3].map(|()| UserId::generate().unwrap());
        for (user, now, left) in [
            (ada, 1000, 1),
            (ada, 1001, 1),
            (bob, 1100, 2),
            (eve, 1699, 3),
            (eve, 1700, 3),
            // Of Bob nothing is to be told.
            (eve, 1759, 2),
            // Of Ada there is, for two whiles.
            (eve, 2199, 2),
            (eve, 2258, 2),
            (eve, 2259, 1),
        ] {
            let _ = refusals.count(user, now);
            assert_eq!(refusals.counted().of.len(), left, "{now}");
        }
    }
}

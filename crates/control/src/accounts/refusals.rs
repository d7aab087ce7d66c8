//! Failures to prove who one is, as far as the audit log does not tell of them yet.
//!
//! In memory, for each replica. Invariant: however often strangers try, the log gets a row for each member they try and
//! each while, so they cannot fill it; the rows together count every failure up to the last of them.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use crate::id::UserId;

/// Of one member there is no more than one row in this time.
const WHILE_SECONDS: u64 = 10 * 60;

/// Members whose password was tried in vain, and whatever else is told of once in a while.
#[derive(Debug)]
pub(crate) struct Refusals<K = UserId> {
    counted: Mutex<HashMap<K, Refused>>,
    each_seconds: u64,
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
        Self { counted: Mutex::default(), each_seconds: seconds }
    }
}

impl<K: Eq + Hash> Refusals<K> {
    /// Counts one. If it is time for a row: how many failures that tells of.
    pub(crate) fn count(&self, user: K, now: u64) -> Option<u64> {
        let mut members = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        // Only those stay of whom there is something to tell, or who must wait: as many as are tried in a while.
        members.retain(|_, it| it.untold > 0 || now.saturating_sub(it.told_at) < self.each_seconds);
        let Some(it) = members.get_mut(&user) else {
            members.insert(user, Refused { told_at: now, untold: 0 });
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
        let mut members = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        members.get_mut(&user).map_or(0, |it| std::mem::take(&mut it.untold))
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
            (bob, 9000, Some(1)),
        ] {
            assert_eq!(refusals.count(user, now), told, "{now}");
        }
        assert_eq!([refusals.settle(ada), refusals.settle(ada), refusals.settle(bob)], [1, 0, 0]);
        assert_eq!(refusals.count(ada, 9001), Some(1));
    }
}

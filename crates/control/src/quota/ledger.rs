//! The ledger's arithmetic: what a lease costs its meter, how much is granted, and when a part of a limit is reached.
//!
//! Pure; rows are read and written elsewhere. Invariants: what a meter is charged never falls below what may have been spent; nothing an
//! edge says overflows; what edges say was granted is believed upwards only.

use portcullis_api::LostLeases;
use portcullis_api::edge::MeterState;
use portcullis_engine::limit::floor;

/// More tokens than anybody sells. Whatever edges say is cut here, so that sums of it fit.
pub(crate) const MOST_TOKENS: u64 = 1_000_000_000_000_000;
/// The parts of a limit of which there is something to tell, in percent.
pub(crate) const PERCENTS: [u64; 3] = [50, 80, 100];

/// What one process has of one meter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lease {
    /// Given to it, cumulative.
    pub granted: u64,
    /// Spent of it, as it last said.
    pub spent: u64,
    /// Given back by it, cumulative.
    pub returned: u64,
    /// Taken from it when it was gone.
    pub forgiven: u64,
    /// The revision that says so.
    pub revision: u64,
    /// Whether its process is gone.
    pub in_doubt: bool,
}

/// The sums of a meter's leases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    /// Spent, or held by somebody.
    pub charged: u64,
    /// Spent, as far as processes said.
    pub spent: u64,
    /// Held by processes that are gone.
    pub in_doubt: u64,
}

/// What somebody wants of a meter, and what there is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    /// How many tokens it would like to hold.
    pub want: u64,
    /// Fewer are of no use.
    pub least: u64,
    /// The limit, top-ups included.
    pub limit: u64,
    /// Processes that are alive.
    pub boots: u64,
}

impl Lease {
    /// What it costs its meter.
    pub(crate) fn charge(&self) -> u64 {
        self.granted.saturating_sub(self.returned).saturating_sub(self.forgiven).max(self.spent)
    }

    /// What of that was not spent, as far as its process said.
    pub(crate) fn held(&self) -> u64 {
        self.charge() - self.spent
    }

    fn sums(&self) -> Sums {
        let in_doubt = if self.in_doubt { self.held() } else { 0 };
        Sums { charged: self.charge(), spent: self.spent, in_doubt }
    }

    /// Takes in what its process says. What is older than what it said before only tells of grants and returns.
    pub(crate) fn hear(&mut self, told: &MeterState) {
        self.granted = self.granted.max(told.granted.min(MOST_TOKENS));
        self.returned = self.returned.max(told.returned).min(self.granted);
        if told.revision > self.revision {
            (self.spent, self.revision) = (told.spent.min(MOST_TOKENS), told.revision);
        }
        self.in_doubt = false;
        // Everything is accounted for: nothing had to be taken after all.
        if self.spent.saturating_add(self.returned) >= self.granted {
            self.forgiven = 0;
        }
    }

    /// Its process is gone.
    pub(crate) fn close(&mut self, lost: LostLeases) {
        self.in_doubt = true;
        if lost == LostLeases::Returned {
            self.forgiven = self.forgiven.saturating_add(self.held());
        }
    }

    /// Gives it more.
    pub(crate) fn grant(&mut self, tokens: u64) {
        self.granted = self.granted.saturating_add(tokens);
    }
}

impl Sums {
    /// The same after one lease changed.
    pub(crate) fn moved(self, before: &Lease, after: &Lease) -> Self {
        let (old, new) = (before.sums(), after.sums());
        let moved = |sum: u64, old: u64, new: u64| sum.saturating_sub(old).saturating_add(new);
        Self {
            charged: moved(self.charged, old.charged, new.charged),
            spent: moved(self.spent, old.spent, new.spent),
            in_doubt: moved(self.in_doubt, old.in_doubt, new.in_doubt),
        }
    }

    /// What counts as spent.
    pub(crate) fn used(&self) -> u64 {
        self.spent.saturating_add(self.in_doubt)
    }

    /// Held by processes that are alive.
    pub(crate) fn held(&self) -> u64 {
        self.charged.saturating_sub(self.used())
    }

    /// What can be granted.
    pub(crate) fn free(&self, limit: u64) -> u64 {
        limit.saturating_sub(self.charged)
    }

    /// The highest of [`PERCENTS`] that is reached; 0 = none is.
    pub(crate) fn percent(&self, limit: u64) -> u64 {
        let reached = |percent: &&u64| u128::from(self.used()) * 100 >= u128::from(**percent) * u128::from(limit);
        PERCENTS.iter().rev().find(reached).copied().unwrap_or(0)
    }
}

impl Wish {
    /// The most that a process may hold, and so the most that is lost with one that dies: a hundredth, or a few tokens of a small limit.
    fn most(&self) -> u64 {
        (self.limit / 100).max((self.limit / 20).clamp(1, 16)).max(self.least)
    }

    /// How much it may hold of what it would like to.
    fn goal(&self) -> u64 {
        self.want.min(self.most())
    }

    fn missing(&self, lease: &Lease) -> u64 {
        self.goal().saturating_sub(lease.held())
    }

    /// Whether it has half of that or less, or too little for a request: reason enough to let others give back what they hold.
    pub(crate) fn is_short(&self, lease: &Lease) -> bool {
        self.missing(lease) > 0 && (lease.held() < self.least || lease.held().saturating_mul(2) <= self.goal())
    }

    /// How much of it is granted: small parts near the limit, so that the rest goes to whoever needs it, but what is of use if there is
    /// as much. What is not goes back unspent, and would be asked for again.
    pub(crate) fn grant(&self, lease: &Lease, sums: &Sums) -> u64 {
        let free = sums.free(self.limit);
        let share = (free / (2 * self.boots.max(1))).max(1).max(self.least.saturating_sub(lease.held()));
        self.missing(lease).min(share).min(free)
    }

    /// How much is granted before the first request.
    pub(crate) fn grant_floor(&self, lease: &Lease, sums: &Sums) -> u64 {
        let missing = floor(self.limit).saturating_sub(lease.held());
        missing.min(sums.free(self.limit) / (4 * self.boots.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(granted: u64, spent: u64, returned: u64) -> MeterState {
        MeterState { granted, spent, returned, ..MeterState::default() }
    }

    #[test]
    fn whatever_is_said_the_charge_covers_what_may_have_been_spent() {
        let before = Lease { granted: 100, spent: 40, returned: 10, revision: 5, ..Lease::default() };
        for (said, revision, charge, spent) in [
            (told(100, 50, 10), 6, 90, 50),
            (told(100, 30, 10), 6, 90, 30),    // chunks were given back
            (told(100, 99, 10), 5, 90, 40),    // doubled or late
            (told(80, 40, 10), 6, 90, 40),     // an answer got lost
            (told(100, 40, 60), 6, 40, 40),    // all is accounted for
            (told(100, 40, 100), 6, 40, 40),   // more was returned than there was
            (told(100, 40, 0), 6, 90, 40),     // what was returned stays so
            (told(250, 40, 10), 6, 240, 40),   // a backup forgot what was granted
            (told(100, 500, 10), 6, 500, 500), // more was spent than granted
            (told(u64::MAX, u64::MAX, u64::MAX), 6, MOST_TOKENS, MOST_TOKENS),
        ] {
            let mut lease = before;
            lease.hear(&MeterState { revision, ..said.clone() });
            assert_eq!((lease.charge(), lease.spent), (charge, spent), "{said:?}");
        }
    }

    #[test]
    fn who_is_gone_is_charged_for_what_it_held_or_not_as_the_plan_says() {
        let before = Lease { granted: 100, spent: 40, returned: 10, revision: 5, ..Lease::default() };
        for (lost, gone, late, charge) in [
            (LostLeases::Spent, 90, told(100, 70, 10), 90),
            (LostLeases::Spent, 90, told(100, 70, 30), 70),
            (LostLeases::Returned, 40, told(100, 70, 10), 70),
            (LostLeases::Returned, 40, told(100, 70, 30), 70),
            (LostLeases::Returned, 40, told(100, 40, 60), 40),
        ] {
            let mut lease = before;
            lease.close(lost);
            assert_eq!((lease.charge(), lease.in_doubt), (gone, true), "{lost:?}");
            lease.hear(&MeterState { revision: 6, ..late.clone() });
            assert_eq!((lease.charge(), lease.in_doubt), (charge, false), "{lost:?} {late:?}");
        }
    }

    #[test]
    fn who_has_more_than_half_of_what_it_wants_is_not_short() {
        for (want, least, limit, held, short) in [
            (100, 0, 30_000, 50, true),
            (100, 0, 30_000, 51, false),
            (100, 60, 30_000, 59, true),
            (100, 60, 30_000, 60, false),
            // A wish beyond what anybody may hold is one for that much.
            (1000, 0, 3_000, 9, true),
            (1000, 0, 3_000, 16, false),
            (u64::MAX, 0, u64::MAX, u64::MAX, false),
            // Who wants nothing lacks nothing.
            (0, 0, 30_000, 0, false),
        ] {
            let wish = Wish { want, least, limit, boots: 1 };
            let lease = Lease { granted: held, ..Lease::default() };
            assert_eq!(wish.is_short(&lease), short, "{wish:?} {held}");
        }
    }

    #[test]
    fn grants_are_small_near_the_limit() {
        for (want, limit, charged, boots, grant, floor) in [
            (1000, 30_000, 0, 1, 300, 32),
            (10, 30_000, 0, 1, 10, 32),
            (1000, 30_000, 29_900, 2, 25, 12),
            (1000, 30_000, 29_996, 2, 1, 0),
            (1000, 30_000, 30_000, 2, 0, 0),
            (1000, 30_000, 31_000, 2, 0, 0),
            (1000, 100, 0, 1, 5, 1),
            (1000, 1_000, 0, 1, 16, 5),
            (1000, 0, 0, 1, 0, 0),
            (0, 30_000, 0, 1, 0, 32),
            (0, 1_000, 0, 1, 0, 5),
            (u64::MAX, u64::MAX, 0, u64::MAX / 4, 2, 1),
        ] {
            let (wish, sums) = (Wish { want, least: 0, limit, boots }, Sums { charged, ..Sums::default() });
            let lease = Lease::default();
            assert_eq!((wish.grant(&lease, &sums), wish.grant_floor(&lease, &sums)), (grant, floor), "{wish:?}");
        }
    }
    #[test]
    fn a_request_that_costs_more_than_a_share_is_not_refused_while_there_are_tokens() {
        for (want, least, limit, charged, boots, held, grant) in [
            (10_000, 10_000, 100_000, 0, 10, 0, 10_000),
            (20_000, 10_000, 100_000, 0, 10, 0, 10_000),
            (10_000, 10_000, 100_000, 4_000, 10, 4_000, 6_000),
            // There are fewer, and never more than there are.
            (10_000, 10_000, 100_000, 91_000, 10, 0, 9_000),
            (10_000, 10_000, 100_000, 100_000, 10, 0, 0),
            // It has enough.
            (10_000, 10_000, 100_000, 10_000, 10, 10_000, 0),
            (0, 10_000, 100_000, 0, 10, 0, 0),
        ] {
            let (wish, sums) = (Wish { want, least, limit, boots }, Sums { charged, ..Sums::default() });
            let lease = Lease { granted: held, ..Lease::default() };
            assert_eq!(wish.grant(&lease, &sums), grant, "{wish:?} {charged} {held}");
        }
    }
}

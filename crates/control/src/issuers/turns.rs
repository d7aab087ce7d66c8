//! How often issuers' keys are fetched because somebody asked for it, and how many are at once.
//!
//! Each is a request of ours to a server of an organisation's choice, and what it changes makes edges verify tokens
//! anew. In memory, for each replica. Invariant: one organisation has one of the fetches that are under way,
//! whoever asked for it.

use std::sync::Arc;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use portcullis_engine::OrganizationId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;
use crate::limits::Limits;
use crate::shares::{Shares, semaphore};

const AT_ONCE: u32 = 8;
const OF_AN_ORGANIZATION: u32 = 1;

/// The turns, and who asked for one lately: no more than there are organisations.
#[derive(Debug)]
pub(crate) struct Fetches {
    all: Arc<Semaphore>,
    organizations: Shares<OrganizationId>,
    asked: DefaultKeyedRateLimiter<[u8; 10]>,
    clock: DefaultClock,
}

/// What whoever fetches holds while they do.
#[derive(Debug)]
pub(crate) struct Turn {
    // Dropped in this order: whoever is let in by one permit takes the other.
    _all: Option<OwnedSemaphorePermit>,
    _organization: Option<OwnedSemaphorePermit>,
}

impl Fetches {
    pub(crate) fn new(limits: &Limits) -> Self {
        let rate = limits.issuer_fetches;
        let quota = Quota::with_period(rate.every).unwrap_or(Quota::per_second(rate.burst)).allow_burst(rate.burst);
        Self {
            all: semaphore(AT_ONCE),
            organizations: Shares::new(OF_AN_ORGANIZATION),
            asked: RateLimiter::keyed(quota),
            clock: DefaultClock::default(),
        }
    }

    /// Counts one that somebody asked for; fails if it is one too many.
    pub(super) fn ask(&self, organization: OrganizationId) -> Result<(), Error> {
        self.asked.check_key(organization.as_bytes()).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now());
            Error::TooMany { retry_after: wait.as_secs().saturating_add(1) }
        })
    }

    /// Waits for a turn.
    pub(super) async fn turn(&self, organization: OrganizationId) -> Turn {
        // The own queue first: there an organisation waits for itself and for nobody else.
        let own = self.organizations.of(organization).acquire_owned().await.ok();
        Turn { _all: self.all.clone().acquire_owned().await.ok(), _organization: own }
    }

    /// A turn, if there is one now: whoever fetches for everybody waits for nobody.
    pub(super) fn turn_now(&self, organization: OrganizationId) -> Option<Turn> {
        let own = self.organizations.of(organization).try_acquire_owned().ok()?;
        Some(Turn { _all: Some(self.all.clone().try_acquire_owned().ok()?), _organization: Some(own) })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn an_organisation_fetches_one_at_a_time_and_all_of_them_eight() {
        let fetches = Fetches::new(&Limits::default());
        let organization = |number: u8| OrganizationId::from_bytes([number; 10]);
        let mut turns: Vec<_> = (0..7).filter_map(|it| fetches.turn(organization(it)).now_or_never()).collect();
        assert_eq!(turns.len(), 7);
        let mut waiting = Box::pin(fetches.turn(organization(0)));
        assert!(waiting.as_mut().now_or_never().is_none() && fetches.turn_now(organization(0)).is_none());
        turns.extend(fetches.turn_now(organization(7)));
        assert!(turns.len() == 8 && fetches.turn_now(organization(8)).is_none(), "that is all");
        turns.remove(0);
        assert!(waiting.now_or_never().is_some());
        assert!(fetches.turn_now(organization(8)).is_some());
    }

    #[test]
    fn each_organisation_asks_so_often() {
        let fetches = Fetches::new(&Limits::default());
        let [one, other] = [1, 2].map(|it| OrganizationId::from_bytes([it; 10]));
        assert!((0..10).all(|_| fetches.ask(one).is_ok()));
        assert!(matches!(fetches.ask(one), Err(Error::TooMany { retry_after: 1..=60 })));
        assert!(fetches.ask(other).is_ok());
    }
}

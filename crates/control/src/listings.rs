//! Who may read a long list now.
//!
//! Long lists must not keep anything else waiting, nor one caller's those of others: a caller has so many turns at once,
//! an organisation a few more, and all of them together more than one organisation. It bounds what is at work, not how
//! often somebody asks (`http::rates`). Invariant: whoever waits here waits behind at most [`OF_AN_ORGANIZATION`]
//! listings of each other organisation.

use std::sync::Arc;

use portcullis_engine::OrganizationId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::caller::Caller;
use crate::shares::{Shares, semaphore};

/// At work at once. Stores have a connection for each.
pub(crate) const AT_ONCE: u32 = 4;
/// One organisation leaves room for others.
const OF_AN_ORGANIZATION: u32 = 3;
/// One member leaves room for others.
const OF_A_CALLER: u32 = 2;

/// The turns.
#[derive(Debug)]
pub(crate) struct Listings {
    all: Arc<Semaphore>,
    organizations: Shares<OrganizationId>,
    /// By person or service token; `None` is the administrator.
    callers: Shares<(OrganizationId, Option<String>)>,
}

/// What somebody who reads a list holds while they do.
#[derive(Debug)]
pub(crate) struct Turn {
    // Dropped in this order: whoever is let in by one permit takes the others.
    _all: Option<OwnedSemaphorePermit>,
    _organization: Option<OwnedSemaphorePermit>,
    _caller: Option<OwnedSemaphorePermit>,
}

impl Listings {
    /// Waits for a turn.
    pub(crate) async fn turn(&self, by: &Caller) -> Turn {
        // The own queue first: there the many requests of one caller wait for each other and for nobody else.
        let caller = self.callers.of((by.organization, by.maker())).acquire_owned().await.ok();
        let organization = self.organizations.of(by.organization).acquire_owned().await.ok();
        let all = self.all.clone().acquire_owned().await.ok();
        Turn { _all: all, _organization: organization, _caller: caller }
    }
}

impl Default for Listings {
    fn default() -> Self {
        Self {
            all: semaphore(AT_ONCE),
            organizations: Shares::new(OF_AN_ORGANIZATION),
            callers: Shares::new(OF_A_CALLER),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn organization(number: u8) -> Caller {
        Caller::root(OrganizationId::from_bytes([number; 10]), None, String::new())
    }

    #[tokio::test]
    async fn one_caller_with_many_requests_keeps_nobody_else_waiting() {
        let listings = Listings::default();
        let (greedy, other) = (organization(1), organization(2));
        let mut turns = Vec::new();
        let mut waiting = Vec::new();
        for _ in 0..100 {
            let mut turn = Box::pin(listings.turn(&greedy));
            match turn.as_mut().now_or_never() {
                Some(turn) => turns.push(turn),
                None => waiting.push(turn),
            }
        }
        assert_eq!((turns.len(), waiting.len()), (2, 98));
        let at_once = listings.turn(&other).now_or_never();
        assert!(at_once.is_some(), "another organisation does not wait");
        turns.pop();
        let next = waiting.iter_mut().filter_map(|turn| turn.now_or_never()).collect::<Vec<_>>();
        assert_eq!(next.len(), 1, "who waited gets the turn that ended");
    }

    #[tokio::test]
    async fn one_organization_with_many_callers_leaves_room() {
        let listings = Listings::default();
        let callers: Vec<_> = (0..20_u8).map(|number| service(1, number)).collect();
        let turns: Vec<_> = callers.iter().filter_map(|caller| listings.turn(caller).now_or_never()).collect();
        assert_eq!(turns.len(), 3);
        assert!(listings.turn(&organization(2)).now_or_never().is_some());
    }

    #[tokio::test]
    async fn those_who_are_done_are_forgotten() {
        let listings = Listings::default();
        for number in 0..100 {
            drop(listings.turn(&organization(number)).await);
        }
        assert!(listings.callers.len() <= 1 && listings.organizations.len() <= 1);
    }

    fn service(organization: u8, number: u8) -> Caller {
        let id = format!("tok_{number:0>16}").parse().unwrap();
        let who = crate::caller::Who::Token { id, name: String::new(), owner: None };
        Caller { who, ..self::organization(organization) }
    }
}

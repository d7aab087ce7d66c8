//! How often access tokens may be asked for: from one address, in vain from one address, with one credential, and for one
//! grant.
//!
//! In memory, for each replica. Invariants: whatever strangers send, memory is bounded by how fast they may ask; a stranger who
//! knows a credential's id, which is no secret, does not use up what its holder may ask.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use portcullis_engine::KeyId;

use crate::accounts::place;
use crate::error::Error;
use crate::limits::{Limits, Rate};

/// Those who have not asked for long are forgotten every so many requests.
const FORGET_EVERY: u32 = 4096;

/// Whoever asked lately.
#[derive(Debug)]
pub(crate) struct ExchangeRates {
    addresses: DefaultKeyedRateLimiter<[u8; 16]>,
    refusals: DefaultKeyedRateLimiter<[u8; 16]>,
    credentials: DefaultKeyedRateLimiter<[u8; 10]>,
    grants: DefaultKeyedRateLimiter<[u8; 10]>,
    clock: DefaultClock,
    count: AtomicU32,
}

impl ExchangeRates {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            addresses: RateLimiter::keyed(quota(limits.exchanges_by_address)),
            refusals: RateLimiter::keyed(quota(limits.exchanges_refused_by_address)),
            credentials: RateLimiter::keyed(quota(limits.exchanges_by_credential)),
            grants: RateLimiter::keyed(quota(limits.refreshes_by_grant)),
            clock: DefaultClock::default(),
            count: AtomicU32::new(0),
        }
    }

    /// Counts one request; fails if it is one too many.
    pub(crate) fn ask(&self, address: Option<IpAddr>) -> Result<(), Error> {
        if self.count.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            for limiter in [&self.addresses, &self.refusals] {
                limiter.retain_recent();
                limiter.shrink_to_fit();
            }
            for limiter in [&self.credentials, &self.grants] {
                limiter.retain_recent();
                limiter.shrink_to_fit();
            }
        }
        self.check(&self.addresses, &place(address))
    }

    /// Counts one that was refused; fails if it is one too many. What is right is not counted, so it passes from there.
    pub(crate) fn refused(&self, address: Option<IpAddr>) -> Result<(), Error> {
        self.check(&self.refusals, &place(address))
    }

    /// Counts one of a credential that proved itself; fails if it is one too many.
    pub(crate) fn exchanged(&self, credential: KeyId) -> Result<(), Error> {
        self.check(&self.credentials, credential.as_bytes())
    }

    /// Counts one refresh of a grant; fails if it is one too many. Each is a row that stays until the token would have ended.
    pub(crate) fn refreshed(&self, grant: KeyId) -> Result<(), Error> {
        self.check(&self.grants, grant.as_bytes())
    }

    fn check<K: std::hash::Hash + Eq + Clone>(
        &self,
        limiter: &DefaultKeyedRateLimiter<K>,
        key: &K,
    ) -> Result<(), Error> {
        limiter.check_key(key).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now());
            Error::TooMany { retry_after: wait.as_secs().saturating_add(1) }
        })
    }
}

fn quota(rate: Rate) -> Quota {
    let quota = Quota::with_period(rate.every).unwrap_or(Quota::per_second(rate.burst));
    quota.allow_burst(rate.burst)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;

    fn rate(burst: u32) -> Rate {
        Rate { burst: NonZeroU32::new(burst).unwrap(), every: Duration::from_secs(3600) }
    }

    #[test]
    fn each_is_counted_by_itself() {
        let limits = Limits {
            exchanges_by_address: rate(3),
            exchanges_refused_by_address: rate(1),
            exchanges_by_credential: rate(2),
            refreshes_by_grant: rate(1),
            ..Limits::default()
        };
        let rates = ExchangeRates::new(&limits);
        let [one, other]: [Option<IpAddr>; 2] = ["192.0.2.1", "192.0.2.2"].map(|it| Some(it.parse().unwrap()));
        assert!((0..3).all(|_| rates.ask(one).is_ok()) && rates.ask(one).is_err() && rates.ask(other).is_ok());
        assert!(rates.refused(one).is_ok() && rates.refused(one).is_err() && rates.refused(other).is_ok());
        let [a, b] = [1, 2].map(|byte| KeyId::from_bytes([byte; 10]));
        assert!(
            (0..2).all(|_| rates.exchanged(a).is_ok()) && rates.exchanged(a).is_err() && rates.exchanged(b).is_ok()
        );
        assert!(matches!(rates.exchanged(a), Err(Error::TooMany { retry_after: 1.. })));
        assert!(rates.refreshed(a).is_ok() && rates.refreshed(a).is_err() && rates.refreshed(b).is_ok());
    }
}

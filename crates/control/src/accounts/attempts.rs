//! How often somebody may try a password: by where they come from, by the e-mail address they name, and by both.
//!
//! In memory, for each replica. Invariants: whatever strangers send, memory is bounded by how fast one may try; nobody
//! alone keeps another from signing in, and nobody at all keeps out whoever signed in from there before.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use portcullis_engine::ip::customer;
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::id::SessionId;
use crate::limits::{Limits, Rate};

/// Those who have not tried for long are forgotten every so many attempts.
const FORGET_EVERY: u32 = 1024;
/// Places where somebody signed in that are remembered. Only members add to them.
const MAX_FAMILIAR: usize = 65_536;

type Short = [u8; 16];

/// Whoever tried lately.
#[derive(Debug)]
pub(crate) struct Attempts {
    pairs: DefaultKeyedRateLimiter<Short>,
    emails: DefaultKeyedRateLimiter<Short>,
    addresses: DefaultKeyedRateLimiter<Short>,
    sessions: DefaultKeyedRateLimiter<Short>,
    /// Pairs that somebody signed in by.
    familiar: Mutex<HashSet<Short>>,
    clock: DefaultClock,
    count: AtomicU32,
}

impl Attempts {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            pairs: RateLimiter::keyed(quota(limits.sign_ins_by_pair)),
            emails: RateLimiter::keyed(quota(limits.sign_ins_by_email)),
            addresses: RateLimiter::keyed(quota(limits.sign_ins_by_address)),
            sessions: RateLimiter::keyed(quota(limits.password_changes)),
            familiar: Mutex::default(),
            clock: DefaultClock::default(),
            count: AtomicU32::new(0),
        }
    }

    /// Counts one of somebody who is not signed in; fails if it is one too many. Where they come from is looked at first:
    /// a stranger who names thousands of addresses leaves no trace of most.
    pub(crate) fn count(&self, address: Option<IpAddr>, email: &str) -> Result<(), Error> {
        if self.count.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            for limiter in [&self.pairs, &self.emails, &self.addresses, &self.sessions] {
                limiter.retain_recent();
                limiter.shrink_to_fit();
            }
        }
        let pair = pair(address, email);
        self.check(&self.addresses, &place(address))?;
        self.check(&self.pairs, &pair)?;
        if self.familiar.lock().unwrap_or_else(PoisonError::into_inner).contains(&pair) {
            return Ok(());
        }
        self.check(&self.emails, &short_digest(email.as_bytes()))
    }

    /// The same of a member who is signed in, by the session: whoever stole one does not keep the member from changing the
    /// password in another.
    pub(crate) fn count_session(&self, session: SessionId) -> Result<(), Error> {
        self.check(&self.sessions, &short_digest(session.to_string().as_bytes()))
    }

    /// Remembers that it was right.
    pub(crate) fn succeeded(&self, address: Option<IpAddr>, email: &str) {
        let mut familiar = self.familiar.lock().unwrap_or_else(PoisonError::into_inner);
        if familiar.len() >= MAX_FAMILIAR {
            familiar.clear();
        }
        familiar.insert(pair(address, email));
    }

    fn check(&self, limiter: &DefaultKeyedRateLimiter<Short>, key: &Short) -> Result<(), Error> {
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

/// Whoever is behind an address, as far as it tells.
pub(crate) fn place(address: Option<IpAddr>) -> Short {
    address.map(customer).unwrap_or_default()
}

fn pair(address: Option<IpAddr>, email: &str) -> Short {
    short_digest(&[&place(address), email.as_bytes()].concat())
}

/// What was typed for an address may be anything, a password as well: it is not kept.
fn short_digest(text: &[u8]) -> Short {
    let digest: [u8; 32] = Sha256::digest(text).into();
    let mut short = [0; 16];
    short.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    short
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;

    fn rate(burst: u32) -> Rate {
        Rate { burst: NonZeroU32::new(burst).unwrap(), every: Duration::from_secs(3600) }
    }

    fn at(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn each_pair_and_each_place_has_its_own_count() {
        let limits = Limits { sign_ins_by_pair: rate(2), sign_ins_by_address: rate(3), ..Limits::default() };
        let attempts = Attempts::new(&limits);
        for (address, email, fine) in [
            (at("192.0.2.1"), "ada", true),
            (at("192.0.2.1"), "ada", true),
            (at("192.0.2.1"), "ada", false),
            (at("192.0.2.1"), "bob", false),
            (at("192.0.2.2"), "bob", true),
            (at("192.0.2.2"), "ada", true),
            (at("2001:db8::1"), "c", true),
            (at("2001:db8::2"), "d", true),
            (at("2001:db8::3"), "e", true),
            (at("2001:db8::4"), "f", false),
            (at("2001:db8:0:1::4"), "f", true),
            (None, "f", true),
            (None, "f", true),
            (None, "f", false),
        ] {
            let counted = attempts.count(address, email);
            assert_eq!(counted.is_ok(), fine, "{address:?} {email}");
            if let Err(error) = counted {
                assert!(matches!(error, Error::TooMany { retry_after: 1.. }), "{error:?}");
            }
        }
    }

    #[test]
    fn many_together_are_slow_and_keep_nobody_out_of_where_they_were() {
        let limits = Limits { sign_ins_by_pair: rate(2), sign_ins_by_email: rate(5), ..Limits::default() };
        let attempts = Attempts::new(&limits);
        attempts.count(at("192.0.2.1"), "ada").unwrap();
        attempts.succeeded(at("192.0.2.1"), "ada");
        for machine in 1..=4 {
            assert!(attempts.count(at(&format!("198.51.100.{machine}")), "ada").is_ok(), "{machine}");
        }
        assert!(attempts.count(at("198.51.100.9"), "ada").is_err(), "from wherever");
        assert!(attempts.count(at("198.51.100.9"), "bob").is_ok());
        assert!(attempts.count(at("192.0.2.1"), "ada").is_ok(), "she signed in there");
        assert!(attempts.count(at("192.0.2.1"), "ada").is_err(), "but guesses no faster than anybody");
    }

    #[test]
    fn sessions_are_counted_by_themselves() {
        let attempts = Attempts::new(&Limits { password_changes: rate(1), ..Limits::default() });
        let [stolen, own] = [(); 2].map(|()| SessionId::generate().unwrap());
        assert!(attempts.count_session(stolen).is_ok() && attempts.count_session(stolen).is_err());
        assert!(attempts.count_session(own).is_ok());
    }
}

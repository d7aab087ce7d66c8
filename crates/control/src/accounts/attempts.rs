//! How often somebody may try to sign in: by the e-mail address they name and by where they come from.
//!
//! In memory, for each replica. Invariant: whatever strangers send, memory is bounded by how fast one may try.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::limits::{Limits, Rate};

/// Those who have not tried for long are forgotten every so many attempts.
const FORGET_EVERY: u32 = 1024;

/// Whoever tried lately.
#[derive(Debug)]
pub(crate) struct Attempts {
    emails: DefaultKeyedRateLimiter<[u8; 16]>,
    addresses: DefaultKeyedRateLimiter<[u8; 16]>,
    clock: DefaultClock,
    count: AtomicU32,
}

impl Attempts {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            emails: RateLimiter::keyed(quota(limits.sign_ins_by_email)),
            addresses: RateLimiter::keyed(quota(limits.sign_ins_by_address)),
            clock: DefaultClock::default(),
            count: AtomicU32::new(0),
        }
    }

    /// Counts one; fails if it is one too many. Where somebody comes from is looked at first: a stranger who names
    /// thousands of addresses leaves no trace of most.
    pub(crate) fn count(&self, address: Option<IpAddr>, email: &str) -> Result<(), Error> {
        if self.count.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            for limiter in [&self.emails, &self.addresses] {
                limiter.retain_recent();
                limiter.shrink_to_fit();
            }
        }
        for (limiter, key) in [(&self.addresses, place(address)), (&self.emails, short_digest(email))] {
            limiter.check_key(&key).map_err(|until| {
                let wait = until.wait_time_from(self.clock.now());
                Error::TooMany { retry_after: wait.as_secs().saturating_add(1) }
            })?;
        }
        Ok(())
    }
}

fn quota(rate: Rate) -> Quota {
    let quota = Quota::with_period(rate.every).unwrap_or(Quota::per_second(rate.burst));
    quota.allow_burst(rate.burst)
}

/// A host may have a whole /64 of IPv6.
fn place(address: Option<IpAddr>) -> [u8; 16] {
    match address {
        Some(IpAddr::V4(v4)) => v4.to_ipv6_mapped().octets(),
        Some(IpAddr::V6(v6)) => (u128::from(v6) >> 64 << 64).to_be_bytes(),
        None => [0; 16],
    }
}

/// What was typed for an address may be anything, a password as well: it is not kept.
fn short_digest(text: &str) -> [u8; 16] {
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let mut short = [0; 16];
    short.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    short
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_email_and_each_place_has_its_own_count() {
        let rate = |burst| Rate { burst: NonZeroU32::new(burst).unwrap(), every: Duration::from_secs(3600) };
        let limits = Limits { sign_ins_by_email: rate(2), sign_ins_by_address: rate(3), ..Limits::default() };
        let attempts = Attempts::new(&limits);
        let at = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        for (address, email, fine) in [
            (at("192.0.2.1"), "ada", true),
            (at("192.0.2.1"), "ada", true),
            (at("192.0.2.1"), "ada", false),
            (at("192.0.2.1"), "bob", false),
            (at("192.0.2.2"), "bob", true),
            (at("192.0.2.2"), "ada", false),
            (at("2001:db8::1"), "c", true),
            (at("2001:db8::2"), "d", true),
            (at("2001:db8::3"), "e", true),
            (at("2001:db8::4"), "f", false),
            (at("2001:db8:0:1::4"), "f", true),
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
}

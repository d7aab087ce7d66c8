//! How often somebody may ask: each caller by who they are, strangers by where they come from; and the room for what
//! callers send.
//!
//! Edges are not counted. In memory, for each replica. Invariant: whatever strangers send, memory is bounded by how fast
//! they may ask.

use std::hash::Hash;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::{StateInformationMiddleware, StateSnapshot};
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use super::arrival::Room;
use super::failure::Failure;
use crate::accounts::place;
use crate::caller::{Caller, Who};
use crate::id::{TokenId, UserId};
use crate::limits::{Limits, Rate};

/// draft-ietf-httpapi-ratelimit-headers.
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Those who have not asked for long are forgotten every so many requests.
const FORGET_EVERY: u32 = 4096;

/// Whoever asked lately.
pub(crate) struct Rates {
    callers: Option<Counted<Name>>,
    strangers: Option<Counted<[u8; 16]>>,
    count: AtomicU32,
    /// For what callers send.
    pub(super) room: Room,
}

/// Who is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Name {
    Root,
    User(UserId),
    Token(TokenId),
}

struct Counted<K: Hash + Eq + Clone> {
    name: &'static str,
    limiter: RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock, StateInformationMiddleware>,
    clock: DefaultClock,
    rate: Rate,
}

/// What whoever was counted is told.
#[derive(Clone, Debug)]
pub(super) struct Told {
    policy: String,
    left: String,
}

impl Rates {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            callers: limits.requests_by_caller.map(|rate| Counted::new("caller", rate)),
            strangers: limits.requests_by_stranger.map(|rate| Counted::new("address", rate)),
            count: AtomicU32::new(0),
            room: Room::new(limits.bodies),
        }
    }

    /// Counts one request of a known caller; fails if it is one too many.
    pub(super) fn count(&self, caller: &Caller) -> Result<Option<Told>, Box<(Failure, Told)>> {
        let name = match &caller.who {
            Who::Root => Name::Root,
            Who::User { id, .. } => Name::User(*id),
            Who::Token { id, .. } => Name::Token(*id),
            Who::System => return Ok(None),
            Who::Visitor => return self.count_stranger(caller.address),
        };
        self.forget();
        self.callers.as_ref().map(|counted| counted.count(&name)).transpose()
    }

    /// Counts one request of somebody unknown; fails if it is one too many.
    pub(super) fn count_stranger(&self, address: Option<IpAddr>) -> Result<Option<Told>, Box<(Failure, Told)>> {
        self.forget();
        self.strangers.as_ref().map(|counted| counted.count(&place(address))).transpose()
    }

    fn forget(&self) {
        if self.count.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.callers.iter().for_each(Counted::forget);
            self.strangers.iter().for_each(Counted::forget);
        }
    }
}

impl<K: Hash + Eq + Clone> Counted<K> {
    fn new(name: &'static str, rate: Rate) -> Self {
        let quota = Quota::with_period(rate.every).unwrap_or(Quota::per_second(rate.burst)).allow_burst(rate.burst);
        Self { name, limiter: RateLimiter::keyed(quota).with_middleware(), clock: DefaultClock::default(), rate }
    }

    fn count(&self, key: &K) -> Result<Told, Box<(Failure, Told)>> {
        match self.limiter.check_key(key) {
            Ok(state) => Ok(self.told(state.remaining_burst_capacity(), self.until_full(&state))),
            Err(until) => {
                let wait = whole_seconds(until.wait_time_from(self.clock.now()));
                let detail = format!("too many requests: try again in {wait} s");
                let failure = Failure::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
                Err(Box::new((Failure { retry_after: Some(wait), ..failure }, self.told(0, wait))))
            }
        }
    }

    fn forget(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }

    fn told(&self, left: u32, seconds: u64) -> Told {
        let (name, burst) = (self.name, self.rate.burst);
        let window = whole_seconds(self.rate.every.saturating_mul(burst.get()));
        Told { policy: format!("\"{name}\";q={burst};w={window}"), left: format!("\"{name}\";r={left};t={seconds}") }
    }

    /// In how many seconds nothing is used any more.
    fn until_full(&self, state: &StateSnapshot) -> u64 {
        let used = self.rate.burst.get().saturating_sub(state.remaining_burst_capacity());
        whole_seconds(self.rate.every.saturating_mul(used))
    }
}

impl Told {
    /// Tells it with the answer.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        for (name, value) in [(RATE_LIMIT_POLICY, &self.policy), (RATE_LIMIT, &self.left)] {
            HeaderValue::from_str(value).into_iter().for_each(|value| drop(headers.insert(name.clone(), value)));
        }
    }
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

impl std::fmt::Debug for Rates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rates")
    }
}

//! How much a control plane bears: connections, and how long each may keep it waiting.
//!
//! The defaults are what is served with; tests choose shorter ones. Invariant: connections leave file descriptors for
//! the database and the log.

use std::num::NonZeroU32;
use std::time::Duration;

/// Never more connections than this, however many file descriptors there are.
const MAX_CONNECTIONS: usize = 8192;

const REQUESTS_BY_STRANGER: NonZeroU32 = NonZeroU32::MIN.saturating_add(99);
const SIGN_INS_BY_PAIR: NonZeroU32 = NonZeroU32::MIN.saturating_add(19);
const SIGN_INS_BY_EMAIL: NonZeroU32 = NonZeroU32::MIN.saturating_add(999);
const SIGN_INS_BY_ADDRESS: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);
const EXCHANGES: NonZeroU32 = NonZeroU32::MIN.saturating_add(999);
const EXCHANGES_REFUSED: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);
const REFRESHES: NonZeroU32 = NonZeroU32::MIN.saturating_add(19);
const ISSUER_FETCHES: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
const PASSWORD_CHANGES: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);

/// How often something may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// So often at once.
    pub burst: NonZeroU32,
    /// And then once in this time.
    pub every: Duration,
}

impl Rate {
    /// So many in a second, twice as much at once; 0 is no limit.
    pub fn per_second(requests: u32) -> Option<Self> {
        let burst = NonZeroU32::new(requests.saturating_mul(2))?;
        Some(Self { burst, every: Duration::from_secs(1).checked_div(requests)? })
    }
}

/// The limits of one control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; further ones wait until one ends.
    pub connections: usize,
    /// From a request's first byte, or from connecting, to the end of its head.
    pub head_within: Duration,
    /// From there to the end of its body.
    pub body_within: Duration,
    /// Bytes of bodies that known callers send which are held at once. One organisation and the edges have half of it at
    /// most, one caller an eighth.
    pub bodies: usize,
    /// A connection on which no byte has moved for this long is closed. Longer than any long poll.
    pub idle: Duration,
    /// A write that edges cannot fetch by then is answered all the same, and says so.
    pub publish_within: Duration,
    /// Requests of one caller, by token or session; `None` = as many as they like.
    pub requests_by_caller: Option<Rate>,
    /// Requests from one address that nobody known sent; `None` = as many as they like.
    pub requests_by_stranger: Option<Rate>,
    /// Attempts to sign in under one e-mail address from one address.
    pub sign_ins_by_pair: Rate,
    /// Attempts to sign in under one e-mail address from addresses where nobody ever did. So many that keeping its owner
    /// out takes many machines, and so few that guessing with many stays slow.
    pub sign_ins_by_email: Rate,
    /// Attempts to sign in from one address.
    pub sign_ins_by_address: Rate,
    /// Attempts to change the password in one session.
    pub password_changes: Rate,
    /// Requests for access tokens from one address.
    pub exchanges_by_address: Rate,
    /// Of these, such that were refused.
    pub exchanges_refused_by_address: Rate,
    /// Access tokens of one credential.
    pub exchanges_by_credential: Rate,
    /// Refreshes of one grant: an access token lasts for minutes.
    pub refreshes_by_grant: Rate,
    /// Other people's issuers that one organisation adds, changes or has fetched again.
    pub issuer_fetches: Rate,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: (file_descriptors() / 4 * 3).clamp(16, MAX_CONNECTIONS),
            head_within: Duration::from_secs(10),
            body_within: Duration::from_secs(30),
            bodies: 256 * 1024 * 1024,
            idle: Duration::from_secs(120),
            publish_within: Duration::from_secs(10),
            requests_by_caller: Rate::per_second(500),
            requests_by_stranger: Some(Rate { burst: REQUESTS_BY_STRANGER, every: Duration::from_millis(50) }),
            sign_ins_by_pair: Rate { burst: SIGN_INS_BY_PAIR, every: Duration::from_secs(15) },
            sign_ins_by_email: Rate { burst: SIGN_INS_BY_EMAIL, every: Duration::from_secs(1) },
            sign_ins_by_address: Rate { burst: SIGN_INS_BY_ADDRESS, every: Duration::from_secs(3) },
            password_changes: Rate { burst: PASSWORD_CHANGES, every: Duration::from_secs(60) },
            exchanges_by_address: Rate { burst: EXCHANGES, every: Duration::from_millis(2) },
            exchanges_refused_by_address: Rate { burst: EXCHANGES_REFUSED, every: Duration::from_secs(3) },
            exchanges_by_credential: Rate { burst: EXCHANGES, every: Duration::from_millis(2) },
            refreshes_by_grant: Rate { burst: REFRESHES, every: Duration::from_secs(30) },
            issuer_fetches: Rate { burst: ISSUER_FETCHES, every: Duration::from_secs(60) },
        }
    }
}

/// How many this process may have open.
#[cfg(unix)]
fn file_descriptors() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

#[cfg(not(unix))]
fn file_descriptors() -> usize {
    1024
}

//! What a decision says: forward or refuse, whose key it was, and what is to be told of it.
//!
//! Plain data; [`decide`](crate::decide()) alone makes it. Invariant: it holds no credential.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use crate::id::{KeyId, OrganizationId};
use crate::limit::{Admission, Standing};
use crate::reason::Reason;
use crate::scope::Requirement;
use crate::service::ServiceUse;

/// Forward or refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision<'a> {
    /// Forward.
    Allow(Grant<'a>),
    /// Refuse.
    Deny(Denial<'a>),
}

/// A request that is forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant<'a> {
    /// Whose key it was; `None` on a public route or a preflight.
    pub identity: Option<Identity<'a>>,
    /// What is to be told of it, although it passed; empty for almost every key.
    pub observed: Vec<Observed>,
    /// The index of the credential source that carried the key. No other source carried anything.
    pub source: Option<usize>,
    /// The index of the rule that matched.
    pub rule: Option<usize>,
    /// What its limits said; nothing where it has none.
    pub admission: Admission,
    /// The service that it goes to; `None` = the upstream of its environment.
    pub service: Option<ServiceUse<'a>>,
}

/// Something to be told of a request that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    /// A restriction in observe mode would have denied it.
    Restriction(Reason),
    /// The key's trial would have denied it.
    Trial(Reason),
    /// Its key was rotated and lives on for its overlap.
    Retiring,
}

/// A request that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial<'a> {
    /// Why.
    pub reason: Reason,
    /// Whose key it was, as far as that was established.
    pub identity: Option<Identity<'a>>,
    /// The scopes that would have been needed, for a lack of scopes.
    pub required: Option<&'a Requirement>,
    /// Seconds after which another try makes sense.
    pub retry_after: Option<u64>,
    /// Where the limit that refused stands, if one did and it is known.
    pub standing: Option<Standing>,
    /// Whether the key is for browsers, which read the answer only with CORS headers.
    pub for_browser: bool,
    /// The index of the rule that matched.
    pub rule: Option<usize>,
    /// The reference to a secret that it is about, if it is about one.
    pub reference: Option<Box<str>>,
}

/// Whose key it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity<'a> {
    /// The key.
    pub key: KeyId,
    /// Its organisation.
    pub organization: OrganizationId,
    /// Its environment.
    pub environment: &'a str,
    /// Its scopes, space separated; of an access token those that it and its record have in common.
    pub scopes: &'a str,
    /// For whom an access token acts, if that is not the key itself.
    pub subject: Option<&'a str>,
}

impl Observed {
    /// Why it would have been denied, if it would.
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Restriction(reason) | Self::Trial(reason) => Some(reason),
            Self::Retiring => None,
        }
    }
}

impl Grant<'_> {
    /// The reasons for which restrictions in observe mode and the key's trial would have denied it, each once.
    pub fn would_be_reasons(&self) -> impl Iterator<Item = Reason> {
        let reasons = || self.observed.iter().filter_map(|it| it.reason());
        reasons()
            .enumerate()
            .filter(move |(index, reason)| !reasons().take(*index).any(|it| it == *reason))
            .map(|(_, reason)| reason)
    }
}

impl Denial<'_> {
    /// A denial before anything is known.
    pub const fn early(reason: Reason) -> Self {
        Self {
            reason,
            identity: None,
            required: None,
            retry_after: None,
            standing: None,
            for_browser: false,
            rule: None,
            reference: None,
        }
    }
}

impl fmt::Display for Decision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow(_) => f.write_str("allow"),
            Self::Deny(denial) => write!(f, "deny: {}", denial.reason),
        }
    }
}

//! Limits: what a request takes of rate limits and quotas, and the arithmetic of rate limits.
//!
//! It says what is to be taken and never where it is kept; a [`Limiter`] does. Invariant: what a [`Rate`] hands out in any stretch of
//! time is at most its burst and what came in since, however it is divided among takers.

mod hold;
mod rate;

use core::fmt;

use crate::id::{KeyId, OrganizationId};
use crate::reason::Reason;

pub use crate::spec::OnUnavailable;
pub use hold::{HEARD_NANOS, Hold, Level};
pub use rate::{InvalidRate, Rate};

/// Whose tokens or requests are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// All keys of an organisation.
    Organization(OrganizationId),
    /// A key and those it was rotated to: the first of them names them all.
    Key(KeyId),
}

/// A rate limit's bucket: whose requests it counts, and under which rule.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket([u8; 16]);

/// One rate limit that a request falls under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateClaim {
    /// Where it is counted.
    pub bucket: Bucket,
    /// How much may pass.
    pub rate: Rate,
}

/// What a request takes if it passes; all of it or nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// One request of each of these rate limits.
    pub rates: [Option<RateClaim>; 3],
    /// [`cost`](Self::cost) tokens of each of these quotas.
    pub quotas: [Option<Subject>; 2],
    /// Tokens; 0 takes none, and passes although none are left.
    pub cost: u32,
    /// What happens if a quota cannot be asked.
    pub on_unavailable: OnUnavailable,
}

/// Where rate limits and quotas are kept.
pub trait Limiter {
    /// Takes a demand, all of it or nothing.
    fn admit(&mut self, demand: &Demand) -> Result<Admission, Refusal>;

    /// Whether it knows what is left.
    fn counts(&self) -> bool {
        true
    }
}

/// No limits: for whoever asks what a decision would be and keeps no count.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unlimited;

impl Limiter for Unlimited {
    fn admit(&mut self, _: &Demand) -> Result<Admission, Refusal> {
        Ok(Admission::default())
    }

    fn counts(&self) -> bool {
        false
    }
}

/// A demand was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// A quota could not be asked, and the policy lets such requests pass.
    pub unmetered: bool,
    /// Where the quota that is nearest to its end stands, as far as this edge knows.
    pub quota: Option<Standing>,
    /// Where the rate limit that is nearest to its end stands.
    pub rate: Option<Standing>,
}

/// A demand was refused and nothing was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why: rate limited, quota exhausted, quota unavailable.
    pub reason: Reason,
    /// Where the limit that refused stands, if it is known.
    pub standing: Option<Standing>,
    /// Seconds after which another try makes sense; at least 1.
    pub retry_after: u64,
}

/// Where a limit stands, as a client may be told (draft-ietf-httpapi-ratelimit-headers).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What kind of limit.
    pub kind: LimitKind,
    /// How much there is in a window.
    pub limit: u64,
    /// The window, in seconds.
    pub window: u64,
    /// How much is left.
    pub remaining: u64,
    /// Seconds until there is more.
    pub reset: u64,
}

/// The floor of a quota: tokens that every proxy holds while nothing is going on, enough for the first requests to come at once.
/// Who grants it and who keeps it must agree, or it would go to and fro.
pub const fn floor(limit: u64) -> u64 {
    match limit / 200 {
        0 => 1,
        tokens @ 1..=32 => tokens,
        _ => 32,
    }
}

/// What kind of limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitKind {
    /// So many requests, or what they cost, in a period.
    Quota,
    /// So many requests a second.
    Rate,
}

impl LimitKind {
    /// Its name in `RateLimit` fields.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quota => "quota",
            Self::Rate => "rate",
        }
    }
}

impl Demand {
    /// Whether there is nothing to ask for.
    pub fn is_empty(&self) -> bool {
        self.rates.iter().all(Option::is_none) && self.quotas.iter().all(Option::is_none)
    }
}

impl Subject {
    /// One byte for its kind, and its identifier's ten.
    pub fn to_bytes(self) -> [u8; 11] {
        let (kind, id) = match &self {
            Self::Organization(id) => (1, id.as_bytes()),
            Self::Key(id) => (2, id.as_bytes()),
        };
        let mut bytes = [kind; 11];
        bytes.iter_mut().skip(1).zip(id).for_each(|(slot, byte)| *slot = *byte);
        bytes
    }

    /// The subject of these bytes.
    pub fn from_bytes(bytes: &[u8; 11]) -> Option<Self> {
        let (kind, id) = bytes.split_first()?;
        let id = *id.first_chunk::<10>()?;
        match kind {
            1 => Some(Self::Organization(OrganizationId::from_bytes(id))),
            2 => Some(Self::Key(KeyId::from_bytes(id))),
            _ => None,
        }
    }

    /// The subject of that identifier's text.
    pub fn parse(text: &str) -> Option<Self> {
        let organization = text.parse().map(Self::Organization);
        organization.or_else(|_| text.parse().map(Self::Key)).ok()
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization(id) => id.fmt(f),
            Self::Key(id) => id.fmt(f),
        }
    }
}

impl Bucket {
    /// The bucket of a subject, or of everybody, under a rule, or under all of them. `rule` is a hash of the rule's text, so that it stays
    /// the same while rules around it change.
    pub fn new(subject: Option<Subject>, rule: Option<u32>) -> Self {
        let mut bytes = [0; 16];
        let (head, tail) = bytes.split_at_mut(11);
        head.copy_from_slice(&subject.map_or([0; 11], Subject::to_bytes));
        let (flag, hash) = tail.split_at_mut(1);
        flag.fill(u8::from(rule.is_some()));
        hash.copy_from_slice(&rule.unwrap_or(0).to_le_bytes());
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The bucket of these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn subjects_convert_without_loss() {
        let bytes = [7, 6, 5, 4, 3, 2, 1, 0, 255, 254];
        for subject in
            [Subject::Organization(OrganizationId::from_bytes(bytes)), Subject::Key(KeyId::from_bytes(bytes))]
        {
            assert_eq!(Subject::from_bytes(&subject.to_bytes()), Some(subject));
            assert_eq!(Subject::parse(&subject.to_string()), Some(subject));
        }
        assert_eq!(Subject::from_bytes(&[3; 11]), None);
        assert_eq!(Subject::parse("usr_0000000000000000"), None);
    }

    #[test]
    fn floors_are_a_two_hundredth_within_bounds() {
        for (limit, tokens) in [(0, 1), (399, 1), (400, 2), (1_000, 5), (6_599, 32), (30_000, 32), (u64::MAX, 32)] {
            assert_eq!(floor(limit), tokens, "{limit}");
        }
    }

    #[test]
    fn buckets_differ_by_subject_and_rule() {
        let key = Some(Subject::Key(KeyId::from_bytes([1; 10])));
        let organization = Some(Subject::Organization(OrganizationId::from_bytes([1; 10])));
        let all = [
            Bucket::new(None, None),
            Bucket::new(None, Some(0)),
            Bucket::new(key, None),
            Bucket::new(key, Some(0)),
            Bucket::new(key, Some(1)),
            Bucket::new(organization, None),
        ];
        for (index, bucket) in all.iter().enumerate() {
            assert_eq!(all.iter().position(|it| it == bucket), Some(index));
            assert_eq!(Bucket::from_bytes(*bucket.as_bytes()), *bucket);
        }
    }
}

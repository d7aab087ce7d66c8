//! The wire shape of limits: what a policy says of rate limits and quotas, and what a key carries of its own.
//!
//! Nothing here is checked; whoever compiles it does. Invariant: a field that this version does not know is an error, so that
//! no limit is ever taken for none.

use alloc::string::String;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a policy says of quotas. How much they are stands with the organisations and keys that have them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotaSpec {
    /// What happens to a request whose quota cannot be asked.
    #[serde(default)]
    pub on_unavailable: OnUnavailable,
}

/// What happens to a request whose quota cannot be asked: the control plane is away and what it had granted is spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnUnavailable {
    /// It is refused.
    #[default]
    Deny,
    /// It passes and is counted.
    Allow,
}

/// The rates of keys and organisations that have none of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimitsSpec {
    /// Of each key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PolicyRateSpec>,
    /// Of each organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<PolicyRateSpec>,
}

/// A rate as policies write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RateFields")]
pub struct PolicyRateSpec {
    /// Requests in a period.
    pub requests: u32,
    /// The period.
    pub per: Period,
    /// How many may come at once; absent = `requests`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
}

/// A rule's rate, as policies write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "RateFields")]
pub struct RuleRateSpec {
    /// Requests in a period.
    pub requests: u32,
    /// The period.
    pub per: Period,
    /// How many may come at once; absent = `requests`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
    /// Whose requests are counted together.
    pub by: CountedBy,
}

/// Both as they are read: one shape takes less of the module than two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RateFields {
    requests: u32,
    per: Period,
    burst: Option<u32>,
    by: Option<CountedBy>,
}

/// The rates of keys and organisations say in their name what they count by.
#[derive(Debug, thiserror::Error)]
#[error("`by` is for the rates of rules; hint: remove it: this rate says in its name whose requests it counts")]
struct NeedlessBy;

/// What a rate's requests are counted over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day of 24 hours.
    Day,
}

/// Whose requests under a rule are counted together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CountedBy {
    /// Each key's.
    #[default]
    Key,
    /// Each organisation's.
    Organization,
    /// All there are.
    Everyone,
}

/// Which answers tell where limits stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RateLimitHeaders {
    /// Those that a limit refuses.
    #[default]
    Refused,
    /// Those to requests that passed, too.
    Always,
}

/// A key's own limits, unchecked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsSpec {
    /// The first key of its rotation chain, under whose id it is counted; absent = the key itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meter: Option<String>,
    /// Whether it has a quota of its own.
    #[serde(default, skip_serializing_if = "is_false")]
    pub quota: bool,
    /// Its rate, in place of the policy's for keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<RateSpec>,
}

/// A rate as keys carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateSpec {
    /// Requests in `seconds`.
    pub requests: u32,
    /// What they are counted over.
    pub seconds: u32,
    /// How many may come at once.
    pub burst: u32,
}

impl QuotaSpec {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl RateLimitsSpec {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl RateLimitHeaders {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl TryFrom<RateFields> for PolicyRateSpec {
    type Error = NeedlessBy;

    fn try_from(RateFields { requests, per, burst, by }: RateFields) -> Result<Self, NeedlessBy> {
        if by.is_some() { Err(NeedlessBy) } else { Ok(Self { requests, per, burst }) }
    }
}

impl From<RateFields> for RuleRateSpec {
    fn from(RateFields { requests, per, burst, by }: RateFields) -> Self {
        Self { requests, per, burst, by: by.unwrap_or_default() }
    }
}

words!(OnUnavailable { Deny = "deny", Allow = "allow" });
words!(Period { Second = "second", Minute = "minute", Hour = "hour", Day = "day" });
words!(CountedBy { Key = "key", Organization = "organization", Everyone = "everyone" });
words!(RateLimitHeaders { Refused = "refused", Always = "always" });

impl Period {
    /// Its seconds.
    pub const fn seconds(self) -> u32 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 60 * 60,
            Self::Day => 24 * 60 * 60,
        }
    }
}

impl CountedBy {
    /// It in words.
    pub const fn described(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Organization => "organisation",
            Self::Everyone => "everyone",
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

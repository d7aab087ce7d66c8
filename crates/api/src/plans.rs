//! `/v1/plans`, `/v1/quota` and `/v1/organizations/{id}/top-ups`: what is sold, and what is left of it.

use serde::{Deserialize, Serialize};

use crate::patch::Patch;

/// Over what tokens are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum QuotaPeriod {
    /// 30 days of 24 hours, the first from when the organisation, or the key, was made.
    #[default]
    #[serde(rename = "30d")]
    ThirtyDays,
    /// A calendar month in the organisation's time zone.
    #[serde(rename = "month")]
    Month,
    /// A calendar day there.
    #[serde(rename = "day")]
    Day,
}

/// What becomes of tokens that an edge's process held when it died.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LostLeases {
    /// They count as spent until the period ends, so a limit is never exceeded.
    #[default]
    Spent,
    /// They can be spent again, so a limit may be exceeded by what the process had spent and not told.
    Returned,
}

/// So many requests in so many seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, from = "SentRate")]
pub struct Rate {
    /// How many.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 1, maximum = 4_294_967_295_u32))]
    pub requests: u32,
    /// In how many seconds.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 86_400))]
    pub seconds: u32,
    /// How many of them may come at once; absent = as many as `requests`.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 10_000_000, required = false))]
    pub burst: u32,
}

/// The same, as it may be sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentRate {
    requests: u32,
    seconds: u32,
    /// Absent, not `null`: the description knows no `null` here.
    #[serde(default, deserialize_with = "sent")]
    burst: Option<u32>,
}

fn sent<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    u32::deserialize(deserializer).map(Some)
}

impl From<SentRate> for Rate {
    fn from(SentRate { requests, seconds, burst }: SentRate) -> Self {
        Self { requests, seconds, burst: burst.unwrap_or(requests) }
    }
}

/// So many tokens in each period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct KeyQuota {
    /// How many.
    pub limit: u64,
    /// Over what they are counted.
    #[serde(default)]
    pub period: QuotaPeriod,
}

/// A plan: what the organisations that have it may use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Plan {
    /// Its name in requests: `free`.
    pub name: String,
    /// What people call it.
    pub display_name: String,
    /// Tokens in each period; `null` = nobody counts.
    pub limit: Option<u64>,
    /// Over what they are counted.
    pub period: QuotaPeriod,
    /// How many requests all keys of an organisation may make together; `null` = as the policy says.
    pub rate: Option<Rate>,
    /// What becomes of tokens that a process held when it died.
    pub lost_leases: LostLeases,
    /// Whether organisations made from now on have it.
    pub default: bool,
    /// When it was made.
    pub created_at: String,
}

/// `POST /v1/plans`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreatePlan {
    /// `a-z0-9-`, for requests: `free`. It cannot be changed.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 64))]
    pub name: String,
    /// What people call it; absent = its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Tokens in each period; absent = nobody counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Over what they are counted; absent = 30 days.
    #[serde(default)]
    pub period: QuotaPeriod,
    /// How many requests all keys of an organisation may make together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// What becomes of tokens that a process held when it died.
    #[serde(default)]
    pub lost_leases: LostLeases,
    /// Whether organisations made from now on have it.
    #[serde(default)]
    pub default: bool,
}

/// `PATCH /v1/plans/{name}`. What is absent stays as it is; `null` is refused where it means nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdatePlan {
    /// What people call it.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, min_length = 1, max_length = 100))]
    pub display_name: Patch<String>,
    /// Tokens in each period, the running one included; `null` = nobody counts.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u64>))]
    pub limit: Patch<u64>,
    /// Over what they are counted, from the end of each running period on.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = QuotaPeriod))]
    pub period: Patch<QuotaPeriod>,
    /// How many requests all keys of an organisation may make together; `null` = as the policy says.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Rate>))]
    pub rate: Patch<Rate>,
    /// What becomes of tokens that a process held when it died.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = LostLeases))]
    pub lost_leases: Patch<LostLeases>,
    /// Whether organisations made from now on have it.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = bool))]
    pub default: Patch<bool>,
}

/// `POST /v1/organizations/{id}/top-ups`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateTopUp {
    /// So many tokens more in the period that runs.
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub tokens: u64,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// Tokens that an organisation got beside its plan's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TopUp {
    /// How many.
    pub tokens: u64,
    /// Why, for people.
    pub note: String,
    /// When.
    pub created_at: String,
    /// When the period that they are for began.
    pub period_start: String,
    /// When it ends, and they with it.
    pub period_end: String,
}

/// The query of `GET /v1/quota`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct WhichQuota {
    /// The organisation's id; absent = the caller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// A key's id: what is left of the key's own quota.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// What is left of a quota.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Quota {
    /// What is counted: the organisation, or the first of the keys that were rotated into each other.
    pub subject: String,
    /// The organisation's id.
    pub organization: String,
    /// The organisation's plan; `null` = none, or this is a key's own quota.
    pub plan: Option<String>,
    /// Where it stands; `null` = nobody counts.
    pub meter: Option<Meter>,
}

/// A quota in the period that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Meter {
    /// Over what tokens are counted from the next period on.
    pub period: QuotaPeriod,
    /// When the period began.
    pub period_start: String,
    /// When it ends and the next begins.
    pub resets_at: String,
    /// All tokens of the period, top-ups included.
    pub limit: u64,
    /// Those of them that were topped up.
    pub topped_up: u64,
    /// Spent, as far as edges told; they do every second.
    pub used: u64,
    /// Held by processes that died, which may have spent them.
    pub in_doubt: u64,
    /// Held by edges for requests to come.
    pub held: u64,
    /// What requests can still spend: everything that is neither used nor in doubt.
    pub remaining: u64,
}

impl QuotaPeriod {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::ThirtyDays, Self::Month, Self::Day];

    /// The same word as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ThirtyDays => "30d",
            Self::Month => "month",
            Self::Day => "day",
        }
    }
}

impl LostLeases {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Spent, Self::Returned];

    /// The same word as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spent => "spent",
            Self::Returned => "returned",
        }
    }
}

//! `/v1/usage`: what keys did, by hour for a month and by day for a year.

use serde::{Deserialize, Serialize};

use crate::audit::ExportFormat;

/// The header of `GET /v1/usage/export` that says from when on it counts, as it was rounded.
pub const EXPORTED_FROM: &str = "x-portcullis-from";
/// The header that says before when.
pub const EXPORTED_TO: &str = "x-portcullis-to";

/// A query: what it is filtered by, and what else it says. Flattened, unknown members would not be refused.
macro_rules! query {
    ($(#[$about:meta])* $name:ident { $($more:tt)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
        #[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// From then on: `2027-01-31` or `2027-01-31T12:00:00Z`; absent = 30 days before `to`. Rounded down to a whole
            /// hour, or to a whole day (UTC) where only days are kept.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub from: Option<String>,
            /// Before then, so a day named here is not counted; absent = now. Rounded up.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub to: Option<String>,
            /// Only this organisation's.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub organization: Option<String>,
            /// Only this key's, by its id.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub key: Option<String>,
            /// Only in this environment.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub environment: Option<String>,
            /// Only under this rule: as the rows have it, `GET,HEAD /v1/users/{id}`, or with some of its methods or none,
            /// `GET /v1/users/{id}`; empty = under none.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub route: Option<String>,
            /// What is told apart, with commas between: `hour` or `day`, `organization`, `environment`, `key`, `route`,
            /// `reason`; absent or `total` = one sum of all.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub by: Option<String>,
            $($more)*
        }
    };
}

query! {
    /// The query of `GET /v1/usage`.
    ListUsage {
        /// Which rows come first.
        #[serde(default, skip_serializing_if = "UsageSort::is_default")]
        #[cfg_attr(feature = "openapi", param(inline))]
        pub sort: UsageSort,
        /// At most this many, 1 to 1000; absent = 100.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 1000))]
        pub limit: Option<u32>,
        /// The `next_cursor` of the page before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub cursor: Option<String>,
    }
}

query! {
    /// The query of `GET /v1/usage/export`: as for the list, and how it is written.
    ExportUsage {
        /// How it is written.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", param(inline))]
        pub format: ExportFormat,
    }
}

/// Which rows come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum UsageSort {
    /// The earliest, then by what else is told apart.
    #[default]
    Place,
    /// Those with the most requests. There is one page of them.
    Requests,
}

impl UsageSort {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// `GET /v1/usage`: one page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsageList {
    /// From then on, as it was rounded.
    pub from: String,
    /// Before then, as it was rounded.
    pub to: String,
    /// The rows.
    pub data: Vec<UsageRow>,
    /// Where the next page begins; `null` on the last one.
    pub next_cursor: Option<String>,
}

/// Requests that have in common what is told apart; what is not is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsageRow {
    /// When the hour begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hour: Option<String>,
    /// The day, in UTC: `2027-01-31`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
    /// The organisation's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The key's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The rule, as it is written; empty if none matched, `other` beyond 2000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Why they were refused; empty for those that were let through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Requests let through.
    pub allowed: u64,
    /// What they cost of a quota.
    pub cost: u64,
    /// Requests refused.
    pub denied: u64,
}

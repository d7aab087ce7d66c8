//! `/v1/audit`: who did what to what, when, from where.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A query of the log: what it is filtered by, and what else it says. Flattened, unknown members would not be refused.
macro_rules! query {
    ($(#[$about:meta])* $name:ident { $($more:tt)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
        #[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Only what was done to this organisation's rows.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub organization: Option<String>,
            /// Only what they did: an id, an e-mail address or a token's name, or `user`, `token`, `credential`, `root`,
            /// `system` or `visitor`.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub actor: Option<String>,
            /// Only this, `key.revoked`, or everything of a kind, `key`.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub action: Option<String>,
            /// Only what was done to it: an id, a name, or a kind such as `key`.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub target: Option<String>,
            /// Only from then on.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub since: Option<String>,
            /// Only before then.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub until: Option<String>,
            $($more)*
        }
    };
}

query! {
    /// The query of `GET /v1/audit`.
    ListAudit {
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
    /// The query of `GET /v1/audit/export`: as for the list, and how it is written.
    ExportAudit {
        /// How it is written.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", param(inline))]
        pub format: ExportFormat,
    }
}

/// How an export is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// A table for a spreadsheet.
    #[default]
    Csv,
    /// One JSON object a line, as the list has them.
    Jsonl,
}

/// `GET /v1/audit`: one page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditList {
    /// The entries, newest first.
    pub data: Vec<AuditEntry>,
    /// Where the next page begins; `null` on the last one.
    pub next_cursor: Option<String>,
}

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    /// Its place in the log.
    pub id: u64,
    /// When, to the millisecond.
    pub at: String,
    /// The id of the organisation whose rows were changed.
    pub organization: String,
    /// Who did it.
    pub actor: AuditActor,
    /// What was done: `key.revoked`.
    pub action: String,
    /// What it was done to.
    pub target: AuditTarget,
    /// More about it.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub detail: Map<String, Value>,
    /// Where the request came from, if it is known.
    pub address: Option<String>,
    /// The request's id; empty if there was no request.
    pub request_id: String,
    /// The bundle version that contains it; `null` if edges need not know of it.
    pub version: Option<u64>,
}

/// Who did something, as they were called then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditActor {
    /// `user`, `token`, `credential`, `root` (the administrator's token), `system` (the control plane itself) or `visitor`
    /// (somebody who proved nothing).
    pub kind: String,
    /// Their id; empty for `root`, `system` and `visitor`.
    pub id: String,
    /// An e-mail address, or the name of a token or credential; empty for `visitor`.
    pub name: String,
}

/// What something was done to, as it was called then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditTarget {
    /// What it is: `key`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// What it was called.
    pub name: String,
}

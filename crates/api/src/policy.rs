//! `/v1/policy`: the policy in force, its versions, and what another would change.

mod text;

use serde::{Deserialize, Serialize};

pub use text::{DiffPolicy, PolicyVersionDifference, TextDifference, TextHunk};

/// `POST /v1/policy`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PublishPolicy {
    /// The policy's text, as in a `policy.toml`.
    #[cfg_attr(feature = "openapi", schema(max_length = 1_048_576))]
    pub toml: String,
    /// Why, for those who read the versions later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub note: Option<String>,
    /// The version that it is meant to follow: refused if another came in between. Absent = whichever there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_version: Option<u64>,
}

/// `POST /v1/policy/versions/{version}/restore`. Without a body it follows whichever version there is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RestorePolicy {
    /// Why, for those who read the versions later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub note: Option<String>,
    /// The version that it is meant to follow: refused if another came in between. Absent = whichever there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_version: Option<u64>,
}

/// `POST /v1/policy:check`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CheckPolicy {
    /// The policy's text, as in a `policy.toml`.
    #[cfg_attr(feature = "openapi", schema(max_length = 1_048_576))]
    pub toml: String,
}

/// A published version, without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyVersion {
    /// Counted from 1.
    pub version: u64,
    /// Whether it is in force.
    pub current: bool,
    /// SHA-256 of its text, in hex.
    pub digest: String,
    /// Where it came from.
    pub source: PolicySource,
    /// The version whose text it has, if it was restored.
    pub restored_from: Option<u64>,
    /// Why it was published.
    pub note: Option<String>,
    /// When it was published.
    pub published_at: String,
    /// Who published it; `null` for callers who are not the operator's.
    pub published_by: Option<String>,
    /// The bundle version that brought it to the edges.
    pub bundle_version: u64,
}

/// Where a version came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PolicySource {
    /// The file that `portcullis serve` was given.
    File,
    /// The API, the page or the command.
    Api,
    /// An older version.
    Restore,
}

impl PolicySource {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Api => "api",
            Self::Restore => "restore",
        }
    }
}

/// `GET /v1/policy` and `GET /v1/policy/versions/{version}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Policy {
    /// What is known of it.
    #[serde(flatten)]
    pub about: PolicyVersion,
    /// Its text.
    pub toml: String,
}

/// A policy that was just published, and what it changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PublishedPolicy {
    /// The new version.
    #[serde(flatten)]
    pub policy: Policy,
    /// What it changed.
    pub difference: PolicyDifference,
}

/// `GET /v1/policy/versions`: one page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyVersionList {
    /// The versions, newest first.
    pub data: Vec<PolicyVersion>,
    /// Where the next page begins; `null` on the last one.
    pub next_cursor: Option<String>,
}

/// The query of `GET /v1/policy/versions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct ListPolicyVersions {
    /// At most this many, 1 to 1000; absent = 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 1000))]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// What was found in a policy's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyCheck {
    /// Whether it can be published.
    pub valid: bool,
    /// What keeps it from being published.
    pub problems: Vec<PolicyRemark>,
    /// What it says and perhaps does not mean.
    pub warnings: Vec<PolicyRemark>,
    /// What publishing it would change; `null` if it cannot be published.
    pub difference: Option<PolicyDifference>,
}

/// One thing about a policy's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyRemark {
    /// Counted from 1; `null` if it is about the whole.
    pub line: Option<usize>,
    /// Counted from 1, in characters.
    pub column: Option<usize>,
    /// What, in one line.
    pub message: String,
    /// How to put it right.
    pub hint: Option<String>,
}

/// What one policy changes after another, for the keys that work now. Keys' restrictions and their organisations'
/// state are left aside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyDifference {
    /// In one line: `3 keys lose access to POST /v1/refunds`.
    pub summary: String,
    /// Requests that keys could make and no longer can; those of most keys first.
    pub loses: Vec<AccessChange>,
    /// Requests that keys could not make and now can; those of most keys first.
    pub gains: Vec<AccessChange>,
    /// Requests that anyone can make from now on.
    pub opens: Vec<Endpoint>,
    /// Requests that anyone could make and that want a key from now on.
    pub closes: Vec<Endpoint>,
    /// What else changes: formats, environments, scopes, places of credentials.
    pub notes: Vec<String>,
    /// What changes in the text.
    #[serde(default)]
    pub text: TextDifference,
}

/// One kind of request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Endpoint {
    /// The method; `*` = every one.
    pub method: String,
    /// The path, as a template.
    pub path: String,
}

/// A kind of request, and whom it changes for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccessChange {
    /// The method; `*` = every one.
    pub method: String,
    /// The path, as a template.
    pub path: String,
    /// How many keys.
    pub keys: u64,
    /// Some of them, at most five, of those that the caller sees.
    pub examples: Vec<ExampleKey>,
}

/// One key that something changes for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExampleKey {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
}

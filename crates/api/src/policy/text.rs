//! How the texts of two policies differ, line by line.

use serde::{Deserialize, Serialize};

/// What changes in a policy's text. Ends of lines are left aside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TextDifference {
    /// How many lines only the new text has.
    pub added: u64,
    /// How many lines only the old text has.
    pub removed: u64,
    /// The places where they differ, in the order of the text.
    pub hunks: Vec<TextHunk>,
    /// Whether there is more than is told here.
    pub cut: bool,
}

/// One place where two texts differ, with three lines around it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TextHunk {
    /// Its first line in the old text, counted from 1.
    pub old_line: u64,
    /// Its first line in the new text, counted from 1.
    pub new_line: u64,
    /// Its lines, each behind a sign: `-` is only in the old text, `+` only in the new one, a space in both.
    pub lines: Vec<String>,
}

/// The query of `GET /v1/policy/versions/{version}/diff`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct DiffPolicy {
    /// The version that counts as the old one; absent = the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(minimum = 1))]
    pub against: Option<u64>,
}

/// `GET /v1/policy/versions/{version}/diff`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyVersionDifference {
    /// The version whose text is the new one.
    pub version: u64,
    /// The version whose text is the old one; `null` for the first version, all of which is new.
    pub against: Option<u64>,
    /// What changed.
    pub text: TextDifference,
}

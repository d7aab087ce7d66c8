//! `/v1/secrets`: values that skills use and nobody sees.
//!
//! A value travels one way: sealed by whoever enters it, or in the one request that enters it. No answer has a member for it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// `POST /v1/secrets`. Either `sealed` or `value`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateSecret {
    /// What skills call it: lower-case letters, digits and `_`, beginning with a letter.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[a-z][a-z0-9_]{0,63}$"))]
    pub name: String,
    /// For people: what it is for. Never the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it serves every skill of the organisation; `false` = the caller's own skills only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub team: bool,
    /// The organisation's id; absent = the caller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The value, sealed (libsodium sealed box, standard base64) to each of the edges' public keys, by the key's id. What is sealed
    /// is the organisation's id, NUL, the secret's name, NUL and the value, so that the box is nothing anywhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<BTreeMap<String, String>>,
    /// The value itself, for clients that cannot seal. It is sealed at once, and then forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Secret>,
}

/// `PUT /v1/secrets/{id}/value`: another value, in place of the one so far. Either `sealed` or `value`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReplaceValue {
    /// The value, sealed to each of the edges' public keys, by the key's id, as when the secret was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<BTreeMap<String, String>>,
    /// The value itself, for clients that cannot seal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Secret>,
}

/// `PATCH /v1/secrets/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateSecret {
    /// For people.
    pub description: String,
}

/// A secret without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SecretRecord {
    /// `sec_` + 16 characters.
    pub id: String,
    /// What skills call it.
    pub name: String,
    /// For people.
    pub description: String,
    /// The organisation's id.
    pub organization: String,
    /// Whose skills it serves, as an e-mail address; `null` = every skill of the organisation.
    pub owner: Option<String>,
    /// How often its value was entered: 1 when it was made.
    pub revision: u64,
    /// Who made it.
    pub created_by: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// Who entered its value last.
    pub replaced_by: Option<String>,
    /// When that was.
    pub replaced_at: String,
    /// When an edge last used it, to the minute or so; `null` = never.
    pub last_used_at: Option<String>,
    /// The ids of the edges' keys that it is not sealed to: edges that have only those cannot use it until its value is entered again.
    pub unsealed: Vec<String>,
    /// The skills that it is used by, as the caller may see them.
    pub skills: Vec<SkillUse>,
    /// How many there are, those included that the caller may not see.
    pub skill_count: u64,
}

/// A skill that a secret is used by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SkillUse {
    /// The skill's id.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// The query of `GET /v1/secrets`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct ListSecrets {
    /// Only this organisation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Only those that no skill uses, or that no edge used for 30 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unused: Option<bool>,
    /// Only those that are not sealed to this key of the edges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsealed: Option<String>,
    /// At most this many, 1 to 1000; absent = 100.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 1000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// The query of `DELETE /v1/secrets/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct DeleteSecret {
    /// Whether it goes although skills use it. Without it such a secret is not deleted, and the answer names the skills.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force: Option<bool>,
}

//! `/v1/skills`: what may use which services, and with which secrets.

use serde::{Deserialize, Serialize};

use crate::patch::Patch;

/// `POST /v1/skills`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateSkill {
    /// What people call it: lower-case letters, digits, `-` and `_`, beginning with a letter.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[a-z][a-z0-9_-]{0,63}$"))]
    pub name: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it is the organisation's; `false` = the caller's, which finds the caller's own secrets before the team's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub team: bool,
    /// The organisation's id; absent = the caller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The services it may use, and with which secrets.
    #[serde(default)]
    pub services: Vec<ServiceLink>,
}

/// A service that a skill may use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ServiceLink {
    /// One of the policy's `[[services]]`.
    pub service: String,
    /// The names of the secrets that may be sent to it. They need not exist yet.
    #[serde(default)]
    pub secrets: Vec<String>,
}

/// `PATCH /v1/skills/{id}`. Other services make a new version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateSkill {
    /// For people.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub description: Patch<String>,
    /// All services, in place of those so far. Not for an installed skill, whose services are its publisher's.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<ServiceLink>))]
    pub services: Patch<Vec<ServiceLink>>,
}

/// `POST /v1/skills/{id}/install`: makes a skill of the caller's out of a published one. Its references are resolved among the caller's
/// secrets; none of the publisher's comes with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct InstallSkill {
    /// What it is called here; absent = as its publisher calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it is the organisation's; `false` = the caller's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub team: bool,
    /// The organisation that installs it; absent = the caller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The version that the caller has seen: 409 `skill_moved` if another is published by now. Absent = whichever is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

/// `POST /v1/skills/{id}/upgrade`: takes what its publisher has published now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpgradeSkill {
    /// The version that the caller has seen: 409 `skill_moved` if another is published by now. Absent = whichever is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

/// A skill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Skill {
    /// `skl_` + 16 characters.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// For people.
    pub description: String,
    /// The organisation's id.
    pub organization: String,
    /// Whose it is, as an e-mail address; `null` = the organisation's.
    pub owner: Option<String>,
    /// Grows with each change of its services; of an installed one, its publisher's version that is installed.
    pub version: u64,
    /// The version that others can install; `null` = none.
    pub published_version: Option<u64>,
    /// The published skill that it was installed from; `null` = it was made here.
    pub installed_from: Option<String>,
    /// Its publisher's newest version, if that is not the one installed.
    pub available_version: Option<u64>,
    /// The services it may use, and with which secrets.
    pub services: Vec<SkillService>,
    /// How many keys belong to it.
    pub key_count: u64,
    /// Who made it.
    pub created_by: Option<String>,
    /// When it was made.
    pub created_at: String,
}

/// A service that a skill may use, and what became of its references.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SkillService {
    /// The service's name.
    pub service: String,
    /// The secrets that may be sent to it.
    pub secrets: Vec<SecretReference>,
}

/// A reference to a secret, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SecretReference {
    /// The name.
    pub name: String,
    /// Where it was found.
    pub found: Found,
    /// The secret that it stands for now; `null` = none, and requests that need it answer 403 `missing_secret`.
    pub secret: Option<String>,
}

/// Where a reference was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// Among the secrets of the skill's owner.
    Personal,
    /// Among the organisation's.
    Team,
    /// Nowhere.
    Missing,
}

/// A published skill, as everyone sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PublishedSkill {
    /// The skill's id.
    pub id: String,
    /// What its publisher calls it.
    pub name: String,
    /// For people.
    pub description: String,
    /// The publisher's name.
    pub publisher: String,
    /// The version that is installed.
    pub version: u64,
    /// The services it uses, and the names of the secrets that whoever installs it supplies.
    pub services: Vec<ServiceLink>,
}

/// The query of `GET /v1/skills`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct ListSkills {
    /// Only this organisation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// At most this many, 1 to 1000; absent = 100.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 1000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// The query of `DELETE /v1/skills/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct DeleteSkill {
    /// Whether it goes although keys belong to it. They belong to no skill then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force: Option<bool>,
}

//! `/v1/organizations`: bodies of requests and answers.

use serde::{Deserialize, Serialize};

use crate::patch::Patch;

/// `POST /v1/organizations`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateOrganization {
    /// What people call it.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub name: String,
    /// Its plan's name; absent = the default plan, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Its time zone, as in the IANA database: `Europe/Berlin`; absent = `UTC`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

/// `PATCH /v1/organizations/{id}`. What is absent stays as it is; only `plan` can be `null`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateOrganization {
    /// A new name.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, min_length = 1, max_length = 100))]
    pub name: Patch<String>,
    /// A new state.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = OrganizationState))]
    pub state: Patch<OrganizationState>,
    /// Another plan, for the operator to give; `null` = none. A period that runs goes on with what was spent in it.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub plan: Patch<String>,
    /// Another time zone, from the end of the period that runs on.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub time_zone: Patch<String>,
}

/// An organisation: what keys belong to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Organization {
    /// `org_` + 16 characters.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Whether its keys work.
    pub state: OrganizationState,
    /// Whether keys created without an organisation belong to it.
    pub default: bool,
    /// Its plan's name; `null` = none: nobody counts what it uses.
    #[serde(default)]
    pub plan: Option<String>,
    /// Its time zone: calendar months and days of quotas are counted there.
    #[serde(default = "utc")]
    pub time_zone: String,
    /// When it was created.
    pub created_at: String,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// Whether an organisation's keys work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OrganizationState {
    /// They do.
    Active,
    /// They do not: 403 `organization_suspended`.
    Suspended,
    /// They do not until then: 429 `quota_exceeded`.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    QuotaExhaustedUntil(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_words_or_an_object_with_a_time() {
        for (json, state) in [
            (r#""active""#, OrganizationState::Active),
            (r#""suspended""#, OrganizationState::Suspended),
            (
                r#"{"quota_exhausted_until":"2026-02-01T00:00:00Z"}"#,
                OrganizationState::QuotaExhaustedUntil("2026-02-01T00:00:00Z".to_owned()),
            ),
        ] {
            assert_eq!(serde_json::to_string(&state).unwrap(), json);
            assert_eq!(serde_json::from_str::<OrganizationState>(json).unwrap(), state);
        }
    }
}

//! `/v1/keys/{id}/trial`: scopes and restrictions that are looked at before they are set.

use serde::{Deserialize, Serialize};

use crate::restrictions::RestrictionsSpec;

/// `PUT /v1/keys/{id}/trial`: at least one of the two, in place of any trial before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct StartTrial {
    /// The whole set of scopes to try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// The kinds of restrictions to try; a kind that is not named stays as it is. Modes mean nothing here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restrictions: Option<RestrictionsSpec>,
}

/// What is tried on a key. Edges tell what it would have denied, and deny nothing for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Trial {
    /// Scopes in place of the key's own; `null` = the key's own.
    pub scopes: Option<Vec<String>>,
    /// Restrictions, each in place of the key's own of that kind.
    pub restrictions: Option<RestrictionsSpec>,
    /// Since when it is tried.
    pub since: String,
}

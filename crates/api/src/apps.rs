//! `/v1/apps` and `/v1/grants`: bodies of requests and answers.

use serde::{Deserialize, Serialize};

use crate::keys::KeyStatus;
use crate::patch::Patch;
use crate::secret::Secret;

/// `POST /v1/apps`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateApp {
    /// What people call it: they read it when they are asked.
    pub name: String,
    /// Where people are sent back to, compared letter by letter: `https://app.example.com/callback`,
    /// `http://127.0.0.1/callback` (any port), `com.example.app:/callback`.
    pub redirect_uris: Vec<String>,
    /// The most that it may ask for, such as `skills:read`.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// For which environments; absent = every one that the policy has now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environments: Option<Vec<String>>,
    /// Whether it can keep no secret: it runs in a browser, on a phone, on somebody's machine.
    #[serde(default)]
    pub public: bool,
    /// Whether members of every organisation may use it. Only the operator may say so.
    #[serde(default)]
    pub everyone: bool,
    /// The organisation's id; absent = the caller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
}

/// `PATCH /v1/apps/{id}`. What is absent stays as it is; nothing can be `null`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateApp {
    /// Another name.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub name: Patch<String>,
    /// Others, instead of those so far.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub redirect_uris: Patch<Vec<String>>,
    /// Others, instead of those so far. What people allowed beyond them is given out no more.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub scopes: Patch<Vec<String>>,
    /// Others, instead of those so far.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub environments: Patch<Vec<String>>,
    /// Whether members of every organisation may use it. Only the operator may say so.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = bool))]
    pub everyone: Patch<bool>,
}

/// An app as everyone who manages it may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct App {
    /// `app_` + 16 characters: its `client_id`.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The organisation's id.
    pub organization: String,
    /// Where people are sent back to.
    pub redirect_uris: Vec<String>,
    /// The most that it may ask for.
    pub scopes: Vec<String>,
    /// For which environments.
    pub environments: Vec<String>,
    /// Whether it has no secret.
    pub public: bool,
    /// Whether members of every organisation may use it.
    pub everyone: bool,
    /// Who registered it.
    pub created_by: String,
    /// When it was registered.
    pub created_at: String,
    /// When it was revoked.
    pub revoked_at: Option<String>,
    /// When it was last used, give or take a minute.
    pub last_used: Option<String>,
}

/// The only answer that holds an app's secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedApp {
    /// The app.
    #[serde(flatten)]
    pub record: App,
    /// Its `client_secret`: `secret_` and 40 characters. It cannot be shown again. `null` = a public app has none.
    pub secret: Option<Secret>,
}

/// The query of `GET /v1/apps`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct ListApps {
    /// Only this organisation's apps.
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

/// What somebody allowed an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Grant {
    /// `key_` + 16 characters: it is a key as well.
    pub id: String,
    /// The app's id.
    pub app: String,
    /// What people call the app.
    pub app_name: String,
    /// The id of whoever allowed it.
    pub user: String,
    /// Their e-mail address.
    pub email: String,
    /// The organisation's id.
    pub organization: String,
    /// For which environment.
    pub environment: String,
    /// What was allowed.
    pub scopes: Vec<String>,
    /// Whether it works now.
    pub status: KeyStatus,
    /// When it was allowed.
    pub created_at: String,
    /// When it ends, unless somebody allows it again.
    pub expires_at: Option<String>,
    /// When it was revoked.
    pub revoked_at: Option<String>,
    /// When an edge last let it pass.
    pub last_used: Option<String>,
}

/// The query of `GET /v1/grants`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct ListGrants {
    /// Only this organisation's grants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Only the caller's own, also for whoever sees all of the organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<bool>,
    /// At most this many, 1 to 1000; absent = 100.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 1000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

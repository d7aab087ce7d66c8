//! `/v1/keys`: bodies of requests and answers.

mod import;
mod trial;

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

pub use import::{ImportKey, ImportKeys};
pub use trial::{StartTrial, Trial};

use crate::patch::Patch;
use crate::plans::{KeyQuota, Rate};
use crate::restrictions::RestrictionsSpec;
use crate::secret::{ApiKey, Secret};

/// `POST /v1/keys`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateKey {
    /// What to make: an API key, or a credential, which takes `[tokens]` in the policy.
    #[serde(default, skip_serializing_if = "KeyKind::is_api_key", deserialize_with = "made")]
    pub kind: KeyKind,
    /// What people call it.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub name: String,
    /// One of the policy's environments.
    pub environment: String,
    /// The organisation's id; absent = the default organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// What the key may do; a key without scopes is refused wherever one is wanted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// When it stops working; absent = never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// From where and for what it may be used; absent = unrestricted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restrictions: Option<RestrictionsSpec>,
    /// The e-mail address of whoever asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// A quota of its own, within its organisation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<KeyQuota>,
    /// How many requests may be made with it; absent = as the policy says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// The id of the skill it belongs to, whose services it may use; absent = none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skill: Option<String>,
    /// Whatever else there is to know of it, by name: 20 entries at most, names of `a-z0-9_.-`, values on one line.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// `POST /v1/keys:batch`: all of them or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateKeys {
    /// At most 1000.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 1000))]
    pub keys: Vec<CreateKey>,
}

/// `PATCH /v1/keys/{id}`. What is absent stays as it is; `null` is refused where it means nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateKey {
    /// A new name.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, min_length = 1, max_length = 100))]
    pub name: Patch<String>,
    /// The whole new set of scopes.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub scopes: Patch<Vec<String>>,
    /// A new expiry; `null` = never.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub expires_at: Patch<String>,
    /// The whole new restrictions; `null` = unrestricted.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<RestrictionsSpec>))]
    pub restrictions: Patch<RestrictionsSpec>,
    /// `false` switches the key off until it is switched on again.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = bool))]
    pub enabled: Patch<bool>,
    /// The whole new metadata; `null` = none.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<BTreeMap<String, String>>))]
    pub metadata: Patch<BTreeMap<String, String>>,
    /// A quota of its own; `null` = none. What was used stays used.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<KeyQuota>))]
    pub quota: Patch<KeyQuota>,
    /// How many requests may be made with it; `null` = as the policy says.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Rate>))]
    pub rate: Patch<Rate>,
    /// The id of the skill it belongs to; `null` = none.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub skill: Patch<String>,
}

/// `POST /v1/keys:find`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FindKey {
    /// The whole key. It is hashed and forgotten.
    pub key: ApiKey,
}

/// `POST /v1/keys/{id}/rotate`. Without a body there is no overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RotateKey {
    /// How long the old key goes on working, unless it expires before that.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(format = Int64, maximum = 4_294_967_295_u32))]
    pub overlap_seconds: u32,
}

/// A key as everyone may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Key {
    /// `key_` + 16 characters.
    pub id: String,
    /// What it is.
    #[serde(default)]
    pub kind: KeyKind,
    /// What people call it.
    pub name: String,
    /// Its first characters, 14 at most, and `...`; of what is no API key, its id.
    pub display: String,
    /// What it starts with: `sp_live_`; empty if it is no API key.
    pub prefix: String,
    /// The environment it belongs to.
    pub environment: String,
    /// The organisation's id.
    pub organization: String,
    /// What it may do, sorted.
    pub scopes: Vec<String>,
    /// From where and for what it may be used; `null` = unrestricted.
    pub restrictions: Option<RestrictionsSpec>,
    /// Whether it works now.
    pub status: KeyStatus,
    /// The e-mail address of whoever asked for it.
    pub created_by: Option<String>,
    /// When it was created.
    pub created_at: String,
    /// When it stops working.
    pub expires_at: Option<String>,
    /// When it was revoked.
    pub revoked_at: Option<String>,
    /// When an edge last let it pass.
    pub last_used: Option<String>,
    /// The id of the key that it was rotated to.
    pub successor: Option<String>,
    /// Whole days since it was created.
    pub age_days: u64,
    /// Whether it still works although it is older than 90 days and should have been rotated.
    pub overdue: bool,
    /// Whether it works, is older than 30 days and was not used for as long.
    pub idle: bool,
    /// Whatever else there is to know of it, by name.
    pub metadata: BTreeMap<String, String>,
    /// What is tried on it without denying anything; `null` = nothing.
    pub trial: Option<Trial>,
    /// A quota of its own, within its organisation's; `null` = none.
    #[serde(default)]
    pub quota: Option<KeyQuota>,
    /// How many requests may be made with it; `null` = as the policy says.
    #[serde(default)]
    pub rate: Option<Rate>,
    /// The id of the skill it belongs to; `null` = none.
    #[serde(default)]
    pub skill: Option<String>,
}

/// What a key is. All have scopes, restrictions and limits alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// Sent with each request.
    #[default]
    ApiKey,
    /// A key id and a secret, exchanged for access tokens.
    Credential,
    /// What somebody allowed an app to do for them.
    Grant,
    /// A provider outside whose access tokens are accepted.
    Issuer,
}

/// A kind, of which those that are made otherwise are not suggested.
fn made<'de, D: Deserializer<'de>>(deserializer: D) -> Result<KeyKind, D::Error> {
    let text = String::deserialize(deserializer)?;
    let known = KeyKind::ALL.into_iter().find(|kind| kind.as_str() == text);
    known.ok_or_else(|| D::Error::unknown_variant(&text, &["api_key", "credential"]))
}

impl KeyKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ApiKey, Self::Credential, Self::Grant, Self::Issuer];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Credential => "credential",
            Self::Grant => "grant",
            Self::Issuer => "issuer",
        }
    }

    /// Whether it is what is meant where nothing is said.
    pub fn is_api_key(&self) -> bool {
        *self == Self::ApiKey
    }
}

/// The word is none of those.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownKeyKind;

impl std::str::FromStr for KeyKind {
    type Err = UnknownKeyKind;

    fn from_str(text: &str) -> Result<Self, UnknownKeyKind> {
        Self::ALL.into_iter().find(|it| it.as_str() == text).ok_or(UnknownKeyKind)
    }
}

/// Whether a key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeyStatus {
    /// It works.
    Active,
    /// Switched off; can be switched on again.
    Disabled,
    /// Past its expiry.
    Expired,
    /// Revoked for good.
    Revoked,
}

impl KeyStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

/// The only answer that holds the key itself, or a credential's secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedKey {
    /// The key as everyone may see it.
    #[serde(flatten)]
    pub record: Key,
    /// The key, of an API key. It cannot be shown again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<ApiKey>,
    /// What to send with a request, ready to paste: as a rule `Authorization: Bearer <key>`. Of an API key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<ApiKey>,
    /// The secret, of a credential, whose key id is `id`. It cannot be shown again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// What a client of the API is told in its environment, a line for each variable. Of a credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<Secret>,
    /// Whether edges can fetch it. `false` = it is stored and will work, but publishing takes longer than usual.
    pub published: bool,
}

/// `GET /v1/keys`: one page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyList {
    /// The keys, newest first.
    pub data: Vec<Key>,
    /// Where the next page begins; `null` on the last one.
    pub next_cursor: Option<String>,
}

/// The query of `GET /v1/keys`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct ListKeys {
    /// Only this organisation's keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Only what is of this kind; absent = API keys and credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<KeyKind>,
    /// Only keys in this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<KeyStatus>,
    /// Only keys of this environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Only keys that hold this text in their name, id, display, creator or metadata (`name=value`), in whatever case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// `true` = only keys that should have been rotated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overdue: Option<bool>,
    /// `true` = only keys that work and were not used for 30 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<bool>,
    /// At most this many, 1 to 1000; absent = 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 1000))]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

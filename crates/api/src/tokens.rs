//! `/v1/tokens`: bodies of requests and answers.

use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// Whose a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// A person's: it acts as they do, and ends when they leave.
    Personal,
    /// Nobody's: it stays when people leave.
    Service,
}

impl TokenKind {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Service => "service",
        }
    }
}

/// Whether a token works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TokenStatus {
    /// It works.
    Active,
    /// Past its expiry.
    Expired,
    /// Revoked for good.
    Revoked,
}

impl TokenStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

/// `POST /v1/tokens`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// What people call it.
    pub name: String,
    /// What it may do, such as `keys:read`; nothing that the caller may not.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Whose it is.
    pub kind: TokenKind,
    /// When it stops working; absent = never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// The organisation's id; absent = the caller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
}

/// An API token as everyone may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiToken {
    /// `tok_` + 16 characters.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its first characters and `...`.
    pub display: String,
    /// Whose it is.
    pub kind: TokenKind,
    /// The organisation's id.
    pub organization: String,
    /// The e-mail address of whose it is; `null` = a service's.
    pub owner: Option<String>,
    /// What it may do at most.
    pub scopes: Vec<String>,
    /// Whether it works now.
    pub status: TokenStatus,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: String,
    /// When it stops working.
    pub expires_at: Option<String>,
    /// When it was revoked.
    pub revoked_at: Option<String>,
    /// When it was last used, give or take a minute.
    pub last_used: Option<String>,
}

/// The only answer that holds the token itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedToken {
    /// The token as everyone may see it.
    #[serde(flatten)]
    pub record: ApiToken,
    /// The token. It cannot be shown again.
    pub token: Secret,
}

/// The query of `GET /v1/tokens`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct ListTokens {
    /// Only this organisation's tokens.
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

//! `/v1/webhooks`: bodies of requests and answers.

use serde::{Deserialize, Serialize};

use crate::patch::Patch;
use crate::secret::Secret;

/// `POST /v1/webhooks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateWebhook {
    /// Where messages go: `https://hooks.example.com/portcullis`. No user name, no password.
    pub url: String,
    /// What it is told of: `quota.threshold`; `quota.threshold.all`, of every organisation, for the operator. Absent =
    /// `quota.threshold`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<String>>,
    /// The organisation's id; absent = the caller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
}

/// `PATCH /v1/webhooks/{id}`. What is absent stays as it is; nothing can be `null`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateWebhook {
    /// Another address.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub url: Patch<String>,
    /// Other events, instead of those so far.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub events: Patch<Vec<String>>,
    /// Whether it is told anything. What happens while it is not, it never hears of; messages that wait go on waiting.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = bool))]
    pub enabled: Patch<bool>,
}

/// A webhook as everyone who manages it may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Webhook {
    /// `whk_` + 16 characters.
    pub id: String,
    /// The organisation's id.
    pub organization: String,
    /// Where messages go.
    pub url: String,
    /// What it is told of.
    pub events: Vec<String>,
    /// Whether it is told anything.
    pub enabled: bool,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: String,
}

/// The only answer that holds the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedWebhook {
    /// The webhook.
    #[serde(flatten)]
    pub record: Webhook,
    /// What messages are signed with: `whsec_` and base64, as in the Standard Webhooks specification. It cannot be shown
    /// again.
    pub secret: Secret,
}

/// How far a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It is to be sent, for the first time or again.
    Pending,
    /// It was answered with a 2xx status.
    Delivered,
    /// It was sent too often in vain.
    GivenUp,
}

impl DeliveryStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::GivenUp => "given_up",
        }
    }
}

/// A message to a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Delivery {
    /// `evt_` + 16 characters; sent as `webhook-id`, the same at each attempt.
    pub id: String,
    /// The webhook's id.
    pub webhook: String,
    /// The kind of event: `quota.threshold`, `webhook.test`.
    pub event: String,
    /// How far it is.
    pub status: DeliveryStatus,
    /// How often it was sent.
    pub attempts: u64,
    /// When it was made.
    pub created_at: String,
    /// When it was last sent.
    pub last_attempt_at: Option<String>,
    /// When it is sent next; `null` = never.
    pub next_attempt_at: Option<String>,
    /// The HTTP status of the last answer; `null` = none came.
    pub last_status: Option<u64>,
    /// What was wrong the last time.
    pub last_error: Option<String>,
    /// The body, as it is sent.
    pub body: String,
}

/// The query of `GET /v1/webhooks`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct ListWebhooks {
    /// Only this organisation's webhooks.
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

//! What messages say: JSON with `type`, `timestamp` and `data`.
//!
//! Invariant: a message holds no secret and no key, only ids of them.

use serde::Serialize;
use serde_json::json;

use crate::clock::to_rfc3339;
use crate::store::WebhookRow;

/// What people who try a webhook out are sent.
pub(super) const TEST: &str = "webhook.test";

/// A message's body.
pub(super) fn body(kind: &str, at: u64, data: impl Serialize) -> String {
    json!({ "type": kind, "timestamp": to_rfc3339(at), "data": json!(data) }).to_string()
}

/// A message that says nothing but that it arrives.
pub(super) fn test(webhook: &WebhookRow, at: u64) -> String {
    let data = json!({ "webhook": webhook.id.to_string(), "organization": webhook.organization.to_string() });
    body(TEST, at, data)
}

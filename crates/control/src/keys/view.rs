//! A key's row as everyone may see it.

use portcullis_api::payments::ApiKeyEntry;
use portcullis_api::{Key, KeyStatus};

use super::fields::to_api;
use crate::clock::to_rfc3339;
use crate::store::{KeyRow, UnrevokedKey};

const DAY: u64 = 24 * 60 * 60;
/// Older keys should have been rotated.
const ROTATION_DAYS: u64 = 90;

/// Whether a key works, judged in the order in which the edge judges: revoked, disabled, expired.
pub(crate) fn status(row: &KeyRow, now: u64) -> KeyStatus {
    match row {
        KeyRow { revoked_at: Some(_), .. } => KeyStatus::Revoked,
        KeyRow { enabled: false, .. } => KeyStatus::Disabled,
        KeyRow { expires_at: Some(expiry), .. } if *expiry <= now => KeyStatus::Expired,
        _ => KeyStatus::Active,
    }
}

/// What a listing shows of a key.
pub(crate) fn key(row: KeyRow, now: u64) -> Key {
    let status = status(&row, now);
    let age = now.saturating_sub(row.created_at);
    let can_work = matches!(status, KeyStatus::Active | KeyStatus::Disabled);
    Key {
        id: row.id.to_string(),
        name: row.name,
        display: row.display,
        prefix: row.prefix,
        environment: row.environment,
        organization: row.organization.to_string(),
        scopes: row.scopes.split_whitespace().map(str::to_owned).collect(),
        restrictions: row.restrictions.map(to_api),
        status,
        created_by: row.created_by,
        created_at: to_rfc3339(row.created_at),
        expires_at: row.expires_at.map(to_rfc3339),
        revoked_at: row.revoked_at.map(to_rfc3339),
        last_used: row.last_used.map(to_rfc3339),
        successor: row.successor.map(|id| id.to_string()),
        age_days: age / DAY,
        overdue: can_work && age > ROTATION_DAYS * DAY,
    }
}

/// What the payments product's listing shows of a key.
pub(super) fn entry(key: UnrevokedKey) -> ApiKeyEntry {
    ApiKeyEntry {
        id: key.id,
        name: key.name,
        prefix: key.prefix,
        created_at: to_rfc3339(key.created_at),
        last_used: key.last_used.map(to_rfc3339),
    }
}

//! A key's row as everyone may see it.

use portcullis_api::keys::Trial;
use portcullis_api::payments::ApiKeyEntry;
use portcullis_api::{Key, KeyStatus};

use super::life::Life;
use super::restrictions::to_api;
use crate::clock::{DAY, to_rfc3339};
use crate::store::{KeyRow, TrialRow, UnrevokedKey};

/// Whether a key works.
pub(crate) fn status(row: &KeyRow, now: u64) -> KeyStatus {
    Life::from(row).status(now)
}

/// What a listing shows of a key.
pub(crate) fn key(row: KeyRow, now: u64) -> Key {
    let life = Life::from(&row);
    Key {
        id: row.id.to_string(),
        kind: row.kind,
        name: row.name,
        display: row.display,
        prefix: row.prefix,
        environment: row.environment,
        organization: row.organization.to_string(),
        scopes: words(&row.scopes),
        restrictions: row.restrictions.map(to_api),
        status: life.status(now),
        created_by: row.created_by,
        created_at: to_rfc3339(row.created_at),
        expires_at: row.expires_at.map(to_rfc3339),
        revoked_at: row.revoked_at.map(to_rfc3339),
        last_used: row.last_used.map(to_rfc3339),
        successor: row.successor.map(|id| id.to_string()),
        age_days: life.age(now) / DAY,
        overdue: life.is_overdue(now),
        idle: life.is_idle(now),
        metadata: row.metadata,
        trial: row.trial.map(trial),
        quota: row.quota,
        rate: row.rate,
        skill: row.skill.map(|it| it.to_string()),
    }
}

fn trial(row: TrialRow) -> Trial {
    Trial {
        scopes: row.scopes.as_deref().map(words),
        restrictions: row.restrictions.map(to_api),
        since: to_rfc3339(row.since),
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
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

//! Rows of the table of keys on their way out of it, and JSON on its way in.
//!
//! Invariant: what the bundle is told of a key that cannot be read is that it is switched off.

use portcullis_api::KeyQuota;
use portcullis_engine::spec::RestrictionsSpec;
use portcullis_engine::{KeyDigest, KeyId, KeyStatus, OrganizationId, SkillId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row as _;

use super::Row;
use super::columns::{parsed, parsed_or_null, unsigned, unsigned_or_null};
use super::plans::period;
use crate::secret::SecretDigest;
use crate::store::{
    BundleKey, KeyRow, KeySummary, StoreError, TrialRow, published_limits, published_status, with_trial,
};

pub(super) fn key(row: &Row) -> Result<KeyRow, StoreError> {
    Ok(KeyRow {
        id: parsed(row, "id")?,
        kind: parsed(row, "kind")?,
        digest: digest(row)?,
        secret: secret(row)?,
        name: row.try_get("name")?,
        display: row.try_get("display")?,
        prefix: row.try_get("prefix")?,
        environment: row.try_get("environment")?,
        organization: parsed(row, "organization")?,
        scopes: row.try_get("scopes")?,
        restrictions: json_or_null(row, "restrictions")?,
        enabled: row.try_get("enabled")?,
        created_by: row.try_get("created_by")?,
        created_at: unsigned("created_at", row.try_get("created_at")?)?,
        created_in: unsigned("created_in", row.try_get("created_in")?)?,
        expires_at: unsigned_or_null("expires_at", row.try_get("expires_at")?)?,
        revoked_at: unsigned_or_null("revoked_at", row.try_get("revoked_at")?)?,
        last_used: unsigned_or_null("last_used", row.try_get("last_used")?)?,
        successor: parsed_or_null(row, "successor")?,
        metadata: from_json(row, "metadata")?,
        trial: json_or_null(row, "trial")?,
        quota: quota(row)?,
        rate: json_or_null(row, "rate")?,
        meter: parsed_or_null(row, "meter")?,
        skill: parsed_or_null(row, "skill")?,
        changed_in: unsigned("changed_in", row.try_get("changed_in")?)?,
    })
}

/// A key that cannot be read is switched off, and keeps no other from being published.
pub(super) fn bundle_key(row: &Row) -> Option<BundleKey> {
    let id: Option<KeyId> = parsed(row, "id").ok();
    let name = id.map_or_else(|| "unknown".to_owned(), |id| id.to_string());
    let digest = digest(row).inspect_err(|error| tracing::error!(key = name, %error, "left out of the bundle")).ok()?;
    let key = readable(row, digest);
    let key = key.inspect_err(|error| tracing::error!(key = name, %error, "switched off in the bundle"));
    Some(key.unwrap_or_else(|_| BundleKey {
        digest,
        id: id.unwrap_or(KeyId::from_bytes([0; 10])),
        organization: OrganizationId::from_bytes([0; 10]),
        status: KeyStatus::Disabled,
        expires_at: None,
        revoked_at: None,
        scopes: String::new(),
        restrictions: None,
    }))
}

fn readable(row: &Row, digest: KeyDigest) -> Result<BundleKey, StoreError> {
    let revoked_at = unsigned_or_null("revoked_at", row.try_get("revoked_at")?)?;
    let enabled: bool = row.try_get("enabled")?;
    Ok(BundleKey {
        digest,
        id: parsed(row, "id")?,
        organization: parsed(row, "organization")?,
        status: published_status(revoked_at.is_some(), enabled),
        expires_at: unsigned_or_null("expires_at", row.try_get("expires_at")?)?,
        revoked_at,
        scopes: row.try_get("scopes")?,
        restrictions: published(row, revoked_at.is_some())?,
    })
}

/// The restrictions as edges get them: with what is tried on the key, and whether it was rotated and lives on for its
/// overlap, its own limits and its skill. Keys without any of these keep their stored text.
fn published(row: &Row, is_revoked: bool) -> Result<Option<String>, StoreError> {
    let trial: Option<TrialRow> = json_or_null(row, "trial")?;
    let retiring = row.try_get::<Option<&str>, _>("successor")?.is_some();
    let has_quota = row.try_get::<Option<i64>, _>("quota_limit")?.is_some();
    let limits = published_limits(has_quota, json_or_null(row, "rate")?, parsed_or_null(row, "meter")?);
    let skill: Option<SkillId> = parsed_or_null(row, "skill")?;
    if is_revoked || (trial.is_none() && !retiring && limits.is_none() && skill.is_none()) {
        return Ok(row.try_get("restrictions")?);
    }
    let own: Option<RestrictionsSpec> = json_or_null(row, "restrictions")?;
    let skill = skill.map(|id| id.to_string());
    let own = RestrictionsSpec { limits, skill, ..own.unwrap_or_default() };
    json("restrictions", &with_trial(own, trial, retiring)).map(Some)
}

pub(super) fn summary(row: &Row) -> Result<KeySummary, StoreError> {
    Ok(KeySummary {
        id: parsed(row, "id")?,
        kind: parsed(row, "kind")?,
        name: row.try_get("name")?,
        display: row.try_get("display")?,
        environment: row.try_get("environment")?,
        organization: parsed(row, "organization")?,
        metadata: from_json(row, "metadata")?,
        enabled: row.try_get("enabled")?,
        created_by: row.try_get("created_by")?,
        created_at: unsigned("created_at", row.try_get("created_at")?)?,
        created_in: unsigned("created_in", row.try_get("created_in")?)?,
        expires_at: unsigned_or_null("expires_at", row.try_get("expires_at")?)?,
        revoked_at: unsigned_or_null("revoked_at", row.try_get("revoked_at")?)?,
        last_used: unsigned_or_null("last_used", row.try_get("last_used")?)?,
        changed_in: unsigned("changed_in", row.try_get("changed_in")?)?,
    })
}

pub(super) fn digest(row: &Row) -> Result<KeyDigest, StoreError> {
    let bytes: &[u8] = row.try_get("digest")?;
    let bytes = bytes.try_into().map_err(|_| StoreError::Unreadable { column: "digest" })?;
    Ok(KeyDigest::from_bytes(bytes))
}

fn secret(row: &Row) -> Result<Option<SecretDigest>, StoreError> {
    let bytes: Option<&[u8]> = row.try_get("secret")?;
    bytes.map(|it| SecretDigest::from_bytes(it).ok_or(StoreError::Unreadable { column: "secret" })).transpose()
}

fn quota(row: &Row) -> Result<Option<KeyQuota>, StoreError> {
    let limit = unsigned_or_null("quota_limit", row.try_get("quota_limit")?)?;
    limit.map(|limit| Ok(KeyQuota { limit, period: period(row, "quota_period")? })).transpose()
}

pub(super) fn json(column: &'static str, value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Unreadable { column })
}

fn from_json<T: DeserializeOwned>(row: &Row, column: &'static str) -> Result<T, StoreError> {
    json_or_null(row, column)?.ok_or(StoreError::Unreadable { column })
}

pub(super) fn json_or_null<T: DeserializeOwned>(row: &Row, column: &'static str) -> Result<Option<T>, StoreError> {
    let json: Option<&str> = row.try_get(column)?;
    json.map(serde_json::from_str).transpose().map_err(|_| StoreError::Unreadable { column })
}

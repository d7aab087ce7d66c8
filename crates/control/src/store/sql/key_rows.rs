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
use super::columns::{parsed, parsed_or_null, text, unsigned, unsigned_or_null};
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

/// What the bundle is made of, as it is stored.
pub(in crate::store) struct StoredKey<'a> {
    pub id: &'a str,
    pub organization: &'a str,
    pub enabled: bool,
    pub expires_at: Option<i64>,
    pub revoked_at: Option<i64>,
    pub scopes: &'a str,
    pub restrictions: Option<&'a str>,
    pub successor: Option<&'a str>,
    pub trial: Option<&'a str>,
    pub quota_limit: Option<i64>,
    pub rate: Option<&'a str>,
    pub meter: Option<&'a str>,
    pub skill: Option<&'a str>,
}

/// What the bundle is told of a row.
pub(super) fn bundle_key(row: &Row) -> Option<BundleKey> {
    let id: Option<&str> = row.try_get("id").ok();
    let digest = digest(row).inspect_err(|error| left_out(id, error)).ok()?;
    Some(stored(row).and_then(|it| it.read(digest)).unwrap_or_else(|error| switched_off(digest, id, &error)))
}

/// Without its digest nothing can be told of a key.
pub(in crate::store) fn left_out(id: Option<&str>, error: &StoreError) {
    tracing::error!(key = known(id), %error, "left out of the bundle");
}

/// A key that cannot be read is switched off, and keeps no other from being published.
pub(in crate::store) fn switched_off(digest: KeyDigest, id: Option<&str>, error: &StoreError) -> BundleKey {
    tracing::error!(key = known(id), %error, "switched off in the bundle");
    BundleKey {
        digest,
        id: id.and_then(|id| id.parse().ok()).unwrap_or(KeyId::from_bytes([0; 10])),
        organization: OrganizationId::from_bytes([0; 10]),
        status: KeyStatus::Disabled,
        expires_at: None,
        revoked_at: None,
        scopes: String::new(),
        restrictions: None,
    }
}

/// An id for the log, if it is one.
fn known(id: Option<&str>) -> String {
    id.and_then(|id| id.parse().ok()).map_or_else(|| "unknown".to_owned(), |id: KeyId| id.to_string())
}

fn stored(row: &Row) -> Result<StoredKey<'_>, StoreError> {
    Ok(StoredKey {
        id: row.try_get("id")?,
        organization: row.try_get("organization")?,
        enabled: row.try_get("enabled")?,
        expires_at: row.try_get("expires_at")?,
        revoked_at: row.try_get("revoked_at")?,
        scopes: row.try_get("scopes")?,
        restrictions: row.try_get("restrictions")?,
        successor: row.try_get("successor")?,
        trial: row.try_get("trial")?,
        quota_limit: row.try_get("quota_limit")?,
        rate: row.try_get("rate")?,
        meter: row.try_get("meter")?,
        skill: row.try_get("skill")?,
    })
}

impl StoredKey<'_> {
    /// What the bundle is told of it.
    pub(in crate::store) fn read(&self, digest: KeyDigest) -> Result<BundleKey, StoreError> {
        let revoked_at = unsigned_or_null("revoked_at", self.revoked_at)?;
        Ok(BundleKey {
            digest,
            id: text("id", self.id)?,
            organization: text("organization", self.organization)?,
            status: published_status(revoked_at.is_some(), self.enabled),
            expires_at: unsigned_or_null("expires_at", self.expires_at)?,
            revoked_at,
            scopes: self.scopes.to_owned(),
            restrictions: self.published()?,
        })
    }

    /// The restrictions as edges get them: with what is tried on the key, and whether it was rotated and lives on for its
    /// overlap, its own limits and its skill. Keys without any of these keep their stored text.
    fn published(&self) -> Result<Option<String>, StoreError> {
        let trial: Option<TrialRow> = json_text_or_null("trial", self.trial)?;
        let retiring = self.successor.is_some();
        let meter = self.meter.map(|it| text("meter", it)).transpose()?;
        let limits = published_limits(self.quota_limit.is_some(), json_text_or_null("rate", self.rate)?, meter);
        let skill: Option<SkillId> = self.skill.map(|it| text("skill", it)).transpose()?;
        if self.revoked_at.is_some() || (trial.is_none() && !retiring && limits.is_none() && skill.is_none()) {
            return Ok(self.restrictions.map(str::to_owned));
        }
        let own: Option<RestrictionsSpec> = json_text_or_null("restrictions", self.restrictions)?;
        let skill = skill.map(|id| id.to_string());
        let own = RestrictionsSpec { limits, skill, ..own.unwrap_or_default() };
        json("restrictions", &with_trial(own, trial, retiring)).map(Some)
    }
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
    json_text_or_null(column, row.try_get(column)?)
}

pub(in crate::store) fn json_text_or_null<T: DeserializeOwned>(
    column: &'static str,
    json: Option<&str>,
) -> Result<Option<T>, StoreError> {
    json.map(serde_json::from_str).transpose().map_err(|_| StoreError::Unreadable { column })
}

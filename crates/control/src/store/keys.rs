//! Keys as stored, and what is asked about them.
//!
//! Rows only; what may happen to a key is decided in `keys`. Invariant: every question names whose rows it is about.

use std::collections::BTreeMap;

use async_trait::async_trait;
use portcullis_api::KeyKind;
use portcullis_api::plans::{KeyQuota, Rate};
use portcullis_engine::spec::{LimitsSpec, RateSpec, RestrictionsSpec, TrialSpec};
use portcullis_engine::{KeyDigest, KeyId, KeyStatus, OrganizationId, SkillId};
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::caller::Scope;
use crate::secret::SecretDigest;

/// So many keys of an organisation may be in a bucket when another of its keys is imported there. Edges read a bucket as a whole, and
/// on average it has 64 of everybody's: digests of random keys never come near.
pub(crate) const MOST_IN_BUCKET: u32 = 1024;

/// Questions about keys.
#[async_trait]
pub(crate) trait Keys {
    /// One key in scope.
    async fn key(&self, scope: Scope, id: KeyId) -> Result<Option<KeyRow>, StoreError>;

    /// The key in scope with that digest.
    async fn key_with_digest(&self, scope: Scope, digest: &KeyDigest) -> Result<Option<KeyRow>, StoreError>;

    /// Which of these are stored already, wherever.
    async fn taken_digests(&self, digests: &[KeyDigest]) -> Result<Vec<KeyDigest>, StoreError>;

    /// Those of these keys that are in scope, newest first.
    async fn keys(&self, scope: Scope, ids: &[KeyId]) -> Result<Vec<KeyRow>, StoreError>;

    /// What a directory has to know of every key that changed after a version, wherever it belongs; of all there are, the
    /// oldest first. One that cannot be read is left out, and said so in the log; because of it others may come twice.
    async fn summaries(&self, after: u64, each: Visitor<'_>) -> Result<(), StoreError>;

    /// Every key in scope that is not revoked, newest first.
    async fn unrevoked_keys(&self, scope: Scope) -> Result<Vec<UnrevokedKey>, StoreError>;
}

/// A key as stored. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyRow {
    /// Its public name.
    pub id: KeyId,
    /// What it is.
    pub kind: KeyKind,
    /// SHA-256 of the key; of what mints access tokens, [`KeyDigest::of_token_key`].
    pub digest: KeyDigest,
    /// SHA-256 of a credential's secret.
    pub secret: Option<SecretDigest>,
    /// What people call it.
    pub name: String,
    /// Its first characters and `...`; of what is no API key, its id.
    pub display: String,
    /// What it starts with; empty if it is no API key.
    pub prefix: String,
    /// The environment it belongs to.
    pub environment: String,
    /// The organisation it belongs to.
    pub organization: OrganizationId,
    /// Sorted, without duplicates, separated by one space.
    pub scopes: String,
    /// Compiled once before it was stored.
    pub restrictions: Option<RestrictionsSpec>,
    /// Whether it is switched on.
    pub enabled: bool,
    /// The e-mail address of whoever asked for it.
    pub created_by: Option<String>,
    /// When it was created.
    pub created_at: u64,
    /// The version it was created in, as read: tells which of two keys of one second is newer.
    pub created_in: u64,
    /// From when on it no longer works.
    pub expires_at: Option<u64>,
    /// When it was revoked.
    pub revoked_at: Option<u64>,
    /// When an edge last let it pass.
    pub last_used: Option<u64>,
    /// The key that it was rotated to.
    pub successor: Option<KeyId>,
    /// Whatever else there is to know of it, by name.
    pub metadata: BTreeMap<String, String>,
    /// What is tried on it.
    pub trial: Option<TrialRow>,
    /// A quota of its own.
    pub quota: Option<KeyQuota>,
    /// How many requests may be made with it.
    pub rate: Option<Rate>,
    /// The first of the keys that were rotated into each other, whose meter it shares; `None` = this one.
    pub meter: Option<KeyId>,
    /// The skill it belongs to, which is of its organisation.
    pub skill: Option<SkillId>,
    /// The version it last changed in, as read.
    pub changed_in: u64,
}

/// What is tried on a key, as stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrialRow {
    /// Scopes as in [`KeyRow`], in place of the key's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<String>,
    /// Restrictions, each in place of the key's own of that kind. Compiled once before they were stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restrictions: Option<RestrictionsSpec>,
    /// Since when.
    pub since: u64,
}

/// What a listing of all keys needs of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnrevokedKey {
    /// Its public name, as stored.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it starts with.
    pub prefix: String,
    /// When it was created, in Unix seconds.
    pub created_at: u64,
    /// When an edge last let it pass.
    pub last_used: Option<u64>,
}

/// What a directory of keys has to know of one. Its members are those of [`KeyRow`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeySummary {
    pub id: KeyId,
    pub kind: KeyKind,
    pub name: String,
    pub display: String,
    pub environment: String,
    pub organization: OrganizationId,
    pub metadata: BTreeMap<String, String>,
    pub enabled: bool,
    pub created_by: Option<String>,
    pub created_at: u64,
    pub created_in: u64,
    pub expires_at: Option<u64>,
    pub revoked_at: Option<u64>,
    pub last_used: Option<u64>,
    pub changed_in: u64,
}

/// Is told one summary after the other.
pub(crate) type Visitor<'a> = &'a mut (dyn FnMut(KeySummary) + Send);

/// What a publisher needs to know of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BundleKey {
    /// SHA-256 of the key, or what stands for it.
    pub digest: KeyDigest,
    /// Its public name.
    pub id: KeyId,
    /// The organisation it belongs to.
    pub organization: OrganizationId,
    /// Whether it works at all.
    pub status: KeyStatus,
    /// From when on it no longer works.
    pub expires_at: Option<u64>,
    /// When it was revoked.
    pub revoked_at: Option<u64>,
    /// Sorted, without duplicates, separated by one space.
    pub scopes: String,
    /// JSON, what is tried on the key included: equal restrictions have equal text.
    pub restrictions: Option<String>,
}

impl KeyRow {
    /// Its restrictions as edges get them.
    pub(crate) fn published_restrictions(&self) -> RestrictionsSpec {
        let limits = published_limits(self.quota.is_some(), self.rate, self.meter);
        let skill = self.skill.map(|id| id.to_string());
        let own = RestrictionsSpec { limits, skill, ..self.restrictions.clone().unwrap_or_default() };
        match self.revoked_at {
            None => with_trial(own, self.trial.clone(), self.successor.is_some()),
            Some(_) => own,
        }
    }

    /// Its status as edges get it.
    pub(crate) fn published_status(&self) -> KeyStatus {
        published_status(self.revoked_at.is_some(), self.enabled)
    }
}

/// What edges are told of a key's status; when it expires they know themselves.
pub(super) fn published_status(is_revoked: bool, is_enabled: bool) -> KeyStatus {
    match (is_revoked, is_enabled) {
        (true, _) => KeyStatus::Revoked,
        (false, false) => KeyStatus::Disabled,
        (false, true) => KeyStatus::Active,
    }
}

/// What edges are told of a key's own limits. A key that was rotated into is counted with the first of them, under the policy's
/// rates as well.
pub(super) fn published_limits(quota: bool, rate: Option<Rate>, meter: Option<KeyId>) -> Option<LimitsSpec> {
    let rate = rate.map(|it| RateSpec { requests: it.requests, seconds: it.seconds, burst: it.burst });
    let limits = LimitsSpec { meter: meter.map(|id| id.to_string()), quota, rate };
    Some(limits).filter(|it| *it != LimitsSpec::default())
}

/// A key's restrictions with what is tried on it, and whether it was rotated and lives on for its overlap.
pub(super) fn with_trial(own: RestrictionsSpec, trial: Option<TrialRow>, retiring: bool) -> RestrictionsSpec {
    if trial.is_none() && !retiring {
        return own;
    }
    let TrialRow { scopes, restrictions, since: _ } = trial.unwrap_or_default();
    let RestrictionsSpec { ip, referrer, endpoint, limits: _, skill: _, trial: _ } = restrictions.unwrap_or_default();
    let scopes = scopes.map(|text| text.split_whitespace().map(str::to_owned).collect());
    RestrictionsSpec { trial: Some(TrialSpec { ip, referrer, endpoint, scopes, retiring }), ..own }
}

//! What the edge knows of a key: borrowed from a bundle, never containing the key.
//!
//! It says nothing about how records are stored; a [`KeyStore`](crate::KeyStore) does.

use crate::id::{KeyId, OrganizationId};
use crate::limit::Rate;
use crate::restriction::RestrictionSet;
use crate::skill::Skill;

/// A key's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord<'a> {
    /// The key's public name.
    pub id: KeyId,
    /// The organisation it belongs to.
    pub organization: OrganizationId,
    /// That organisation's state.
    pub organization_state: OrganizationState,
    /// That organisation's limits.
    pub organization_limits: OrganizationLimits,
    /// Whether it works at all.
    pub status: KeyStatus,
    /// Unix seconds from which it no longer works.
    pub expires_at: Option<u64>,
    /// Its scopes: sorted, without duplicates, separated by one space; empty = none.
    pub scopes: &'a str,
    /// Its restrictions and limits.
    pub restrictions: Option<&'a RestrictionSet>,
    /// The skill it belongs to, if it belongs to one that is there.
    pub skill: Option<&'a Skill>,
}

/// What an access token stands for: the record it was minted for, and how much of it the token carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord<'a> {
    /// The record of the credential, grant or issuer; as it is now, not as it was when the token was minted.
    pub key: KeyRecord<'a>,
    /// The token's environment, by name.
    pub environment: &'a str,
    /// The token's own scopes, separated by one space.
    pub granted: &'a str,
    /// What the token and the record have in common, as [`common_grants`](crate::scope::common_grants) has it: what counts.
    pub scopes: &'a str,
    /// For whom the token acts, if that is not the key itself.
    pub subject: Option<&'a str>,
}

/// What all keys of an organisation share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrganizationLimits {
    /// Whether it has a quota.
    pub metered: bool,
    /// Its rate, in place of the policy's for organisations.
    pub rate: Option<Rate>,
}

/// Whether a key works at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyStatus {
    /// It works.
    #[default]
    Active,
    /// Switched off, can be switched on again.
    Disabled,
    /// Gone for good; the record stays so that its use can be named.
    Revoked,
}

/// Whether an organisation's keys work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OrganizationState {
    /// They do.
    #[default]
    Active,
    /// None does.
    Suspended,
    /// None does until that time, in Unix seconds.
    QuotaExhausted {
        /// When the keys work again.
        until: u64,
    },
}

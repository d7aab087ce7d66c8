//! What people are in which organisation, as stored.

use async_trait::async_trait;
use portcullis_engine::OrganizationId;

use super::Slice;
use crate::access::Role;
use crate::id::UserId;
use crate::store::StoreError;

/// Questions about members.
#[async_trait]
pub(crate) trait Members {
    /// One member of an organisation.
    async fn member(&self, organization: OrganizationId, user: UserId) -> Result<Option<MemberRow>, StoreError>;

    /// Members of an organisation, those who came first before the others.
    async fn members(&self, organization: OrganizationId, slice: &Slice) -> Result<Vec<MemberRow>, StoreError>;

    /// Where a person is a member, the oldest membership first.
    async fn memberships(&self, user: UserId) -> Result<Vec<MembershipRow>, StoreError>;
}

/// A member of an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemberRow {
    /// Of which organisation.
    pub organization: OrganizationId,
    /// Who it is.
    pub user: UserId,
    /// Their e-mail address, as read.
    pub email: String,
    /// What people call them, as read.
    pub name: String,
    /// What they are there.
    pub role: Role,
    /// Since when, in Unix seconds.
    pub created_at: u64,
    /// When they were last seen there by a session that has not ended, as read.
    pub last_seen: Option<u64>,
}

/// An organisation that a person is a member of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MembershipRow {
    /// Which organisation.
    pub organization: OrganizationId,
    /// What it is called.
    pub name: String,
    /// What the person is there.
    pub role: Role,
}

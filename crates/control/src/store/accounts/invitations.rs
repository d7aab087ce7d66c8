//! Invitations as stored.

use async_trait::async_trait;
use portcullis_engine::OrganizationId;

use super::Slice;
use crate::access::Role;
use crate::id::InvitationId;
use crate::secret::SecretDigest;
use crate::store::StoreError;

/// Questions about invitations.
#[async_trait]
pub(crate) trait Invitations {
    /// One invitation of an organisation.
    async fn invitation(
        &self,
        organization: OrganizationId,
        id: InvitationId,
    ) -> Result<Option<InvitationRow>, StoreError>;

    /// The invitation that a link is for.
    async fn invitation_by_digest(&self, digest: SecretDigest) -> Result<Option<InvitationRow>, StoreError>;

    /// Invitations of an organisation that are neither accepted nor withdrawn, newest first.
    async fn invitations(&self, organization: OrganizationId, slice: &Slice) -> Result<Vec<InvitationRow>, StoreError>;
}

/// An invitation as stored. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InvitationRow {
    /// Names it; it is not what the link holds.
    pub id: InvitationId,
    /// SHA-256 of what the link holds.
    pub digest: SecretDigest,
    /// To which organisation.
    pub organization: OrganizationId,
    /// Whom it is for, in lower case; `None` = the first owner.
    pub email: Option<String>,
    /// Whether it is for the first owner: it is void once there is a user.
    pub is_first: bool,
    /// What they will be.
    pub role: Role,
    /// Who made it: an e-mail address or a name.
    pub created_by: String,
    /// The id of the person or the service token that made it; with them it goes.
    pub made_by: Option<String>,
    /// When it was made.
    pub created_at: u64,
    /// From when on it no longer works.
    pub expires_at: u64,
    /// When somebody accepted it.
    pub accepted_at: Option<u64>,
    /// When somebody withdrew it.
    pub withdrawn_at: Option<u64>,
}

impl InvitationRow {
    /// Whether it can be accepted.
    pub(crate) fn is_open(&self, now: u64) -> bool {
        self.accepted_at.is_none() && self.withdrawn_at.is_none() && now < self.expires_at
    }
}

//! Sessions as stored: who is signed in, where, since when.

use async_trait::async_trait;
use portcullis_engine::OrganizationId;

use crate::access::Role;
use crate::id::{SessionId, UserId};
use crate::secret::SecretDigest;
use crate::store::StoreError;

/// Questions about sessions.
#[async_trait]
pub(crate) trait Sessions {
    /// The session of a cookie, and who it is, if it has not ended and its user is still a member.
    async fn session(
        &self,
        digest: SecretDigest,
        now: u64,
        seen_since: u64,
    ) -> Result<Option<ActiveSession>, StoreError>;

    /// A person's sessions that have not ended, newest first.
    async fn sessions(&self, user: UserId, now: u64, seen_since: u64) -> Result<Vec<SessionRow>, StoreError>;

    /// Remembers that a session was used. Takes no new version.
    async fn session_seen(&self, id: SessionId, now: u64) -> Result<(), StoreError>;
}

/// A session as stored. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionRow {
    /// Names it; it is not its cookie.
    pub id: SessionId,
    /// SHA-256 of its cookie.
    pub digest: SecretDigest,
    /// Who is signed in.
    pub user: UserId,
    /// The organisation they look at.
    pub organization: OrganizationId,
    /// Where they signed in from.
    pub address: Option<String>,
    /// What their browser calls itself.
    pub agent: String,
    /// When they signed in.
    pub created_at: u64,
    /// When it was last used, give or take a minute.
    pub last_seen: u64,
    /// When it ends, used or not.
    pub expires_at: u64,
}

/// A session and who it is, as of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ActiveSession {
    /// The session.
    pub session: SessionRow,
    /// Their e-mail address.
    pub email: String,
    /// What people call them.
    pub name: String,
    /// What they are in the organisation they look at.
    pub role: Role,
}

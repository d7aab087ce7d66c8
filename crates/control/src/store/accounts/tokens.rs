//! API tokens as stored.

use async_trait::async_trait;
use portcullis_engine::OrganizationId;

use super::Slice;
use crate::access::{Permissions, Role};
use crate::caller::Scope;
use crate::id::{TokenId, UserId};
use crate::secret::SecretDigest;
use crate::store::StoreError;

/// Questions about API tokens.
#[async_trait]
pub(crate) trait Tokens {
    /// The token that a program sent, if it works, and whose it is.
    async fn token_by_digest(&self, digest: SecretDigest, now: u64) -> Result<Option<ActiveToken>, StoreError>;

    /// One token in scope; with `owner`, only if it is theirs.
    async fn token(&self, scope: Scope, owner: Option<UserId>, id: TokenId) -> Result<Option<TokenRow>, StoreError>;

    /// Tokens in scope, newest first; with `owner`, only theirs.
    async fn tokens(&self, scope: Scope, owner: Option<UserId>, slice: &Slice) -> Result<Vec<TokenRow>, StoreError>;

    /// Remembers that a token was used. Takes no new version.
    async fn token_used(&self, id: TokenId, now: u64) -> Result<(), StoreError>;
}

/// An API token as stored. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenRow {
    /// Names it; it is not its text.
    pub id: TokenId,
    /// SHA-256 of its text.
    pub digest: SecretDigest,
    /// Its first characters and `...`.
    pub display: String,
    /// What people call it.
    pub name: String,
    /// Where it may act.
    pub organization: OrganizationId,
    /// Whose it is; `None` = a service's.
    pub owner: Option<UserId>,
    /// Their e-mail address, as read.
    pub owner_email: Option<String>,
    /// What it may do at most.
    pub scopes: Permissions,
    /// Who made it: an e-mail address or a name.
    pub created_by: String,
    /// When it was made.
    pub created_at: u64,
    /// From when on it no longer works.
    pub expires_at: Option<u64>,
    /// When it was revoked.
    pub revoked_at: Option<u64>,
    /// When it was last used, give or take a minute.
    pub last_used: Option<u64>,
}

/// A token that works, and what its owner is, as of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ActiveToken {
    /// The token.
    pub row: TokenRow,
    /// What its owner is in the organisation; `None` for a service.
    pub role: Option<Role>,
}

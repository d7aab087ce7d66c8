//! Apps that act for people, what people allowed them, and what is redeemed for it, as stored.
//!
//! Rows and questions only; what an app may have is decided in `oauth`. Invariants: of secrets, codes and refresh tokens
//! there are digests; a code and a refresh token are used once, whoever asks at the same time; whether a grant holds says
//! its row in `keys`.

use async_trait::async_trait;
use portcullis_engine::{KeyId, OrganizationId};

use super::{Slice, StoreError};
use crate::caller::Scope;
use crate::id::{AppId, UserId};
use crate::secret::SecretDigest;

/// An app as stored. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AppRow {
    /// Its id, which it calls itself by: `client_id`.
    pub id: AppId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// What people call it.
    pub name: String,
    /// SHA-256 of its secret; `None` = it can keep none.
    pub secret: Option<SecretDigest>,
    /// Where people are sent back to.
    pub redirect_uris: Vec<String>,
    /// The most that it may ask for, as [`super::KeyRow`] has scopes.
    pub scopes: String,
    /// For which environments.
    pub environments: Vec<String>,
    /// Whether members of every organisation may use it.
    pub everyone: bool,
    /// Who registered it.
    pub created_by: String,
    /// When.
    pub created_at: u64,
    /// When it was revoked.
    pub revoked_at: Option<u64>,
    /// When somebody last allowed it something, or it came for a token; give or take a minute.
    pub last_used: Option<u64>,
    /// How often it was changed, as read.
    pub revision: u64,
}

/// What somebody allowed an app, beside its row in `keys`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GrantRow {
    /// The id of both rows.
    pub id: KeyId,
    /// Whom it was allowed to.
    pub app: AppId,
    /// Who allowed it.
    pub user: UserId,
    /// Where.
    pub organization: OrganizationId,
    /// What; no more than this is ever given out.
    pub scopes: String,
    /// When.
    pub created_at: u64,
}

/// A grant with what is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShownGrant {
    /// The grant.
    pub row: GrantRow,
    /// What the app is called.
    pub app_name: String,
    /// Whether the app is revoked.
    pub app_revoked: bool,
    /// The e-mail address of whoever allowed it.
    pub email: String,
    /// For which environment.
    pub environment: String,
    /// The scopes that its row in `keys` holds now.
    pub held: String,
    /// Whether that is switched on.
    pub enabled: bool,
    /// From when on it no longer works.
    pub expires_at: Option<u64>,
    /// When it was revoked.
    pub revoked_at: Option<u64>,
    /// When an edge last let it pass.
    pub last_used: Option<u64>,
}

/// What a code stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CodeRow {
    /// SHA-256 of it.
    pub digest: SecretDigest,
    /// Which app may redeem it.
    pub app: AppId,
    /// Who allowed it.
    pub user: UserId,
    /// Where.
    pub organization: OrganizationId,
    /// For which environment.
    pub environment: String,
    /// What.
    pub scopes: String,
    /// Where it was sent.
    pub redirect_uri: String,
    /// Of PKCE, S256.
    pub challenge: String,
    /// From when on it is nothing.
    pub expires_at: u64,
    /// When it was redeemed, and for which grant.
    pub used: Option<(u64, KeyId)>,
}

/// A refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RefreshRow {
    /// SHA-256 of it.
    pub digest: SecretDigest,
    /// What it is for.
    pub grant: KeyId,
    /// When it was made.
    pub created_at: u64,
    /// From when on it is nothing.
    pub expires_at: u64,
    /// When it was used.
    pub used_at: Option<u64>,
}

/// Grants that end together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GrantsOf {
    /// The one.
    Grant(KeyId),
    /// An app's.
    App(AppId),
    /// A member's of an organisation.
    Member(OrganizationId, UserId),
    /// A person's, in every organisation.
    User(UserId),
}

/// What can be written about apps and grants.
#[derive(Clone, Debug)]
pub(crate) enum AppWrite {
    /// A new app.
    Insert(AppRow),
    /// An app's new state; refused with [`StoreError::Conflict`] if it changed since it was read.
    Replace(AppRow),
    /// A code; refused with [`StoreError::Conflict`] if its app is revoked or its person no member by now.
    InsertCode(CodeRow),
    /// A code is redeemed for a grant, whose row in `keys` comes with it; refused as above, and if it was redeemed before.
    Redeem(SecretDigest, GrantRow),
    /// A new refresh token.
    InsertRefresh(RefreshRow),
    /// Grants end at that time, and codes that would become some of them are nothing. Refused with
    /// [`StoreError::Conflict`] if it is one grant, and it ended before.
    EndGrants(GrantsOf, u64),
    /// There are no such grants, and codes that would become some are nothing; refused with [`StoreError::Conflict`] if there
    /// is one.
    NoGrants(GrantsOf),
}

/// Questions about apps.
#[async_trait]
pub(crate) trait Apps {
    /// One in scope.
    async fn app(&self, scope: Scope, id: AppId) -> Result<Option<AppRow>, StoreError>;

    /// Those in scope, newest first.
    async fn apps(&self, scope: Scope, slice: &Slice) -> Result<Vec<AppRow>, StoreError>;

    /// Remembers that an app was used. Takes no new version.
    async fn app_used(&self, id: AppId, now: u64) -> Result<(), StoreError>;
}

/// Questions about grants, and what is redeemed for them.
#[async_trait]
pub(crate) trait Grants {
    /// One in scope; with `user`, only if it is theirs.
    async fn grant(&self, scope: Scope, user: Option<UserId>, id: KeyId) -> Result<Option<ShownGrant>, StoreError>;

    /// Those in scope that were not revoked, newest first; with `user`, only theirs.
    async fn grants(&self, scope: Scope, user: Option<UserId>, slice: &Slice) -> Result<Vec<ShownGrant>, StoreError>;

    /// What a code stands for.
    async fn code(&self, digest: SecretDigest) -> Result<Option<CodeRow>, StoreError>;

    /// What a refresh token stands for.
    async fn refresh_token(&self, digest: SecretDigest) -> Result<Option<RefreshRow>, StoreError>;

    /// Uses a refresh token for the next one; `false` if somebody was faster, it is over, or its grant is revoked. Takes no
    /// new version.
    async fn refresh(&self, used: SecretDigest, next: &RefreshRow) -> Result<bool, StoreError>;

    /// Forgets codes and refresh tokens that were over before then.
    async fn forget_redeemed(&self, before: u64) -> Result<(), StoreError>;
}

//! The keys that access tokens are signed with, as stored, and the name under which they are signed.
//!
//! Rows only; when which key signs is decided in `signing_keys`. Invariant: there are few of them, so all are read and
//! written together.

use async_trait::async_trait;

use super::StoreError;

/// A key that access tokens are signed with. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenKeyRow {
    /// Its public name: the thumbprint of the public half (RFC 7638).
    pub kid: String,
    /// `EdDSA` or `ES256`.
    pub algorithm: String,
    /// The public half, as JSON (RFC 7517).
    pub jwk: String,
    /// The key, sealed; `None` = destroyed.
    pub secret: Option<Vec<u8>>,
    /// When it was made.
    pub created_at: u64,
    /// From when on it signs.
    pub signs_from: u64,
    /// Until when; `None` = until another takes over.
    pub signs_until: Option<u64>,
    /// Until when what it signed is accepted; `None` = no end is set.
    pub accepted_until: Option<u64>,
    /// When it was revoked.
    pub revoked_at: Option<u64>,
}

/// Everything in the database that tokens in force depend on, as of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TokenSources {
    /// The name under which tokens are signed; `None` = none was set yet.
    pub issuer: Option<String>,
    /// The keys that they are signed with, by their names.
    pub keys: Vec<TokenKeyRow>,
}

/// What can be written about them.
#[derive(Clone, Debug)]
pub(crate) enum TokenKeysWrite {
    /// All of them as they are to be.
    Replace {
        /// As they were read; refused with [`StoreError::Conflict`] if they are others by now.
        from: Vec<TokenKeyRow>,
        /// As they are to be.
        to: Vec<TokenKeyRow>,
    },
    /// The name under which tokens are signed from now on.
    Issuer(String),
}

/// Questions about them.
#[async_trait]
pub(crate) trait TokenKeys {
    /// All of them, by their names.
    async fn token_keys(&self) -> Result<Vec<TokenKeyRow>, StoreError>;

    /// The name under which tokens are signed.
    async fn token_issuer(&self) -> Result<Option<String>, StoreError>;
}

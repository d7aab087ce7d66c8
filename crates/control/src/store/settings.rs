//! What a database says of the control planes that may use it.
//!
//! Invariant: none is a secret.

use async_trait::async_trait;

use super::StoreError;

/// The public key that bundles of this database are signed with.
pub(crate) const SIGNING_KEY: &str = "signing_key";

/// Questions about settings.
#[async_trait]
pub(crate) trait Settings {
    /// Writes a setting if there is none of that name; returns the one there is.
    async fn settle(&self, name: &str, value: &str) -> Result<String, StoreError>;

    /// Writes a setting, whatever there was.
    async fn replace_setting(&self, name: &str, value: &str) -> Result<(), StoreError>;
}

//! `/v1/signing-keys`: what access tokens are signed with.

use serde::{Deserialize, Serialize};

/// A key that access tokens are signed with. Its public half is in `/.well-known/jwks.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SigningKey {
    /// What tokens call it.
    pub kid: String,
    /// `EdDSA` or `ES256`.
    pub algorithm: String,
    /// `next`: published, does not sign yet; `active`: signs; `retiring`: signs no more, what it signed is accepted; `revoked`.
    pub state: String,
    /// When it was made.
    pub created_at: String,
    /// From when on it signs.
    pub signs_from: String,
    /// Until when; `null` = until another takes over.
    pub signs_until: Option<String>,
    /// Until when what it signed is accepted; `null` = no end is set.
    pub accepted_until: Option<String>,
    /// When it was revoked.
    pub revoked_at: Option<String>,
}

/// `POST /v1/signing-keys:rotate`. Without a body the new key is published for ten minutes before it signs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RotateSigningKey {
    /// Whether the new key signs at once. Whoever keeps a copy of the published keys may not have it yet.
    #[serde(default)]
    pub now: bool,
}

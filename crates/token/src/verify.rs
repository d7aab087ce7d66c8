//! Deciding whether a token is believed: the cheap checks first, the signature last.
//!
//! It keeps nothing and looks up no key record. Invariant: every way out but the last is a [`Refusal`].

use alloc::string::String;
use alloc::vec::Vec;

use crate::base64url;
use crate::claims;
use crate::header::Header;
use crate::issuers::Issuers;
use crate::json;
use crate::succession::VerifiedBy;

/// What a good token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The key record it speaks for, `key_…` as the token or the mapping has it.
    pub key: String,
    /// The environment it is good for.
    pub environment: String,
    /// Scopes, sorted and each once, unchecked: they count only as far as the key record holds them.
    pub scopes: Vec<String>,
    /// On whose behalf, if that is not the key itself: 1 to 255 visible ASCII characters. Another's issuer cannot name
    /// anybody of ours here.
    pub subject: Option<String>,
    /// Unix seconds; before it the token is not good. The clock skew is taken off already.
    pub not_before: u64,
    /// Unix seconds; from it on the token is not good. The clock skew is added already.
    pub expires_at: u64,
    /// `jti`.
    pub token_id: Option<String>,
    /// Whose signature it was.
    pub by: VerifiedBy,
}

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Longer than is allowed.
    #[error("longer than is allowed")]
    TooLong,
    /// Not three parts of strict base64url, or not JSON objects with each name once.
    #[error("not a signed token")]
    Malformed,
    /// `typ` is another.
    #[error("not a type of token that is accepted here")]
    Type,
    /// The header wants something that is never done: `crit`, a key of its own, compression, encryption.
    #[error("the header has a parameter that is never accepted")]
    Critical,
    /// `alg` is none that is accepted, or not the key's.
    #[error("not the algorithm of the key")]
    Algorithm,
    /// `iss` is nobody that is configured.
    #[error("not an issuer that is accepted here")]
    UnknownIssuer,
    /// `kid` names no key of the issuer, or several keys fit.
    #[error("not signed by a key of the issuer that is known here")]
    UnknownKey,
    /// `aud` names somebody else.
    #[error("not meant for this audience")]
    Audience,
    /// A claim is missing or of the wrong kind.
    #[error("a claim is missing or not what it should be")]
    Claims,
    /// `nbf` or `iat` is in the future.
    #[error("not valid yet")]
    NotYetValid,
    /// `exp` has come.
    #[error("expired")]
    Expired,
    /// The signature is not of these bytes.
    #[error("the signature does not fit")]
    Signature,
}

impl Issuers {
    /// What this token says at `now` (Unix seconds), if one of the issuers signed it.
    pub fn verify(&self, token: &[u8], now: u64) -> Result<Verified, Refusal> {
        if token.len() > self.max_token_bytes {
            return Err(Refusal::TooLong);
        }
        let parts = Parts::split(token).ok_or(Refusal::Malformed)?;
        let header = Header::read(parts.header)?;
        let payload = json::read_part(parts.payload).ok_or(Refusal::Malformed)?;
        let (issuer_place, issuer) = self.choose(&payload)?;
        issuer.takes_type(&header)?;
        let (key_place, key) = issuer.key(&header)?;
        let by = VerifiedBy::at(issuer_place, key_place).ok_or(Refusal::UnknownKey)?;
        let verified = claims::read(issuer, by, &payload, now)?;
        key.verify(parts.signed, &parts.signature).map_err(|_| Refusal::Signature)?;
        Ok(verified)
    }
}

/// A token's three parts; the last is decoded at once, so that a token has one text.
pub(crate) struct Parts<'a> {
    pub(crate) header: &'a [u8],
    pub(crate) payload: &'a [u8],
    /// What the signature covers: both of them and the dot between.
    pub(crate) signed: &'a [u8],
    pub(crate) signature: Vec<u8>,
}

impl<'a> Parts<'a> {
    pub(crate) fn split(token: &'a [u8]) -> Option<Self> {
        let dot = |byte: &u8| *byte == b'.';
        let last = token.iter().rposition(dot)?;
        let (signed, signature) = (token.get(..last)?, token.get(last + 1..)?);
        let mut parts = signed.split(dot);
        let (header, payload, None) = (parts.next()?, parts.next()?, parts.next()) else { return None };
        Some(Self { header, payload, signed, signature: base64url::decode(signature)? })
    }
}

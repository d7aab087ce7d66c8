//! Whose access tokens count, on the wire; and what a store keeps of a token that does.
//!
//! It holds no token and no record: what a token may do is said by its record, looked up on every request. Invariant: an
//! [`AcceptedToken`] comes of a verified token alone, and counts only between its two times.

use alloc::boxed::Box;
use alloc::string::String;

use portcullis_engine::scope::{Scope, common_grants};
use portcullis_engine::{KeyDigest, KeyId, KeyRecord, Reason, TokenRecord};
use portcullis_token::{Issuers, IssuersSpec, Refusal, Succession, VerifiedBy};

use crate::read::Malformed;

/// The issuers in a tokens blob.
pub fn read_tokens(bytes: &[u8]) -> Result<Issuers, Malformed> {
    let spec: IssuersSpec = serde_json::from_slice(bytes).map_err(|_| Malformed("tokens"))?;
    Issuers::compile(&spec).map_err(|_| Malformed("tokens"))
}

/// A verified token, without the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedToken {
    key: KeyId,
    environment: Box<str>,
    granted: Box<str>,
    subject: Option<Box<str>>,
    not_before: u64,
    expires_at: u64,
    by: VerifiedBy,
}

impl AcceptedToken {
    /// Verifies a token at that time (Unix seconds).
    pub fn verify(issuers: &Issuers, token: &[u8], now: u64) -> Result<Self, Reason> {
        let verified = issuers.verify(token, now).map_err(reason)?;
        let accepted = Self {
            key: verified.key.parse().map_err(|_| Reason::TokenClaims)?,
            environment: verified.environment.into(),
            granted: granted(&verified.scopes).into(),
            subject: verified.subject.map(Into::into),
            not_before: verified.not_before,
            expires_at: verified.expires_at,
            by: verified.by,
        };
        accepted.counts_at(now).map(|()| accepted)
    }

    /// Whether its time has come and is not over.
    pub fn counts_at(&self, now: u64) -> Result<(), Reason> {
        match now {
            _ if now < self.not_before => Err(Reason::TokenNotYetValid),
            _ if now >= self.expires_at => Err(Reason::ExpiredToken),
            _ => Ok(()),
        }
    }

    /// Other issuers count now: whether the key that signed it is still one of the same issuer. If so it is known by its place
    /// among the new ones.
    pub fn succeed(&mut self, succession: &Succession) -> bool {
        succession.of(self.by).map(|by| self.by = by).is_some()
    }

    /// The record that it was minted for.
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// What its record is found under.
    pub fn digest(&self) -> KeyDigest {
        KeyDigest::of_token_key(self.key)
    }

    /// Which of its scopes that record has. Whoever keeps this asks again once the record may have changed.
    pub fn scopes_of(&self, record: &KeyRecord<'_>, write_implies_read: bool) -> String {
        common_grants(&self.granted, record.scopes, write_implies_read)
    }

    /// What it stands for, with its record as it is now and the scopes that [`scopes_of`](Self::scopes_of) said.
    pub fn with_record<'a>(&'a self, record: KeyRecord<'a>, scopes: &'a str) -> Result<TokenRecord<'a>, Reason> {
        if record.id != self.key {
            return Err(Reason::UnknownTokenSubject);
        }
        let Self { environment, granted, subject, .. } = self;
        Ok(TokenRecord { key: record, environment, granted, scopes, subject: subject.as_deref() })
    }

    /// About how many bytes it takes.
    pub fn size(&self) -> usize {
        let texts = [Some(&self.environment), Some(&self.granted), self.subject.as_ref()];
        size_of::<Self>() + texts.into_iter().flatten().map(|text| text.len()).sum::<usize>()
    }
}

/// Those that are scopes here; an issuer of somebody else's may have other words as well.
fn granted(scopes: &[String]) -> String {
    let ours = scopes.iter().filter(|scope| Scope::parse_grant(scope).is_ok());
    ours.map(String::as_str).collect::<alloc::vec::Vec<_>>().join(" ")
}

/// Why a token does not count, in the engine's words.
const fn reason(refusal: Refusal) -> Reason {
    match refusal {
        Refusal::TooLong | Refusal::Malformed => Reason::MalformedToken,
        Refusal::Type | Refusal::Critical => Reason::TokenType,
        Refusal::Algorithm => Reason::TokenAlgorithm,
        Refusal::UnknownIssuer => Reason::UnknownTokenIssuer,
        Refusal::UnknownKey => Reason::UnknownTokenKey,
        Refusal::Audience => Reason::TokenAudience,
        Refusal::Claims => Reason::TokenClaims,
        Refusal::NotYetValid => Reason::TokenNotYetValid,
        Refusal::Expired => Reason::ExpiredToken,
        Refusal::Signature => Reason::TokenSignature,
    }
}

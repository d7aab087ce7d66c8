//! Secrets that the control plane hands out and does not keep: session cookies, API tokens, invitations, the secrets of
//! credentials. The database holds their SHA-256.
//!
//! They have some 238 random bits, so a plain digest is enough, and finding one by its digest tells nobody anything about
//! another. Invariant: `Debug` shows neither a secret nor its digest.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::random::{self, NoRandomness};

/// What a secret is for. Each has a prefix of its own, so that none passes for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The cookie of somebody who is signed in.
    Session,
    /// The cookie of somebody who is not, yet fills in a form.
    Visit,
    /// An API token, of a person or a service.
    Token,
    /// An invitation, as its link holds it.
    Invitation,
    /// What a credential is exchanged for access tokens with.
    Credential,
}

/// NEVER CHANGE: secret scanners look for it.
const TOKEN_PREFIX: &str = "pct_";
/// NEVER CHANGE: secret scanners look for it.
const INVITATION_PREFIX: &str = "pci_";
/// NEVER CHANGE: secret scanners look for it.
const SESSION_PREFIX: &str = "pcs_";
/// NEVER CHANGE: secret scanners look for it.
pub(crate) const CREDENTIAL_PREFIX: &str = "secret_";
const VISIT_PREFIX: &str = "pcv_";
const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BODY_LENGTH: usize = 40;
/// Of a token, people may see its prefix and this much of the rest.
const SHOWN: usize = 6;

impl Purpose {
    /// Every prefix that is no word: whatever stands behind one is a secret of ours.
    pub(crate) const PREFIXES: [&str; 4] = [TOKEN_PREFIX, INVITATION_PREFIX, SESSION_PREFIX, VISIT_PREFIX];

    const fn prefix(self) -> &'static str {
        match self {
            Self::Session => SESSION_PREFIX,
            Self::Visit => VISIT_PREFIX,
            Self::Token => TOKEN_PREFIX,
            Self::Invitation => INVITATION_PREFIX,
            Self::Credential => CREDENTIAL_PREFIX,
        }
    }
}

/// The text of one. It goes to whoever it is for and nowhere else.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    /// A new one.
    pub(crate) fn generate(purpose: Purpose) -> Result<Self, NoRandomness> {
        Ok(Self(format!("{}{}", purpose.prefix(), random::letters(ALPHABET, BODY_LENGTH)?)))
    }

    /// One that somebody sent; `None` if it cannot be one, which costs no look into the database.
    pub(crate) fn parse(purpose: Purpose, sent: &[u8]) -> Option<Self> {
        let text = str::from_utf8(sent).ok()?;
        let body = text.strip_prefix(purpose.prefix())?;
        let fits = body.len() == BODY_LENGTH && body.bytes().all(|byte| byte.is_ascii_alphanumeric());
        fits.then(|| Self(text.to_owned()))
    }

    /// What the database holds of it.
    pub(crate) fn digest(&self) -> SecretDigest {
        SecretDigest::of(self.0.as_bytes())
    }

    /// Its first characters and `...`, for people who look for it.
    pub(crate) fn display(&self) -> String {
        format!("{}...", self.0.chars().take(TOKEN_PREFIX.len() + SHOWN).collect::<String>())
    }

    /// What the forms of the pages carry that whoever holds this cookie is shown. It leads neither to the cookie nor to
    /// the digest in the database.
    pub(crate) fn csrf(&self) -> Csrf {
        let mut hash = Sha256::new();
        hash.update(b"portcullis form token\0");
        hash.update(self.0.as_bytes());
        Csrf(hex::encode(<[u8; 32]>::from(hash.finalize())))
    }

    /// The text itself. Never log or store what this returns.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// SHA-256 of a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct SecretDigest([u8; 32]);

impl SecretDigest {
    /// Of whatever was sent in a secret's place.
    pub(crate) fn of(sent: &[u8]) -> Self {
        Self(Sha256::digest(sent).into())
    }

    /// As a column holds it.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        self.0.to_vec()
    }

    /// Whether it is that of the same secret. Takes the same time wherever the difference is.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// From a column.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest(redacted)")
    }
}

/// What a form carries to show that it is ours: another site cannot know it.
#[derive(Clone)]
pub(crate) struct Csrf(String);

impl Csrf {
    /// Whether a form carried it. Takes the same time wherever the difference is.
    pub(crate) fn is(&self, sent: &str) -> bool {
        self.0.as_bytes().ct_eq(sent.as_bytes()).into()
    }

    /// The text for the form, in a hidden field called `csrf`.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Csrf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Csrf(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_apart_and_printed_never() {
        let purposes = [Purpose::Session, Purpose::Visit, Purpose::Token, Purpose::Invitation, Purpose::Credential];
        for purpose in purposes {
            let secret = Secret::generate(purpose).unwrap();
            let text = secret.expose();
            assert_eq!(text.len(), purpose.prefix().len() + 40);
            let mut prefixes = Purpose::PREFIXES.into_iter().chain([CREDENTIAL_PREFIX]);
            assert!(prefixes.any(|prefix| text.starts_with(prefix)));
            for other in purposes {
                assert_eq!(Secret::parse(other, text.as_bytes()).is_some(), other == purpose, "{purpose:?} {other:?}");
            }
            let read = Secret::parse(purpose, text.as_bytes()).unwrap();
            assert!(read.digest() == secret.digest() && read.csrf().is(secret.csrf().expose()));
            let shown = format!("{secret:?} {:?} {:?}", secret.digest(), secret.csrf());
            assert_eq!(shown, "Secret(redacted) SecretDigest(redacted) Csrf(redacted)");
            assert_eq!(secret.display(), format!("{}...", text.get(..10).unwrap()));
        }
    }

    #[test]
    fn what_cannot_be_one_is_none() {
        let body = "0123456789012345678901234567890123456789";
        assert!(Secret::parse(Purpose::Token, format!("pct_{body}").as_bytes()).is_some());
        for text in [
            "",
            "pct_",
            body,
            &format!("pct_{body}0"),
            &format!("pct_-{}", body.get(1..).unwrap()),
            &format!("PCT_{body}"),
        ] {
            assert!(Secret::parse(Purpose::Token, text.as_bytes()).is_none(), "{text}");
        }
        assert!(Secret::parse(Purpose::Token, b"pct_\xff").is_none());
    }
}

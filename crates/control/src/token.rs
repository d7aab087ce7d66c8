//! The two tokens that callers of the control plane carry: the administrator's and the edges'.
//!
//! Invariants: `Debug` shows neither, and a comparison takes the same time wherever the difference is.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::random::{self, NoRandomness};

/// NEVER CHANGE: secret scanners look for it.
const ADMIN_PREFIX: &str = "pca_";
/// NEVER CHANGE: secret scanners look for it.
const EDGE_PREFIX: &str = "pce_";
/// Every prefix.
pub(crate) const PREFIXES: [&str; 2] = [ADMIN_PREFIX, EDGE_PREFIX];
const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BODY_LENGTH: usize = 40;
/// Shorter ones could be guessed.
const MIN_LENGTH: usize = 24;

/// A bearer token.
#[derive(Clone)]
pub(crate) struct Token {
    text: String,
    digest: [u8; 32],
}

/// Text that cannot be a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidToken {
    /// It could be guessed.
    #[error("a token needs at least {MIN_LENGTH} characters")]
    Short,
    /// It could not be sent in a header.
    #[error("a token holds only visible ASCII characters")]
    Characters,
}

impl Token {
    /// A new administrator's token.
    pub(crate) fn new_admin() -> Result<Self, NoRandomness> {
        Self::generate(ADMIN_PREFIX)
    }

    /// A new token for edges.
    pub(crate) fn new_edge() -> Result<Self, NoRandomness> {
        Self::generate(EDGE_PREFIX)
    }

    fn generate(prefix: &str) -> Result<Self, NoRandomness> {
        Ok(Self::new(format!("{prefix}{}", random::letters(ALPHABET, BODY_LENGTH)?)))
    }

    /// A token given by whoever runs the control plane.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidToken> {
        if text.len() < MIN_LENGTH {
            return Err(InvalidToken::Short);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidToken::Characters);
        }
        Ok(Self::new(text.to_owned()))
    }

    fn new(text: String) -> Self {
        let digest = Sha256::digest(text.as_bytes()).into();
        Self { text, digest }
    }

    /// Whether a caller sent this token.
    pub(crate) fn is(&self, candidate: &[u8]) -> bool {
        let candidate: [u8; 32] = Sha256::digest(candidate).into();
        self.digest.ct_eq(&candidate).into()
    }

    /// The token itself. Never log what this returns.
    pub(crate) fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_compared_whole_and_printed_never() {
        let token = Token::new_admin().unwrap();
        assert!(token.expose().starts_with("pca_"));
        assert_eq!(token.expose().len(), 44);
        assert!(token.is(token.expose().as_bytes()));
        assert!(!token.is(&token.expose().as_bytes()[..43]));
        assert!(!token.is(b""));
        assert!(!format!("{token:?}").contains(token.expose().strip_prefix("pca_").unwrap()));
    }

    #[test]
    fn given_tokens_must_be_long_and_plain() {
        for (text, error) in [
            ("short", InvalidToken::Short),
            ("white space is not allowed here", InvalidToken::Characters),
            ("ünïcödé-is-not-allowed-in-here", InvalidToken::Characters),
        ] {
            assert_eq!(Token::parse(text).unwrap_err(), error, "{text}");
        }
    }
}

//! The edges' X25519 keys (RFC 7748): public halves, which boxes are sealed to, and private halves, which open them.
//!
//! Invariant: a private key has no text but the one that [`PrivateKey::expose`] gives.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use x25519_dalek::StaticSecret;
use zeroize::{Zeroize, Zeroizing};

/// Text that is not an X25519 key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an X25519 key: expected 64 hexadecimal digits")]
pub struct InvalidKey;

/// What a private key's text begins with. Both halves are 64 digits, and a private one that is taken for a public one is written down for
/// good.
const MARK: &str = "private_";

/// What boxes are sealed to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub(crate) [u8; 32]);

/// What tells public keys apart: their first eight bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName([u8; 8]);

impl PublicKey {
    /// From its 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The public half of a key. By the ladder that agreeing takes anyway (RFC 7748 §6.1): the faster way brings a table of 30 KiB to
    /// the edge.
    pub(crate) fn of(secret: &StaticSecret) -> Self {
        let mut base = [0; 32];
        base[0] = 9;
        Self(secret.diffie_hellman(&x25519_dalek::PublicKey::from(base)).to_bytes())
    }

    /// What it is called.
    pub fn name(&self) -> KeyName {
        KeyName(self.0.first_chunk().copied().unwrap_or_default())
    }
}

impl KeyName {
    /// From its eight bytes.
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// The eight bytes.
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

macro_rules! hexadecimal {
    ($name:ident, $length:literal) => {
        impl FromStr for $name {
            type Err = InvalidKey;

            fn from_str(text: &str) -> Result<Self, InvalidKey> {
                let mut bytes = [0; $length];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidKey)?;
                Ok(Self(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

hexadecimal!(PublicKey, 32);
hexadecimal!(KeyName, 8);

/// What opens boxes. Prints redacted, and is wiped when it is dropped.
#[derive(Clone)]
pub struct PrivateKey {
    secret: StaticSecret,
    public: PublicKey,
}

impl PrivateKey {
    /// From its 32 bytes, any of which are a key.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let secret = StaticSecret::from(bytes);
        let public = PublicKey::of(&secret);
        Self { secret, public }
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// The key as `private_` and 64 hexadecimal digits: nothing that takes a public key takes it. Never log or store what this
    /// returns.
    pub fn expose(&self) -> String {
        let mut text = String::from(MARK);
        text.push_str(&Zeroizing::new(hex::encode(self.secret.as_bytes())));
        text
    }

    pub(crate) fn secret(&self) -> &StaticSecret {
        &self.secret
    }
}

impl FromStr for PrivateKey {
    type Err = InvalidKey;

    /// With or without its mark: other programs make keys too.
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let text = text.strip_prefix(MARK).unwrap_or(text);
        let mut bytes = [0; 32];
        let read = hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidKey);
        let key = read.map(|()| Self::from_bytes(bytes));
        bytes.zeroize();
        key
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey(public {})", self.public)
    }
}

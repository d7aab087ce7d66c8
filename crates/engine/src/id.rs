//! Identifiers: ten random bytes behind a readable prefix, and the digest a key is known by.
//!
//! No identifier here is a secret, and none is derived from one except [`KeyDigest`], the only form of a key that
//! exists outside the response that created it. Invariant: text and bytes convert without loss.

use core::fmt;
use core::str::FromStr;

use sha2::{Digest, Sha256};

/// Crockford's base32 in lower case: no `i`, `l`, `o` or `u`.
const BASE32: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const RAW_LEN: usize = 10;
const TEXT_LEN: usize = 16;
const TOKEN_KEY: &[u8] = b"portcullis token key\0";

/// An identifier that is not `prefix` + 16 lower-case base32 characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier: expected `{prefix}` and 16 characters of 0-9a-z without i, l, o, u")]
pub struct InvalidId {
    prefix: &'static str,
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; RAW_LEN]);

        impl $name {
            /// Length of the text form in bytes.
            pub const TEXT_LEN: usize = $prefix.len() + TEXT_LEN;

            /// From its ten bytes.
            pub const fn from_bytes(bytes: [u8; RAW_LEN]) -> Self {
                Self(bytes)
            }

            /// The ten bytes.
            pub const fn as_bytes(&self) -> &[u8; RAW_LEN] {
                &self.0
            }

            /// The text form without allocating; always ASCII.
            pub fn to_text(self) -> IdText {
                IdText::new($prefix, self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.to_text().as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let body = text.strip_prefix($prefix);
                body.and_then(decode).map(Self).ok_or(InvalidId { prefix: $prefix })
            }
        }
    };
}

identifier! {
    /// Names a key. Public: it is shown, logged and forwarded.
    KeyId, "key_"
}

identifier! {
    /// Names an organisation.
    OrganizationId, "org_"
}

identifier! {
    /// Names a skill.
    SkillId, "skl_"
}

identifier! {
    /// Names a stored secret. It says nothing of its value.
    SecretId, "sec_"
}

/// An identifier's text, on the stack.
#[derive(Clone, Copy)]
pub struct IdText([u8; 4 + TEXT_LEN]);

impl IdText {
    fn new(prefix: &str, raw: [u8; RAW_LEN]) -> Self {
        let mut text = [b'0'; 4 + TEXT_LEN];
        let (head, body) = text.split_at_mut(4);
        head.copy_from_slice(prefix.as_bytes().first_chunk::<4>().unwrap_or(b"????"));
        for (chunk, out) in raw.chunks_exact(5).zip(body.chunks_exact_mut(8)) {
            let bits = chunk.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
            for (i, slot) in out.iter_mut().enumerate() {
                let digit = (bits >> (35 - 5 * i)) & 31;
                *slot = BASE32.get(digit as usize).copied().unwrap_or(b'0');
            }
        }
        Self(text)
    }

    /// The text's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn decode(text: &str) -> Option<[u8; RAW_LEN]> {
    if text.len() != TEXT_LEN {
        return None;
    }
    let mut raw = [0; RAW_LEN];
    for (chunk, out) in text.as_bytes().chunks_exact(8).zip(raw.chunks_exact_mut(5)) {
        let mut bits = 0u64;
        for byte in chunk {
            bits = bits << 5 | digit(*byte)?;
        }
        out.copy_from_slice(bits.to_be_bytes().last_chunk::<5>()?);
    }
    Some(raw)
}

/// Not inlined: a search unrolled for each of sixteen letters takes seven kilobytes of the module.
#[inline(never)]
fn digit(letter: u8) -> Option<u64> {
    BASE32.binary_search(&letter).ok().map(|digit| digit as u64)
}

/// SHA-256 of a whole key: what is stored, shipped and looked up instead of the key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// The digest of a key's text.
    pub fn of(key: &[u8]) -> Self {
        Self(Sha256::digest(key).into())
    }

    /// What stands in a key's place for whatever mints access tokens and is never presented itself: a credential, a grant,
    /// an issuer. No key has this digest, as none holds NUL.
    pub fn of_token_key(id: KeyId) -> Self {
        let mut hash = Sha256::new();
        hash.update(TOKEN_KEY);
        hash.update(id.to_text().as_bytes());
        Self(hash.finalize().into())
    }

    /// From its 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The leading 64 bits, which choose shard and bucket.
    pub fn leading_bits(&self) -> u64 {
        self.0.first_chunk::<8>().map_or(0, |head| u64::from_be_bytes(*head))
    }
}

impl fmt::Display for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn text_and_bytes_convert_without_loss() {
        for raw in [[0; 10], [255; 10], [1, 2, 3, 4, 5, 250, 251, 252, 253, 254]] {
            let id = KeyId::from_bytes(raw);
            assert_eq!(id.to_string().len(), KeyId::TEXT_LEN);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert_eq!(OrganizationId::from_bytes([0; 10]).to_string(), "org_0000000000000000");
    }

    #[test]
    fn other_text_is_refused() {
        for text in
            ["", "key_", "key_000000000000000", "org_0000000000000000", "key_000000000000000i", "KEY_0000000000000000"]
        {
            assert!(text.parse::<KeyId>().is_err(), "{text}");
        }
    }

    #[test]
    fn digest_is_sha256() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(KeyDigest::of(b"abc").to_string(), expected);
    }

    #[test]
    fn a_token_keys_digest_is_made_of_its_id() {
        let id = KeyId::from_bytes([0; 10]);
        assert_eq!(KeyDigest::of_token_key(id), KeyDigest::of(b"portcullis token key\0key_0000000000000000"));
    }
}

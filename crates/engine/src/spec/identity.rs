//! Which identity headers an upstream is sent.
//!
//! Each is a write that the proxy does on every request, so an upstream that needs few is cheaper. Invariant: what is not sent is
//! still taken out of what a client sends.

use alloc::vec::Vec;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A header that says who calls; each begins with `x-portcullis-`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityHeader {
    /// The key's name.
    KeyId,
    /// Its organisation.
    Org,
    /// Its environment.
    Environment,
    /// Its scopes.
    Scopes,
    /// Whom an access token stands for.
    Subject,
}

words!(IdentityHeader {
    KeyId = "key-id",
    Org = "org",
    Environment = "environment",
    Scopes = "scopes",
    Subject = "subject"
});

/// Some identity headers; all of them unless written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentityHeaders(u8);

impl IdentityHeaders {
    const NONE: Self = Self(0);

    /// Whether that one is among them.
    pub const fn has(self, header: IdentityHeader) -> bool {
        self.0 & header.bit() != 0
    }

    /// Whether it is what holds where nothing is written.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl IdentityHeader {
    const ALL: [Self; 5] = [Self::KeyId, Self::Org, Self::Environment, Self::Scopes, Self::Subject];

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl Default for IdentityHeaders {
    fn default() -> Self {
        IdentityHeader::ALL.into_iter().collect()
    }
}

impl FromIterator<IdentityHeader> for IdentityHeaders {
    fn from_iter<I: IntoIterator<Item = IdentityHeader>>(headers: I) -> Self {
        headers.into_iter().fold(Self::NONE, |set, header| Self(set.0 | header.bit()))
    }
}

impl Serialize for IdentityHeaders {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(IdentityHeader::ALL.into_iter().filter(|header| self.has(*header)))
    }
}

impl<'de> Deserialize<'de> for IdentityHeaders {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<IdentityHeader>::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_there_and_back() {
        for (text, back) in [
            ("[]", "[]"),
            (r#"["scopes","key-id","scopes"]"#, r#"["key-id","scopes"]"#),
            (
                r#"["subject","scopes","environment","org","key-id"]"#,
                r#"["key-id","org","environment","scopes","subject"]"#,
            ),
        ] {
            let headers: IdentityHeaders = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&headers).unwrap(), back);
            assert_eq!(headers.is_default(), back.contains("org"), "{text}");
        }
        assert!(serde_json::from_str::<IdentityHeaders>(r#"["key_id"]"#).is_err());
    }
}

//! Key formats: the longest matching prefix says which environment a key is for and what its body must look like.
//!
//! A malformed key is told here, before any lookup. Invariant: no two formats share a prefix.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::ascii::every;
use crate::credential::token_occurs_in;
use crate::path::unescape;
use crate::reason::Reason;
use crate::spec::{Alphabet, Checksum, KeyFormatSpec};

/// Length of a CRC-32 in base62.
pub const CHECKSUM_LEN: usize = 6;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// One compiled format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFormat {
    prefix: Box<str>,
    environment: usize,
    body: core::ops::RangeInclusive<usize>,
    alphabet: Alphabet,
    checksum: Checksum,
}

impl KeyFormat {
    /// From a spec whose environment has that index.
    pub(crate) fn new(spec: &KeyFormatSpec, environment: usize) -> Self {
        Self {
            prefix: spec.prefix.as_str().into(),
            environment,
            body: spec.min_body_length.unwrap_or(spec.body_length)..=spec.body_length,
            alphabet: spec.alphabet,
            checksum: spec.checksum,
        }
    }

    /// What its keys start with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The index of its environment in the policy.
    pub fn environment(&self) -> usize {
        self.environment
    }

    /// Characters behind the prefix of a newly made key, checksum included.
    pub fn body_length(&self) -> usize {
        *self.body.end()
    }

    /// The characters a body may hold.
    pub fn alphabet(&self) -> &'static [u8] {
        self.alphabet.letters()
    }

    /// Whether a body ends in a checksum.
    pub fn checksum(&self) -> Checksum {
        self.checksum
    }

    /// Whether its prefix stands in a text, with at least half of the shortest body behind it.
    fn occurs_in(&self, text: &[u8]) -> bool {
        let prefix = self.prefix.as_bytes();
        let least = self.body.start().div_ceil(2);
        text.windows(prefix.len().max(1)).enumerate().any(|(at, window)| {
            window.eq_ignore_ascii_case(prefix)
                && text
                    .iter()
                    .skip(at + prefix.len())
                    .take_while(|byte| byte.is_ascii_alphanumeric())
                    .take(least)
                    .count()
                    == least
        })
    }

    fn check_body(&self, body: &[u8]) -> Result<(), Reason> {
        if !self.body.contains(&body.len()) {
            return Err(Reason::WrongLength);
        }
        if !self.alphabet.is_of(body) {
            return Err(Reason::BadAlphabet);
        }
        match (self.checksum, body.split_last_chunk::<CHECKSUM_LEN>()) {
            (Checksum::None, _) => Ok(()),
            (Checksum::Crc32Base62, Some((entropy, sum))) if checksum(entropy) == *sum => Ok(()),
            (Checksum::Crc32Base62, _) => Err(Reason::BadChecksum),
        }
    }
}

/// Every format of a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFormats {
    /// Longest prefix first.
    formats: Vec<KeyFormat>,
    /// Whether access tokens are credentials too.
    tokens: bool,
}

impl KeyFormats {
    pub(crate) fn new(mut formats: Vec<KeyFormat>, tokens: bool) -> Self {
        formats.sort_by(|a, b| b.prefix.len().cmp(&a.prefix.len()).then_with(|| a.prefix.cmp(&b.prefix)));
        Self { formats, tokens }
    }

    /// The format of a well-formed key, or why it is malformed.
    pub fn classify(&self, key: &[u8]) -> Result<&KeyFormat, Reason> {
        for format in &self.formats {
            if let Some(body) = key.strip_prefix(format.prefix.as_bytes()) {
                return format.check_body(body).map(|()| format);
            }
        }
        Err(Reason::UnknownPrefix)
    }

    /// Whether half a key or more stands anywhere in a text, or, where such are taken, a good part of an access token; as it
    /// is or percent-encoded, in whatever case: such a text is not for showing.
    pub fn occur_in(&self, text: &[u8]) -> bool {
        let keys = |text: &[u8]| self.formats.iter().any(|format| format.occurs_in(text));
        let occur = |text: &[u8]| keys(text) || self.tokens && token_occurs_in(text);
        occur(text) || matches!(unescape(text), Cow::Owned(plain) if occur(&plain))
    }

    /// All of them, longest prefix first.
    pub fn iter(&self) -> impl Iterator<Item = &KeyFormat> {
        self.formats.iter()
    }
}

impl Alphabet {
    /// The letters, in the order of their digits.
    pub const fn letters(self) -> &'static [u8] {
        match self {
            Self::Base62 => BASE62,
            Self::LowerAlphanumeric => b"0123456789abcdefghijklmnopqrstuvwxyz",
            Self::LowerHex => b"0123456789abcdef",
        }
    }

    /// Whether a body has no other letters.
    fn is_of(self, body: &[u8]) -> bool {
        // Differences that wrap are large, so one comparison is a range.
        let within = |byte: u8, first: u8, last: u8| byte.wrapping_sub(first) <= last - first;
        match self {
            Self::Base62 => every(body, |byte| within(byte, b'0', b'9') | within(byte | 0x20, b'a', b'z')),
            Self::LowerAlphanumeric => every(body, |byte| within(byte, b'0', b'9') | within(byte, b'a', b'z')),
            Self::LowerHex => every(body, |byte| within(byte, b'0', b'9') | within(byte, b'a', b'f')),
        }
    }
}

/// The checksum of a body's random part: CRC-32 (IEEE 802.3) as six base62 digits, zero-padded.
pub fn checksum(entropy: &[u8]) -> [u8; CHECKSUM_LEN] {
    let mut rest = crc32(entropy);
    let mut digits = [b'0'; CHECKSUM_LEN];
    for slot in digits.iter_mut().rev() {
        *slot = BASE62.get((rest % 62) as usize).copied().unwrap_or(b'0');
        rest /= 62;
    }
    digits
}

/// Four bits at a time: a table of sixteen fits a cache line, and one for whole bytes would not pay for a key of thirty.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 16] = crc_table();
    let step = |crc: u32| (crc >> 4) ^ TABLE.get((crc & 15) as usize).copied().unwrap_or(0);
    !bytes.iter().fold(!0u32, |crc, byte| step(step(crc ^ u32::from(*byte))))
}

#[expect(clippy::indexing_slicing, reason = "runs at compile time only, where a wrong index does not build")]
const fn crc_table() -> [u32; 16] {
    let (mut table, mut index) = ([0; 16], 0);
    while index < table.len() {
        let (mut crc, mut bit) = (index as u32, 0);
        while bit < 4 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};
    use alloc::vec;

    fn spec(prefix: &str, body_length: usize, checksum: Checksum) -> KeyFormatSpec {
        KeyFormatSpec {
            prefix: prefix.to_string(),
            environment: String::new(),
            body_length,
            min_body_length: None,
            alphabet: Alphabet::Base62,
            checksum,
        }
    }

    fn formats(tokens: bool) -> KeyFormats {
        let formats = vec![
            KeyFormat::new(&spec("sk_", 4, Checksum::None), 0),
            KeyFormat::new(&spec("sk_live_", 8, Checksum::Crc32Base62), 1),
            KeyFormat::new(&KeyFormatSpec { min_body_length: Some(2), ..spec("pk_", 4, Checksum::None) }, 2),
        ];
        KeyFormats::new(formats, tokens)
    }

    #[test]
    fn crc32_check_value() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn occurrences() {
        for (text, expected) in [
            (b"sk_abcd".as_slice(), true),
            (b"sk_ab", true),
            (b"sk_a", false),
            (b"key=sk_abcd;x", true),
            (b"sk_sk_sk_ab", true),
            (b"%73k_%61b", true),
            (b"SK_ABCD", true),
            (b"sk_-abcd", false),
            (b"pk_a", true),
            (b"pk_", false),
            (b"sk", false),
            (b"", false),
        ] {
            assert_eq!(formats(false).occur_in(text), expected, "{}", String::from_utf8_lossy(text));
        }
        for (text, expected) in [
            (b"eyJhbGciOiJFZERTQSIsInR5".as_slice(), true),
            (b"x;t=eyJhbGciOiJFZERTQSIsInR5.eyJpc3M", true),
            (b"EYJHBGCIOIJFZERTQSISINR5", true),
            (b"%65yJhbGciOiJFZERTQSIsInR5", true),
            (b"eyJhbGciOiJFZERTQSIsIn", false),
            (b"eyJhbGciO.JFZERTQSIsInR5cCI6ImF0K", false),
            (b"sk_abcd", true),
        ] {
            assert_eq!(formats(true).occur_in(text), expected, "{}", String::from_utf8_lossy(text));
            assert_eq!(formats(false).occur_in(text), text == b"sk_abcd", "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn classify() {
        let good = [b"sk_live_ab".as_slice(), &checksum(b"ab")].concat();
        let mut mistyped = good.clone();
        mistyped[8] = b'b';
        for (key, expected) in [
            (good.as_slice(), Ok(1)),
            (&mistyped, Err(Reason::BadChecksum)),
            (b"sk_abcd", Ok(0)),
            (b"sk_abc", Err(Reason::WrongLength)),
            (b"sk_abcde", Err(Reason::WrongLength)),
            (b"sk_ab-d", Err(Reason::BadAlphabet)),
            (b"sk_\xff\xff\xff\xff", Err(Reason::BadAlphabet)),
            (b"pk_ab", Ok(2)),
            (b"pk_a", Err(Reason::WrongLength)),
            (b"SK_abcd", Err(Reason::UnknownPrefix)),
            (b"", Err(Reason::UnknownPrefix)),
        ] {
            let found = formats(true).classify(key).map(KeyFormat::environment);
            assert_eq!(found, expected, "{}", String::from_utf8_lossy(key));
        }
    }
}

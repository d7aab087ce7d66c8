//! A secret's value on its way into boxes.
//!
//! Invariant: its text is in no `Debug` and in no error, and is wiped when it is dropped.

use std::fmt;

use zeroize::Zeroizing;

/// What a secret stands for: 8 to 4096 bytes that can stand in one line.
pub struct SecretValue(Zeroizing<String>);

/// Text that no secret can have; whoever enters it can fix it. The text is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidValue {
    /// Nothing at all.
    #[error("there is no value")]
    Empty,
    /// It would stand in too many answers by chance to be masked there.
    #[error("the value is too short\nhint: a secret has 8 to 4096 bytes")]
    TooShort,
    /// No header could hold it.
    #[error("the value is too long\nhint: a secret has 8 to 4096 bytes")]
    TooLong,
    /// A line's end, a tab or the like, which no header can hold.
    #[error("the value has a control character in it\nhint: a secret is one line, without tabs")]
    Control,
    /// Headers lose spaces at their ends on the way.
    #[error("the value begins or ends with a space\nhint: leave it out; no header can hold it")]
    OuterSpace,
    /// Bytes that are no text.
    #[error("the value is no UTF-8 text\nhint: encode what is binary, such as in base64, as the service wants it")]
    Binary,
}

impl SecretValue {
    /// The longest value, in bytes.
    pub const MAX_LEN: usize = 4096;
    /// The shortest, in bytes.
    pub const MIN_LEN: usize = 8;

    /// Takes a value. The text is wiped if it cannot be one.
    pub fn new(text: String) -> Result<Self, InvalidValue> {
        Self::checked(Zeroizing::new(text))
    }

    /// The same from what a file or a program's output holds: the end of its one line is no part of it.
    pub fn from_line(bytes: &[u8]) -> Result<Self, InvalidValue> {
        let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = std::str::from_utf8(line).map_err(|_| InvalidValue::Binary)?;
        Self::checked(Zeroizing::new(text.to_owned()))
    }

    fn checked(text: Zeroizing<String>) -> Result<Self, InvalidValue> {
        match text.len() {
            0 => Err(InvalidValue::Empty),
            length if length < Self::MIN_LEN => Err(InvalidValue::TooShort),
            length if length > Self::MAX_LEN => Err(InvalidValue::TooLong),
            _ if text.bytes().any(|byte| byte.is_ascii_control()) => Err(InvalidValue::Control),
            _ if text.starts_with(' ') || text.ends_with(' ') => Err(InvalidValue::OuterSpace),
            _ => Ok(Self(text)),
        }
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_one_line_of_text() {
        for (bytes, expected) in [
            (&b"12345678"[..], Ok(8)),
            (b"12345678\n", Ok(8)),
            (b"12345678\r\n", Ok(8)),
            ("pässword".as_bytes(), Ok(9)),
            (&[b'x'; 4096], Ok(4096)),
            (&[b'x'; 4097], Err(InvalidValue::TooLong)),
            (b"1234567\n", Err(InvalidValue::TooShort)),
            (b"\n", Err(InvalidValue::Empty)),
            (b"", Err(InvalidValue::Empty)),
            (b"12345678\n\n", Err(InvalidValue::Control)),
            (b"1234\t5678", Err(InvalidValue::Control)),
            (b"1234567\x7f", Err(InvalidValue::Control)),
            (b"12345678 \n", Err(InvalidValue::OuterSpace)),
            (b" 12345678", Err(InvalidValue::OuterSpace)),
            (b"1234 5678", Ok(9)),
            (b"1234567\xff", Err(InvalidValue::Binary)),
        ] {
            assert_eq!(SecretValue::from_line(bytes).map(|it| it.expose().len()), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_value_is_never_printed() {
        let value = SecretValue::new("correct horse".to_owned()).unwrap();
        assert_eq!(format!("{value:?}"), "SecretValue(redacted)");
        let errors = [InvalidValue::Control, InvalidValue::TooShort].map(|it| format!("{it} {it:?}"));
        assert!(!errors.concat().contains("correct"));
    }
}

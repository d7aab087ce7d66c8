//! Byte by byte: what each byte of a path means, and the canonical spelling of escapes.
//!
//! It knows nothing of segments. Invariant: the output of [`rewrite`] is its own rewriting.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::{MAX_PATH, PathError};

/// What a first look at a path found.
pub(super) struct Shape<'a> {
    /// The path without its query.
    pub(super) path: &'a [u8],
    /// Whether anything has to be decoded or escaped.
    pub(super) untidy: bool,
    /// Whether there is a raw `;`.
    pub(super) parameters: bool,
}

enum Class {
    Plain,
    Parameter,
    Percent,
    Escape,
    Query,
    Refused(PathError),
}

/// Cuts the query off and refuses bytes that no path may hold.
pub(super) fn scan(raw: &[u8]) -> Result<Shape<'_>, PathError> {
    let mut shape = Shape {
        path: raw,
        untidy: false,
        parameters: false,
    };
    for (position, &byte) in raw.iter().enumerate() {
        match classify(byte) {
            Class::Plain => {}
            Class::Parameter => shape.parameters = true,
            Class::Percent | Class::Escape => shape.untidy = true,
            Class::Query => {
                shape.path = raw.get(..position).unwrap_or(raw);
                break;
            }
            Class::Refused(error) => return Err(error),
        }
        if position >= MAX_PATH {
            return Err(PathError::TooLong);
        }
    }
    Ok(shape)
}

/// The canonical spelling of a path that [`scan`] accepted.
pub(super) fn rewrite(path: &[u8]) -> Result<Vec<u8>, PathError> {
    let mut out = Vec::with_capacity(path.len() + 16);
    let mut previous = 0;
    let mut bytes = path.iter().copied();
    while let Some(byte) = bytes.next() {
        let escaped = byte == b'%';
        let value = if escaped {
            hex_pair(bytes.next(), bytes.next())?
        } else {
            byte
        };
        match value {
            b'/' | b'\\' if escaped => return Err(PathError::EncodedSeparator),
            0..=0x1f | 0x7f => return Err(PathError::ControlByte),
            _ if escaped && is_overlong(previous, value) => return Err(PathError::NonAscii),
            _ if is_unreserved(value) || !escaped && !matches!(classify(value), Class::Escape) => {
                out.push(value)
            }
            _ => push_escape(&mut out, value),
        }
        previous = if escaped { value } else { 0 };
    }
    // Looked for in the output, so that `%252%66` is seen to be `%252f`.
    let doubled = out.windows(5).any(|five| matches!(five, [b'%', b'2', b'5', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()));
    if doubled {
        Err(PathError::DoubleEncoding)
    } else {
        Ok(out)
    }
}

/// Every escape decoded. Only for what [`rewrite`] made: a stray `%` is kept.
pub(super) fn decode(segment: &[u8]) -> Cow<'_, [u8]> {
    let mut out = Vec::with_capacity(segment.len());
    let mut rest = segment;
    while let Some((&byte, tail)) = rest.split_first() {
        let (value, tail) = match (byte, tail) {
            (b'%', [high, low, tail @ ..]) => {
                (hex_pair(Some(*high), Some(*low)).unwrap_or(byte), tail)
            }
            _ => (byte, tail),
        };
        out.push(value);
        rest = tail;
    }
    Cow::Owned(out)
}

fn classify(byte: u8) -> Class {
    match byte {
        b'?' => Class::Query,
        b'%' => Class::Percent,
        b';' => Class::Parameter,
        b'#' => Class::Refused(PathError::Fragment),
        b'\\' => Class::Refused(PathError::Backslash),
        b' ' | b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}' => Class::Escape,
        0..=0x1f | 0x7f => Class::Refused(PathError::ControlByte),
        0x80.. => Class::Refused(PathError::NonAscii),
        _ => Class::Plain,
    }
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Whether two escaped bytes in a row begin a UTF-8 form longer than it need be, as old attacks on `/` and `.` use.
fn is_overlong(first: u8, second: u8) -> bool {
    matches!(
        (first, second),
        (_, 0xc0 | 0xc1) | (0xe0, 0x80..=0x9f) | (0xf0, 0x80..=0x8f)
    )
}

fn hex_pair(high: Option<u8>, low: Option<u8>) -> Result<u8, PathError> {
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
    let value = digit(high)
        .zip(digit(low))
        .map(|(high, low)| high * 16 + low);
    value
        .and_then(|value| u8::try_from(value).ok())
        .ok_or(PathError::BadPercent)
}

fn push_escape(out: &mut Vec<u8>, byte: u8) {
    let digit = |nibble: u8| {
        if nibble < 10 {
            b'0' + nibble
        } else {
            b'A' + nibble - 10
        }
    };
    out.extend([b'%', digit(byte >> 4), digit(byte & 15)]);
}

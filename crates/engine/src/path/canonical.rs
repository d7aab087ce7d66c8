//! Byte by byte: what each byte of a path means, and the canonical spelling of escapes.
//!
//! It knows nothing of segments. Invariant: the output of [`rewrite`] is its own rewriting.

use alloc::vec::Vec;

use super::{MAX_PATH, MAX_SEGMENTS, PathError};
use crate::ascii::{every, every_two, has};

/// What a first look at a path found.
pub(super) struct Shape<'a> {
    /// The path without its query.
    pub(super) path: &'a [u8],
    /// Whether anything has to be decoded or escaped.
    pub(super) untidy: bool,
    /// Whether there is a raw `;`.
    pub(super) parameters: bool,
    /// Whether a segment is empty or begins with a dot.
    pub(super) suspect: bool,
    /// How many `/` there are; 0 where there cannot be too many.
    pub(super) slashes: usize,
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
    let path = if has(raw, b'?') { raw.split(|byte| *byte == b'?').next().unwrap_or(raw) } else { raw };
    // One that is no longer cannot have more segments either.
    if path.len() <= MAX_SEGMENTS && is_tidy(path) {
        return Ok(Shape { path, untidy: false, parameters: false, suspect: false, slashes: 0 });
    }
    scan_each(raw)
}

/// Whether there is nothing in a path that has to be looked at twice, as in most: letters, digits and `-./:_~`, no empty segment
/// and none that begins with a dot.
fn is_tidy(path: &[u8]) -> bool {
    let within = |byte: u8, first: u8, last: u8| byte.wrapping_sub(first) <= last - first;
    every(path, |byte| within(byte, b'-', b':') | within(byte | 0x20, b'a', b'z') | (byte == b'_') | (byte == b'~'))
        && every_two(path, |one, next| (one != b'/') | !within(next, b'.', b'/'))
}

fn scan_each(raw: &[u8]) -> Result<Shape<'_>, PathError> {
    let mut shape = Shape { path: raw, untidy: false, parameters: false, suspect: false, slashes: 0 };
    let mut after_slash = false;
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
        shape.suspect |= after_slash && matches!(byte, b'/' | b'.');
        after_slash = byte == b'/';
        shape.slashes += usize::from(after_slash);
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
        let value = if escaped { hex_pair(bytes.next(), bytes.next())? } else { byte };
        match value {
            b'/' | b'\\' if escaped => return Err(PathError::EncodedSeparator),
            0..=0x1f | 0x7f => return Err(PathError::ControlByte),
            _ if escaped && is_overlong(previous, value) => return Err(PathError::NonAscii),
            _ if is_unreserved(value) || !escaped && !matches!(classify(value), Class::Escape) => out.push(value),
            _ => push_escape(&mut out, value),
        }
        previous = if escaped { value } else { 0 };
    }
    // Looked for in the output, so that `%252%66` is seen to be `%252f`.
    let doubled = out.windows(5).any(
        |five| matches!(five, [b'%', b'2', b'5', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()),
    );
    if doubled { Err(PathError::DoubleEncoding) } else { Ok(out) }
}

/// Every escape decoded; a `%` that begins none is kept.
pub(super) fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, mut tail)) = rest.split_first() {
        let mut value = byte;
        if let (b'%', [high, low, after @ ..]) = (byte, tail)
            && let Ok(escaped) = hex_pair(Some(*high), Some(*low))
        {
            (value, tail) = (escaped, after);
        }
        out.push(value);
        rest = tail;
    }
    out
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
    matches!((first, second), (_, 0xc0 | 0xc1) | (0xe0, 0x80..=0x9f) | (0xf0, 0x80..=0x8f))
}

fn hex_pair(high: Option<u8>, low: Option<u8>) -> Result<u8, PathError> {
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
    let value = digit(high).zip(digit(low)).map(|(high, low)| high * 16 + low);
    value.and_then(|value| u8::try_from(value).ok()).ok_or(PathError::BadPercent)
}

fn push_escape(out: &mut Vec<u8>, byte: u8) {
    let digit = |nibble: u8| {
        if nibble < 10 { b'0' + nibble } else { b'A' + nibble - 10 }
    };
    out.extend([b'%', digit(byte >> 4), digit(byte & 15)]);
}

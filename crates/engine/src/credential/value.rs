//! What one header value, query parameter or cookie holds. It does not know where a credential may stand.
//!
//! Invariant: a found credential is not empty and is visible ASCII.

use super::Found;
use crate::ascii::{is_graphic, trim_spaces};

/// The credential after its scheme and spaces. Another scheme, or none after it, is nothing.
pub(super) fn after_scheme<'a>(value: &'a [u8], scheme: &[u8]) -> Found<'a> {
    let (head, rest) = match value.split_at_checked(scheme.len()) {
        Some((head, rest)) if head.eq_ignore_ascii_case(scheme) => (head, rest),
        _ => (value, &b""[..]),
    };
    match (head.first(), rest.first()) {
        (Some(&byte), _) if !is_token_byte(byte) => Found::Malformed,
        (_, Some(b' ')) => visible(trim_spaces(rest)),
        (_, Some(&byte)) if !is_token_byte(byte) => Found::Malformed,
        _ => Found::None,
    }
}

pub(super) fn visible(value: &[u8]) -> Found<'_> {
    match value {
        [] => Found::None,
        _ if is_graphic(value) => Found::One(value),
        _ => Found::Malformed,
    }
}

/// Keys need no escaping in queries and cookies, so an escape is no key.
pub(super) fn unescaped(value: &[u8]) -> Found<'_> {
    if value.iter().any(|byte| matches!(byte, b'%' | b'+')) { Found::Malformed } else { visible(value) }
}

pub(super) fn query_pairs(path: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let query = path.splitn(2, |&byte| byte == b'?').nth(1);
    query.into_iter().flat_map(|query| query.split(|&byte| byte == b'&')).map(pair)
}

pub(super) fn cookie_pairs(value: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    value.split(|&byte| byte == b';').map(pair).map(|(name, value)| (name.trim_ascii(), value.trim_ascii()))
}

pub(super) fn pair(text: &[u8]) -> (&[u8], &[u8]) {
    let name = text.split(|&byte| byte == b'=').next().unwrap_or(text);
    (name, text.get(name.len() + 1..).unwrap_or_default())
}

pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

//! Taking a credential out of a path's query or a `cookie` header before the request goes upstream.
//!
//! Invariant: what is not the credential stays byte for byte as it was.

use alloc::vec::Vec;

use super::value::pair;
use crate::path::unescape;

/// The path without any parameter of that name; none if it has no such parameter.
///
/// The `?` goes too if nothing is left after it.
pub fn strip_query(path: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut halves = path.splitn(2, |&byte| byte == b'?');
    let (mut out, query) = (halves.next()?.to_vec(), halves.next()?);
    let kept = without(query, b'&', |piece| *unescape(pair(piece).0) == *name.as_bytes())?;
    if let Some(kept) = kept {
        out.push(b'?');
        out.extend(kept);
    }
    Some(out)
}

/// The `cookie` value without any cookie of that name; none if it has no such cookie. Empty: remove the header.
pub fn strip_cookie(value: &[u8], name: &str) -> Option<Vec<u8>> {
    let kept = without(value, b';', |piece| pair(piece).0.trim_ascii() == name.as_bytes())?.unwrap_or_default();
    // The space after a `;` that went with the first cookie goes too.
    Some(kept.trim_ascii_start().to_vec())
}

/// The list without some of its pieces: none if there are no such pieces, `Some(None)` if no piece is left.
fn without(list: &[u8], separator: u8, unwanted: impl Fn(&[u8]) -> bool) -> Option<Option<Vec<u8>>> {
    let pieces = || list.split(|&byte| byte == separator);
    if !pieces().any(&unwanted) {
        return None;
    }
    let kept: Vec<&[u8]> = pieces().filter(|piece| !unwanted(piece)).collect();
    Some(if kept.is_empty() { None } else { Some(kept.join(&separator)) })
}

//! `{{secret:name}}` in a header or in a query, where braces and the colon may be escaped.
//!
//! It knows no secret. Invariant: a text that begins like a reference and is none is an error, never text.

use crate::ascii::has;
use crate::request::Request;
use crate::skill::is_secret_name;

const OPEN: &[u8] = b"{{secret:";
const CLOSE: &[u8] = b"}}";

/// Something that begins like a reference and is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    /// To be left as it is.
    Text(&'t [u8]),
    /// A reference to the secret of that name.
    Secret(&'t [u8]),
}

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As it is: a header.
    Plain,
    /// With `%XX`: a query.
    Escaped,
}

/// Whether a request may refer to anything: nearly none does, which is seen eight bytes at a time.
pub(super) fn may_refer(request: &Request<'_>) -> bool {
    let query = request.path.and_then(|path| split_query(path).1);
    query.is_some_and(|query| may_begin(query, Form::Escaped))
        || request.headers.iter().any(|(name, value)| is_plain(name) && may_begin(value, Form::Plain))
}

fn may_begin(text: &[u8], form: Form) -> bool {
    has(text, b'{') || form == Form::Escaped && has(text, b'%')
}

/// The names that a request refers to, in headers and in the query.
pub(super) fn references_in<'r>(request: &Request<'r>) -> impl Iterator<Item = Result<&'r [u8], Malformed>> {
    let headers = request.headers.iter().filter(|(name, _)| is_plain(name));
    let headers = headers.flat_map(|(name, value)| {
        let is_told = is_told(name);
        let refused =
            move |piece| if is_told && matches!(piece, Ok(Piece::Secret(_))) { Err(Malformed) } else { piece };
        pieces(value, Form::Plain).map(refused)
    });
    let query = request.path.and_then(|path| split_query(path).1);
    let all = headers.chain(query.into_iter().flat_map(|query| pieces(query, Form::Escaped)));
    all.filter_map(|piece| match piece {
        Ok(Piece::Text(_)) => None,
        Ok(Piece::Secret(name)) => Some(Ok(name)),
        Err(malformed) => Some(Err(malformed)),
    })
}

/// Headers that proxies log, copy or answer with: nothing is resolved in them, and a reference in them is refused.
const TOLD: [&[u8]; 8] =
    [b"x-request-id", b"user-agent", b"referer", b"origin", b"forwarded", b"via", b"host", b"traceparent"];
const TOLD_PREFIXES: [&[u8]; 3] = [b"x-forwarded-", b"x-envoy-", b"x-b3-"];

/// Whether a header may be looked through: not `:path`, whose query is another matter, nor its like.
pub(super) fn is_plain(name: &[u8]) -> bool {
    name.first() != Some(&b':')
}

/// Whether no value may go into such a header.
fn is_told(name: &[u8]) -> bool {
    TOLD.contains(&name) || TOLD_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// A path, and its query without the `?`.
pub(super) fn split_query(path: &[u8]) -> (&[u8], Option<&[u8]>) {
    match path.iter().position(|byte| *byte == b'?') {
        Some(mark) => (path.get(..mark).unwrap_or(path), path.get(mark + 1..)),
        None => (path, None),
    }
}

/// Whether there is anything in it that begins like a reference.
pub(super) fn has_references(text: &[u8], form: Form) -> bool {
    next(text, form).is_some()
}

/// A text in pieces. After an error there is nothing more.
pub(super) fn pieces(text: &[u8], form: Form) -> impl Iterator<Item = Result<Piece<'_>, Malformed>> {
    let mut rest = Some(text);
    core::iter::from_fn(move || {
        let text = rest.take().filter(|text| !text.is_empty())?;
        match next(text, form) {
            None => Some(Ok(Piece::Text(text))),
            Some((0, length)) => Some(reference(text.get(length..)?, form).map(|(name, after)| {
                rest = Some(after);
                Piece::Secret(name)
            })),
            Some((start, _)) => {
                rest = text.get(start..);
                text.get(..start).map(|text| Ok(Piece::Text(text)))
            }
        }
    })
}

/// Where the next reference begins, and how long its opening is.
fn next(text: &[u8], form: Form) -> Option<(usize, usize)> {
    if !may_begin(text, form) {
        return None;
    }
    let begins = |(_, byte): &(usize, &u8)| **byte == b'{' || form == Form::Escaped && **byte == b'%';
    let mut starts = text.iter().enumerate().filter(begins);
    starts.find_map(|(start, _)| Some((start, length_of(OPEN, text.get(start..)?, form)?)))
}

/// The name, and what comes after the reference.
fn reference(text: &[u8], form: Form) -> Result<(&[u8], &[u8]), Malformed> {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let end = text.iter().position(|byte| !is_letter(byte)).ok_or(Malformed)?;
    let (name, rest) = text.split_at_checked(end).ok_or(Malformed)?;
    let close = length_of(CLOSE, rest, form).ok_or(Malformed)?;
    if is_secret_name(name) { Ok((name, rest.get(close..).unwrap_or_default())) } else { Err(Malformed) }
}

/// How long `wanted` is at the beginning of a text; `None` if the text begins otherwise.
fn length_of(wanted: &[u8], text: &[u8], form: Form) -> Option<usize> {
    let mut rest = text;
    for byte in wanted {
        let length = match rest.first()? {
            first if first == byte => 1,
            b'%' if form == Form::Escaped && escaped(rest) == Some(*byte) => 3,
            _ => return None,
        };
        rest = rest.get(length..)?;
    }
    Some(text.len() - rest.len())
}

/// The byte that `%XX` at the beginning of a text stands for.
pub(super) fn escaped(text: &[u8]) -> Option<u8> {
    let digits = core::str::from_utf8(text.get(1..3)?).ok()?;
    u8::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::*;

    /// Pieces one after the other: text in `'`, names in `<>`, `!` for an error.
    fn shown(text: &str, form: Form) -> String {
        let piece = |piece| match piece {
            Ok(Piece::Text(text)) => alloc::format!("'{}'", String::from_utf8_lossy(text)),
            Ok(Piece::Secret(name)) => alloc::format!("<{}>", String::from_utf8_lossy(name)),
            Err(Malformed) => "!".into(),
        };
        pieces(text.as_bytes(), form).map(piece).collect::<Vec<_>>().concat()
    }

    #[test]
    fn references_are_found() {
        for (text, plain, escaped) in [
            ("", "", ""),
            ("none {secret:a} {{ secret:a}}", "'none {secret:a} {{ secret:a}}'", "'none {secret:a} {{ secret:a}}'"),
            ("{{secret:a}}", "<a>", "<a>"),
            ("Token {{secret:api_key}}!", "'Token '<api_key>'!'", "'Token '<api_key>'!'"),
            ("{{secret:a}}{{secret:b2}}", "<a><b2>", "<a><b2>"),
            ("{{{secret:a}}}", "'{'<a>'}'", "'{'<a>'}'"),
            ("k=%7B%7Bsecret%3Aa%7D%7D&x=%7b", "'k=%7B%7Bsecret%3Aa%7D%7D&x=%7b'", "'k='<a>'&x=%7b'"),
            ("k=%7B{secret:a}%7d", "'k=%7B{secret:a}%7d'", "'k='<a>"),
            ("{{secret:a", "!", "!"),
            ("{{secret:}}", "!", "!"),
            ("{{secret:A}}", "!", "!"),
            ("{{secret:1a}}", "!", "!"),
            ("{{secret:a b}}", "!", "!"),
            ("{{secret:a}", "!", "!"),
            ("{{secret:%61}}", "!", "!"),
            ("x{{secret:a}}{{secret:", "'x'<a>!", "'x'<a>!"),
            ("%", "'%'", "'%'"),
            ("%7", "'%7'", "'%7'"),
        ] {
            assert_eq!(shown(text, Form::Plain), plain, "{text}");
            assert_eq!(shown(text, Form::Escaped), escaped, "{text}");
        }
    }
}

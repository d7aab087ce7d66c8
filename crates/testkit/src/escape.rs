//! Text with bytes, keys and tokens in it: `\xff` becomes a byte, `{key:NAME}` a key, `{token:NAME}` an access token.
//!
//! Everything else stays as it is, backslashes included, so that odd paths can be written as they are sent.

use anyhow::{Context, Result, bail};

/// A piece of a header value or path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Bytes as they are sent.
    Bytes(Vec<u8>),
    /// The full text of the key with that alias.
    Key(String),
    /// The access token of that name.
    Token(String),
}

/// Splits text into pieces. Only printable ASCII may stand unescaped.
pub(crate) fn parse(text: &str) -> Result<Vec<Piece>> {
    if let Some(odd) = text.chars().find(|c| !matches!(c, ' '..='~')) {
        bail!("`{}` must be escaped: write its bytes as \\xNN in 'single quotes'", odd.escape_default());
    }
    type Kind = (&'static str, fn(String) -> Piece);
    const KINDS: [Kind; 2] = [("{key:", Piece::Key), ("{token:", Piece::Token)];
    let mut pieces = Vec::new();
    let mut rest = text;
    let next = |text: &str| KINDS.into_iter().filter_map(|it| Some((text.find(it.0)?, it))).min_by_key(|it| it.0);
    while let Some((at, (open, piece))) = next(rest) {
        let (before, tail) = rest.split_at(at);
        let tail = tail.strip_prefix(open).unwrap_or_default();
        let (alias, after) = tail.split_once('}').with_context(|| format!("`{open}` without a closing `}}`"))?;
        pieces.push(Piece::Bytes(bytes(before)));
        pieces.push(piece(alias.to_owned()));
        rest = after;
    }
    pieces.push(Piece::Bytes(bytes(rest)));
    Ok(pieces)
}

/// Text in which only `\xNN` is special.
fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        match escape(rest) {
            Some((byte, after)) => {
                bytes.push(byte);
                rest = after;
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    bytes
}

fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, after) = text.strip_prefix(b"\\x")?.split_first_chunk::<2>()?;
    let digits = std::str::from_utf8(digits).ok()?;
    u8::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+')).map(|byte| (byte, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &[Piece]) {
        let pieces: Vec<Piece> =
            parse(text).unwrap().into_iter().filter(|piece| *piece != Piece::Bytes(Vec::new())).collect();
        assert_eq!(pieces, expect);
    }

    #[test]
    fn escapes_and_keys() {
        let plain = |bytes: &[u8]| Piece::Bytes(bytes.to_vec());
        check("", &[]);
        check(r"/a\b", &[plain(br"/a\b")]);
        check(r"a\xffb\x00\x5cx41", &[plain(b"a\xffb\x00\\x41")]);
        check(r"\x+1\xf\xg0", &[plain(br"\x+1\xf\xg0")]);
        check(
            "Bearer {key:a},{key:b}",
            &[plain(b"Bearer "), Piece::Key("a".to_owned()), plain(b","), Piece::Key("b".to_owned())],
        );
        assert!(parse("ÿ").is_err());
        assert!(parse("a\nb").is_err());
        assert!(parse("{key:a").is_err());
    }
}

//! Taking values out of what comes back.
//!
//! A value is found as it is, escaped (RFC 3986) in whole or in part, also more than once, and with `+` for a space. A service that means to
//! give it away finds other spellings. Invariant: the work is bounded; what would take more is masked whole.

use alloc::vec::Vec;

use super::placeholder::escaped;
use crate::ascii::{has, has_in_any_case};
use crate::skill::SecretValue;

const MASK: &[u8] = b"***";
/// Bytes compared for one header. An ordinary one takes about its own length for each value.
const MOST_WORK: usize = 1 << 20;
/// `%252f` is `%2f` escaped again, which redirects do to each other's addresses.
const MOST_ESCAPES: usize = 4;

/// Whether one of these may be in a text, in whatever case or spelling: `false` for nearly every text, for a fraction of what
/// looking for them costs.
pub fn may_hold(text: &[u8], masks: &[SecretValue]) -> bool {
    let may_begin = |mask: &SecretValue| match mask.expose().first_chunk::<4>() {
        Some(first) if !first.contains(&b' ') => has_in_any_case(text, *first),
        _ => true,
    };
    // Every other spelling has an escape in it, or a plus for a space.
    has(text, b'%') || masks.iter().any(may_begin)
}

/// Whether a header's value holds one of these; if so, what is left of it.
pub fn masked(value: &[u8], masks: &[SecretValue]) -> Option<Vec<u8>> {
    let mut work = MOST_WORK;
    let mut left: Option<Vec<u8>> = None;
    for mask in masks {
        let text = left.as_deref().unwrap_or(value);
        match without(text, mask.expose(), &mut work) {
            Ok(None) => {}
            Ok(masked) => left = masked,
            Err(TooMuch) => return Some(MASK.to_vec()),
        }
    }
    left
}

/// Whether a header's name holds one of these, in whatever case.
pub fn is_named_after(name: &[u8], masks: &[SecretValue]) -> bool {
    let holds = |mask: &[u8]| !mask.is_empty() && name.windows(mask.len()).any(|part| part.eq_ignore_ascii_case(mask));
    masks.iter().any(|mask| holds(mask.expose()))
}

/// Somebody makes the search expensive.
struct TooMuch;

/// A text with the mask in place of each `unwanted`; `None` if there is none.
fn without(text: &[u8], unwanted: &[u8], work: &mut usize) -> Result<Option<Vec<u8>>, TooMuch> {
    let (mut out, mut rest, mut start) = (Vec::new(), text, 0);
    let Some(first) = unwanted.first() else { return Ok(None) };
    // Nearly every byte begins nothing.
    let begins = |byte: &u8| byte == first || *byte == b'%' || *first == b' ' && *byte == b'+';
    let next = |text: &[u8], from: usize| Some(from + text.get(from..)?.iter().position(begins)?);
    while let Some(at) = next(rest, start) {
        start = at;
        let here = rest.get(start..).unwrap_or_default();
        match at_start(here, unwanted, work)? {
            Some(length) => {
                out.extend(rest.get(..start).unwrap_or_default());
                out.extend(MASK);
                rest = rest.get(start + length..).unwrap_or_default();
                start = 0;
            }
            None => start += 1,
        }
    }
    let found = rest.len() != text.len();
    out.extend(rest);
    Ok(found.then_some(out))
}

/// What a `%` of the value's own is taken to be in a text; all else has one reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    /// Itself.
    Plain,
    /// The beginning of its escape.
    Escaped,
    /// The beginning of the longest escape there is.
    EscapedAgain,
}

/// How long `unwanted` is at the beginning of a text.
fn at_start(text: &[u8], unwanted: &[u8], work: &mut usize) -> Result<Option<usize>, TooMuch> {
    for spelling in [Spelling::Plain, Spelling::Escaped, Spelling::EscapedAgain] {
        let (compared, length) = spelled(unwanted, text, spelling);
        *work = work.checked_sub(compared).ok_or(TooMuch)?;
        if length.is_some() {
            return Ok(length);
        }
    }
    Ok(None)
}

/// How many bytes were compared, and how long `wanted` is at the beginning of a text; `None` if the text begins otherwise.
fn spelled(wanted: &[u8], text: &[u8], spelling: Spelling) -> (usize, Option<usize>) {
    let mut rest = text;
    for (compared, byte) in wanted.iter().enumerate() {
        let Some(after) = length_of(*byte, rest, spelling).and_then(|length| rest.get(length..)) else {
            return (compared + 1, None);
        };
        rest = after;
    }
    (wanted.len(), Some(text.len() - rest.len()))
}

/// How long a byte is at the beginning of a text, as it is or escaped.
fn length_of(byte: u8, text: &[u8], spelling: Spelling) -> Option<usize> {
    let first = *text.first()?;
    let itself = (first == byte || byte == b' ' && first == b'+').then_some(1);
    let escape = || (first == b'%').then(|| escape_of(byte, text, spelling)).flatten();
    if spelling == Spelling::Plain { itself.or_else(escape) } else { escape().or(itself) }
}

/// How long its escape is, however often it was escaped.
fn escape_of(byte: u8, text: &[u8], spelling: Spelling) -> Option<usize> {
    let mut digits = text.get(1..)?;
    let mut found = None;
    for times in 0..MOST_ESCAPES {
        let [high, low, ..] = *digits else { break };
        if escaped(&[b'%', high, low]) == Some(byte) {
            found = Some(3 + 2 * times);
            if spelling != Spelling::EscapedAgain {
                break;
            }
        }
        let Some(rest) = digits.strip_prefix(b"25") else { break };
        digits = rest;
    }
    found
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    #[track_caller]
    fn check(text: &str, values: &[&str], expected: Option<&str>) {
        let masks: Vec<_> = values.iter().map(|it| SecretValue::made_of(it.as_bytes().to_vec())).collect();
        let left = masked(text.as_bytes(), &masks).map(|it| String::from_utf8(it).unwrap());
        assert_eq!(left.as_deref(), expected, "{text} {values:?}");
    }

    #[test]
    fn values_are_found_however_they_are_spelled() {
        check("nothing of it", &["a secret/="], None);
        check("x a secret/= y a secret/=", &["a secret/="], Some("x *** y ***"));
        check("?k=a%20secret%2F%3D&z", &["a secret/="], Some("?k=***&z"));
        check("?k=a+secret%2f=", &["a secret/="], Some("?k=***"));
        check("?next=%3Fk%3Da%2520secret%252F%253D", &["a secret/="], Some("?next=%3Fk%3D***"));
        check("100%25 sure", &["100% sure"], Some("***"));
        check("100%2525 sure", &["100% sure"], Some("***"));
        check("a%2Fb%2Fc", &["a%2Fb"], Some("***%2Fc"));
        check("abcabcab", &["abcab"], Some("***cab"));
        check("one two", &["one", "two"], Some("*** ***"));
        check("", &["one"], None);
    }

    #[test]
    fn what_cannot_be_there_is_seen_at_a_glance() {
        for (text, value, expected) in [
            ("application/json", "a-secret", false),
            ("x a-secret y", "a-secret", true),
            ("A-Sec", "a-secret", true),
            ("x%61", "a-secret", true),
            ("a+secret", "a secret", true),
            ("", "a-secret", false),
        ] {
            let masks = [SecretValue::made_of(value.as_bytes().to_vec())];
            assert_eq!(may_hold(text.as_bytes(), &masks), expected, "{text} {value}");
        }
    }

    #[test]
    fn a_search_that_is_made_expensive_masks_everything() {
        let value = ["a".repeat(4000), "b".into()].concat();
        check(&"a".repeat(60_000), &[&value], Some("***"));
        check(&"b".repeat(60_000), &[&value], None);
    }

    #[test]
    fn names_are_looked_at_in_any_case() {
        let masks = [SecretValue::made_of(b"SecretKey1".to_vec())];
        assert!(is_named_after(b"x-secretkey1-y", &masks) && !is_named_after(b"x-secretkey2", &masks));
    }
}

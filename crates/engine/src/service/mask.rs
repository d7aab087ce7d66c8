//! Taking values out of what comes back.
//!
//! A value is found as it is, in whatever case, escaped (RFC 3986) in whole or in part, also more than once, and with a space and `+` in each
//! other's place. A service that means to give it away finds other spellings. Invariants: the work is bounded; whether it would be too
//! much is told by lengths alone, or whoever chooses what comes back could learn a value from that.

use alloc::vec::Vec;

use super::placeholder::escaped;
use crate::ascii::{has, has_in_any_case};
use crate::skill::SecretValue;

const MASK: &[u8] = b"***";
/// Bytes of a text times bytes of what is looked for in it; what would take more is masked whole.
const MOST_WORK: usize = 1 << 21;
/// `%252f` is `%2f` escaped again, which redirects do to each other's addresses.
const MOST_ESCAPES: usize = 4;

/// Whether one of these may be in a text, in whatever case or spelling: `false` for nearly every text, for a fraction of what
/// looking for them costs.
pub fn may_hold(text: &[u8], masks: &[SecretValue]) -> bool {
    let may_begin = |mask: &SecretValue| match mask.expose().first_chunk::<4>() {
        Some(first) if !first.iter().any(|byte| is_gap(*byte)) => has_in_any_case(text, *first),
        _ => true,
    };
    // Every other spelling has an escape in it.
    is_too_much(text, masks) || has(text, b'%') || masks.iter().any(may_begin)
}

/// Whether a header's value holds one of these; if so, what is left of it.
pub fn masked(value: &[u8], masks: &[SecretValue]) -> Option<Vec<u8>> {
    if is_too_much(value, masks) {
        return Some(MASK.to_vec());
    }
    masks
        .iter()
        .fold(None, |left: Option<Vec<u8>>, mask| without(left.as_deref().unwrap_or(value), mask.expose()).or(left))
}

/// Whether a header's name holds one of these, in whatever case.
pub fn is_named_after(name: &[u8], masks: &[SecretValue]) -> bool {
    let holds = |mask: &[u8]| !mask.is_empty() && name.windows(mask.len()).any(|part| part.eq_ignore_ascii_case(mask));
    masks.iter().any(|mask| holds(mask.expose()))
}

fn is_too_much(text: &[u8], masks: &[SecretValue]) -> bool {
    let wanted = masks.iter().map(|mask| mask.expose().len()).sum();
    text.len().saturating_mul(wanted) > MOST_WORK
}

/// A text with the mask in place of each `unwanted`; `None` if there is none.
fn without(text: &[u8], unwanted: &[u8]) -> Option<Vec<u8>> {
    let (mut out, mut rest, mut start) = (Vec::new(), text, 0);
    let first = *unwanted.first()?;
    let readings = if has(unwanted, b'%') { MOST_ESCAPES } else { 0 };
    // Nearly every byte begins nothing.
    let begins = |byte: &u8| *byte == b'%' || is_same(*byte, first);
    let next = |text: &[u8], from: usize| Some(from + text.get(from..)?.iter().position(begins)?);
    while let Some(at) = next(rest, start) {
        start = at;
        let here = rest.get(start..).unwrap_or_default();
        match (0..=readings).find_map(|escapes| length_of(unwanted, here, escapes)) {
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
    found.then_some(out)
}

/// How long `unwanted` is at the beginning of a text where each `%` of its own was escaped so often; `None` if the text begins otherwise.
fn length_of(unwanted: &[u8], text: &[u8], escapes: usize) -> Option<usize> {
    let after =
        |rest: &'_ [u8], byte: u8| if byte == b'%' { percent(rest, escapes) } else { length_of_byte(byte, rest) };
    let mut at = 0;
    for byte in unwanted {
        at += after(text.get(at..)?, *byte)?;
    }
    Some(at)
}

/// How long a `%` is that was escaped so often: `%`, `%25`, `%2525`.
fn percent(text: &[u8], escapes: usize) -> Option<usize> {
    let digits = text.strip_prefix(b"%")?.get(..2 * escapes)?;
    digits.as_chunks().0.iter().all(|pair| pair == b"25").then_some(1 + 2 * escapes)
}

/// How long any other byte is at the beginning of a text, as it is or however often it was escaped.
fn length_of_byte(byte: u8, text: &[u8]) -> Option<usize> {
    if is_same(*text.first()?, byte) {
        return Some(1);
    }
    let mut digits = text.strip_prefix(b"%")?;
    for times in 0..MOST_ESCAPES {
        let [high, low, ..] = *digits else { break };
        if escaped(&[b'%', high, low]).is_some_and(|it| is_same(it, byte)) {
            return Some(3 + 2 * times);
        }
        digits = digits.strip_prefix(b"25")?;
    }
    None
}

/// Forms write `+` for a space, and letters change their case where names of headers are listed.
fn is_same(one: u8, other: u8) -> bool {
    one.eq_ignore_ascii_case(&other) || is_gap(one) && is_gap(other)
}

fn is_gap(byte: u8) -> bool {
    matches!(byte, b' ' | b'+')
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
        check("a%252525bcdefg", &["a%25bcdefg"], Some("***"));
        check("a%2525bcdefg a%25bcdefg", &["a%25bcdefg"], Some("*** ***"));
        check("50%25%2541", &["50%%41"], Some("***"));
        check("50%25%2541", &["50%A"], Some("***"));
        check("?k=ab+cd/ef", &["ab cd/ef"], Some("?k=***"));
        check("ab cd%2Fef", &["ab+cd/ef"], Some("***"));
        check("x-a, abcdef%41", &["ABCDEFa"], Some("x-a, ***"));
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
            ("a secret", "a+secret", true),
            ("", "a-secret", false),
        ] {
            let masks = [SecretValue::made_of(value.as_bytes().to_vec())];
            assert_eq!(may_hold(text.as_bytes(), &masks), expected, "{text} {value}");
        }
    }

    /// Whoever chooses the text could tell from anything else how far it goes with the value.
    #[test]
    fn whether_a_search_is_too_expensive_is_told_by_lengths_alone() {
        let value = ["a".repeat(4000), "b".into()].concat();
        for text in ["a", "b", "%"] {
            check(&text.repeat(MOST_WORK / 4001 + 1), &[&value], Some("***"));
            check(&text.repeat(MOST_WORK / 4001), &[&value], None);
        }
        let masks = [SecretValue::made_of(value.into_bytes())];
        assert!(may_hold("c".repeat(MOST_WORK / 4001 + 1).as_bytes(), &masks));
    }

    #[test]
    fn names_are_looked_at_in_any_case() {
        let masks = [SecretValue::made_of(b"SecretKey1".to_vec())];
        assert!(is_named_after(b"x-secretkey1-y", &masks) && !is_named_after(b"x-secretkey2", &masks));
    }
}

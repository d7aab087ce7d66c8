//! Whole keys in a policy's text: pasted into a comment or a message they would be kept in its versions for ever.
//!
//! It knows keys by their formats alone, not those that exist. Invariant: what is found is named by its place, and no
//! character of its body comes back. Prefixes, beginnings of keys and examples that nobody could take for a key pass.

use std::ops::Range;

use portcullis_engine::key_format::checksum;
use portcullis_engine::spec::{Checksum, KeyFormatSpec};

use crate::diagnostic::{Diagnostic, Diagnostics, Position, Severity};
use crate::document::MOST;

/// Words that are in examples and, by chance, in no key.
const WORDS: [&str; 6] = ["example", "sample", "placeholder", "redacted", "yourkey", "dummy"];
const MASK: &str = "*";
/// Characters of a checksum.
const SUM: usize = 6;

/// What was found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Where, and what to do.
    pub diagnostics: Diagnostics,
    /// The text with `*` in their place.
    pub masked: String,
}

/// Looks for whole keys of any of the formats; `None` = there are none. `file_name` is only printed.
pub fn keys_in(source: &str, file_name: &str, formats: &[KeyFormatSpec]) -> Option<Keys> {
    let mut found: Vec<(Range<usize>, &str)> = formats
        .iter()
        .flat_map(|format| bodies(source, format).map(move |body| (body, format.prefix.as_str())))
        .collect();
    found.sort_by_key(|(body, _)| (body.start, body.end));
    found.dedup_by_key(|(body, _)| body.clone());
    let masked = found.iter().fold(source.to_owned(), |mut text, (body, _)| {
        text.replace_range(body.clone(), &MASK.repeat(body.len()));
        text
    });
    let complaints = found.iter().take(MOST).map(|(body, prefix)| complain(&masked, body, prefix)).collect();
    Diagnostics::collect(file_name, complaints).map(|diagnostics| Keys { diagnostics, masked })
}

fn complain(masked: &str, body: &Range<usize>, prefix: &str) -> Diagnostic {
    let key = body.start.saturating_sub(prefix.len())..body.end;
    Diagnostic {
        severity: Severity::Error,
        position: Some(Position::of(masked, &key)),
        message: format!("a whole key with the prefix `{prefix}` stands here; a policy's text is kept for ever"),
        hint: Some(format!(
            "write a placeholder, such as `{prefix}example`; if the key is real, rotate or revoke it: it is no secret any more"
        )),
    }
}

/// Where bodies of whole keys stand behind the format's prefix.
fn bodies<'a>(source: &'a str, format: &'a KeyFormatSpec) -> impl Iterator<Item = Range<usize>> + 'a {
    let prefix = Some(format.prefix.as_str()).filter(|prefix| !prefix.is_empty());
    prefix.into_iter().flat_map(|prefix| source.match_indices(prefix)).filter_map(|(at, prefix)| {
        let start = at + prefix.len();
        let rest = source.get(start..)?;
        let body = rest.get(..rest.bytes().take_while(u8::is_ascii_alphanumeric).count())?;
        (is_whole(body, format) && !is_example(body)).then(|| start..start + body.len())
    })
}

fn is_whole(body: &str, format: &KeyFormatSpec) -> bool {
    let least = format.min_body_length.unwrap_or(format.body_length);
    let letters = format.alphabet.letters();
    let fits = (least..=format.body_length).contains(&body.len()) && body.bytes().all(|it| letters.contains(&it));
    fits && match (format.checksum, body.as_bytes().split_last_chunk::<SUM>()) {
        (Checksum::None, _) => true,
        (Checksum::Crc32Base62, Some((entropy, sum))) => checksum(entropy) == *sum,
        (Checksum::Crc32Base62, None) => false,
    }
}

/// Whether nobody could have drawn it: a word says so, something repeats, or letters and digits stand in their order.
fn is_example(body: &str) -> bool {
    let lower = body.to_ascii_lowercase();
    WORDS.iter().any(|word| lower.contains(word)) || repeats(lower.as_bytes()) || is_in_order(&lower)
}

/// The same over and over, three times at least.
fn repeats(body: &[u8]) -> bool {
    (1..=body.len() / 3).any(|period| body.iter().zip(body.iter().skip(period)).all(|(a, b)| a == b))
}

/// Whether three in five steps from letter to letter and from digit to digit are to the next one, in one direction:
/// `a1b2c3d4`, `abc123xyz789`, `0123456789`, `xxxxxxxx`.
fn is_in_order(body: &str) -> bool {
    let class = |is: fn(&u8) -> bool| body.bytes().filter(is).collect::<Vec<_>>();
    let (letters, digits) = (class(u8::is_ascii_lowercase), class(u8::is_ascii_digit));
    let count = |step: fn(u8, u8) -> bool| {
        let of = |list: &[u8]| list.iter().zip(list.iter().skip(1)).filter(|(a, b)| a == b || step(**a, **b)).count();
        of(&letters) + of(&digits)
    };
    let steps = letters.len().saturating_sub(1) + digits.len().saturating_sub(1);
    let ordered = count(follows).max(count(|a, b| follows(b, a)));
    steps > 0 && ordered * 5 >= steps * 3
}

/// Whether `b` comes after `a`, from the start again behind the last one.
fn follows(a: u8, b: u8) -> bool {
    matches!((a, b), (b'9', b'0') | (b'z', b'a')) || a.checked_add(1) == Some(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_engine::spec::Alphabet;

    const KEY: &str = "sk_live_q7RkT2mVx9BzL4cN8wPd3HsJ";

    fn format(prefix: &str, checksum: Checksum) -> KeyFormatSpec {
        KeyFormatSpec {
            prefix: prefix.to_owned(),
            environment: "live".to_owned(),
            body_length: 24,
            min_body_length: Some(12),
            alphabet: Alphabet::Base62,
            checksum,
        }
    }

    fn found(text: &str) -> Option<Keys> {
        let formats = [format("sk_live_", Checksum::None), format("pk_", Checksum::Crc32Base62)];
        keys_in(text, "policy.toml", &formats)
    }

    #[test]
    fn a_whole_key_is_named_by_its_place_and_not_repeated() {
        let text = format!("name = \"x\"\n# é {KEY} and {KEY}\n");
        let keys = found(&text).unwrap();
        let places: Vec<_> = keys.diagnostics.entries().iter().map(|it| it.position.as_ref().unwrap()).collect();
        assert_eq!((places.len(), places[0].line, places[0].column, places[0].width), (2, 2, 5, 32));
        let told = format!("{} {}", keys.diagnostics, keys.masked);
        assert!(!told.contains("q7Rk") && told.contains("sk_live_****") && told.contains("rotate or revoke"), "{told}");
        assert_eq!(keys.masked.len(), text.len());
        assert_eq!(found(&keys.masked), None);
    }

    #[test]
    fn prefixes_beginnings_and_examples_pass() {
        for text in [
            "prefix = \"sk_live_\"",
            "sk_live_q7RkT2m",
            "sk_live_q7RkT2m...",
            "sk_live_q7RkT2mVx9BzL4cN8wPd3HsJ0",
            "sk_live_abc123xyz789",
            "sk_live_0123456789abcdefghijklmn",
            "sk_live_a1b2c3d4e5f6g7h8i9j0k1l2",
            "sk_live_9z8y7x6w5v4u3t2s1r0q9p8o",
            "sk_live_xxxxxxxxxxxxxxxxxxxxxxxx",
            "sk_live_SAMPLESAMPLESAMPLE00",
            "sk_live_deadbeefdeadbeefdeadbeef",
            "sk_live_YOUR_KEY_GOES_HERE_PLEASE",
            "sk_live_thisIsAnExampleKey9",
            "pk_q7RkT2mVx9BzL4cN8wPd3HsJ",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
        let sum = String::from_utf8(checksum(b"q7RkT2mVx9BzL4cN8w").to_vec()).unwrap();
        assert!(found(&format!("pk_q7RkT2mVx9BzL4cN8w{sum}")).is_some(), "its checksum is right");
    }
}

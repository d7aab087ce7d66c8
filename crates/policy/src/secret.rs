//! Whole keys in a policy's text: pasted into a comment or a message they would be kept in its versions for ever.
//!
//! It knows keys by their formats alone, not those that exist. Invariant: what is found is named by its place, and no
//! character of its body comes back. Prefixes, beginnings of keys and examples that nobody could take for a key pass.
//! Where so much looks like keys that looking takes long, it gives up and masks whatever could be one.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};

use portcullis_engine::key_format::checksum;
use portcullis_engine::spec::{Checksum, KeyFormatSpec};

use crate::diagnostic::{Diagnostic, Diagnostics, Position, Severity};
use crate::document::MOST;

/// Words that are in examples and, by chance, in no key.
const WORDS: [&str; 6] = ["example", "sample", "placeholder", "redacted", "yourkey", "dummy"];
const MASK: &str = "*";
/// Characters of a checksum.
const SUM: usize = 6;
/// The engine knows no keys with shorter or longer bodies.
const BODY: RangeInclusive<usize> = 12..=200;
/// A hundred of the policy in force, a hundred of a text, and some of our own; those behind are not looked for.
const MOST_FORMATS: usize = 250;
/// Bodies that are looked at closely.
const MOST_LOOKS: usize = 10_000;
const MOST_FOUND: usize = 1_000;

/// What was found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Where, and what to do.
    pub diagnostics: Diagnostics,
    /// The text with `*` in their place.
    pub masked: String,
}

/// Formats by their prefix: for each the text is gone through once.
type Formats<'a> = BTreeMap<&'a str, Vec<&'a KeyFormatSpec>>;

/// Looks for whole keys of any of the formats; `None` = there are none. `file_name` is only printed.
pub fn keys_in(source: &str, file_name: &str, formats: &[KeyFormatSpec]) -> Option<Keys> {
    let mut search = Search { source, found: Vec::new(), looks: 0 };
    let given_up = by_prefix(formats).into_iter().find_map(|(prefix, formats)| search.look_for(prefix, &formats).err());
    let found = search.found();
    let masked = match given_up {
        Some(_) => masked_throughout(source),
        None => masked(source, &found),
    };
    let mut complaints: Vec<_> = given_up.iter().map(|body| complain_of_many(&masked, body)).collect();
    complaints.extend(found.iter().map(|(body, prefix)| complain(&masked, body, prefix)).take(MOST - complaints.len()));
    Diagnostics::collect(file_name, complaints).map(|diagnostics| Keys { diagnostics, masked })
}

/// Those that the engine would not refuse, each once.
fn by_prefix(formats: &[KeyFormatSpec]) -> Formats<'_> {
    let (mut kept, mut count) = (Formats::new(), 0);
    for format in formats.iter().filter(|format| is_usable(format)) {
        if count == MOST_FORMATS {
            break;
        }
        let alike = kept.entry(format.prefix.as_str()).or_default();
        if !alike.iter().any(|it| finds_the_same(it, format)) {
            alike.push(format);
            count += 1;
        }
    }
    kept
}

fn is_usable(format: &KeyFormatSpec) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let lengths = lengths(format);
    !format.prefix.is_empty()
        && format.prefix.bytes().all(letter)
        && !lengths.is_empty()
        && BODY.contains(lengths.start())
        && BODY.contains(lengths.end())
}

/// Whether two formats with the same prefix do.
fn finds_the_same(one: &KeyFormatSpec, other: &KeyFormatSpec) -> bool {
    lengths(one) == lengths(other) && one.alphabet == other.alphabet && one.checksum == other.checksum
}

fn lengths(format: &KeyFormatSpec) -> RangeInclusive<usize> {
    format.min_body_length.unwrap_or(format.body_length)..=format.body_length
}

/// What is found on the way through a text.
struct Search<'a> {
    source: &'a str,
    found: Vec<(Range<usize>, &'a str)>,
    looks: usize,
}

impl<'a> Search<'a> {
    /// Finds bodies of whole keys behind a prefix. Gives up at the body that is one too many.
    fn look_for(&mut self, prefix: &'a str, formats: &[&KeyFormatSpec]) -> Result<(), Range<usize>> {
        let mut end = 0;
        for (at, _) in self.source.match_indices(prefix) {
            let start = at + prefix.len();
            // A prefix may stand many times in one run of letters and digits. The run is counted once.
            if end < start {
                end = start + letters_at(self.source, start);
            }
            let body = start..end;
            if !BODY.contains(&body.len()) {
                continue;
            }
            for format in formats.iter().filter(|format| lengths(format).contains(&body.len())) {
                if self.looks == MOST_LOOKS || self.found.len() == MOST_FOUND {
                    return Err(body);
                }
                self.looks += 1;
                let text = self.source.get(body.clone()).unwrap_or_default();
                if is_whole(text, format) && !is_example(text) {
                    self.found.push((body, prefix));
                    break;
                }
            }
        }
        Ok(())
    }

    /// In the order of the text, each body with the longest prefix that stands before it.
    fn found(self) -> Vec<(Range<usize>, &'a str)> {
        let mut found = self.found;
        found.sort_by_key(|(body, prefix)| (body.start, body.end, Reverse(prefix.len())));
        found.dedup_by_key(|(body, _)| body.clone());
        found
    }
}

/// How many letters and digits stand there in a row.
fn letters_at(source: &str, at: usize) -> usize {
    source.get(at..).map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_alphanumeric).count())
}

fn masked(source: &str, found: &[(Range<usize>, &str)]) -> String {
    found.iter().fold(source.to_owned(), |mut text, (body, _)| {
        text.replace_range(body.clone(), &MASK.repeat(body.len()));
        text
    })
}

/// The text with `*` for everything that is long enough for a body, whatever it is.
fn masked_throughout(source: &str) -> String {
    let is_letter = |it: char| it.is_ascii_alphanumeric();
    let mask = |part: &str| {
        let run = part.trim_end_matches(|it| !is_letter(it));
        if run.len() < *BODY.start() { part.to_owned() } else { part.replace(is_letter, MASK) }
    };
    source.split_inclusive(|it| !is_letter(it)).map(mask).collect()
}

fn complain_of_many(masked: &str, body: &Range<usize>) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        position: Some(Position::of(masked, body)),
        message: "too much of this text looks like whole keys; a policy's text is kept for ever".to_owned(),
        hint: Some("write placeholders, such as `sk_live_example`, or choose longer prefixes".to_owned()),
    }
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

fn is_whole(body: &str, format: &KeyFormatSpec) -> bool {
    let letters = format.alphabet.letters();
    let fits = lengths(format).contains(&body.len()) && body.bytes().all(|it| letters.contains(&it));
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
    use portcullis_engine::spec::{Alphabet, CredentialPlace, CredentialSpec};
    use portcullis_engine::{Policy, PolicySpec};

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

    #[test]
    fn formats_that_the_engine_refuses_are_not_looked_for_and_none_twice() {
        let with = |prefix: &str, body_length, min_body_length| KeyFormatSpec {
            body_length,
            min_body_length,
            ..format(prefix, Checksum::None)
        };
        for (one, usable) in [
            (with("sk_", 12, None), true),
            (with("a", 200, Some(12)), true),
            (with("", 24, None), false),
            (with("s k", 24, None), false),
            (with("sk_", 11, None), false),
            (with("sk_", 201, None), false),
            (with("sk_", 24, Some(11)), false),
            (with("sk_", 24, Some(25)), false),
        ] {
            let policy = PolicySpec {
                name: "x".to_owned(),
                environments: vec![one.environment.clone()],
                credentials: vec![CredentialSpec {
                    place: CredentialPlace::Header,
                    name: "x-api-key".to_owned(),
                    scheme: None,
                }],
                keys: vec![one.clone()],
                ..PolicySpec::default()
            };
            assert_eq!(Policy::compile(&policy).is_ok(), usable, "{one:?}");
            assert_eq!(by_prefix(&[one.clone(), one]).values().map(Vec::len).sum::<usize>(), usize::from(usable));
        }
        let many: Vec<_> = (0..5_000).map(|it| with(&format!("k{it}_"), 24, None)).collect();
        assert_eq!(by_prefix(&many).len(), MOST_FORMATS);
    }

    #[test]
    fn what_repeats_a_prefix_is_looked_at_where_a_body_fits() {
        let formats = [KeyFormatSpec { body_length: 200, ..format("a", Checksum::None) }];
        let text = format!("#{}", "a".repeat(1024 * 1024));
        let mut search = Search { source: &text, found: Vec::new(), looks: 0 };
        assert_eq!(search.look_for("a", &[&formats[0]]), Ok(()));
        assert_eq!((search.looks, search.found.len()), (189, 0));
        assert_eq!(keys_in(&text, "policy.toml", &formats), None);
    }

    #[test]
    fn of_too_many_keys_none_is_shown() {
        let text = format!("# é {KEY}\n").repeat(MOST_FOUND);
        let keys = found(&text).unwrap();
        assert_eq!(keys.diagnostics.entries().len(), MOST);
        assert!(!keys.masked.contains("q7Rk") && keys.masked.contains("# é sk_live_***"));
        for text in [format!("{text}{KEY} thisIsAnExampleKey9"), format!("{text}{KEY}é{text}")] {
            let keys = found(&text).unwrap();
            let told = format!("{} {}", keys.diagnostics, keys.masked);
            assert!(!told.contains("q7Rk") && !told.contains("d3HsJ") && !told.contains("Example"), "{told}");
            assert!(told.contains("too much of this text") && told.contains("# é sk_live_****"), "{told}");
            assert_eq!((keys.diagnostics.entries().len(), keys.masked.len()), (MOST, text.len()));
            assert_eq!(found(&keys.masked), None);
        }
    }

    #[test]
    fn of_too_much_that_could_be_a_key_nothing_is_shown() {
        let example = "sk_live_thisIsAnExampleKey9\n";
        assert_eq!(found(&example.repeat(MOST_LOOKS)), None);
        let keys = found(&format!("{}{KEY}\n", example.repeat(MOST_LOOKS))).unwrap();
        assert_eq!(keys.diagnostics.entries().len(), 1);
        assert!(!keys.masked.contains("Example") && !keys.masked.contains("q7Rk"));
    }
}

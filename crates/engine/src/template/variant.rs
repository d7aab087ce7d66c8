//! Whether a segment is a literal in another spelling: what an upstream might take for that literal.
//!
//! Letter case, blanks around it, a format suffix, or a `?` or `#` that was escaped. It only compares; what follows
//! from it is the policy's business. Invariant: a literal is a variant of itself, and nothing is allocated.

use crate::path::is_blank;

/// Whether some reader might take `segment`, its escapes decoded, for `literal`, which is ASCII.
pub(super) fn is_variant(segment: &str, literal: &[u8]) -> bool {
    // No letter is written in fewer bytes than its ASCII counterpart.
    if segment.len() < literal.len() {
        return false;
    }
    let mut rest = segment.trim_start_matches(is_blank).chars();
    let same = |&wanted: &u8| rest.next().is_some_and(|letter| fold(letter) == char::from(wanted.to_ascii_lowercase()));
    literal.iter().all(same) && is_nothing(rest.as_str())
}

/// Whether readers drop it: blanks, and a format suffix or what once was a query or fragment.
fn is_nothing(rest: &str) -> bool {
    let rest = rest.trim_start_matches(is_blank);
    rest.is_empty() || rest.starts_with(['.', '?', '#'])
}

/// The ASCII letter that Unicode case folding or upper-casing makes of it.
fn fold(letter: char) -> char {
    match letter {
        '\u{130}' | '\u{131}' => 'i',
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants() {
        for (literal, variants, others) in [
            (
                "me",
                "me ME Me me. me.. me.json me.tar.gz me?x me#x me\u{a0} \u{3000}me",
                "m men em me-json me,x m.e .me mé meé",
            ),
            ("v1.2", "V1.2 v1.2.json", "v1.3 v1 v1.20"),
            ("m:run", "M:RUN m:run.json", "m m:runs"),
            ("skis", "s\u{212a}\u{131}\u{17f} \u{17f}k\u{130}S", "\u{212a}is skis\u{301} sk\u{ed}s"),
        ] {
            let is = |segment: &str| is_variant(segment, literal.as_bytes());
            for variant in variants.split(' ') {
                assert!(is(variant), "{variant} of {literal}");
            }
            assert!(others.split(' ').all(|other| !is(other)), "{literal}");
        }
        assert!(is_variant(" me \u{200b}.x", b"me") && is_variant("me \t", b"me"));
        assert!(!is_variant("", b"me") && !is_variant("  ", b"me"));
    }
}

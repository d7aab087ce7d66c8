//! Small byte-string helpers that need no allocation.
//!
//! ASCII only, by design: what is not ASCII is never equal to anything a policy names.

/// `value` without spaces (not tabs) around it.
pub(crate) fn trim_spaces(value: &[u8]) -> &[u8] {
    let mut rest = value;
    while let [b' ', tail @ ..] = rest {
        rest = tail;
    }
    while let [head @ .., b' '] = rest {
        rest = head;
    }
    rest
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Whether every byte is visible ASCII, `!` to `~`. Eight bytes at a time: credentials are looked at on every request.
pub(crate) fn is_graphic(value: &[u8]) -> bool {
    let odd = |word: u64| (word | (word.wrapping_sub(0x21 * ONES) & !word) | word.wrapping_add(ONES)) & HIGH;
    !any_word(value, odd).unwrap_or_else(|| !value.iter().all(u8::is_ascii_graphic))
}

/// Whether any eight bytes, whose last may be looked at twice, give something other than 0; `None` if there are fewer.
fn any_word(value: &[u8], look: impl Fn(u64) -> u64) -> Option<bool> {
    let last = value.last_chunk::<8>()?;
    let words = value.as_chunks::<8>().0.iter().chain([last]);
    Some(words.fold(0, |seen, word| seen | look(u64::from_le_bytes(*word))) != 0)
}

/// Whether a byte occurs. Eight at a time.
pub(crate) fn has(value: &[u8], byte: u8) -> bool {
    let hit = |word: u64| {
        let difference = word ^ (u64::from(byte) * ONES);
        difference.wrapping_sub(ONES) & !difference & HIGH
    };
    any_word(value, hit).unwrap_or_else(|| value.contains(&byte))
}

/// Whether four bytes occur next to each other, their case aside; it may also say so of some that differ in bit 5. Many at a time.
pub(crate) fn has_in_any_case(value: &[u8], wanted: [u8; 4]) -> bool {
    let [a, b, c, d] = wanted.map(|byte| byte | 0x20);
    let after = |skip: usize| value.get(skip..).unwrap_or_default();
    let starts = value.iter().zip(after(1)).zip(after(2).iter().zip(after(3)));
    let differs = |byte: &u8, wanted: u8| (byte | 0x20) ^ wanted;
    starts.fold(false, |seen, ((w, x), (y, z))| {
        seen | (differs(w, a) | differs(x, b) | differs(y, c) | differs(z, d) == 0)
    })
}

/// Whether a content type is gRPC: `application/grpc`, with `+proto`, `;…` and the like behind it.
pub(crate) fn is_grpc_content_type(value: &[u8]) -> bool {
    match trim_spaces(value).split_first_chunk::<16>() {
        Some((head, rest)) => {
            head.eq_ignore_ascii_case(b"application/grpc") && matches!(rest.first(), None | Some(b'+' | b';' | b' '))
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_at_a_time_sees_what_one_at_a_time_sees() {
        for byte in 0..=255 {
            for place in 0..19 {
                let mut value = *b"sk_live_abcdefghijk";
                value[place] = byte;
                assert_eq!(is_graphic(&value), value.iter().all(u8::is_ascii_graphic), "{byte} at {place}");
                assert_eq!(has(&value, b','), value.contains(&b','), "{byte} at {place}");
                assert_eq!(has(&[0; 19], byte), byte == 0, "{byte}");
            }
        }
        assert!(is_graphic(b"") && !has(b"", 0));
    }

    #[test]
    fn four_bytes_are_found_wherever_they_stand() {
        let text = b"Location: Somewhere in the middle of a text, near.";
        for start in 0..text.len() - 3 {
            let wanted = *text[start..].first_chunk::<4>().unwrap();
            for wanted in [wanted, wanted.map(|byte| byte.to_ascii_lowercase())] {
                assert!(has_in_any_case(text, wanted), "{start}");
                assert!(
                    !has_in_any_case(&text[..start + 3], wanted)
                        || text[..start].windows(4).any(|it| it.eq_ignore_ascii_case(&wanted)),
                    "{start}"
                );
            }
        }
        assert!(!has_in_any_case(text, *b"loc!") && !has_in_any_case(b"", *b"some"));
    }

    #[test]
    fn grpc_content_types() {
        for (value, expected) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            (" application/GRPC; charset=x", true),
            ("application/grpc-web", false),
            ("application/json", false),
            ("", false),
        ] {
            assert_eq!(is_grpc_content_type(value.as_bytes()), expected, "{value}");
        }
    }
}

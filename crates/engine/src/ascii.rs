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
    let (words, rest) = value.as_chunks::<8>();
    let odd = |word: u64| (word | (word.wrapping_sub(0x21 * ONES) & !word) | word.wrapping_add(ONES)) & HIGH;
    words.iter().fold(0, |seen, word| seen | odd(u64::from_le_bytes(*word))) == 0
        && rest.iter().all(u8::is_ascii_graphic)
}

/// Whether a byte occurs. Eight at a time.
pub(crate) fn has(value: &[u8], byte: u8) -> bool {
    let (words, rest) = value.as_chunks::<8>();
    let hit = |word: u64| {
        let difference = word ^ (u64::from(byte) * ONES);
        difference.wrapping_sub(ONES) & !difference & HIGH
    };
    words.iter().fold(0, |seen, word| seen | hit(u64::from_le_bytes(*word))) != 0 || rest.contains(&byte)
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

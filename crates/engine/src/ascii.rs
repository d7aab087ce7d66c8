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

/// Whether two byte strings are the same. In line and a word at a time: a request's header names are compared dozens of times,
/// and a call of `memcmp` costs more than what it compares.
#[inline]
pub fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let (words, rest) = one.as_chunks::<8>();
    let (others, other_rest) = other.as_chunks::<8>();
    words.iter().zip(others).all(|(a, b)| u64::from_le_bytes(*a) == u64::from_le_bytes(*b))
        && rest.iter().zip(other_rest).all(|(a, b)| a == b)
}

/// Whether every byte passes. Sixteen at a time, of which the last may be looked at twice, in a form that compilers turn into
/// vector instructions: `passes` should compare, and not branch.
#[inline]
pub(crate) fn every(value: &[u8], passes: impl Fn(u8) -> bool + Copy) -> bool {
    match (value.last_chunk::<16>(), value.last_chunk::<8>()) {
        (Some(last), _) => every_chunk(value.as_chunks().0, last, passes),
        (None, Some(last)) => every_chunk(value.as_chunks().0, last, passes),
        (None, None) => value.iter().all(|byte| passes(*byte)),
    }
}

#[inline]
fn every_chunk<const N: usize>(chunks: &[[u8; N]], last: &[u8; N], passes: impl Fn(u8) -> bool + Copy) -> bool {
    let mut failed = [0; N];
    for chunk in chunks.iter().chain([last]) {
        for (failed, byte) in failed.iter_mut().zip(chunk) {
            *failed |= u8::from(!passes(*byte));
        }
    }
    failed == [0; N]
}

/// Whether every two neighbours pass, many at a time as in [`every`].
#[inline]
pub(crate) fn every_two(value: &[u8], passes: impl Fn(u8, u8) -> bool + Copy) -> bool {
    let (ones, others) = (value.split_last().map_or(value, |(_, ones)| ones), value.get(1..).unwrap_or_default());
    every_two_chunks::<16>(ones, others, passes)
        .or_else(|| every_two_chunks::<8>(ones, others, passes))
        .unwrap_or_else(|| ones.iter().zip(others).all(|(one, other)| passes(*one, *other)))
}

/// `None` if there are fewer than `N`.
#[inline]
fn every_two_chunks<const N: usize>(
    ones: &[u8],
    others: &[u8],
    passes: impl Fn(u8, u8) -> bool + Copy,
) -> Option<bool> {
    let last = (ones.last_chunk::<N>()?, others.last_chunk::<N>()?);
    let mut failed = [0; N];
    for (ones, others) in ones.as_chunks().0.iter().zip(others.as_chunks().0).chain([last]) {
        for (failed, (one, other)) in failed.iter_mut().zip(ones.iter().zip(others)) {
            *failed |= u8::from(!passes(*one, *other));
        }
    }
    Some(failed == [0; N])
}

/// Whether every byte is visible ASCII, `!` to `~`.
pub(crate) fn is_graphic(value: &[u8]) -> bool {
    every(value, |byte| byte.wrapping_sub(b'!') <= b'~' - b'!')
}

/// Whether a byte occurs.
pub(crate) fn has(value: &[u8], byte: u8) -> bool {
    !every(value, |it| it != byte)
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

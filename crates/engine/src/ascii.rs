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

//! Whole keys and tokens in a policy's text, which is kept for ever: they are refused before it is stored.
//!
//! Invariant: neither what is said of them nor the masked text holds one.

use portcullis_engine::PolicySpec;
use portcullis_engine::spec::{Alphabet, Checksum, KeyFormatSpec};
use portcullis_policy::Keys;

use crate::secret::Purpose;
use crate::token;

/// Our own tokens have 40 characters; an administrator may have chosen a shorter one.
const TOKEN_BODY: std::ops::RangeInclusive<usize> = 24..=64;

/// Looks for keys of the text's own formats and of those in force, and for our own tokens.
pub(super) fn keys_in(toml: &str, file_name: &str, in_force: Option<&PolicySpec>) -> Option<Keys> {
    let mut formats = portcullis_policy::parse(toml, file_name).map(|spec| spec.keys).unwrap_or_default();
    formats.extend(in_force.into_iter().flat_map(|spec| spec.keys.iter().cloned()));
    formats.extend(token::PREFIXES.into_iter().chain(Purpose::PREFIXES).map(token_format));
    portcullis_policy::keys_in(toml, file_name, &formats)
}

fn token_format(prefix: &str) -> KeyFormatSpec {
    KeyFormatSpec {
        prefix: prefix.to_owned(),
        environment: String::new(),
        body_length: *TOKEN_BODY.end(),
        min_body_length: Some(*TOKEN_BODY.start()),
        alphabet: Alphabet::Base62,
        checksum: Checksum::None,
    }
}

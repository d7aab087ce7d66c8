//! Whole keys and tokens in a policy's text, which is kept for ever: they are refused before it is stored.
//!
//! Invariant: neither what is said of them nor the masked text holds one.

use portcullis_engine::PolicySpec;
use portcullis_engine::spec::{Alphabet, Checksum, KeyFormatSpec};
use portcullis_policy::Keys;

use crate::secret::{CREDENTIAL_PREFIX, Purpose};
use crate::token;

/// Our own tokens have 40 characters; an administrator may have chosen a shorter one.
const TOKEN_BODY: std::ops::RangeInclusive<usize> = 24..=64;

/// Of the text's own formats. One with more is not published.
const OWN_FORMATS: usize = 100;

/// Looks for our own tokens, for keys of the formats in force and of the text's own: in this order, so that whatever a
/// text declares, the others are looked for.
pub(super) fn keys_in(toml: &str, file_name: &str, in_force: Option<&PolicySpec>) -> Option<Keys> {
    let own = portcullis_policy::parse(toml, file_name).map(|spec| spec.keys).unwrap_or_default();
    let prefixes = token::PREFIXES.into_iter().chain(Purpose::PREFIXES).chain([CREDENTIAL_PREFIX]);
    let tokens = prefixes.map(token_format);
    let in_force = in_force.into_iter().flat_map(|spec| spec.keys.iter().cloned());
    let formats: Vec<_> = tokens.chain(in_force).chain(own.into_iter().take(OWN_FORMATS)).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_text_declares_our_tokens_and_keys_in_force_are_found() {
        let body = "q7RkT2mVx9BzL4cN8wPd3HsJ";
        let formats = (0..1000).map(|it| format!("{{prefix='k{it}_',environment='e',body_length=32}},"));
        let formats: String = formats.collect();
        let in_force = PolicySpec { keys: vec![token_format("live_")], ..PolicySpec::default() };
        for prefix in token::PREFIXES.into_iter().chain(Purpose::PREFIXES).chain([CREDENTIAL_PREFIX, "live_"]) {
            let text =
                format!("name='x'\nenvironments=['e']\ncredentials=[]\nrules=[]\nkeys=[{formats}]\n# {prefix}{body}\n");
            let keys = keys_in(&text, "policy.toml", Some(&in_force)).unwrap();
            assert_eq!(keys.diagnostics.entries().len(), 1, "{prefix}");
            assert!(!keys.masked.contains(body), "{prefix}");
        }
    }
}

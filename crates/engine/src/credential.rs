//! Finding the one credential of a request, and taking it out of a query or a cookie.
//!
//! A request with two credentials has two meanings, so it has none: more than one is [`Found::Ambiguous`], never the
//! first. What is found is only shaped like a credential; `key_format` says whether it can be a key.
//!
//! Invariant: finding allocates nothing, unless a query parameter's name is escaped.

mod strip;
mod value;

use alloc::boxed::Box;
use alloc::string::String;

use crate::ascii::{has, same, trim_spaces};
use crate::path::unescape;
use crate::spec::{CredentialPlace, CredentialSpec};

pub use strip::{strip_cookie, strip_query};
pub(crate) use value::is_token;
use value::{after_scheme, cookie_pairs, query_pairs, unescaped, visible};

/// What every signed token (RFC 7515) begins with: `{"` in base64.
const TOKEN_HEAD: &str = "eyJ";

/// What a request carries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Found<'a> {
    /// Nothing, or nothing of ours.
    None,
    /// One credential: visible ASCII, not yet parsed.
    One(&'a [u8]),
    /// Something in the credential's place that cannot be one.
    Malformed,
    /// More than one.
    Ambiguous,
}

/// One configured place where a credential may stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialSource {
    place: CredentialPlace,
    name: Box<str>,
    scheme: Option<Box<str>>,
}

/// Why a place is refused. Whoever wrote the policy mends it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialSourceError {
    /// Not a header name.
    #[error("`{0}` is not a header name; hint: use letters, digits and `-`, such as `x-api-key`")]
    Header(String),
    /// The `cookie` header as a whole.
    #[error("the `{0}` header holds many cookies; hint: use `in = \"cookie\"` with the cookie's name")]
    CookieHeader(String),
    /// Not a scheme.
    #[error("`{0}` is not a scheme; hint: write one word, such as `Bearer`")]
    Scheme(String),
    /// A scheme for something other than a header.
    #[error("scheme `{0}` is for headers only; hint: remove it")]
    SchemeOutsideHeader(String),
    /// A parameter's or cookie's name with odd characters.
    #[error("`{0}` is no good name here; hint: use letters, digits and `-._~`, such as `api_key`")]
    Name(String),
}

/// Looks for the credential in every source.
///
/// `headers` are all of the request's, names in lower case; `path` includes the query. A scheme is compared without
/// case; an empty value, or another scheme, is nothing. Two lines of one header, a comma in a header, or values in two
/// places are ambiguous.
pub fn find<'a>(sources: &[CredentialSource], headers: &[(&'a [u8], &'a [u8])], path: Option<&'a [u8]>) -> Found<'a> {
    locate(sources, headers, path).0
}

/// As [`find`], with the index of the last source that carries anything: for [`Found::One`] it is the only one.
pub(crate) fn locate<'a>(
    sources: &[CredentialSource],
    headers: &[(&'a [u8], &'a [u8])],
    path: Option<&'a [u8]>,
) -> (Found<'a>, Option<usize>) {
    let (mut found, mut carrier) = (Found::None, None);
    for (index, source) in sources.iter().enumerate() {
        let here = source.look(headers, path);
        if here != Found::None {
            (found, carrier) = (found.and(here), Some(index));
        }
    }
    (found, carrier)
}

/// Whether a credential that is no key is shaped like an access token. Whether it is one is said by whoever verifies it.
pub(crate) fn is_like_token(credential: &[u8]) -> bool {
    credential.starts_with(TOKEN_HEAD.as_bytes()) && has(credential, b'.')
}

/// Whether something that begins like that might be an access token as well.
pub(crate) fn could_begin_a_token(prefix: &str) -> bool {
    prefix.starts_with(TOKEN_HEAD) || TOKEN_HEAD.starts_with(prefix)
}

/// Whether an access token, or a good part of one, may stand in a text; in whatever case, as some servers fold it.
pub(crate) fn token_occurs_in(text: &[u8]) -> bool {
    const LEAST: usize = 20;
    let is_inside = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.windows(TOKEN_HEAD.len() + LEAST).any(|window| {
        let (head, rest) = window.split_at(TOKEN_HEAD.len());
        head.eq_ignore_ascii_case(TOKEN_HEAD.as_bytes()) && rest.iter().all(is_inside)
    })
}

/// Whether a query parameter or cookie may be called so.
pub(crate) fn is_parameter_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

impl CredentialSource {
    /// Checks a place. Header names are put in lower case.
    pub fn parse(spec: &CredentialSpec) -> Result<CredentialSource, CredentialSourceError> {
        let name = spec.name.as_str();
        match (spec.place, &spec.scheme) {
            (CredentialPlace::Header, _) if name.eq_ignore_ascii_case("cookie") => {
                return Err(CredentialSourceError::CookieHeader(name.into()));
            }
            (CredentialPlace::Header, _) if !is_token(name) => {
                return Err(CredentialSourceError::Header(name.into()));
            }
            (CredentialPlace::Header, Some(scheme)) if !is_token(scheme) => {
                return Err(CredentialSourceError::Scheme(scheme.clone()));
            }
            (CredentialPlace::Header, _) => {}
            (_, Some(scheme)) => {
                return Err(CredentialSourceError::SchemeOutsideHeader(scheme.clone()));
            }
            _ if !is_parameter_name(name) => {
                return Err(CredentialSourceError::Name(name.into()));
            }
            _ => {}
        }
        let header = spec.place == CredentialPlace::Header;
        let name = if header { name.to_ascii_lowercase() } else { name.into() };
        Ok(CredentialSource { place: spec.place, name: name.into(), scheme: spec.scheme.as_deref().map(Into::into) })
    }

    /// Header, query parameter or cookie.
    pub fn place(&self) -> CredentialPlace {
        self.place
    }

    /// The header's name in lower case, or the parameter's or cookie's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a value of this source's header carries a credential of ours, good or not, rather than someone else's.
    pub fn carries(&self, value: &[u8]) -> bool {
        self.in_value(value) != Found::None
    }

    fn look<'a>(&self, headers: &[(&'a [u8], &'a [u8])], path: Option<&'a [u8]>) -> Found<'a> {
        let name = self.name.as_bytes();
        match self.place {
            CredentialPlace::Header => self.in_headers(headers),
            CredentialPlace::Query => query_pairs(path.unwrap_or_default())
                .filter(|(key, _)| *unescape(key) == *name)
                .fold(Found::None, |found, (_, value)| found.and(unescaped(value))),
            CredentialPlace::Cookie => headers
                .iter()
                .filter(|(header, _)| *header == b"cookie")
                .flat_map(|(_, value)| cookie_pairs(value))
                .filter(|(key, _)| *key == name)
                .fold(Found::None, |found, (_, value)| found.and(unescaped(value))),
        }
    }

    fn in_headers<'a>(&self, headers: &[(&'a [u8], &'a [u8])]) -> Found<'a> {
        let (mut found, mut lines) = (Found::None, 0_usize);
        for (_, value) in headers.iter().filter(|(header, _)| same(header, self.name.as_bytes())) {
            lines += usize::from(!trim_spaces(value).is_empty());
            found = found.and(self.in_value(value));
        }
        // A line of another scheme beside ours: upstream might read either.
        if lines > 1 && found != Found::None { Found::Ambiguous } else { found }
    }

    fn in_value<'a>(&self, value: &'a [u8]) -> Found<'a> {
        let value = trim_spaces(value);
        let list = has(value, b',');
        match &self.scheme {
            None if list => Found::Ambiguous,
            None => visible(value),
            // Some lists are someone else's: `Digest username="x", realm="y"`.
            Some(scheme) if list => {
                let ours = value.split(|&byte| byte == b',').any(|part| {
                    part.trim_ascii()
                        .get(..scheme.len())
                        .is_some_and(|head| head.eq_ignore_ascii_case(scheme.as_bytes()))
                });
                if ours { Found::Ambiguous } else { Found::None }
            }
            Some(scheme) => after_scheme(value, scheme.as_bytes()),
        }
    }
}

impl<'a> Found<'a> {
    fn and(self, other: Found<'a>) -> Found<'a> {
        match (self, other) {
            (found, Found::None) | (Found::None, found) => found,
            _ => Found::Ambiguous,
        }
    }
}

impl core::fmt::Debug for Found<'_> {
    /// Never shows the credential.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Found::None => "None",
            Found::One(_) => "One(redacted)",
            Found::Malformed => "Malformed",
            Found::Ambiguous => "Ambiguous",
        })
    }
}

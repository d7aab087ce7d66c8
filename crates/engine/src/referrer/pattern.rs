//! Patterns of pages: `https://*.example.com/docs/*`. It does not read headers; [`url`](super::url) does.
//!
//! Invariant: a pattern never matches a host that its text does not show.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::net::Ipv6Addr;

use super::url::{Host, PageUrl, Scheme, split_path, split_port};
use crate::path::{CanonicalPath, PathError};

/// A pattern of pages: `[scheme://]host[:port][/path]`.
///
/// No scheme = `http` or `https`. No port = the scheme's default port. No path = any path; a path that ends in `*` is a
/// prefix, any other is exact, trailing slash included. `*.` before the host stands for one or more labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferrerPattern {
    source: Box<str>,
    scheme: Option<Scheme>,
    host: HostPattern,
    port: Option<u16>,
    path: PathPattern,
}

/// Why a pattern is refused. Whoever wrote the restriction mends it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferrerPatternError {
    /// Another scheme.
    #[error("pattern `{0}` has a scheme other than `http` and `https`; hint: remove it or use one of these")]
    Scheme(String),
    /// Spaces, control characters or non-ASCII.
    #[error(
        "pattern `{0}` holds odd characters; hint: write international names in punycode, `xn--…`, and escape others"
    )]
    NonAscii(String),
    /// User name or password.
    #[error("pattern `{0}` holds an `@`; hint: write the host alone, browsers never send a user name")]
    Userinfo(String),
    /// A `?` or `#`.
    #[error("pattern `{0}` has a query or fragment; hint: remove it, only the path is compared")]
    Query(String),
    /// A `*` out of place.
    #[error(
        "pattern `{0}` has a `*` out of place; hint: only `*.` before the host and `*` at the end of the path can stand for more"
    )]
    Wildcard(String),
    /// No host, or a bad one.
    #[error("pattern `{0}` has no good host; hint: write one such as `www.example.com` or `*.example.com`")]
    Host(String),
    /// A bad port.
    #[error("pattern `{0}` has no good port; hint: write a number from 1 to 65535 after the `:` or leave both out")]
    Port(String),
    /// A path that no page can have.
    #[error("pattern `{pattern}` has {error} in its path; hint: write the path as a browser shows it")]
    Path {
        /// The pattern as given.
        pattern: String,
        /// What is wrong with its path.
        error: PathError,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HostPattern {
    Name(Box<[u8]>),
    Below(Box<[u8]>),
    V6(Ipv6Addr),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PathPattern {
    Any,
    Exact(Box<[u8]>),
    Prefix(Box<[u8]>),
}

impl ReferrerPattern {
    /// Reads a pattern, or says what is wrong with it.
    pub fn parse(source: &str) -> Result<ReferrerPattern, ReferrerPatternError> {
        if !source.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ReferrerPatternError::NonAscii(source.into()));
        }
        if source.contains(['?', '#']) {
            return Err(ReferrerPatternError::Query(source.into()));
        }
        let (scheme, rest) = match Scheme::split(source.as_bytes()) {
            Some((scheme, rest)) => (Some(scheme), rest),
            None if source.contains("://") => {
                return Err(ReferrerPatternError::Scheme(source.into()));
            }
            None => (None, source.as_bytes()),
        };
        let (authority, path) = split_path(rest);
        if authority.contains(&b'@') {
            return Err(ReferrerPatternError::Userinfo(source.into()));
        }
        let (host, port) = split_port(authority).ok_or_else(|| ReferrerPatternError::Port(source.into()))?;
        let host = HostPattern::parse(source, host)?;
        Ok(ReferrerPattern { source: source.into(), scheme, host, port, path: PathPattern::parse(source, path)? })
    }

    /// Whether the page of a `Referer` fits.
    pub fn matches_referer(&self, page: &PageUrl<'_>) -> bool {
        self.matches_origin(page) && self.path.matches(page.path.as_bytes())
    }

    /// Whether the page of an `Origin` fits. Origins have no path, so the pattern's path is left out.
    pub fn matches_origin(&self, page: &PageUrl<'_>) -> bool {
        self.scheme.is_none_or(|scheme| scheme == page.scheme)
            && self.port.unwrap_or(page.scheme.default_port()) == page.port
            && self.host.matches(page.host)
    }
}

impl fmt::Display for ReferrerPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl HostPattern {
    fn parse(source: &str, text: &[u8]) -> Result<HostPattern, ReferrerPatternError> {
        let bad = || ReferrerPatternError::Host(source.into());
        let base = text.strip_prefix(b"*.");
        if base.unwrap_or(text).contains(&b'*') {
            return Err(ReferrerPatternError::Wildcard(source.into()));
        }
        match (base, Host::parse(base.unwrap_or(text)).ok_or_else(bad)?) {
            (None, Host::V6(address)) => Ok(HostPattern::V6(address)),
            (None, Host::Name(name)) => Ok(HostPattern::Name(name.to_ascii_lowercase().into())),
            (Some(_), Host::Name(name)) if !is_numeric(name) => {
                Ok(HostPattern::Below(name.to_ascii_lowercase().into()))
            }
            (Some(_), _) => Err(bad()),
        }
    }

    fn matches(&self, host: Host<'_>) -> bool {
        match (self, host) {
            (HostPattern::V6(ours), Host::V6(theirs)) => *ours == theirs,
            (HostPattern::Name(ours), Host::Name(theirs)) => theirs.eq_ignore_ascii_case(ours),
            (HostPattern::Below(base), Host::Name(theirs)) => {
                let split = theirs.len().checked_sub(base.len()).and_then(|at| theirs.split_at_checked(at));
                split.is_some_and(|(labels, tail)| labels.ends_with(b".") && tail.eq_ignore_ascii_case(base))
            }
            _ => false,
        }
    }
}

impl PathPattern {
    fn parse(source: &str, text: Option<&[u8]>) -> Result<PathPattern, ReferrerPatternError> {
        let Some(text) = text else {
            return Ok(PathPattern::Any);
        };
        let prefix = text.strip_suffix(b"*");
        let fixed = prefix.unwrap_or(text);
        if fixed.contains(&b'*') {
            return Err(ReferrerPatternError::Wildcard(source.into()));
        }
        let bad = |error| ReferrerPatternError::Path { pattern: source.into(), error };
        let path: Box<[u8]> = CanonicalPath::parse_page(fixed).map_err(bad)?.as_bytes().into();
        Ok(if prefix.is_some() { PathPattern::Prefix(path) } else { PathPattern::Exact(path) })
    }

    fn matches(&self, path: &[u8]) -> bool {
        match self {
            PathPattern::Any => true,
            PathPattern::Exact(exact) => **exact == *path,
            PathPattern::Prefix(prefix) => path.starts_with(prefix),
        }
    }
}

/// Whether a name ends in a number, as IPv4 addresses do: there is nothing below these.
fn is_numeric(name: &[u8]) -> bool {
    name.rsplit(|&byte| byte == b'.').next().is_some_and(|label| label.iter().all(u8::is_ascii_digit))
}

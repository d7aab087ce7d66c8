//! Pages that may call with a key: patterns, and the page that a `Referer` or `Origin` names.
//!
//! Both headers are the browser's word, so they stop other people's pages, not other people's programs. Only plain
//! `http` and `https` URLs are read; whatever two readers could take for different pages is malformed: userinfo,
//! non-ASCII bytes, a trailing dot of the host, and most of what [`path`](crate::path) refuses, in the page's path.
//! Browsers do send `//` and escapes of old encodings; these are compared as they stand.
//! International names are compared as punycode, which is how browsers send them.
//!
//! Invariant: `*.foo.com` matches hosts below `foo.com` at any depth and nothing else, not even `foo.com`.

mod pattern;
mod url;

pub use pattern::{ReferrerPattern, ReferrerPatternError};
pub use url::{MalformedReferrer, PageUrl};

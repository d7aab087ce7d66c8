//! An access token, as it stands in `Authorization: Bearer …`.
//!
//! It is not read here. Invariant: only `expose` and the header show it.

use std::fmt;
use std::sync::Arc;

use reqwest::header::HeaderValue;

/// An access token. Cheap to clone; `Debug` does not show it.
#[derive(Clone)]
pub struct AccessToken(Arc<Inner>);

struct Inner {
    header: HeaderValue,
    scopes: Option<Vec<String>>,
}

const SCHEME: &str = "Bearer ";

impl AccessToken {
    /// A token, if it is one that can stand in a header (RFC 6750 §2.1).
    pub(crate) fn parse(text: &str, scope: Option<&str>) -> Option<Self> {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
        let body = text.trim_end_matches('=');
        if body.is_empty() || !body.bytes().all(is_token) {
            return None;
        }
        let mut header = HeaderValue::from_str(&format!("{SCHEME}{text}")).ok()?;
        header.set_sensitive(true);
        let scopes = scope.map(|scope| scope.split_ascii_whitespace().map(str::to_owned).collect());
        Some(Self(Arc::new(Inner { header, scopes })))
    }

    /// The text itself, as it stands after `Bearer `. Never log or store what this returns.
    pub fn expose(&self) -> &str {
        self.0.header.to_str().ok().and_then(|text| text.strip_prefix(SCHEME)).unwrap_or_default()
    }

    /// The whole value of an `Authorization` header, marked as sensitive.
    pub fn header(&self) -> HeaderValue {
        self.0.header.clone()
    }

    /// The scopes that the control plane says it granted; `None` where it says nothing.
    pub fn scopes(&self) -> Option<&[String]> {
        self.0.scopes.as_deref()
    }

    /// Whether both came from the same exchange.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(redacted)")
    }
}

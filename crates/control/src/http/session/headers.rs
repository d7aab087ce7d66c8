//! Headers of every page: what a browser may load and run for it, and who may frame it. Nothing but ourselves.
//!
//! One page has a form whose answer leads elsewhere: `/oauth/authorize`. Browsers ask a page's policy of where a form is
//! redirected to as well, so that page names the one place. Invariant: no page may be framed.

use axum::http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;

/// No inline script or style, so text that slipped through unescaped does nothing.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
                      form-action 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'";

const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    // For browsers that know no `frame-ancestors` (RFC 9700, section 4.16).
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // `no-referrer` would make browsers send `Origin: null` with our own forms.
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
];

/// Where else the form of a page may lead: a source, as a page's policy has them.
#[derive(Clone, Debug)]
pub(in crate::http) struct FormTarget(pub(in crate::http) String);

/// Adds them.
pub(in crate::http) fn protect(response: &mut Response) {
    let target = response.extensions_mut().remove::<FormTarget>();
    response.headers_mut().extend(HEADERS);
    let policy = target.and_then(|FormTarget(source)| widened(&source));
    policy.map(|policy| response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy));
}

/// The policy with one more place for forms; none if it is no plain source, which would be able to say more.
fn widened(source: &str) -> Option<HeaderValue> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b":/.-+".contains(&byte);
    let is_one = !source.is_empty() && source.bytes().all(plain);
    let policy = POLICY.replace("form-action 'self'", &format!("form-action 'self' {source}"));
    is_one.then(|| HeaderValue::try_from(policy).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_may_lead_to_one_place_more_and_nothing_else_changes() {
        for (source, expected) in [
            ("https://a.example:8443", Some("form-action 'self' https://a.example:8443; connect-src 'self'")),
            ("com.example.app:", Some("form-action 'self' com.example.app:; connect-src 'self'")),
            ("https://a.example; script-src *", None),
            ("", None),
        ] {
            let policy = widened(source);
            let policy = policy.as_ref().map(|policy| policy.to_str().unwrap());
            assert_eq!(policy.is_some(), expected.is_some(), "{source}");
            assert!(expected.is_none_or(|part| policy.unwrap().contains(part)), "{source}");
        }
    }
}

//! What of a request may be told: method, path, page, address and id, cut short.
//!
//! It decides nothing and keeps nothing. Invariant: no query, no fragment, no userinfo and no header but the ones named
//! here; where half a key or more stands in what is left, that segment is `***`.

use portcullis_engine::key_format::KeyFormats;
use portcullis_engine::referrer::PageUrl;
use portcullis_engine::{Request, ip};

use crate::host::Host;

const MOST_TEXT: usize = 200;
const MOST_METHOD: usize = 32;
/// `OPTIONS` and `CONNECT`; no key is that short.
const SHORT_METHOD: usize = 7;
const MOST_ID: usize = 128;
const MASK: &str = "***";

/// The method. Without formats, only one that is too short to be a key.
pub fn method(formats: Option<&KeyFormats>, request: &Request<'_>) -> String {
    match formats {
        Some(formats) => masked(formats, request.method, MOST_METHOD),
        None if request.method.len() <= SHORT_METHOD => String::from_utf8_lossy(request.method).into_owned(),
        None => MASK.to_owned(),
    }
}

/// The path without its query; nothing if it is no path.
pub fn path(formats: &KeyFormats, request: &Request<'_>) -> Option<String> {
    let path = before_query(request.path?);
    (path.starts_with(b"/") || path == b"*").then(|| masked(formats, path, MOST_TEXT))
}

/// The page that calls: `Referer`, or else `Origin`.
pub fn referrer(formats: &KeyFormats, request: &Request<'_>) -> Option<String> {
    let value = header(request, b"referer").or_else(|| header(request, b"origin"))?;
    let page = before_query(value);
    // One with userinfo names no page; neither does `null`, which is worth telling.
    let without_userinfo = || page.rsplit(|byte| *byte == b'@').next().unwrap_or_default();
    let page = if PageUrl::parse(value).is_ok() { page } else { without_userinfo() };
    Some(masked(formats, page, MOST_TEXT))
}

/// The id under which a client may ask what happened. What is too long for one, or may hold a key, is none; without
/// formats, all but a UUID.
pub fn request_id(formats: Option<&KeyFormats>, request: &Request<'_>) -> Option<String> {
    let id = header(request, b"x-request-id")?;
    let is_plain = id.len() <= MOST_ID && id.iter().all(u8::is_ascii_graphic);
    let holds_key = formats.map_or_else(|| !is_uuid(id), |formats| formats.occur_in(id));
    (is_plain && !holds_key).then(|| String::from_utf8_lossy(id).into_owned())
}

/// The client's address without its port. Costs a host call.
pub fn address(host: &impl Host) -> Option<String> {
    host.source_address().as_deref().and_then(ip::parse_source_address).map(|address| address.to_string())
}

fn is_uuid(id: &[u8]) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let parts = id.split(|byte| *byte == b'-');
    parts.clone().all(|part| part.iter().all(u8::is_ascii_hexdigit)) && parts.map(<[u8]>::len).eq(lengths)
}

/// The value of a header that is there and not empty.
fn header<'a>(request: &Request<'a>, name: &[u8]) -> Option<&'a [u8]> {
    request.headers.iter().find(|(header, value)| *header == name && !value.is_empty()).map(|(_, value)| *value)
}

fn before_query(text: &[u8]) -> &[u8] {
    text.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default()
}

/// The text up to that many bytes, a segment with a key in it masked whole, before anything is cut.
fn masked(formats: &KeyFormats, text: &[u8], most: usize) -> String {
    let mut told = String::new();
    for (index, segment) in text.split(|byte| *byte == b'/').enumerate() {
        if told.len() >= most {
            break;
        }
        if index > 0 {
            told.push('/');
        }
        if formats.occur_in(segment) {
            told.push_str(MASK);
        } else {
            // A character that is cut in two by this is cut off below.
            told.push_str(&String::from_utf8_lossy(segment.get(..most + 4).unwrap_or(segment)));
        }
    }
    while told.len() > most {
        told.pop();
    }
    told
}

#[cfg(test)]
mod tests {
    use portcullis_engine::{Policy, PolicySpec};

    use super::*;

    const KEY: &str = "sk_live_0123456789abcdefghij";

    fn policy() -> Policy {
        let spec: PolicySpec = serde_json::from_value(serde_json::json!({
            "name": "told",
            "environments": ["live"],
            "credentials": [{ "in": "header", "name": "x-api-key" }],
            "keys": [{ "prefix": "sk_live_", "environment": "live", "body_length": 20 }],
            "rules": [],
        }))
        .unwrap();
        Policy::compile(&spec).unwrap()
    }

    #[test]
    fn paths() {
        let slash = |text: &str, times| format!("/{}", text.repeat(times));
        let (long, accents) = (slash("a", 300), slash("é", 150));
        let late = format!("{}/{KEY}", slash("a", 198));
        let across = format!("{}/{KEY}", slash("a", 190));
        let cases: [(&[u8], Option<&str>); 18] = [
            (b"/v1/users", Some("/v1/users")),
            (b"/v1/users?api_key=sk_live_0123456789abcdefghij", Some("/v1/users")),
            (b"/v1/users#sk_live_0123456789abcdefghij?x", Some("/v1/users")),
            (b"/v1/sk_live_0123456789abcdefghij/x", Some("/v1/***/x")),
            (b"/v1/sk_live_0123456789", Some("/v1/***")),
            (b"/v1/sk_live_012345678", Some("/v1/sk_live_012345678")),
            (b"/v1;key=sk_live_0123456789abcdefghijklm;a/x", Some("/***/x")),
            (b"/v1/%73k_live_%30123456789abcdefghij/x", Some("/v1/***/x")),
            (b"/v1/SK_LIVE_0123456789ABCDEFGHIJ", Some("/v1/***")),
            (b"/v1/a%2fsk_live_0123456789abcdefghij", Some("/v1/***")),
            (b"/v1/\xff", Some("/v1/\u{fffd}")),
            (b"*", Some("*")),
            (b"", None),
            (b"http://user:secret@host/x", None),
            (long.as_bytes(), Some(&slash("a", 199))),
            (accents.as_bytes(), Some(&slash("é", 99))),
            (late.as_bytes(), Some(&format!("{}/", slash("a", 198)))),
            (across.as_bytes(), Some(&format!("{}/***", slash("a", 190)))),
        ];
        let policy = policy();
        for (sent, expected) in cases {
            let request = Request { method: b"GET", path: Some(sent), headers: &[] };
            let told = path(policy.key_formats(), &request);
            assert_eq!(told.as_deref(), expected, "{}", sent.escape_ascii());
        }
    }

    #[test]
    fn pages_and_ids() {
        type Headers<'a> = &'a [(&'a [u8], &'a [u8])];
        // (headers, page, request id)
        let cases: [(Headers<'_>, Option<&str>, Option<&str>); 12] = [
            (&[], None, None),
            (&[(b"referer", b"https://a.example/x/y?q=1#f")], Some("https://a.example/x/y"), None),
            (
                &[(b"origin", b"https://b.example"), (b"referer", b"https://a.example/")],
                Some("https://a.example/"),
                None,
            ),
            (&[(b"origin", b"https://b.example"), (b"referer", b"")], Some("https://b.example"), None),
            (&[(b"referer", b"https://a.example/@me")], Some("https://a.example/@me"), None),
            (&[(b"referer", b"https://user:pass@a.example/x")], Some("a.example/x"), None),
            (&[(b"origin", b"null")], Some("null"), None),
            (&[(b"referer", b"https://a.example/sk_live_0123456789abcdefghij")], Some("https://a.example/***"), None),
            (&[(b"x-request-id", b"0b1c-2d")], None, Some("0b1c-2d")),
            (
                &[(b"x-request-id", b"0123abcd-0123-4567-89ab-0123456789ab")],
                None,
                Some("0123abcd-0123-4567-89ab-0123456789ab"),
            ),
            (&[(b"x-request-id", b"sk_live_0123456789abcdefghij")], None, None),
            (&[(b"x-request-id", b"two words")], None, None),
        ];
        let policy = policy();
        let formats = policy.key_formats();
        for (headers, page, id) in cases {
            let request = Request { method: b"GET", path: None, headers };
            assert_eq!(referrer(formats, &request).as_deref(), page, "{request:?}");
            assert_eq!(request_id(Some(formats), &request).as_deref(), id, "{request:?}");
            let unknown = request_id(None, &request);
            assert_eq!(
                unknown,
                id.filter(|id| id.len() == 36).map(str::to_owned),
                "nobody knows yet what keys look like"
            );
        }
        let odd = Request { method: KEY.as_bytes(), path: None, headers: &[] };
        assert_eq!([method(Some(formats), &odd), method(None, &odd)], ["***", "***"]);
        let plain = Request { method: b"OPTIONS", ..odd };
        assert_eq!([method(Some(formats), &plain), method(None, &plain)], ["OPTIONS", "OPTIONS"]);
    }
}

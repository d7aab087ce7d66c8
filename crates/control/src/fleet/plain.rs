//! Text from edges, made fit to be kept and shown: on one line, short, and without what looks like a key.
//!
//! Edges mask keys themselves; this is for those that do not. Invariant: what comes out holds no key of the policy and
//! none of our tokens as far as `PolicyRoom::spots_secret_in` can tell.

use std::net::IpAddr;

use crate::keys::misleads;
use crate::policy::PolicyRoom;

const MASK: &str = "***";
const MAX_WORD: usize = 64;
const MAX_METHOD: usize = 16;
const MAX_REQUEST_ID: usize = 128;

/// One line of at most so many bytes.
pub(super) fn line(policy: &PolicyRoom, text: &str, most: usize) -> String {
    // What is cut off cannot be shown, so a bit more than what is shown is looked through.
    let text: String = text.chars().filter(|c| !misleads(*c)).take(4 * most).collect();
    if policy.spots_secret_in(&text) { MASK.to_owned() } else { cut(text, most) }
}

/// The same for what has segments, such as a path: only those that hold a key are masked. Without a query.
pub(super) fn place(policy: &PolicyRoom, text: &str, most: usize) -> String {
    let text: String = text.chars().take_while(|c| !matches!(c, '?' | '#')).take(4 * most).collect();
    let segments = text.split('/').map(|it| if policy.spots_secret_in(it) { MASK } else { it });
    line(policy, &segments.collect::<Vec<_>>().join("/"), most)
}

/// A reason's name, if it can be one.
pub(super) fn word<'a>(policy: &PolicyRoom, text: &'a str) -> Option<&'a str> {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let word = Some(text).filter(|it| (1..=MAX_WORD).contains(&it.len()) && it.bytes().all(is_word));
    word.filter(|it| !policy.spots_secret_in(it))
}

/// An address, if it is one.
pub(super) fn address(text: Option<&str>) -> Option<String> {
    let address: IpAddr = text?.parse().ok()?;
    Some(address.to_canonical().to_string())
}

/// A method: HTTP's are letters, and others may have a hyphen.
pub(super) fn method(policy: &PolicyRoom, text: &str) -> String {
    let text: String = text.chars().take(4 * MAX_METHOD).collect();
    if policy.spots_secret_in(&text) {
        return MASK.to_owned();
    }
    text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(MAX_METHOD).collect()
}

/// A request's id, if it is one that somebody can ask for.
pub(super) fn request_id(policy: &PolicyRoom, text: Option<&str>) -> Option<String> {
    let is_plain = |it: &&str| (1..=MAX_REQUEST_ID).contains(&it.len()) && it.bytes().all(|it| it.is_ascii_graphic());
    text.filter(is_plain).filter(|it| !policy.spots_secret_in(it)).map(str::to_owned)
}

fn cut(mut text: String, most: usize) -> String {
    text.truncate(text.floor_char_boundary(most));
    text
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::fleet) fn policy() -> PolicyRoom {
        let text = "name = \"test\"\nenvironments = [\"live\"]\ncredentials = [{ in = \"header\", name = \"x-key\" }]\n\
                    rules = [{ path = \"/**\" }]\nkeys = [{ prefix = \"sk_\", environment = \"live\", body_length = 24 }]";
        PolicyRoom::new(portcullis_policy::parse(text, "policy.toml").unwrap()).unwrap()
    }

    #[test]
    fn lines_and_places() {
        let long = "x".repeat(1000);
        for (text, as_line, as_place) in [
            ("/v1/charges", "/v1/charges", "/v1/charges"),
            ("", "", ""),
            ("a\r\nb\u{202e}c\0d", "abcd", "abcd"),
            ("/v1/sk_0123456789/x", "***", "/v1/***/x"),
            ("/v1/sk_0123\u{200b}456789/x", "***", "***"),
            ("https://shop.example/?key=sk_0123456789", "***", "https://shop.example/"),
            ("üüüüüüüüüü", "üüüüü", "üüüüü"),
            (long.as_str(), "xxxxxxxxxxx", "xxxxxxxxxxx"),
        ] {
            let most = if text.len() > 600 || text.starts_with('ü') { 11 } else { 200 };
            assert_eq!(
                (line(&policy(), text, most).as_str(), place(&policy(), text, most).as_str()),
                (as_line, as_place)
            );
        }
    }

    #[test]
    fn words_addresses_methods_and_ids() {
        let (long, full) = ("a".repeat(65), "a".repeat(128));
        for (text, expected) in
            [("unknown_key", true), ("no2", true), ("", false), ("No", false), ("a b", false), ("sk_0123456789", false)]
        {
            assert_eq!(word(&policy(), text).is_some(), expected, "{text}");
        }
        assert_eq!(word(&policy(), &long), None);
        for (text, expected) in [
            (Some("192.0.2.1"), Some("192.0.2.1")),
            (Some("::ffff:192.0.2.1"), Some("192.0.2.1")),
            (Some("2001:DB8::1"), Some("2001:db8::1")),
            (Some("192.0.2.1:80"), None),
            (Some("nowhere"), None),
            (None, None),
        ] {
            assert_eq!(address(text).as_deref(), expected, "{text:?}");
        }
        for (text, expected) in [("GET\n<b>", "GETb"), ("M-SEARCH", "M-SEARCH"), ("sk_0123456789", MASK), ("", "")] {
            assert_eq!(method(&policy(), text), expected);
        }
        assert_eq!(method(&policy(), &long).len(), 16);
        for (text, is_kept) in
            [("6c1f", true), (full.as_str(), true), ("", false), ("a b", false), ("ü", false), ("sk_0123456789", false)]
        {
            assert_eq!(request_id(&policy(), Some(text)).as_deref(), Some(text).filter(|_| is_kept), "{text}");
        }
    }
}

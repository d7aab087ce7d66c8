//! Referrer patterns and pages: tables, and the wildcard against an oracle that splits labels.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use portcullis_engine::referrer::{PageUrl, ReferrerPattern};
use proptest::prelude::*;

fn check(pattern: &str, hits: &str, misses: &str) {
    let parsed = ReferrerPattern::parse(pattern).unwrap();
    assert_eq!(parsed.to_string(), pattern);
    for (pages, expect) in [(hits, true), (misses, false)] {
        for page in pages.split_whitespace() {
            let url = PageUrl::parse(page.as_bytes()).unwrap();
            assert_eq!(parsed.matches_referer(&url), expect, "{page} against {pattern}");
        }
    }
}

#[test]
fn hosts_are_compared_whole() {
    check(
        "www.example.com",
        "http://www.example.com https://www.example.com/ HTTPS://WWW.Example.COM/a?b#c https://www.example.com:443/ http://www.example.com:80?x",
        "https://example.com https://xwww.example.com https://www.example.com.evil.com https://www.example.co https://evil.com/www.example.com https://evil.com?www.example.com",
    );
    check(
        "*.foo.com",
        "https://a.foo.com https://a.b.foo.com http://A.FOO.com/x https://x--y_z.foo.com",
        "https://foo.com https://evilfoo.com https://a.foo.com.evil.com https://a.foo.comx https://evil.com/.foo.com https://evil-foo.com",
    );
    check("*.Foo.com", "https://a.foo.com", "https://foo.com");
    check("xn--bcher-kva.example", "https://XN--BCHER-kva.example", "https://bucher.example");
    check("localhost:3000", "http://localhost:3000 https://localhost:3000/x", "http://localhost http://localhost:3001");
    check("192.0.2.1", "http://192.0.2.1/", "http://192.0.2.10 http://1.192.0.2.1");
    check("[2001:db8::1]:8080", "http://[2001:DB8:0::1]:8080/x", "http://[2001:db8::2]:8080 http://[2001:db8::1]");
    check("[::1]", "http://[::1] https://[::1]:443/", "http://[::1]:8080 http://localhost");
}

#[test]
fn schemes_and_ports_are_compared() {
    check(
        "https://foo.com",
        "https://foo.com https://foo.com:443",
        "http://foo.com http://foo.com:443 https://foo.com:80 https://foo.com:8443",
    );
    check("HTTP://foo.com", "http://foo.com http://foo.com:80", "https://foo.com");
    check("foo.com", "http://foo.com https://foo.com", "http://foo.com:443 https://foo.com:80");
    check(
        "foo.com:443",
        "https://foo.com https://foo.com:443 http://foo.com:443",
        "http://foo.com https://foo.com:444",
    );
    check("https://*.foo.com:8443/a/*", "https://x.foo.com:8443/a/b", "https://x.foo.com/a/b https://foo.com:8443/a/b");
}

#[test]
fn paths_are_exact_or_a_prefix() {
    check("foo.com/", "https://foo.com https://foo.com/ https://foo.com/?x https://foo.com#x", "https://foo.com/a");
    check("foo.com/*", "https://foo.com https://foo.com/a/b", "");
    check(
        "foo.com/a",
        "https://foo.com/a https://foo.com/%61 https://foo.com/a?/b",
        "https://foo.com/ https://foo.com/a/ https://foo.com/ab https://foo.com/A",
    );
    check(
        "foo.com/a/*",
        "https://foo.com/a/ https://foo.com/a/b/c",
        "https://foo.com/a https://foo.com/ab https://foo.com/b/a/ https://foo.com/?/a/",
    );
    check(
        "foo.com/a*",
        "https://foo.com/a https://foo.com/ab https://foo.com/a/b",
        "https://foo.com/b https://foo.com",
    );
    check("foo.com/caf%c3%a9/*", "https://foo.com/caf%C3%A9/x", "https://foo.com/cafe/x");
}

#[test]
fn addresses_that_browsers_send_are_read() {
    let odd = "https://foo.com//a https://foo.com/a//b/ https://foo.com// https://foo.com/caf%e9 https://foo.com/... https://foo.com/%20/x https://foo.com/;x https://foo.com/https://bar.com/ https://foo.com/a,b//c,d https://foo.com/,//bar.com/";
    check("foo.com", odd, "");
    check("foo.com/*", odd, "https://evil.com//foo.com/ https://evil.com/https://foo.com/");
    check("https://foo.com/docs/*", "https://foo.com/docs/ https://foo.com/docs//a", "https://foo.com//docs/a");
    check("foo.com//docs/*", "https://foo.com//docs/a", "https://foo.com/docs/a https://foo.com///docs/a");
    check("foo.com/caf%e9/*", "https://foo.com/caf%E9/x", "https://foo.com/caf/x");
}

#[test]
fn an_origin_has_no_path() {
    let pattern = ReferrerPattern::parse("https://*.foo.com/docs/*").unwrap();
    for (origin, expect) in [
        ("https://a.foo.com", true),
        ("https://a.foo.com:443", true),
        ("http://a.foo.com", false),
        ("https://foo.com", false),
        ("https://evilfoo.com", false),
    ] {
        assert_eq!(pattern.matches_origin(&PageUrl::parse(origin.as_bytes()).unwrap()), expect, "{origin}");
    }
}

#[test]
fn what_could_be_two_pages_is_malformed() {
    for page in [
        "",
        "null",
        "foo.com",
        "//foo.com",
        "/a",
        "https:",
        "https:/foo.com",
        "https:foo.com",
        "https://",
        "https:///a",
        "https://?x",
        "https://:443",
        "ftp://foo.com",
        "file:///a",
        "chrome-extension://abc",
        "javascript://foo.com",
        " https://foo.com",
        "https ://foo.com",
        "https://foo.com https://bar.com",
        "https://foo.com/a b",
        "https://foo.com/\t",
        "https://foo.com/\0",
        "https://user@foo.com",
        "https://user:pass@foo.com",
        "https://foo.com@evil.com",
        "https://foo.com\\@evil.com",
        "https://evil.com\\.foo.com",
        "https://foo.com\\a",
        "https://foo.com.",
        "https://a..foo.com",
        "https://.foo.com",
        "https://foo.com:",
        "https://foo.com:0",
        "https://foo.com:0443",
        "https://foo.com:+443",
        "https://foo.com:65536",
        "https://foo.com:443x",
        "https://foo.com:443:443",
        "https://bücher.example",
        "https://foo.com/é",
        "https://foo.com/?é",
        "https://foo%2ecom",
        "https://*.foo.com",
        "https://[::1",
        "https://::1",
        "https://[::1]x",
        "https://[fe80::1%25eth0]",
        "https://[127.0.0.1]",
        "https://foo.com/a/../b",
        "https://foo.com/a/%2e%2e/b",
        "https://foo.com/a%2fb",
        "https://foo.com/a%5Cb",
        "https://foo.com/a\\b",
        "https://foo.com//../a",
        "https://foo.com/,https://bar.com/",
        "https://foo.com/a,b,HTTP://bar.com",
        "https://foo.com/a/..;/b",
        "https://foo.com/%zz",
        "https://foo.com/%252f",
    ] {
        assert!(PageUrl::parse(page.as_bytes()).is_err(), "{page}");
    }
    let long = format!("https://{}.com", "a".repeat(64));
    assert!(PageUrl::parse(long.as_bytes()).is_err());
    let deep = format!("https://{}com", "a.".repeat(126));
    assert!(PageUrl::parse(deep.as_bytes()).is_err());
    assert_eq!(PageUrl::parse(b"\xff").unwrap_err().to_string(), "the referrer does not name a page");
}

#[test]
fn bad_patterns_are_refused_with_a_hint() {
    let host = "has no good host; hint: write one such as `www.example.com` or `*.example.com`";
    let star =
        "has a `*` out of place; hint: only `*.` before the host and `*` at the end of the path can stand for more";
    let port = "has no good port; hint: write a number from 1 to 65535 after the `:` or leave both out";
    let odd = "holds odd characters; hint: write international names in punycode, `xn--…`, and escape others";
    let query = "has a query or fragment; hint: remove it, only the path is compared";
    for (pattern, message) in [
        ("", host),
        ("https://", host),
        ("/a", host),
        ("//foo.com", host),
        ("foo..com", host),
        ("foo.com.", host),
        (".foo.com", host),
        ("*.", host),
        ("*.0.0.1", host),
        ("*.[::1]", host),
        ("foo,com", host),
        ("::1", host),
        ("[::1", host),
        ("*", star),
        ("https://*", star),
        ("*foo.com", star),
        ("*.*.foo.com", star),
        ("a.*.com", star),
        ("foo.*", star),
        ("foo.com/*/a", star),
        ("foo.com/a**", star),
        ("foo.com:*", port),
        ("foo.com:", port),
        ("foo.com:0", port),
        ("foo.com:99999", port),
        ("bücher.example", odd),
        ("foo.com /a", odd),
        ("foo.com/a\0", odd),
        ("foo.com/a?b", query),
        ("foo.com#b", query),
        ("ftp://foo.com", "has a scheme other than `http` and `https`; hint: remove it or use one of these"),
        ("*://foo.com", "has a scheme other than `http` and `https`; hint: remove it or use one of these"),
        ("me@foo.com", "holds an `@`; hint: write the host alone, browsers never send a user name"),
        ("foo.com/a/../b", "has a `.` or `..` segment in its path; hint: write the path as a browser shows it"),
        ("foo.com/a%2Fb", "has an escaped `/` or `\\` in its path; hint: write the path as a browser shows it"),
        ("foo.com//a/../b", "has a `.` or `..` segment in its path; hint: write the path as a browser shows it"),
    ] {
        let error = ReferrerPattern::parse(pattern).unwrap_err().to_string();
        assert_eq!(error, format!("pattern `{pattern}` {message}"));
    }
}

/// Whether a host is under `foo.com`, told label by label.
fn is_below_foo(host: &str) -> bool {
    let labels: Vec<String> = host.split('.').map(str::to_lowercase).collect();
    labels.len() > 2 && labels.ends_with(&["foo".to_owned(), "com".to_owned()])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_wildcard_stays_under_its_domain(host in "(foo|evil|com|FOO|Com|a|\\.|\\.|-|@|:1|/|\\\\|%2e|;|#|\\?){1,7}", tail in "(\\.foo\\.com|foo\\.com|)") {
        let text = format!("https://{host}{tail}");
        let pattern = ReferrerPattern::parse("*.foo.com").unwrap();
        let url = PageUrl::parse(text.as_bytes());
        // The oracle's own reading of the authority.
        let authority = text.trim_start_matches("https://").split(['/', '?', '#', '\\', ':']).next().unwrap();
        if let Ok(page) = url {
            let default_port = !text.contains(":1") || text.find(":1") > text.replacen("https://", "--------", 1).find(['/', '?', '#']);
            prop_assert_eq!(pattern.matches_referer(&page), is_below_foo(authority) && default_port, "{}", text);
        }
    }

    #[test]
    fn a_prefix_is_never_left(path in "(/|a|docs|\\.|%2e|%2f|\\\\|;|%64){0,8}") {
        let text = format!("https://foo.com/docs/{path}");
        if let Ok(page) = PageUrl::parse(text.as_bytes()) {
            prop_assert!(ReferrerPattern::parse("foo.com/docs/*").unwrap().matches_referer(&page));
            prop_assert!(!ReferrerPattern::parse("foo.com/admin/*").unwrap().matches_referer(&page));
            prop_assert!(!path.contains("/../") && !path.contains("%2f") && !path.contains('\\'));
        }
    }

    #[test]
    fn no_bytes_panic(value in prop::collection::vec(any::<u8>(), 0..64), text in "(https?://)?[*.a-c:/@\\[\\]0-9%?#é]{0,24}") {
        let _ = PageUrl::parse(&value);
        let _ = PageUrl::parse(&[b"https://", value.as_slice()].concat());
        if let (Ok(pattern), Ok(page)) = (ReferrerPattern::parse(&text), PageUrl::parse(text.as_bytes())) {
            prop_assert!(text.contains('*') || pattern.matches_referer(&page));
        }
    }
}

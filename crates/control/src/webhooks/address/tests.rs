//! Where messages may go and where not, as data.

use super::*;

const STRICT: WebhookRules = WebhookRules { allow_http: false, allow_private: false };
const HTTP: WebhookRules = WebhookRules { allow_http: true, allow_private: false };
const LAX: WebhookRules = WebhookRules { allow_http: true, allow_private: true };

fn check(rules: WebhookRules, url: &str, expected: &str) {
    let found = rules.parse(url).map_or_else(|error| error.to_string(), |_| "ok".to_owned());
    assert!(found.starts_with(expected), "{rules:?} {url}: {found}");
}

#[test]
fn urls_are_of_public_servers_unless_the_operator_says_otherwise() {
    for (url, strict, http, lax) in [
        ("https://hooks.example.com/x?y=1", "ok", "ok", "ok"),
        ("https://hooks.example.com:8443", "ok", "ok", "ok"),
        ("https://1.1.1.1/", "ok", "ok", "ok"),
        ("https://[2606:4700:4700::1111]/", "ok", "ok", "ok"),
        ("http://hooks.example.com/", "expected a URL that begins", "ok", "ok"),
        ("ftp://hooks.example.com/", "expected a URL that begins", "expected a URL that", "expected a URL that begins"),
        ("file:///etc/passwd", "expected a URL that begins", "expected a URL that", "expected a URL that begins"),
        ("hooks.example.com", "expected a URL such", "expected a URL such", "expected a URL such"),
        ("https://", "expected a URL such", "expected a URL such", "expected a URL such"),
        ("https://a b.example/", "expected a URL such", "expected a URL such", "expected a URL such"),
        ("https://u@hooks.example.com/", "a webhook's URL holds", "a webhook's URL", "a webhook's URL holds"),
        ("https://:p@hooks.example.com/", "a webhook's URL holds", "a webhook's URL", "a webhook's URL holds"),
        ("https://127.0.0.1/", "it leads to 127.0.0.1, a loopback", "it leads", "ok"),
        ("https://2130706433/", "it leads to 127.0.0.1, a loopback", "it leads", "ok"),
        ("https://0x7f.1/", "it leads to 127.0.0.1, a loopback", "it leads", "ok"),
        ("https://[::ffff:7f00:1]/", "it leads to ::ffff:127.0.0.1, a loopback", "it leads", "ok"),
        ("https://localhost/x", "`localhost` is a loopback name", "`localhost` is", "ok"),
        ("https://LOCALHOST.:8443/x", "`localhost.` is a loopback name", "`localhost.` is", "ok"),
        ("https://a.localhost/", "`a.localhost` is a loopback name", "`a.localhost` is", "ok"),
        ("https://localhost.example.com/", "ok", "ok", "ok"),
        ("https://notlocalhost/", "ok", "ok", "ok"),
        ("https://169.254.169.254/latest", "it leads to 169.254.169.254, a link-local", "it leads", "it leads"),
        ("https://[fd00:ec2::254]/", "it leads to fd00:ec2::254, a metadata", "it leads", "it leads"),
    ] {
        for (rules, expected) in [(STRICT, strict), (HTTP, http), (LAX, lax)] {
            check(rules, url, expected);
        }
    }
    check(STRICT, &format!("https://a.example/{}", "x".repeat(MAX_URL)), "expected a URL such");
}

#[test]
fn addresses_are_told_apart() {
    for (address, strict, lax) in [
        ("8.8.8.8", true, true),
        ("2a00:1450::1", true, true),
        ("64:ff9b::808:808", true, true),
        ("127.255.255.254", false, true),
        ("10.0.0.1", false, true),
        ("172.16.0.1", false, true),
        ("172.31.255.255", false, true),
        ("172.32.0.1", true, true),
        ("192.168.1.1", false, true),
        ("100.64.0.1", false, true),
        ("100.128.0.1", true, true),
        ("fc00::1", false, true),
        ("fdff::1", false, true),
        ("::1", false, true),
        ("::ffff:10.0.0.1", false, true),
        ("64:ff9b::a00:1", false, true),
        ("::ffff:169.254.169.254", false, false),
        ("0.0.0.0", false, false),
        ("0.1.2.3", false, false),
        ("169.254.0.1", false, false),
        ("192.0.0.192", false, false),
        ("192.0.2.1", false, false),
        ("192.88.99.1", false, false),
        ("198.18.0.1", false, false),
        ("198.51.100.1", false, false),
        ("203.0.113.1", false, false),
        ("224.0.0.1", false, false),
        ("240.0.0.1", false, false),
        ("255.255.255.255", false, false),
        ("::", false, false),
        ("::7f00:1", false, false),
        ("64:ff9b:1::1", false, false),
        ("100::1", false, false),
        ("2001::1", false, false),
        ("2001:db8::1", false, false),
        ("2002:7f00:1::1", false, false),
        ("3fff::1", false, false),
        ("5f00::1", false, false),
        ("fe80::1", false, false),
        ("fec0::1", false, false),
        ("ff02::1", false, false),
    ] {
        let address: IpAddr = address.parse().unwrap();
        assert_eq!((STRICT.allow(address).is_ok(), LAX.allow(address).is_ok()), (strict, lax), "{address}");
    }
}

//! Finding and stripping credentials: tables, and properties of the two together.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use Expect::*;
use portcullis_engine::credential::{CredentialSource, Found, find, strip_cookie, strip_query};
use portcullis_engine::spec::{CredentialPlace, CredentialSpec};
use proptest::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Expect {
    Nothing,
    Key(&'static str),
    Malformed,
    Ambiguous,
}

/// `header authorization Bearer`, `query api_key`, `cookie key`.
fn spec(text: &str) -> CredentialSpec {
    let mut words = text.split(' ');
    let place = match words.next() {
        Some("query") => CredentialPlace::Query,
        Some("cookie") => CredentialPlace::Cookie,
        _ => CredentialPlace::Header,
    };
    let name = words.next().unwrap_or_default().to_owned();
    CredentialSpec { place, name, scheme: words.next().map(str::to_owned) }
}

fn sources(list: &[&str]) -> Vec<CredentialSource> {
    list.iter().map(|text| CredentialSource::parse(&spec(text)).unwrap()).collect()
}

fn check(list: &[&str], path: &str, lines: &[&str], expect: Expect) {
    let headers: Vec<(&[u8], &[u8])> = lines
        .iter()
        .map(|line| line.split_once('=').unwrap())
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    let found = find(&sources(list), &headers, Some(path.as_bytes()));
    let found_key = if let Found::One(key) = found { key } else { b"" };
    let same = match expect {
        Nothing => found == Found::None,
        Key(key) => found == Found::One(key.as_bytes()),
        Malformed => found == Found::Malformed,
        Ambiguous => found == Found::Ambiguous,
    };
    assert!(same, "{path} {lines:?}: {found:?} `{}`, not {expect:?}", found_key.escape_ascii());
}

const BEARER: &str = "header Authorization Bearer";
const PLAIN: &str = "header X-API-Key";
const QUERY: &str = "query api_key";
const COOKIE: &str = "cookie key";

#[test]
fn a_header_with_a_scheme_is_read() {
    for (value, expect) in [
        ("Bearer k1", Key("k1")),
        ("bearer k1", Key("k1")),
        ("BEARER    k1  ", Key("k1")),
        (" Bearer k1", Key("k1")),
        ("Bearer k1=./+~", Key("k1=./+~")),
        ("", Nothing),
        ("   ", Nothing),
        ("Bearer", Nothing),
        ("Bearer   ", Nothing),
        ("Basic dTpw", Nothing),
        ("BearerX k1", Nothing),
        ("Bearer-k1", Nothing),
        ("Bear", Nothing),
        ("k1", Nothing),
        ("Digest username=\"x\", realm=\"y\"", Nothing),
        ("Bearer\tk1", Malformed),
        ("Bearer \tk1", Malformed),
        ("Bearer k1\t", Malformed),
        ("Bearer k1 k2", Malformed),
        ("Bearer:k1", Malformed),
        ("Bearer=k1", Malformed),
        ("Bearer é", Malformed),
        ("Bearer k1\0", Malformed),
        ("\tBearer k1", Malformed),
        ("\"Bearer k1\"", Malformed),
        ("Bearer k1,", Ambiguous),
        ("Bearer k1,k2", Ambiguous),
        ("Bearer k1, Bearer k1", Ambiguous),
        ("Basic dTpw, bearer k1", Ambiguous),
        ("Bearer,k1", Ambiguous),
    ] {
        check(&[BEARER], "/", &[&format!("authorization={value}")], expect);
        check(&[BEARER], "/", &["accept=*/*", &format!("authorization={value}"), "host=x"], expect);
        let carried = sources(&[BEARER]).iter().any(|source| source.carries(value.as_bytes()));
        assert_eq!(carried, expect != Nothing, "{value}");
    }
}

#[test]
fn a_plain_header_is_read() {
    for (value, expect) in [
        ("k1", Key("k1")),
        ("  k1  ", Key("k1")),
        ("", Nothing),
        ("  ", Nothing),
        ("k1,k2", Ambiguous),
        ("k1 k2", Malformed),
        ("k1\t", Malformed),
        ("é", Malformed),
    ] {
        check(&[PLAIN], "/", &[&format!("x-api-key={value}")], expect);
    }
}

#[test]
fn a_query_parameter_is_read() {
    for (path, expect) in [
        ("/?api_key=k1", Key("k1")),
        ("/a?x=1&api_key=k1&y", Key("k1")),
        ("/?%61pi%5Fkey=k1", Key("k1")),
        ("/?api_key=a=b", Key("a=b")),
        ("/?api_key=", Nothing),
        ("/?api_key", Nothing),
        ("/?x=?api_key=k1", Nothing),
        ("/?Api_Key=k1", Nothing),
        ("/?api_key2=k1&xapi_key=k1", Nothing),
        ("/api_key=k1", Nothing),
        ("/?%zzapi_key=k1&%=1&%6=1", Nothing),
        ("/?api_key=k%31", Malformed),
        ("/?api_key=k+1", Malformed),
        ("/?api_key=é", Malformed),
        ("/?api_key=k1&api_key=k1", Ambiguous),
        ("/?api_key=k1&%61pi_key=k2", Ambiguous),
        ("/?api_key=%&api_key=k2", Ambiguous),
        ("/?api_key=&api_key=k2", Key("k2")),
    ] {
        check(&[QUERY], path, &[], expect);
    }
    assert_eq!(find(&sources(&[QUERY]), &[], None), Found::None);
}

#[test]
fn a_cookie_is_read() {
    for (value, expect) in [
        ("key=k1", Key("k1")),
        ("a=b; key=k1; c=d", Key("k1")),
        ("a=b;key = k1 ", Key("k1")),
        ("key=", Nothing),
        ("key", Nothing),
        ("Key=k1; xkey=k1; a=key", Nothing),
        ("key=k%31", Malformed),
        ("key=k1 k2", Malformed),
        ("key=k1; key=k1", Ambiguous),
    ] {
        check(&[COOKIE], "/", &[&format!("cookie={value}")], expect);
    }
    check(&[COOKIE], "/", &["cookie=a=b", "cookie=key=k1"], Key("k1"));
    check(&[COOKIE], "/", &["cookie=key=k1", "cookie=key=k1"], Ambiguous);
}

#[test]
fn two_credentials_are_ambiguous_wherever_they_stand() {
    let all = [BEARER, PLAIN, QUERY, COOKIE];
    let (bearer, plain, cookie) = ("authorization=Bearer k1", "x-api-key=k2", "cookie=key=k3");
    for (path, lines, expect) in [
        ("/", vec![], Nothing),
        ("/", vec![bearer], Key("k1")),
        ("/", vec![plain], Key("k2")),
        ("/?api_key=k4", vec![], Key("k4")),
        ("/", vec![cookie], Key("k3")),
        ("/", vec![bearer, plain], Ambiguous),
        ("/", vec![bearer, cookie], Ambiguous),
        ("/?api_key=k4", vec![bearer], Ambiguous),
        ("/?api_key=k4", vec![plain], Ambiguous),
        ("/?api_key=k4", vec![cookie], Ambiguous),
        ("/", vec![plain, cookie], Ambiguous),
        ("/", vec![bearer, "x-api-key=a b"], Ambiguous),
        ("/", vec!["authorization=Bearer\tx", plain], Ambiguous),
        ("/", vec![bearer, "x-api-key="], Key("k1")),
        ("/", vec![bearer, bearer], Ambiguous),
        ("/", vec![bearer, "authorization=Basic x"], Ambiguous),
        ("/", vec!["authorization=Basic x", bearer], Ambiguous),
        ("/", vec![bearer, "authorization="], Key("k1")),
        ("/", vec!["authorization=Basic x", "authorization=Basic y"], Nothing),
        ("/", vec!["authorization=Basic x", plain], Key("k2")),
        ("/", vec![plain, plain], Ambiguous),
        ("/", vec![":path=/?api_key=k9", plain], Key("k2")),
    ] {
        check(&all, path, &lines, expect);
    }
    check(&[BEARER, "header authorization ApiKey"], "/", &["authorization=apikey k1"], Key("k1"));
    check(&[BEARER, "header authorization ApiKey"], "/", &[bearer, "authorization=ApiKey k1"], Ambiguous);
}

#[test]
fn bad_sources_are_refused_with_a_hint() {
    for (text, message) in [
        ("header x:y", "`x:y` is not a header name; hint: use letters, digits and `-`, such as `x-api-key`"),
        ("header :path", "`:path` is not a header name"),
        ("header", "`` is not a header name"),
        ("header Cookie", "the `Cookie` header holds many cookies; hint: use `in = \"cookie\"` with the cookie's name"),
        ("header authorization Bea,rer", "`Bea,rer` is not a scheme; hint: write one word, such as `Bearer`"),
        ("query api_key Bearer", "scheme `Bearer` is for headers only; hint: remove it"),
        ("cookie key Bearer", "scheme `Bearer` is for headers only; hint: remove it"),
        (
            "query api%5fkey",
            "`api%5fkey` is no good name here; hint: use letters, digits and `-._~`, such as `api_key`",
        ),
        ("query", "`` is no good name here"),
        ("cookie a;b", "`a;b` is no good name here"),
    ] {
        let error = CredentialSource::parse(&spec(text)).unwrap_err().to_string();
        assert!(error.starts_with(message), "{text}: {error}");
    }
    let parsed = CredentialSource::parse(&spec("header X-Api-Key")).unwrap();
    assert_eq!((parsed.place(), parsed.name()), (CredentialPlace::Header, "x-api-key"));
}

fn check_strip(stripped: Option<Vec<u8>>, expect: Option<&str>) {
    let stripped = stripped.map(|bytes| String::from_utf8(bytes).unwrap());
    assert_eq!(stripped.as_deref(), expect);
}

#[test]
fn stripping_a_query_leaves_the_rest() {
    for (path, expect) in [
        ("/a", None),
        ("/a?", None),
        ("/a?x=1&y", None),
        ("/api_key=k", None),
        ("/a?api_key=k", Some("/a")),
        ("/a?api_key", Some("/a")),
        ("/a?api_key=k&api_key=l", Some("/a")),
        ("/a?api_key=k&x=%20+&&y=?z", Some("/a?x=%20+&&y=?z")),
        ("/a?x=1&%61pi_key=k", Some("/a?x=1")),
        ("/a?x=1&api_key=k&y=2&api_key=l&z", Some("/a?x=1&y=2&z")),
        ("/%2e?&api_key=k", Some("/%2e?")),
    ] {
        check_strip(strip_query(path.as_bytes(), "api_key"), expect);
    }
}

#[test]
fn stripping_a_cookie_leaves_the_rest_byte_for_byte() {
    for (value, expect) in [
        ("", None),
        ("a=b%20c; d=\"x=y\"", None),
        ("key=k", Some("")),
        ("key=k; ", Some("")),
        ("key=k; a=b%20c; d=\"x=y\"", Some("a=b%20c; d=\"x=y\"")),
        ("a=b%20c; key=k; d=\"x=y\"", Some("a=b%20c; d=\"x=y\"")),
        ("a=b%20c; d=\"x=y\"; key=k", Some("a=b%20c; d=\"x=y\"")),
        ("a=b%20c;key=k;d=\"x=y\";key=l", Some("a=b%20c;d=\"x=y\"")),
        ("akey=1; key =k; Key=2", Some("akey=1; Key=2")),
    ] {
        check_strip(strip_cookie(value.as_bytes(), "key"), expect);
    }
}

#[test]
fn debug_hides_the_credential() {
    assert_eq!(format!("{:?}", Found::One(b"k1")), "One(redacted)");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_is_stripped_is_not_found_again(path in "/[a&=?%]{0,3}\\?(k|%6b|%6B|a|%|=|&|\\?|b){0,12}", cookie in "(k|a|=|;| |\"|%){0,12}") {
        let headers: [(&[u8], &[u8]); 1] = [(b"cookie", cookie.as_bytes())];
        let query = strip_query(path.as_bytes(), "k");
        prop_assert!(query.is_some() || find(&sources(&["query k"]), &[], Some(path.as_bytes())) == Found::None);
        if let Some(path) = query {
            prop_assert_eq!(find(&sources(&["query k"]), &[], Some(&path)), Found::None);
            prop_assert_eq!(strip_query(&path, "k"), None);
        }
        let stripped = strip_cookie(cookie.as_bytes(), "k");
        prop_assert!(stripped.is_some() || find(&sources(&["cookie k"]), &headers, None) == Found::None);
        if let Some(cookie) = stripped {
            prop_assert_eq!(find(&sources(&["cookie k"]), &[(b"cookie", &cookie)], None), Found::None);
        }
    }

    #[test]
    fn a_found_credential_is_visible_ascii(value in prop::collection::vec(any::<u8>(), 0..24), path in prop::collection::vec(any::<u8>(), 0..24)) {
        let line = [b"Bearer ", value.as_slice()].concat();
        let path = [b"/?api_key=", path.as_slice()].concat();
        let headers: [(&[u8], &[u8]); 3] = [(b"authorization", &line), (b"x-api-key", &value), (b"cookie", &value)];
        for source in [BEARER, PLAIN, QUERY, COOKIE] {
            if let Found::One(key) = find(&sources(&[source]), &headers, Some(&path)) {
                prop_assert!(!key.is_empty() && key.iter().all(u8::is_ascii_graphic));
            }
        }
    }
}

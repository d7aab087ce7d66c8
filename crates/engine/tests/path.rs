//! Path canonicalisation: a table of readings, and properties against two other readers of paths: Envoy with
//! `normalize_path`, and an upstream that decodes every escape.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, reason = "helpers of tests")]

use PathError::*;
use portcullis_engine::path::{CanonicalPath, MAX_PATH, MAX_SEGMENTS, PathError};
use proptest::prelude::*;

fn check(raw: &str, expect: Result<&[&str], PathError>) {
    check_bytes(raw.as_bytes(), expect);
}

fn check_bytes(raw: &[u8], expect: Result<&[&str], PathError>) {
    let expect = expect.map(|segments| segments.iter().map(ToString::to_string).collect());
    assert_eq!(segments_of(raw), expect, "{}", raw.escape_ascii());
}

fn segments_of(raw: &[u8]) -> Result<Vec<String>, PathError> {
    let path = CanonicalPath::parse(raw)?;
    Ok(path.segments().map(|segment| String::from_utf8(segment.to_vec()).unwrap()).collect())
}

#[test]
fn plain_paths_are_split() {
    check("/", Ok(&[]));
    check("/?", Ok(&[]));
    check("/a", Ok(&["a"]));
    check("/a/", Ok(&["a"]));
    check("/a/?x=/../y", Ok(&["a"]));
    check("/a/b/c?x", Ok(&["a", "b", "c"]));
    check("/a?x#y", Ok(&["a"]));
    check("/...a/a...", Ok(&["...a", "a..."]));
    check("/.well-known/x..y", Ok(&[".well-known", "x..y"]));
    check("/models:run/a@b/!$&'()*+,=[]", Ok(&["models:run", "a@b", "!$&'()*+,=[]"]));
}

#[test]
fn escapes_get_one_spelling() {
    check("/%61%2Db%7e", Ok(&["a-b~"]));
    check("/caf%c3%a9", Ok(&["caf%C3%A9"]));
    check("/a%20b%3a%40", Ok(&["a%20b%3A%40"]));
    check("/a b\"<>^`{|}", Ok(&["a%20b%22%3C%3E%5E%60%7B%7C%7D"]));
    check("/100%25", Ok(&["100%25"]));
    check("/%25zz%25g0", Ok(&["%25zz%25g0"]));
    check("/x%3fy%23z", Ok(&["x%3Fy%23z"]));
}

#[test]
fn two_readings_are_refused() {
    for (raw, error) in [
        ("", NotAbsolute),
        ("*", NotAbsolute),
        ("a/b", NotAbsolute),
        ("?x", NotAbsolute),
        ("http://h/a", NotAbsolute),
        ("/a%2fb", EncodedSeparator),
        ("/a%2Fb", EncodedSeparator),
        ("/a%5cb", EncodedSeparator),
        ("/a\\b", Backslash),
        ("/.", DotSegment),
        ("/..", DotSegment),
        ("/a/../b", DotSegment),
        ("/a/./b", DotSegment),
        ("/a/%2e%2E/b", DotSegment),
        ("/a/.%2e", DotSegment),
        ("/a/..;x=1/b", DotSegment),
        ("/a/.;/b", DotSegment),
        ("/a/..%3bx/b", DotSegment),
        ("/...", DotSegment),
        ("/a/....", DotSegment),
        ("/a/...;x/b", DotSegment),
        ("/..%20", DotSegment),
        ("/.%20/b", DotSegment),
        ("/a/%20..%20/b", DotSegment),
        ("/a/.%20.", DotSegment),
        ("/a/..%c2%a0/b", DotSegment),
        ("/a/..%e2%80%8b;x/b", DotSegment),
        ("/a/.. /b", DotSegment),
        ("/%20", EmptySegment),
        ("/a/%20%C2%A0/b", EmptySegment),
        ("/a/%e3%80%80;x", EmptySegment),
        ("//", EmptySegment),
        ("//a", EmptySegment),
        ("/a//b", EmptySegment),
        ("/a//", EmptySegment),
        ("/;x", EmptySegment),
        ("/a/;/b", EmptySegment),
        ("/a/%3B/b", EmptySegment),
        ("/a\0", ControlByte),
        ("/a\tb", ControlByte),
        ("/a\x7f", ControlByte),
        ("/a%00", ControlByte),
        ("/a%0d%0Ax", ControlByte),
        ("/a%7F", ControlByte),
        ("/é", NonAscii),
        ("/%c0%af", NonAscii),
        ("/%C1%9c", NonAscii),
        ("/%e0%80%af", NonAscii),
        ("/%f0%80%80%af", NonAscii),
        ("/%f8%80%80%80%af", NonAscii),
        ("/%fc%80%80%80%80%af", NonAscii),
        ("/%f4%90%80%80", NonAscii),
        ("/%ed%a0%80", NonAscii),
        ("/%ff%fe", NonAscii),
        ("/caf%e9", NonAscii),
        ("/a%c3", NonAscii),
        ("/a%c3/%a9", NonAscii),
        ("/%a9", NonAscii),
        ("/a/b%e9;x", NonAscii),
        ("/a/b;x=%e9", NonAscii),
        ("/%", BadPercent),
        ("/%4", BadPercent),
        ("/%zz", BadPercent),
        ("/%+1", BadPercent),
        ("/%u0041", BadPercent),
        ("/%%34%31", BadPercent),
        ("/%?41", BadPercent),
        ("/%252f", DoubleEncoding),
        ("/%252%66", DoubleEncoding),
        ("/%25%32%66", DoubleEncoding),
        ("/%2525", DoubleEncoding),
        ("/a#b", Fragment),
        ("/a#b?c", Fragment),
    ] {
        check(raw, Err(error));
    }
    check_bytes(b"/a\xff", Err(NonAscii));
}

#[test]
fn length_has_limits() {
    let long = format!("/{}", "a".repeat(MAX_PATH - 1));
    check(&long, Ok(&[&long[1..]]));
    check(&format!("{long}?{long}"), Ok(&[&long[1..]]));
    check(&format!("{long}a"), Err(TooLong));
    check(&"/a".repeat(MAX_SEGMENTS), Ok(&["a"; MAX_SEGMENTS]));
    check(&"/a".repeat(MAX_SEGMENTS + 1), Err(TooLong));
}

#[test]
fn parameters_are_seen() {
    for (raw, parameters, bare) in [
        ("/a/b", false, "a b"),
        ("/a;x=1/b", true, "a b"),
        ("/a/b;x;y", true, "a b"),
        ("/a/b%3bx", true, "a b"),
        ("/a/b%3Bx;y", true, "a b"),
        ("/a/b;y%3Bx/%41;", true, "a b A"),
        ("/a?x;y", false, "a"),
    ] {
        let path = CanonicalPath::parse(raw.as_bytes()).unwrap();
        assert_eq!(path.has_parameters(), parameters, "{raw}");
        let found: Vec<_> = path.segments_without_parameters().map(|s| str::from_utf8(s).unwrap()).collect();
        assert_eq!(found.join(" "), bare, "{raw}");
    }
}

#[test]
fn errors_read_well() {
    assert_eq!(PathError::EncodedSeparator.to_string(), "an escaped `/` or `\\`");
    assert_eq!(PathError::NotAbsolute.to_string(), "a path that does not begin with `/`");
}

/// Bytes that are likely to be trouble, so that random paths are.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[a-c]{1,2}",
        4 => Just("/".to_owned()),
        2 => prop::sample::select(vec![".", "..", ";", "%2e", "%2E", "%2f", "%5C", "\\", "//", "?", "#"]).prop_map(str::to_owned),
        2 => prop::sample::select(vec!["%", "%25", "2", "e", "%3b", "%41", "%c3%a9", "\"", "{", " ", ":", "%3A", "%20", "%c2%a0", "%80"]).prop_map(str::to_owned),
        1 => "%[0-9a-fA-F]{2}",
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()).into_bytes())
}

/// What `url::CanonicalizePath` (Envoy's `normalize_path`) makes of a path; none = Envoy answers 400.
fn envoy(raw: &[u8]) -> Option<Vec<u8>> {
    let end = raw.iter().position(|&byte| byte == b'?').unwrap_or(raw.len());
    let (path, query) = raw.split_at(end);
    let escaped = |at: usize| {
        let digits = str::from_utf8(path.get(at + 1..at + 3)?).ok()?;
        let hex = path[at] == b'%' && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        hex.then(|| u8::from_str_radix(digits, 16).unwrap())
    };
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&byte) = path.get(at) {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        match (byte, escaped(at)) {
            (0, _) | (_, Some(0)) => return None,
            (_, Some(value)) => {
                at += 2;
                if unreserved(value) { out.push(value) } else { out.extend(&path[at - 2..=at]) }
            }
            (b'\\', _) => out.push(b'/'),
            (
                b'!' | b'$' | b'&'..=b'/' | b'0'..=b';' | b'=' | b'@'..=b'[' | b']' | b'_' | b'a'..=b'z' | b'~' | b'%',
                _,
            ) => {
                out.push(byte);
            }
            _ => out.extend(format!("%{byte:02X}").bytes()),
        }
        at += 1;
    }
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut pieces = out.split(|&byte| byte == b'/').skip(1).peekable();
    while let Some(piece) = pieces.next() {
        match (piece, pieces.peek().is_none()) {
            (b".", false) => {}
            (b".", true) => kept.push(b""),
            (b"..", last) => {
                kept.pop();
                kept.extend(last.then_some(&b""[..]));
            }
            _ => kept.push(piece),
        }
    }
    Some([b"/", kept.join(&b'/').as_slice(), query].concat())
}

#[test]
fn the_model_of_envoy_is_sane() {
    for (raw, normal) in [
        ("/a/./b", "/a/b"),
        ("/a/../b", "/b"),
        ("/../a", "/a"),
        ("/a/%2e%2E/b\\c", "/b/c"),
        ("/a/..", "/"),
        ("/a\"%7e%3b?%41", "/a%22~%3b?%41"),
    ] {
        assert_eq!(envoy(raw.as_bytes()).unwrap(), normal.as_bytes(), "{raw}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn envoy_reads_the_same_segments(raw in hostile()) {
        if let (Ok(ours), Some(normal)) = (segments_of(&raw), envoy(&raw)) {
            prop_assert_eq!(segments_of(&normal), Ok(ours));
        }
    }

    #[test]
    fn a_decoding_upstream_reads_the_same_segments(raw in hostile()) {
        if let Ok(ours) = segments_of(&raw) {
            let path = raw.split(|&byte| byte == b'?').next().unwrap();
            let theirs = decode(path);
            let theirs = theirs.strip_suffix(b"/").unwrap_or(&theirs);
            let ours: Vec<u8> = ours.iter().flat_map(|segment| [b"/", decode(segment.as_bytes()).as_slice()].concat()).collect();
            prop_assert_eq!(theirs, ours.as_slice());
            let theirs = str::from_utf8(theirs);
            prop_assert!(theirs.is_ok(), "escapes that are not text");
            let trimmed = |piece: &str| piece.split(';').next().unwrap().trim_end_matches(|c: char| c == '.' || c.is_whitespace()).is_empty();
            prop_assert!(!theirs.unwrap().split('/').skip(1).any(trimmed));
        }
    }

    #[test]
    fn canonical_form_is_stable(raw in hostile()) {
        if let Ok(path) = CanonicalPath::parse(&raw) {
            prop_assert_eq!(CanonicalPath::parse(path.as_bytes()), Ok(path.clone()));
        }
    }

    #[test]
    fn no_bytes_panic(raw in prop::collection::vec(any::<u8>(), 0..200)) {
        let absolute = [b"/", raw.as_slice()].concat();
        for raw in [&raw, &absolute] {
            if let Ok(path) = CanonicalPath::parse(raw) {
                prop_assert!(path.segments().all(|segment| !segment.is_empty()));
                prop_assert_eq!(path.segments().count(), path.segments_without_parameters().count());
            }
        }
    }
}

fn decode(bytes: &[u8]) -> Vec<u8> {
    let Some((&first, rest)) = bytes.split_first() else {
        return Vec::new();
    };
    let (value, rest) = match (first, rest) {
        (b'%', [high, low, rest @ ..]) => {
            (u8::from_str_radix(str::from_utf8(&[*high, *low]).unwrap(), 16).unwrap(), rest)
        }
        _ => (first, rest),
    };
    [&[value][..], &decode(rest)].concat()
}

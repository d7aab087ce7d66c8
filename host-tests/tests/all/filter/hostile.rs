//! Requests nobody sane sends: none may trap the VM, hang, or pass for someone.

use portcullis_engine::spec::IdentityHeader;
use portcullis_host_tests::{Outcome, Request, VmId};

use super::edge::{Edge, READER, assert_alive};

/// Values that break parsers.
fn nasty(key: &str) -> Vec<Vec<u8>> {
    let mut values: Vec<Vec<u8>> = [
        "",
        " ",
        "\t",
        ",",
        "Bearer",
        "Bearer ",
        "bearer  ",
        "Bearer\t",
        "Bearer ,",
        "Basic eDp5",
        "Bearer \u{202e}",
        "null",
        "undefined",
        "sp_live_",
        "Bearer sp_live_",
        "Bearer sp_live_\u{0}",
        "%00",
        "..",
        "../../etc/passwd",
        "{}",
        "\"",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    values.push(vec![0xff, 0xfe, 0x00, 0x80]);
    values.push([b"Bearer ".to_vec(), vec![0xc3; 64]].concat());
    values.push([b"Bearer ".to_vec(), vec![b'a'; 60 * 1024]].concat());
    values.push(vec![0xf0; 60 * 1024]);
    values.push(vec![b','; 60 * 1024]);
    values.push(format!("Bearer {key},Bearer {key}").into_bytes());
    values.push(format!("Bearer {key}\0").into_bytes());
    values.push(format!("Bearer {key}x").into_bytes());
    values.push(format!("Bearer  {}", &key.to_uppercase()).into_bytes());
    values
}

const NAMES: [&str; 12] = [
    "authorization",
    "x-api-key",
    "cookie",
    "origin",
    "referer",
    "x-request-id",
    "content-type",
    "x-forwarded-for",
    "x-portcullis-org",
    "access-control-request-method",
    "te",
    "x-\u{fc}",
];

#[test]
fn no_header_traps_or_passes_for_a_key() {
    let mut edge = Edge::synced();
    let values = nasty(&edge.key(READER));
    for name in NAMES {
        for value in &values {
            for request in [Request::get("/api/v1/skills"), edge.reading(), Request::new("OPTIONS", "/api/v1/skills")] {
                let credentialed = request.headers.iter().any(|(name, _)| name == "authorization");
                let outcome = edge.process.request(0, request.header(name, value));
                let why = format!("{name}: {}", value[..value.len().min(60)].escape_ascii());
                assert_alive(&why, &outcome);
                assert!(credentialed || outcome.upstream().is_none(), "{why} was let through");
            }
        }
    }
    assert!(!edge.process.is_dead(VmId::Worker(0)));
    edge.assert_nothing_leaked();
}

#[test]
fn no_request_line_traps() {
    let mut edge = Edge::synced();
    let mut paths: Vec<Vec<u8>> = [
        "",
        "/",
        "*",
        "//",
        "/%",
        "/%2",
        "/%2f",
        "/%25%32%66",
        "/..",
        "/a/..;x/b",
        "/a;b",
        "/?",
        "/#",
        "/\\",
        "http://x/",
    ]
    .iter()
    .map(|path| path.as_bytes().to_vec())
    .collect();
    paths.push(b"/\xff\xfe".to_vec());
    paths.push([b"/".to_vec(), b"a/".repeat(30 * 1024)].concat());
    paths.push([b"/?".to_vec(), b"&".repeat(60 * 1024)].concat());
    paths.push([b"/".to_vec(), b"%41".repeat(20 * 1024)].concat());
    for path in &paths {
        for method in ["GET", "CONNECT", "", "g\u{e9}t", "A".repeat(4096).as_str()] {
            for request in [Request::new(method, path), edge.reading().header(":path", "x")] {
                assert_alive(
                    &format!("{method} {}", String::from_utf8_lossy(&path[..path.len().min(40)])),
                    &edge.process.request(0, request),
                );
            }
        }
    }
    let mut connect = Request::new("CONNECT", "");
    connect.path = None;
    assert_alive("no path", &edge.process.request(0, connect));
}

#[test]
fn a_thousand_headers_are_just_headers() {
    let mut edge = Edge::synced();
    for (name, status) in [("x-filler", 200), ("authorization", 401), ("x-portcullis-org", 200)] {
        let mut request = edge.reading();
        request.headers.extend((0..1000).map(|number| (name.to_owned(), format!("v{number}").into_bytes())));
        let outcome = edge.process.request(0, request);
        assert_eq!(outcome.status(), Some(status), "{name}");
    }
}

/// A minute of requests put together at random, always the same ones.
#[test]
fn random_requests_never_trap() {
    let mut edge = Edge::synced();
    let values = nasty(&edge.key(READER));
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = |limit: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % limit as u64).unwrap()
    };
    for number in 0..3000 {
        let mut path = b"/api/v1/skills".to_vec();
        for _ in 0..draw(4) {
            let at = draw(path.len());
            path[at] = u8::try_from(draw(256)).unwrap();
        }
        let mut request = Request::new(["GET", "POST", "OPTIONS", "CONNECT"][draw(4)], &path);
        for _ in 0..draw(5) {
            let mut value = values[draw(values.len())].clone();
            value.truncate(draw(200));
            request = request.header(NAMES[draw(NAMES.len())], value);
        }
        assert_alive(&format!("request {number}"), &edge.process.request(number % 2, request));
    }
}

const FORGED: [&str; 12] = [
    "x-portcullis-key-id",
    "x-portcullis-org",
    "x-portcullis-environment",
    "x-portcullis-scopes",
    "X-Portcullis-Org",
    "x-portcullis-anything",
    "x-portcullis-",
    "x_portcullis_org",
    "x-portcullis_environment",
    "x.portcullis.org",
    "x+portcullis-org",
    "x_portcullis~org",
];

#[test]
fn identity_headers_are_the_filters_own() {
    let mut edge = Edge::synced();
    let public = Request::get("/healthz");
    let preflight = Request::new("OPTIONS", "/api/v1/skills")
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "GET");
    let denied = Request::get("/api/v1/skills").bearer("sp_live_00000000000000000000000000000000");
    let refused = Request::new("DELETE", "/api/v1/skills").bearer(&edge.key(READER));
    let cases = [
        // (why, request, status, whether the filter knows whom it is from)
        ("allowed", edge.reading(), 200, true),
        ("public", public, 200, false),
        ("preflight", preflight, 401, false),
        ("a stranger", denied, 401, false),
        ("a key without the scope", refused, 403, true),
    ];
    for (why, request, status, known) in cases {
        let honest = edge.process.request(0, request.clone());
        assert_eq!(honest.status(), Some(status), "{why}");
        let expected = identity(&edge.process.exchange(0).request);
        assert_eq!(expected.len(), if known { 4 } else { 0 }, "{why}: {expected:?}");
        for name in FORGED {
            for copies in 1..3 {
                let mut forged = request.clone();
                forged.headers.extend((0..copies).map(|_| (name.to_owned(), b"forged".to_vec())));
                let outcome = edge.process.request(0, forged);
                assert_eq!(outcome.status(), honest.status(), "{why} {name}");
                let seen = match &outcome {
                    Outcome::Forwarded { headers, .. } => identity(headers),
                    _ => identity(&edge.process.exchange(0).request),
                };
                assert_eq!(seen, expected, "{why} {name}");
            }
        }
    }
}

/// Every header that could pass for one of ours.
#[test]
fn what_the_upstream_is_not_to_get_is_taken_from_clients_all_the_same() {
    let mut edge = Edge::synced();
    edge.publish(2, |corpus| {
        corpus.spec.identity_headers = [IdentityHeader::Org, IdentityHeader::Environment].into_iter().collect();
    });
    edge.process.settle(&edge.plane);
    let refused = Request::new("DELETE", "/api/v1/skills").bearer(&edge.key(READER));
    for (request, status) in [(edge.reading(), 200), (refused, 403)] {
        let forged = FORGED.iter().fold(request, |request, name| request.header(name, "forged"));
        assert_eq!(edge.process.request(0, forged).status(), Some(status));
        let told = identity(&edge.process.exchange(0).request);
        let names: Vec<_> = told.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["x-portcullis-environment", "x-portcullis-org"]);
        assert!(told.iter().all(|(_, value)| value != "forged"), "{told:?}");
    }
}

fn identity(headers: &portcullis_host_tests::Headers) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let all = headers.iter().map(|(name, value)| (text(name), text(value)));
    let mut ours: Vec<_> = all
        .filter(|(name, _)| name.replace(|sign: char| !sign.is_ascii_alphanumeric(), "-").starts_with("x-portcullis-"))
        .collect();
    ours.sort();
    ours
}

//! What comes back: a value in a header or trailer is masked, whatever else is there stays byte for byte.

use portcullis_host_tests::{Headers, Module, Outcome, Request, Upstream};

use super::super::edge::{Edge, configuration, corpus};
use super::{VALUE, weather};

const CRM: &str = "crm/value+0123456789==";

/// Sends it and has the upstream answer so.
#[track_caller]
fn answered(edge: &mut Edge, request: Request, upstream: &Upstream) -> (Headers, Headers) {
    let sent = edge.process.send(0, request).unwrap();
    match edge.process.receive(&sent, upstream) {
        Outcome::Forwarded { response, trailers, .. } => (response, trailers),
        other => panic!("{other:?}"),
    }
}

fn headers(pairs: &[(&str, &str)]) -> Headers {
    pairs.iter().copied().collect()
}

fn sellers(edge: &Edge, path: &str) -> Request {
    Request::get(path).bearer(&edge.key("seller"))
}

/// An answer with these headers and trailers becomes those.
#[track_caller]
fn check(edge: &mut Edge, request: Request, given: &[(&str, &str)], expected: &[(&str, &str)]) {
    let upstream = Upstream { headers: headers(given), trailers: headers(given) };
    let (found, trailers) = answered(edge, request, &upstream);
    let expected = sorted(&headers(expected));
    assert_eq!((sorted(&found), sorted(&trailers)), (expected.clone(), expected));
}

/// Names together, values of each in order: what is put anew stands at the end.
fn sorted(headers: &Headers) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut all: Vec<_> = headers.iter().map(|(name, value)| (text(name), text(value))).collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

#[test]
fn a_value_that_comes_back_is_masked() {
    let mut edge = Edge::of_skills();
    let request = weather(&edge);
    let location = format!("https://api.weather.example/data?q=Oslo&appid={VALUE}#x");
    let twice = format!("{VALUE} and {VALUE}");
    let cookie = format!("k={VALUE}; Path=/");
    check(
        &mut edge,
        request,
        &[
            (":status", "302"),
            ("location", &location),
            ("x-twice", &twice),
            ("set-cookie", "a=1"),
            ("set-cookie", &cookie),
            ("set-cookie", "b=2"),
            ("x-exact", VALUE),
            ("x-part", "weather-value-012345678"),
            ("server", "weather \u{fc}"),
            ("x-many", "1"),
            ("x-many", "2"),
        ],
        &[
            (":status", "302"),
            ("location", "https://api.weather.example/data?q=Oslo&appid=***#x"),
            ("x-twice", "*** and ***"),
            ("set-cookie", "a=1"),
            ("set-cookie", "k=***; Path=/"),
            ("set-cookie", "b=2"),
            ("x-exact", "***"),
            ("x-part", "weather-value-012345678"),
            ("server", "weather \u{fc}"),
            ("x-many", "1"),
            ("x-many", "2"),
        ],
    );
    edge.assert_nothing_leaked();
}

#[test]
fn spellings_of_a_value_are_masked() {
    let mut edge = Edge::of_skills();
    let request = sellers(&edge, "/services/crm/x");
    check(
        &mut edge,
        request,
        &[
            (":status", "200"),
            ("x-raw", CRM),
            ("x-header", "Bearer crm/value+0123456789=="),
            ("x-escaped", "crm%2Fvalue%2B0123456789%3D%3D"),
            ("x-lower", "crm%2fvalue%2b0123456789%3d%3d"),
            ("x-mixed", "crm/value%2B0123456789=%3D"),
        ],
        &[
            (":status", "200"),
            ("x-raw", "***"),
            ("x-header", "Bearer ***"),
            ("x-escaped", "***"),
            ("x-lower", "***"),
            ("x-mixed", "***"),
        ],
    );
    let sent = edge.process.send(0, sellers(&edge, "/services/billing/x")).unwrap();
    let basic = sent.headers.text("authorization").unwrap();
    let bare = basic.trim_start_matches("Basic ").trim_end_matches('=').to_owned();
    let upstream = Upstream::default()
        .header("x-basic", &basic)
        .header("x-bare", &bare)
        .header("x-plain", "<billing value: öre & ører>");
    let Outcome::Forwarded { response, .. } = edge.process.receive(&sent, &upstream) else { panic!("it is answered") };
    assert!(response.text("x-basic").unwrap().starts_with("Basic ***"));
    assert!(!format!("{response:?}").contains(&bare), "{response:?}");
    assert_eq!(response.text("x-bare").as_deref(), Some("***"));
    assert_eq!(response.text("x-plain").as_deref(), Some("<***>"));
}

#[test]
fn what_went_to_no_service_is_not_looked_at() {
    let mut edge = Edge::of_skills();
    let own = Request::get("/v1/skills").bearer(&edge.key("unscoped"));
    let upstream = Upstream::default().header("x-value", VALUE).trailer("x-value", VALUE);
    let (response, trailers) = answered(&mut edge, own, &upstream);
    assert_eq!((response.text("x-value").as_deref(), trailers.text("x-value").as_deref()), (Some(VALUE), Some(VALUE)));
    let calls = &edge.process.exchange(0).host_calls;
    assert_eq!(calls.get("proxy_get_header_map_pairs"), Some(&1), "the request's alone: {calls:?}");
    // Another service's value is none of this one's business.
    let request = weather(&edge);
    let (response, _) = answered(&mut edge, request, &Upstream::default().header("x-value", CRM));
    assert_eq!(response.text("x-value").as_deref(), Some(CRM));
}

#[test]
fn answers_that_cross_are_each_masked_with_their_own() {
    let mut edge = Edge::of_skills();
    let first = edge.process.send(0, weather(&edge)).unwrap();
    let second = edge.process.send(0, sellers(&edge, "/services/crm/x")).unwrap();
    let third = edge.process.send(0, Request::get("/v1/skills").bearer(&edge.key("unscoped"))).unwrap();
    let upstream = Upstream::default().header("x-a", VALUE).header("x-b", CRM);
    let mut seen = |sent| match edge.process.receive(sent, &upstream) {
        Outcome::Forwarded { response, .. } => (response.text("x-a").unwrap(), response.text("x-b").unwrap()),
        other => panic!("{other:?}"),
    };
    assert_eq!(seen(&third), (VALUE.to_owned(), CRM.to_owned()));
    assert_eq!(seen(&second), (VALUE.to_owned(), "***".to_owned()));
    assert_eq!(seen(&first), ("***".to_owned(), CRM.to_owned()));
}

#[test]
fn nothing_of_a_stream_is_kept_when_it_is_over() {
    let mut edge = Edge::of_skills();
    let worker = portcullis_host_tests::VmId::Worker(0);
    let mut sizes = Vec::new();
    for _ in 0..4 {
        for _ in 0..500 {
            let request = weather(&edge);
            assert_eq!(edge.process.request(0, request).status(), Some(200));
        }
        sizes.push(edge.process.memory_bytes(worker));
    }
    assert_eq!(sizes.first(), sizes.last(), "{sizes:?}");
}

#[test]
fn the_plain_module_is_not_asked_about_answers() {
    let mut edge = Edge::of(corpus("skills"), Module::built().unwrap(), &configuration("")).with_bundle();
    let request = Request::get("/v1/skills").bearer(&edge.key("unscoped"));
    edge.process.request(0, request);
    assert_eq!(edge.process.exchange(0).callbacks, ["context_create", "request_headers"]);
}

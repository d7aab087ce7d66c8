//! What a report tells of requests: counts, keys used, what a trial would have refused, what was refused; and that it is
//! bounded, arrives, and holds no credential.

use std::collections::BTreeSet;
use std::time::Duration;

use portcullis_engine::spec::{EndpointSpec, IpSpec, ModeSpec, ReferrerSpec, RestrictionsSpec, TrialSpec};
use portcullis_host_tests::{Answer, Cluster, Request};
use serde_json::{Value, json};

use super::edge::{Edge, READER};

/// Longer than the time between two reports.
const A_REPORT: Duration = Duration::from_secs(6);

/// The reader's key with these restrictions.
fn with(restrictions: RestrictionsSpec) -> Edge {
    let mut edge = Edge::new();
    edge.corpus.keys.get_mut(READER).unwrap().restrictions = restrictions;
    started(edge)
}

fn tried(trial: TrialSpec) -> Edge {
    with(RestrictionsSpec { trial: Some(trial), ..RestrictionsSpec::default() })
}

fn retiring() -> Edge {
    tried(TrialSpec { retiring: true, ..TrialSpec::default() })
}

/// With its bundle, and nothing to tell.
fn started(edge: Edge) -> Edge {
    let mut edge = edge.with_bundle();
    told(&mut edge);
    edge
}

/// The reports that come next.
fn told(edge: &mut Edge) -> Vec<Value> {
    edge.run(A_REPORT);
    edge.plane.take_reports()
}

/// Everything under that name in all reports.
fn all(reports: &[Value], name: &str) -> Vec<Value> {
    reports.iter().flat_map(|report| report[name].as_array().cloned().unwrap_or_default()).collect()
}

fn sum(reports: &[Value], name: &str) -> u64 {
    reports.iter().filter_map(|report| report[name].as_u64()).sum()
}

fn used(reports: &[Value]) -> BTreeSet<String> {
    let keys = reports.iter().filter_map(|report| report["last_used"].as_object());
    keys.flat_map(|keys| keys.keys().cloned()).collect()
}

fn id(edge: &Edge, alias: &str) -> String {
    edge.corpus.keys[alias].id.to_string()
}

#[test]
fn what_would_have_been_refused_is_sampled() {
    let none = || Some(IpSpec { allow: Some(Vec::new()), ..IpSpec::default() });
    let observed = || Some(IpSpec { mode: ModeSpec::Observe, ..none().unwrap() });
    let trial = |trial| RestrictionsSpec { trial: Some(trial), ..RestrictionsSpec::default() };
    let pages = || Some(ReferrerSpec { allow: vec!["https://a.example/*".into()], ..ReferrerSpec::default() });
    // (restrictions, kinds and reasons, what Envoy counts as observed)
    type Row = (RestrictionsSpec, &'static [(&'static str, &'static str)], &'static [&'static str]);
    let rows: [Row; 6] = [
        (
            RestrictionsSpec { ip: observed(), ..RestrictionsSpec::default() },
            &[("observe", "ip_not_allowed")],
            &["ip_not_allowed"],
        ),
        (trial(TrialSpec { ip: none(), ..TrialSpec::default() }), &[("trial", "ip_not_allowed")], &["ip_not_allowed"]),
        (trial(TrialSpec { scopes: Some(vec![]), ..TrialSpec::default() }), &[("trial", "no_scopes")], &["no_scopes"]),
        (
            trial(TrialSpec { endpoint: Some(EndpointSpec::default()), referrer: pages(), ..TrialSpec::default() }),
            &[("trial", "referrer_not_allowed"), ("trial", "endpoint_not_allowed")],
            &["referrer_not_allowed", "endpoint_not_allowed"],
        ),
        (trial(TrialSpec { retiring: true, ..TrialSpec::default() }), &[("retiring", "")], &[]),
        (
            RestrictionsSpec { ip: observed(), ..trial(TrialSpec { ip: none(), ..TrialSpec::default() }) },
            &[("observe", "ip_not_allowed"), ("trial", "ip_not_allowed")],
            &["ip_not_allowed"],
        ),
    ];
    for (restrictions, kinds, counted) in rows {
        let mut edge = with(restrictions);
        let request = edge.reading().header("referer", "https://b.example/page?q=1").from("192.0.2.7".parse().unwrap());
        for _ in 0..3 {
            assert_eq!(edge.process.request(0, request.clone()).status(), Some(200), "a trial refuses nothing");
        }
        let reports = told(&mut edge);
        let expected: Vec<_> = kinds
            .iter()
            .map(|(kind, reason)| {
                let mut sample = json!({
                    "key": id(&edge, READER), "kind": kind, "address": "192.0.2.7", "referrer": "https://b.example/page",
                    "method": "GET", "path": "/api/v1/skills", "count": 3,
                });
                if !reason.is_empty() {
                    sample["reason"] = json!(reason);
                }
                sample
            })
            .collect();
        assert_eq!(all(&reports, "samples"), expected);
        for reason in counted {
            assert_eq!(edge.metric(&format!("observed.{reason}")), 3, "{reason}");
        }
        assert_eq!(all(&told(&mut edge), "samples"), Vec::<Value>::new(), "told once");
    }
}

#[test]
fn a_key_without_trial_is_not_sampled_and_refused_requests_are_not() {
    let mut edge = tried(TrialSpec { scopes: Some(vec![]), retiring: true, ..TrialSpec::default() });
    let writing = Request::new("POST", "/api/v1/skills").bearer(&edge.key(READER));
    assert_eq!(edge.process.request(0, writing).status(), Some(403), "what is enforced refuses it");
    let other = Request::get("/api/v1/skills").bearer(&edge.key("editor"));
    assert_eq!(edge.process.request(0, other).status(), Some(200));
    let reports = told(&mut edge);
    assert_eq!(all(&reports, "samples"), Vec::<Value>::new());
}

#[test]
fn samples_are_bounded_and_the_rest_is_counted() {
    let mut edge = Edge::new();
    let retiring = TrialSpec { retiring: true, ..TrialSpec::default() };
    edge.corpus.keys.values_mut().for_each(|key| key.restrictions.trial = Some(retiring.clone()));
    let mut edge = started(edge);
    let readers = ["reader", "editor", "auditor", "wildcard", "sandbox"];
    for alias in readers {
        for number in 0..20 {
            let request = Request::get(format!("/api/v1/skills/{number}")).bearer(&edge.key(alias));
            assert_eq!(edge.process.request(0, request).status(), Some(200), "{alias}");
        }
    }
    let reports = told(&mut edge);
    let samples = all(&reports, "samples");
    assert_eq!((samples.len(), sum(&reports, "unsampled"), sum(&reports, "allowed")), (64, 36, 100));
    let of = |alias: &str| samples.iter().filter(|sample| sample["key"] == *id(&edge, alias)).count();
    assert_eq!(readers.map(of), [16, 16, 16, 16, 0]);
}

#[test]
fn refusals_are_told_with_all_that_is_known() {
    let mut edge = started(Edge::new());
    let key = edge.key(READER);
    let stranger = "sp_live_00000000000000000000000000000000";
    let known = |edge: &Edge| json!({ "key": id(edge, READER), "organization": edge.corpus.organizations["acme"].id.to_string() });
    // (request, reason, path, whether the key is known)
    let rows: [(Request, &str, Option<String>, bool); 8] = [
        (
            Request::new("POST", "/api/v1/skills?x=1").bearer(&key),
            "insufficient_scope",
            Some("/api/v1/skills".into()),
            true,
        ),
        (Request::get("/api/v1/skills").bearer(stranger), "unknown_key", Some("/api/v1/skills".into()), false),
        (
            Request::get(format!("/api/v1/skills?api_key={key}")),
            "missing_credential",
            Some("/api/v1/skills".into()),
            false,
        ),
        (Request::get(format!("/api/v1/{key}/x")), "missing_credential", Some("/api/v1/***/x".into()), false),
        (Request::get(format!("/api/v1/a;k={key}")).bearer(stranger), "unknown_key", Some("/api/v1/***".into()), false),
        (
            Request::get("/api/v1/skills").header("cookie", format!("key={key}")),
            "missing_credential",
            Some("/api/v1/skills".into()),
            false,
        ),
        (
            Request::get(format!("/api/v1/skills/{}", "ö".repeat(400))),
            "ambiguous_path",
            Some(format!("/api/v1/skills/{}", "ö".repeat(92))),
            false,
        ),
        (Request::get("no-path").bearer(&key), "ambiguous_path", None, false),
    ];
    for (request, reason, path, is_known) in rows {
        let from = request.from("2001:db8::7".parse().unwrap());
        let (method, now) = (from.method.clone(), edge.process.now() / 1_000_000_000);
        edge.process.request(1, from);
        let request_id = edge.process.exchange(1).request.text("x-request-id");
        let mut expected = json!({ "request_id": request_id, "at": now, "reason": reason, "method": method, "address": "2001:db8::7" });
        if let Some(path) = path {
            expected["path"] = json!(path);
        }
        if is_known {
            for (name, value) in known(&edge).as_object().unwrap() {
                expected[name] = value.clone();
            }
        }
        let reports = told(&mut edge);
        assert_eq!(all(&reports, "denials"), [expected]);
        assert!(!format!("{reports:?}").contains(key.split_at(20).0), "{reports:?}");
    }
}

#[test]
fn a_flood_of_refusals_asks_nothing_of_the_proxy_once_there_are_enough() {
    let mut edge = started(Edge::new());
    for round in 0..2 {
        for number in 0..200 {
            edge.process.request(0, Request::get("/api/v1/skills"));
            let asked = edge.process.exchange(0).host_calls.contains_key("proxy_get_property");
            assert_eq!(asked, number < 64, "round {round}, refusal {number}");
        }
        let reports = told(&mut edge);
        assert_eq!(all(&reports, "denials").len(), 64);
        let counted = reports.iter().filter_map(|report| report["denied"]["missing_credential"].as_u64());
        assert_eq!(counted.sum::<u64>(), 200, "all are counted");
    }
}

#[test]
fn without_a_policy_a_refusal_tells_no_path() {
    let mut edge = Edge::new();
    edge.process.tick_all();
    edge.process.request(0, Request::get(format!("/{}", edge.key(READER))));
    let reports = told(&mut edge);
    let denials = all(&reports, "denials");
    assert_eq!(denials.len(), 1, "{reports:?}");
    assert_eq!((&denials[0]["reason"], &denials[0]["path"]), (&json!("no_policy"), &Value::Null));
    assert_eq!((&denials[0]["method"], denials[0]["request_id"].is_string()), (&json!("GET"), true));
    edge.assert_nothing_leaked();
}

#[test]
fn what_is_let_through_is_counted_with_and_without_a_key() {
    let mut edge = started(Edge::new());
    for _ in 0..2 {
        edge.statuses();
    }
    edge.process.request(0, Request::get("/healthz"));
    edge.process.request(0, Request::get("/api/v1/skills"));
    let reports = told(&mut edge);
    assert_eq!(sum(&reports, "allowed"), 5);
    assert_eq!(sum(&told(&mut edge), "allowed"), 0, "told once");
}

#[test]
fn only_a_request_that_is_let_through_is_a_use() {
    let nobody = IpSpec { allow: Some(Vec::new()), ..IpSpec::default() };
    // (why, change to the reader's key, request, whether it counts as use)
    type Change = fn(&mut Edge, IpSpec);
    type Row = (&'static str, Change, fn(&Edge) -> Request, bool);
    let rows: [Row; 4] = [
        ("let through", |_, _| (), Edge::reading, true),
        ("scope", |_, _| (), |edge| Request::new("POST", "/api/v1/skills").bearer(&edge.key(READER)), false),
        ("expired", |edge, _| edge.corpus.keys.get_mut(READER).unwrap().expires_in = Some(-1), Edge::reading, false),
        (
            "address",
            |edge, nobody| edge.corpus.keys.get_mut(READER).unwrap().restrictions.ip = Some(nobody),
            Edge::reading,
            false,
        ),
    ];
    for (why, change, request, counts) in rows {
        let mut edge = Edge::new();
        change(&mut edge, nobody.clone());
        let mut edge = started(edge);
        for _ in 0..2 {
            let request = request(&edge);
            edge.process.request(0, request);
        }
        let used = used(&told(&mut edge));
        assert_eq!(used.contains(&id(&edge, READER)), counts, "{why}");
    }
}

#[test]
fn a_report_is_told_until_it_arrived_and_counts_once() {
    fn status(status: u16) -> Answer {
        Answer::Response { status, headers: vec![], body: vec![] }
    }
    type End = fn() -> Answer;
    // (why, how calls end, how often it is told)
    let rows: [(&str, Option<End>, u64); 8] = [
        ("no host to call", None, 1),
        ("no connection", Some(|| Answer::Synthetic(503)), 1),
        ("another token", Some(|| status(401)), 1),
        ("too many", Some(|| status(429)), 1),
        ("trouble", Some(|| status(500)), 1),
        ("no answer in time", Some(|| Answer::Synthetic(504)), 1),
        ("broke off", Some(|| Answer::Reset), 1),
        ("refused for good", Some(|| status(422)), 0),
    ];
    for (why, end, times) in rows {
        let mut edge = retiring();
        match end {
            Some(end) => {
                edge.plane.lie(move |call, answer| if call.line().contains("report") { end() } else { answer })
            }
            None => edge.process.set_cluster("portcullis_control", Cluster::Empty),
        }
        edge.process.request(0, edge.reading());
        edge.process.request(0, Request::get("/api/v1/skills"));
        edge.run(10 * A_REPORT);
        edge.plane.repent();
        edge.process.set_cluster("portcullis_control", Cluster::Healthy);
        edge.run(2 * A_REPORT);
        let reports = told(&mut edge);
        assert_eq!(sum(&reports, "allowed"), times, "{why}");
        let listed =
            [all(&reports, "samples"), all(&reports, "denials"), all(&reports, "usage")].map(|it| it.len() as u64);
        assert_eq!(listed, [times; 3], "{why}");
        assert_eq!(used(&reports).len() as u64, times, "{why}");
        let denied = reports.iter().filter_map(|report| report["denied"]["missing_credential"].as_u64()).sum::<u64>();
        assert_eq!((denied, edge.metric("usage.dropped")), (times, 1 - times), "{why}");
    }
}

#[test]
fn the_worst_that_clients_can_send_makes_no_large_report() {
    let mut edge = retiring();
    for number in 0..64 {
        let path = format!("/api/v1/skills/{number:02}{}", "\u{1}\"".repeat(20_000));
        let request = Request::new("GET", &path).header("referer", "\"".repeat(50_000));
        edge.process.request(0, request.clone().bearer(&edge.key(READER)));
        edge.process.request(0, request);
    }
    edge.process.advance(A_REPORT);
    edge.process.tick_all();
    let reports = edge.process.callouts().into_iter().filter(|call| call.line() == "POST /edge/v1/report");
    let largest = reports.map(|call| call.body.len()).max().unwrap();
    assert!((20_000..400_000).contains(&largest), "{largest} bytes");
}

//! The checker itself: what differs is told, what is unseen is not compared, what a denial promises is looked for.

use portcullis_engine::{Code, Reason};
use portcullis_testkit::{Expectation, KeyRing, Outcome, Seen};

fn ring() -> KeyRing {
    let mut ring = KeyRing::default();
    ring.insert("reader", "sp_live_x", "key_1");
    ring.insert_organization("acme", "org_1");
    ring
}

fn allowed() -> Expectation {
    Expectation {
        status: 200,
        key: Some("reader".to_owned()),
        environment: Some("live".to_owned()),
        organization: Some("acme".to_owned()),
        hidden: vec!["authorization".to_owned()],
        ..Expectation::default()
    }
}

fn denied() -> Expectation {
    Expectation {
        status: 403,
        code: Some(Code::InsufficientScope),
        reason: Some(Reason::NoScopes),
        ..Expectation::default()
    }
}

fn is(text: &str) -> Seen<String> {
    Seen::Is(text.to_owned())
}

fn seen_allowed() -> Outcome {
    Outcome {
        status: 200,
        environment: is("live"),
        key_id: is("key_1"),
        organization: is("org_1"),
        forwarded: Seen::Is(vec!["host".to_owned()]),
        ..Outcome::default()
    }
}

/// The differences found contain each of `expect`, and nothing is found when it is empty.
#[track_caller]
fn check(expectation: &Expectation, outcome: &Outcome, expect: &[&str]) {
    let found = expectation.check(&ring(), outcome).err().map(|it| it.differences).unwrap_or_default();
    assert_eq!(found.len(), expect.len(), "{found:?}");
    for (found, expect) in found.iter().zip(expect) {
        assert!(found.contains(expect), "{found}");
    }
}

#[test]
fn an_allowed_request_carries_exactly_its_identity() {
    check(&allowed(), &seen_allowed(), &[]);
    check(&allowed(), &Outcome { status: 200, ..Outcome::default() }, &[]);
    check(&allowed(), &Outcome { key_id: is("key_2"), ..seen_allowed() }, &["found Is(\"key_2\")"]);
    check(&allowed(), &Outcome { key_id: Seen::Absent, ..seen_allowed() }, &["key: expected Some(\"reader\")"]);
    check(&allowed(), &Outcome { organization: is("org_2"), ..seen_allowed() }, &["organization"]);
    let leaked = Seen::Is(vec!["authorization".to_owned()]);
    check(&allowed(), &Outcome { forwarded: leaked, ..seen_allowed() }, &["the upstream sees `authorization`"]);
    let public = Expectation { status: 200, ..Expectation::default() };
    check(&public, &seen_allowed(), &["environment", "key"]);
}

#[test]
fn a_denial_is_compared_in_all_that_is_seen() {
    let outcome =
        Outcome { status: 403, code: is("insufficient_scope"), reason: is("no_scopes"), ..Outcome::default() };
    check(&denied(), &outcome, &[]);
    check(&denied(), &Outcome { status: 200, ..outcome.clone() }, &["status"]);
    check(&denied(), &Outcome { code: is("invalid_api_key"), ..outcome.clone() }, &["code"]);
    check(&denied(), &Outcome { reason: Seen::Unseen, ..outcome.clone() }, &[]);
    check(&denied(), &Outcome { reason: Seen::Absent, ..outcome.clone() }, &["reason"]);
    check(&denied(), &Outcome { grpc_status: Seen::Is(7), ..outcome.clone() }, &["grpc-status"]);
    check(&denied(), &Outcome { defects: vec!["no request_id".to_owned()], ..outcome }, &["no request_id"]);
}

#[test]
fn headers_are_matched_and_promised_ones_looked_for() {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let missing = Expectation { status: 401, code: Some(Code::MissingApiKey), ..Expectation::default() };
    let outcome = |headers| Outcome { status: 401, headers: Seen::Is(headers), ..Outcome::default() };
    check(&missing, &outcome(vec![header("www-authenticate", "Bearer realm=\"x\"")]), &[]);
    check(&missing, &outcome(Vec::new()), &["header `www-authenticate`"]);
    let exact = Expectation {
        headers: vec![header("www-authenticate", "Bearer realm=\"x\"")],
        without_headers: vec!["retry-after".to_owned()],
        ..missing
    };
    check(&exact, &outcome(vec![header("www-authenticate", "Bearer realm=\"y\"")]), &["expected `Bearer realm=\"x\"`"]);
    let both = vec![header("www-authenticate", "Bearer realm=\"x\""), header("retry-after", "1")];
    check(&exact, &outcome(both), &["`retry-after` should not be there"]);
    let quota = Expectation { status: 429, code: Some(Code::QuotaExceeded), ..Expectation::default() };
    let waits =
        |value| Outcome { status: 429, headers: Seen::Is(vec![header("retry-after", value)]), ..Outcome::default() };
    check(&quota, &waits("30"), &[]);
    check(&quota, &waits("soon"), &["retry-after"]);
}

#[test]
fn answers_are_read_in_every_shape() {
    let read = |status, headers: &[(&str, &str)], body: &str| {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Outcome::from_http(status, headers, body.as_bytes())
    };
    let json = r#"{"error":{"code":"no","message":"No","status":403,"request_id":"r1"}}"#;
    let problem = r#"{"type":"about:blank","title":"No","status":403,"detail":"No","code":"no","request_id":"r1"}"#;
    for body in [json, problem] {
        let outcome = read(403, &[], body);
        assert_eq!((outcome.code, outcome.message, outcome.defects), (is("no"), is("No"), Vec::new()), "{body}");
    }
    assert_eq!(read(401, &[], json).defects.len(), 1, "the status in the body differs");
    assert_eq!(read(403, &[], r#"{"error":{"code":"no","status":403}}"#).defects.len(), 1, "no request_id");
    assert_eq!(read(400, &[], "Bad Request").code, Seen::Absent);
    assert_eq!(read(401, &[], "").code, Seen::Unseen);
    let grpc = read(200, &[("grpc-status", "7"), ("grpc-message", "%7B\"code\":\"no\",\"request_id\":\"r1\"}")], "");
    assert_eq!((grpc.grpc_status, grpc.code), (Seen::Is(7), is("no")));
}

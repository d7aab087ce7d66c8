//! Trials: what is looked at beside what is enforced, counted and never denied.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

use std::net::IpAddr;

use portcullis_engine::spec::RestrictionsSpec;
use portcullis_engine::{
    Ambient, Check, Decision, KeyDigest, KeyId, KeyRecord, KeyStatus, KeyStore, Observed, OrganizationId,
    OrganizationState, Outcome, Policy, Reason, Request, RestrictionSet, StoreUnavailable, Unlimited, decide_traced,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// One key with these restrictions and the scope `a:read`, called from 192.0.2.1.
struct One {
    restrictions: RestrictionSet,
    status: KeyStatus,
}

impl KeyStore for One {
    fn find(&mut self, _: &KeyDigest) -> Result<Option<KeyRecord<'_>>, StoreUnavailable> {
        Ok(Some(KeyRecord {
            id: KeyId::from_bytes([1; 10]),
            organization: OrganizationId::from_bytes([2; 10]),
            organization_state: OrganizationState::Active,
            organization_limits: Default::default(),
            status: self.status,
            expires_at: None,
            scopes: "a:read",
            restrictions: Some(&self.restrictions),
            skill: None,
        }))
    }
}

struct There;

impl Ambient for There {
    fn now(&self) -> u64 {
        0
    }

    fn source_address(&self) -> Option<IpAddr> {
        "192.0.2.1".parse().ok()
    }
}

fn policy() -> Policy {
    let spec = json!({
        "name": "shop",
        "environments": ["live"],
        "scopes": ["a:read", "a:write"],
        "credentials": [{ "in": "header", "name": "x-api-key" }],
        "keys": [{ "prefix": "sk_", "environment": "live", "body_length": 12 }],
        "rules": [
            { "methods": ["GET"], "path": "/a", "all": ["a:read"] },
            { "methods": ["POST"], "path": "/a", "all": ["a:write"] },
            { "path": "/any" },
        ],
    });
    Policy::compile(&serde_json::from_value(spec).unwrap()).unwrap()
}

fn set(spec: &Value) -> RestrictionSet {
    let spec: RestrictionsSpec = serde_json::from_value(spec.clone()).unwrap();
    RestrictionSet::compile(&spec).unwrap()
}

/// What is told of a grant, or why it was denied and whether to a browser.
type Answer = Result<Vec<Observed>, (Reason, bool)>;

/// What comes of a request, and the checks.
fn answer(one: &mut One, request: &str) -> (Answer, Vec<Check>) {
    let (method, path) = request.split_once(' ').unwrap();
    let headers: [(&[u8], &[u8]); 1] = [(b"x-api-key", b"sk_0123456789ab")];
    let request = Request { method: method.as_bytes(), path: Some(path.as_bytes()), headers: &headers };
    let (policy, mut checks) = (policy(), Vec::new());
    let answer = match decide_traced(&policy, one, &request, &There, &mut Unlimited, &mut checks) {
        Decision::Allow(grant) => Ok(grant.observed),
        Decision::Deny(denial) => Err((denial.reason, denial.for_browser)),
    };
    (answer, checks)
}

#[test]
fn what_a_trial_says() {
    use Observed::{Restriction, Retiring, Trial};
    use Reason::{EndpointNotAllowed, InsufficientScope, IpNotAllowed, NoScopes, ReferrerMissing};
    let none = json!({ "allow": [] });
    let elsewhere = json!({ "allow": ["198.51.100.0/24"] });
    // (restrictions, request, what is told of it)
    let cases = [
        (json!({}), "GET /a", vec![]),
        (json!({ "trial": {} }), "GET /a", vec![]),
        (json!({ "trial": { "retiring": true } }), "GET /a", vec![Retiring]),
        (json!({ "trial": { "retiring": true } }), "GET /any", vec![Retiring]),
        (json!({ "trial": { "ip": elsewhere } }), "GET /a", vec![Trial(IpNotAllowed)]),
        (json!({ "trial": { "ip": { "allow": ["192.0.2.0/24"] } } }), "GET /a", vec![]),
        (json!({ "trial": { "ip": { "mode": "enforce", "allow": [] } } }), "GET /a", vec![Trial(IpNotAllowed)]),
        (json!({ "trial": { "referrer": none } }), "GET /a", vec![Trial(ReferrerMissing)]),
        (json!({ "trial": { "endpoint": { "allow": ["GET /any"] } } }), "GET /a", vec![Trial(EndpointNotAllowed)]),
        (json!({ "trial": { "endpoint": { "allow": ["GET /a"] } } }), "GET /a", vec![]),
        (json!({ "trial": { "scopes": [] } }), "GET /a", vec![Trial(NoScopes)]),
        (json!({ "trial": { "scopes": ["a:write"] } }), "GET /a", vec![Trial(InsufficientScope)]),
        (json!({ "trial": { "scopes": ["a:*"] } }), "GET /a", vec![]),
        (json!({ "trial": { "scopes": [] } }), "GET /any", vec![]),
        (
            json!({ "ip": { "mode": "observe", "allow": [] }, "trial": { "ip": none, "scopes": [], "retiring": true } }),
            "GET /a",
            vec![Restriction(IpNotAllowed), Trial(IpNotAllowed), Trial(NoScopes), Retiring],
        ),
        // Beside what is enforced, not in place of it.
        (json!({ "ip": { "allow": ["192.0.2.1"] }, "trial": { "ip": none } }), "GET /a", vec![Trial(IpNotAllowed)]),
    ];
    for (spec, request, expected) in cases {
        let mut one = One { restrictions: set(&spec), status: KeyStatus::Active };
        assert_eq!(answer(&mut one, request).0, Ok(expected), "{spec} {request}");
    }
}

#[test]
fn what_is_refused_anyway_tells_nothing_of_a_trial() {
    let trial = json!({ "scopes": [], "referrer": { "allow": [] }, "ip": { "allow": [] }, "retiring": true });
    let cases = [
        (json!({ "trial": trial }), KeyStatus::Active, "POST /a", Reason::InsufficientScope),
        (json!({ "trial": trial }), KeyStatus::Disabled, "GET /a", Reason::DisabledKey),
        (json!({ "trial": trial, "ip": { "allow": [] } }), KeyStatus::Active, "GET /a", Reason::IpNotAllowed),
        (json!({ "trial": trial }), KeyStatus::Active, "GET /nowhere", Reason::NoRule),
    ];
    for (spec, status, request, reason) in cases {
        let (found, checks) = answer(&mut One { restrictions: set(&spec), status }, request);
        // Nor does it make a key one for browsers, who would see other headers.
        assert_eq!(found, Err((reason, false)), "{spec} {request}");
        assert!(!checks.iter().any(|check| check.detail == "trial"), "{checks:?}");
    }
}

#[test]
fn explain_tells_a_trial_apart() {
    let spec =
        json!({ "ip": { "mode": "observe", "allow": [] }, "trial": { "ip": { "allow": [] }, "scopes": ["a:read"] } });
    let (_, checks) = answer(&mut One { restrictions: set(&spec), status: KeyStatus::Active }, "GET /a");
    let told: Vec<_> = checks.iter().map(|it| (it.step.as_str(), it.outcome, it.detail.as_str())).collect();
    let ip = Outcome::Observed(Reason::IpNotAllowed);
    assert!(told.contains(&("ip", ip, "observe mode")), "{told:?}");
    assert_eq!(told.get(told.len() - 2..), Some(&[("ip", ip, "trial"), ("scopes", Outcome::Passed, "trial")][..]));
}

#[test]
fn each_reason_counts_once() {
    let spec = json!({ "ip": { "mode": "observe", "allow": [] }, "trial": { "ip": { "allow": [] }, "scopes": [] } });
    let restrictions = set(&spec);
    let headers: [(&[u8], &[u8]); 1] = [(b"x-api-key", b"sk_0123456789ab")];
    let request = Request { method: b"GET", path: Some(b"/a"), headers: &headers };
    let (policy, mut one) = (policy(), One { restrictions, status: KeyStatus::Active });
    match decide_traced(&policy, &mut one, &request, &There, &mut Unlimited, &mut ()) {
        Decision::Allow(grant) => {
            let reasons: Vec<_> = grant.would_be_reasons().collect();
            assert_eq!(reasons, [Reason::IpNotAllowed, Reason::NoScopes]);
        }
        denied @ Decision::Deny(_) => panic!("{denied}"),
    }
}

#[test]
fn what_cannot_be_tried_is_refused_with_its_place() {
    for (trial, field) in [
        (json!({ "ip": { "allow": ["192.0.2.1", "nonsense"] } }), "trial.ip.allow[1]"),
        (json!({ "referrer": { "allow": ["ftp://x"] } }), "trial.referrer.allow[0]"),
        (json!({ "endpoint": { "allow": ["GET"] } }), "trial.endpoint.allow[0]"),
        (json!({ "scopes": ["a:read", "b"] }), "trial.scopes[1]"),
    ] {
        let spec: RestrictionsSpec = serde_json::from_value(json!({ "trial": trial })).unwrap();
        let error = RestrictionSet::compile(&spec).unwrap_err();
        assert_eq!(error.field, field, "{error}");
    }
    let unknown = json!({ "trial": { "scope": [] } });
    assert!(serde_json::from_value::<RestrictionsSpec>(unknown).is_err(), "a trial that is not understood");
}

#[test]
fn equal_trials_have_one_text_and_a_trial_of_nothing_is_none() {
    for (one, other) in [
        (json!({ "scopes": ["b:read", "a:read", "a:read"] }), json!({ "scopes": ["a:read", "b:read"] })),
        (json!({ "ip": { "mode": "enforce", "allow": [] } }), json!({ "ip": { "mode": "observe", "allow": [] } })),
        (json!({ "retiring": false }), Value::Null),
        (json!({}), Value::Null),
    ] {
        let text = |trial: &Value| serde_json::to_string(&set(&json!({ "trial": trial })).to_spec()).unwrap();
        assert_eq!(text(&one), text(&other));
    }
    for (spec, empty) in [
        (json!({}), true),
        (json!({ "trial": {} }), true),
        (json!({ "trial": { "retiring": false } }), true),
        (json!({ "trial": { "retiring": true } }), false),
        (json!({ "trial": { "scopes": [] } }), false),
    ] {
        assert_eq!(set(&spec).is_empty(), empty, "{spec}");
    }
    assert!(set(&json!({ "referrer": { "allow": [] } })).is_for_browsers());
}

fn some(values: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let list = prop::collection::vec(prop::sample::select(values), 0..4).prop_map(|list| json!(list));
    prop::option::of(list).prop_map(|list| list.unwrap_or_default())
}

fn kinds() -> impl Strategy<Value = Value> {
    let allow = |list: Value| if list.is_null() { Value::Null } else { json!({ "allow": list }) };
    let ip = some(&["192.0.2.0/24", "2001:db8::/32", "198.51.100.7", "192.0.2.1"]).prop_map(allow);
    let referrer = some(&["https://a.example/*", "https://*.b.example/*"]).prop_map(allow);
    let endpoint = some(&["GET /a", "* /any", "POST /a/{id}"]).prop_map(allow);
    (ip, referrer, endpoint)
        .prop_map(|(ip, referrer, endpoint)| json!({ "ip": ip, "referrer": referrer, "endpoint": endpoint }))
}

fn trial() -> impl Strategy<Value = Value> {
    (kinds(), some(&["a:read", "a:write", "a:*"]), any::<bool>()).prop_map(|(mut trial, scopes, retiring)| {
        trial["scopes"] = scopes;
        trial["retiring"] = json!(retiring);
        trial
    })
}

proptest! {
    #[test]
    fn no_trial_changes_a_decision(spec in kinds(), trial in trial(), request in prop::sample::select(&["GET /a", "POST /a", "GET /any", "GET /x"])) {
        let mut with = spec.clone();
        with["trial"] = trial;
        let answer = |spec| answer(&mut One { restrictions: set(spec), status: KeyStatus::Active }, request).0;
        prop_assert_eq!(answer(&with).map(|_| ()), answer(&spec).map(|_| ()));
    }

    #[test]
    fn a_canonical_spec_is_its_own(spec in kinds(), trial in trial()) {
        let mut spec = spec;
        spec["trial"] = trial;
        let set = set(&spec);
        let again = RestrictionSet::compile(&set.to_spec()).unwrap();
        prop_assert_eq!(again.to_spec(), set.to_spec());
    }
}

//! Limits in the decision: what is asked of a limiter, when it is asked, and what becomes of its answer.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::net::IpAddr;

use portcullis_engine::limit::{LimitKind, RateClaim};
use portcullis_engine::spec::RestrictionsSpec;
use portcullis_engine::{
    Admission, Ambient, Bucket, Check, Decision, Demand, KeyDigest, KeyId, KeyRecord, KeyStatus, KeyStore, Limiter,
    OnUnavailable, OrganizationId, OrganizationLimits, OrganizationState, Outcome, Policy, PolicySpec, Rate, Reason,
    Refusal, Request, RestrictionSet, Standing, Step, StoreUnavailable, Subject, Unlimited, decide, decide_traced,
};
use serde_json::{Value, json};

const NOW: u64 = 1000;
const KEY: KeyId = KeyId::from_bytes([1; 10]);
const FIRST: KeyId = KeyId::from_bytes([9; 10]);
const ORGANIZATION: OrganizationId = OrganizationId::from_bytes([2; 10]);

/// One key with the scope `a:read`.
#[derive(Clone, Default)]
struct One {
    restrictions: RestrictionSet,
    limits: OrganizationLimits,
    state: OrganizationState,
}

impl KeyStore for One {
    fn find(&mut self, _: &KeyDigest) -> Result<Option<KeyRecord<'_>>, StoreUnavailable> {
        Ok(Some(KeyRecord {
            id: KEY,
            organization: ORGANIZATION,
            organization_state: self.state,
            organization_limits: self.limits,
            status: KeyStatus::Active,
            expires_at: None,
            scopes: "a:read",
            restrictions: Some(&self.restrictions).filter(|set| !set.is_empty()),
            skill: None,
        }))
    }
}

struct There;

impl Ambient for There {
    fn now(&self) -> u64 {
        NOW
    }

    fn source_address(&self) -> Option<IpAddr> {
        "192.0.2.1".parse().ok()
    }
}

/// Remembers what it was asked and gives the answer it was given.
struct Scripted {
    asked: Vec<Demand>,
    answer: Result<Admission, Refusal>,
}

impl Limiter for Scripted {
    fn admit(&mut self, demand: &Demand) -> Result<Admission, Refusal> {
        self.asked.push(*demand);
        self.answer
    }
}

fn passing() -> Scripted {
    Scripted { asked: Vec::new(), answer: Ok(Admission::default()) }
}

/// A policy with these fields beside the usual ones.
fn policy(more: &Value) -> Policy {
    let mut spec = json!({
        "name": "shop",
        "environments": ["live"],
        "scopes": ["a:read", "a:write"],
        "credentials": [{ "in": "header", "name": "x-api-key" }],
        "keys": [{ "prefix": "sk_", "environment": "live", "body_length": 12 }],
        "preflight": "allow",
        "rules": [
            { "path": "/plain" },
            { "path": "/dear", "cost": 5 },
            { "path": "/free", "cost": 0 },
            { "path": "/by-key", "rate_limit": { "requests": 60, "per": "minute", "burst": 7 } },
            { "path": "/by-organization", "rate_limit": { "requests": 3, "per": "day", "by": "organization" } },
            { "path": "/by-everyone", "rate_limit": { "requests": 4, "per": "hour", "by": "everyone" } },
            { "path": "/write", "all": ["a:write"], "rate_limit": { "requests": 1, "per": "second" } },
            { "path": "/public", "access": "public" },
        ],
    });
    let fields = more.as_object().unwrap().clone();
    spec.as_object_mut().unwrap().extend(fields);
    Policy::compile(&serde_json::from_value(spec).unwrap()).unwrap()
}

fn set(limits: &Value) -> RestrictionSet {
    let spec: RestrictionsSpec = serde_json::from_value(json!({ "limits": limits })).unwrap();
    RestrictionSet::compile(&spec).unwrap()
}

fn own(limits: &Value) -> One {
    One { restrictions: set(limits), ..One::default() }
}

fn of_organization(metered: bool, rate: Option<Rate>) -> One {
    One { limits: OrganizationLimits { metered, rate }, ..One::default() }
}

fn rate(requests: u32, seconds: u32, burst: u32) -> Rate {
    Rate::new(requests, seconds, burst).unwrap()
}

/// FNV-1a.
fn hash(rule: &str) -> u32 {
    rule.bytes().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

fn claim(subject: Option<Subject>, rule: Option<&str>, rate: Rate) -> Option<RateClaim> {
    Some(RateClaim { bucket: Bucket::new(subject, rule.map(hash)), rate })
}

/// Asks for `METHOD /path` with the key, or with no header at all.
fn ask<'a>(
    policy: &'a Policy,
    one: &'a mut One,
    request: &str,
    with_key: bool,
    limiter: &mut impl Limiter,
) -> Decision<'a> {
    let (method, path) = request.split_once(' ').unwrap();
    let headers: [(&[u8], &[u8]); 1] = [(b"x-api-key", b"sk_0123456789ab")];
    let headers = if with_key { &headers[..] } else { &[] };
    let request = Request { method: method.as_bytes(), path: Some(path.as_bytes()), headers };
    decide(policy, one, &request, &There, limiter)
}

/// What the limiter is asked about a request; `None` = it is not asked.
#[track_caller]
fn check(more: &Value, one: &One, path: &str, expected: Option<Demand>) {
    let (policy, mut one, mut limiter) = (policy(more), one.clone(), passing());
    let decision = ask(&policy, &mut one, &format!("GET {path}"), true, &mut limiter);
    assert!(matches!(decision, Decision::Allow(_)), "{decision}");
    assert_eq!(limiter.asked, expected.into_iter().collect::<Vec<_>>(), "{more} {path}");
}

#[test]
fn what_is_asked_of_rate_limits() {
    let (key, organization) = (Some(Subject::Key(KEY)), Some(Subject::Organization(ORGANIZATION)));
    let first = Some(Subject::Key(FIRST));
    let asked = |rates| Some(Demand { rates, cost: 1, ..Demand::default() });
    let defaults = json!({ "rate_limits": {
        "key": { "requests": 10, "per": "second" },
        "organization": { "requests": 100, "per": "minute", "burst": 20 },
    } });
    let none = json!({});
    let plain = One::default();
    let (tens, hundreds) = (claim(key, None, rate(10, 1, 10)), claim(organization, None, rate(100, 60, 20)));
    check(&none, &plain, "/plain", None);
    check(&none, &plain, "/by-key", asked([None, None, claim(key, Some("* /by-key"), rate(60, 60, 7))]));
    let rule = claim(organization, Some("* /by-organization"), rate(3, 86_400, 3));
    check(&none, &plain, "/by-organization", asked([None, None, rule]));
    let rule = claim(None, Some("* /by-everyone"), rate(4, 3600, 4));
    check(&none, &plain, "/by-everyone", asked([None, None, rule]));
    check(&defaults, &plain, "/plain", asked([tens, hundreds, None]));
    check(&defaults, &plain, "/by-everyone", asked([tens, hundreds, rule]));
    // What is its own stands in place of the policy's.
    let fast = json!({ "rate": { "requests": 1000, "seconds": 1, "burst": 5000 } });
    let thousands = |subject| claim(subject, None, rate(1000, 1, 5000));
    check(&defaults, &own(&fast), "/plain", asked([thousands(key), hundreds, None]));
    check(&none, &own(&fast), "/plain", asked([thousands(key), None, None]));
    let big = of_organization(false, Some(rate(7, 1, 7)));
    check(&defaults, &big, "/plain", asked([tens, claim(organization, None, rate(7, 1, 7)), None]));
    // A key that was rotated counts where its first one did, under every rule.
    let rotated = json!({ "meter": FIRST.to_string() });
    check(&none, &own(&rotated), "/plain", None);
    check(&defaults, &own(&rotated), "/plain", asked([claim(first, None, rate(10, 1, 10)), hundreds, None]));
    let rule = claim(first, Some("* /by-key"), rate(60, 60, 7));
    check(&none, &own(&rotated), "/by-key", asked([None, None, rule]));
}

#[test]
fn what_is_asked_of_quotas() {
    let (organization, key) = (Subject::Organization(ORGANIZATION), Subject::Key(KEY));
    let asked = |quotas, cost| Some(Demand { quotas, cost, ..Demand::default() });
    let none = json!({});
    let metered = of_organization(true, None);
    check(&none, &metered, "/plain", asked([Some(organization), None], 1));
    check(&none, &metered, "/dear", asked([Some(organization), None], 5));
    check(&none, &metered, "/free", None);
    let quota = json!({ "quota": true });
    check(&none, &own(&quota), "/dear", asked([None, Some(key)], 5));
    let both = One { restrictions: set(&quota), ..metered.clone() };
    check(&none, &both, "/plain", asked([Some(organization), Some(key)], 1));
    check(&none, &both, "/free", None);
    let rotated = json!({ "quota": true, "meter": FIRST.to_string() });
    check(&none, &own(&rotated), "/plain", asked([None, Some(Subject::Key(FIRST))], 1));
    // What costs nothing still counts as a request.
    let rates = json!({ "rate_limits": { "key": { "requests": 1, "per": "second" } } });
    let rates = (rates, [claim(Some(key), None, rate(1, 1, 1)), None, None]);
    check(&rates.0, &both, "/free", Some(Demand { rates: rates.1, ..Demand::default() }));
    for (word, on_unavailable) in [("deny", OnUnavailable::Deny), ("allow", OnUnavailable::Allow)] {
        let more = json!({ "quota": { "on_unavailable": word } });
        assert_eq!(policy(&more).on_unavailable(), on_unavailable);
        let expected = asked([Some(organization), None], 1).map(|it| Demand { on_unavailable, ..it });
        check(&more, &metered, "/plain", expected);
    }
}

#[test]
fn a_rule_keeps_its_bucket_while_others_change() {
    let bucket = |rules: Value| {
        let (policy, mut one, mut limiter) = (policy(&json!({ "rules": rules })), One::default(), passing());
        ask(&policy, &mut one, "GET /b", true, &mut limiter);
        limiter.asked.first().and_then(|it| it.rates[2]).unwrap().bucket
    };
    let rule =
        |path: &str, requests: u32| json!({ "path": path, "rate_limit": { "requests": requests, "per": "second" } });
    let alone = bucket(json!([rule("/b", 1)]));
    assert_eq!(bucket(json!([rule("/a", 1), rule("/b", 2), { "path": "/**", "cost": 3 }])), alone);
    assert_ne!(bucket(json!([{ "path": "/b", "methods": ["GET"], "rate_limit": rule("", 1)["rate_limit"] }])), alone);
}

/// Every check before it refuses; none of these requests may cost anything.
#[test]
fn nothing_is_taken_for_what_is_refused_or_open() {
    let more = json!({ "rate_limits": { "key": { "requests": 1, "per": "second" } } });
    let metered = of_organization(true, None);
    let restricted = |spec: Value| {
        let spec: RestrictionsSpec = serde_json::from_value(spec).unwrap();
        One { restrictions: RestrictionSet::compile(&spec).unwrap(), ..metered.clone() }
    };
    let exhausted = |until| One { state: OrganizationState::QuotaExhausted { until }, ..metered.clone() };
    for (one, request, with_key, expected) in [
        (metered.clone(), "GET /write", true, Err(Reason::InsufficientScope)),
        (metered.clone(), "GET /none", true, Err(Reason::NoRule)),
        (metered.clone(), "GET /plain", false, Err(Reason::MissingCredential)),
        (metered.clone(), "GET /a//b", true, Err(Reason::AmbiguousPath)),
        (metered.clone(), "GET /public", true, Ok(())),
        (metered.clone(), "GET /public", false, Ok(())),
        (restricted(json!({ "ip": { "allow": [] } })), "GET /plain", true, Err(Reason::IpNotAllowed)),
        (restricted(json!({ "endpoint": { "allow": [] } })), "GET /plain", true, Err(Reason::EndpointNotAllowed)),
        (
            One { state: OrganizationState::Suspended, ..metered.clone() },
            "GET /plain",
            true,
            Err(Reason::OrganizationSuspended),
        ),
        (exhausted(NOW + 1), "GET /plain", true, Err(Reason::QuotaExhausted)),
        (exhausted(NOW + 1), "GET /free", true, Err(Reason::QuotaExhausted)),
    ] {
        let (policy, mut one, mut limiter) = (policy(&more), one, passing());
        let found = match ask(&policy, &mut one, request, with_key, &mut limiter) {
            Decision::Allow(_) => Ok(()),
            Decision::Deny(denial) => Err(denial.reason),
        };
        assert_eq!((found, limiter.asked.len()), (expected, 0), "{request}");
    }
    let (policy, mut one, mut limiter) = (policy(&more), exhausted(NOW), passing());
    assert!(matches!(ask(&policy, &mut one, "GET /plain", true, &mut limiter), Decision::Allow(_)));
    assert_eq!(limiter.asked.len(), 1, "its time is over");
}

#[test]
fn a_refusal_becomes_a_denial_and_an_admission_part_of_the_grant() {
    let standing = Standing { kind: LimitKind::Rate, limit: 10, window: 1, remaining: 0, reset: 2 };
    let (policy, metered) = (policy(&json!({})), of_organization(true, None));
    for (reason, standing, retry_after, told) in [
        (Reason::RateLimited, Some(standing), 2, 2),
        (Reason::QuotaExhausted, Some(Standing { kind: LimitKind::Quota, ..standing }), 86_400, 86_400),
        (Reason::QuotaUnavailable, None, 1, 1),
        (Reason::RateLimited, None, 0, 1),
    ] {
        let answer = Err(Refusal { reason, standing, retry_after });
        let (mut one, mut limiter) = (metered.clone(), Scripted { answer, ..passing() });
        let Decision::Deny(denial) = ask(&policy, &mut one, "GET /plain", true, &mut limiter) else {
            panic!("{reason} passes");
        };
        assert_eq!((denial.reason, denial.standing, denial.retry_after), (reason, standing, Some(told)));
        assert_eq!((denial.identity.map(|it| it.key), denial.rule), (Some(KEY), Some(0)));
        assert_eq!(limiter.asked.len(), 1);
    }
    let admission = Admission { unmetered: true, quota: Some(standing), rate: None };
    let (mut one, mut limiter) = (metered.clone(), Scripted { answer: Ok(admission), ..passing() });
    let Decision::Allow(grant) = ask(&policy, &mut one, "GET /plain", true, &mut limiter) else { panic!("refused") };
    assert_eq!(grant.admission, admission);
}

#[test]
fn explain_says_what_a_request_falls_under_and_takes_nothing() {
    let more = json!({ "rate_limits": { "key": { "requests": 10, "per": "second", "burst": 20 } } });
    let both = One {
        limits: OrganizationLimits { metered: true, rate: Some(rate(5, 60, 5)) },
        ..own(&json!({ "quota": true }))
    };
    for (more, one, path, expected) in [
        (
            &more,
            &both,
            "/by-everyone",
            "organisation quota, cost 1; key quota, cost 1; rate 10 in 1 s, burst 20, by key; \
          rate 5 in 60 s, burst 5, by organisation; rate 4 in 3600 s, burst 4, by everyone; what is left is not looked at",
        ),
        (
            &json!({}),
            &of_organization(true, None),
            "/dear",
            "organisation quota, cost 5; what is left is not looked at",
        ),
        (&json!({}), &One::default(), "/by-key", "rate 60 in 60 s, burst 7, by key; what is left is not looked at"),
        (&json!({}), &One::default(), "/plain", ""),
    ] {
        let (policy, mut one, mut checks) = (policy(more), one.clone(), Vec::new());
        let headers: [(&[u8], &[u8]); 1] = [(b"x-api-key", b"sk_0123456789ab")];
        let request = Request { method: b"GET", path: Some(path.as_bytes()), headers: &headers };
        let decision = decide_traced(&policy, &mut one, &request, &There, &mut Unlimited, &mut checks);
        assert!(matches!(decision, Decision::Allow(_)), "{decision}");
        let expected = Check { step: Step::Quota, outcome: Outcome::Passed, detail: expected.to_owned() };
        assert_eq!(checks.last(), Some(&expected), "{path}");
    }
}

#[test]
fn what_has_no_limits_says_nothing_of_them() {
    let spec = json!({ "name": "x", "environments": [], "credentials": [], "keys": [], "rules": [{ "path": "/" }] });
    let policy: PolicySpec = serde_json::from_value(spec).unwrap();
    for text in [serde_json::to_string(&policy), serde_json::to_string(&RestrictionSet::default().to_spec())] {
        let text = text.unwrap();
        assert!(!["quota", "rate", "cost", "limit"].iter().any(|word| text.contains(word)), "{text}");
    }
}

#[test]
fn limits_that_cannot_be_read_are_refused() {
    for (limits, field) in [
        (json!({ "meter": "nobody" }), "limits.meter"),
        (json!({ "meter": ORGANIZATION.to_string() }), "limits.meter"),
        (json!({ "rate": { "requests": 0, "seconds": 1, "burst": 1 } }), "limits.rate"),
        (json!({ "rate": { "requests": 1, "seconds": 0, "burst": 1 } }), "limits.rate"),
        (json!({ "rate": { "requests": 1, "seconds": 86_401, "burst": 1 } }), "limits.rate"),
    ] {
        let spec: RestrictionsSpec = serde_json::from_value(json!({ "limits": limits })).unwrap();
        assert_eq!(RestrictionSet::compile(&spec).unwrap_err().field, field, "{limits}");
    }
    for nonsense in
        [json!({ "quotas": true }), json!({ "rate": 7 }), json!({ "rate": { "requests": 1, "seconds": 1 } })]
    {
        assert!(serde_json::from_value::<RestrictionsSpec>(json!({ "limits": nonsense })).is_err(), "{nonsense}");
    }
    for (limits, is_empty) in [(json!({}), true), (json!({ "quota": false }), true), (json!({ "quota": true }), false)]
    {
        assert_eq!(set(&limits).is_empty(), is_empty, "{limits}");
        let again = RestrictionSet::compile(&set(&limits).to_spec()).unwrap();
        assert_eq!((again == set(&limits), again.limits().is_none()), (true, is_empty));
    }
}

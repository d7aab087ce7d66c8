//! Other spellings of a method or path: where an upstream could read them as a route that wants something else, they
//! are refused; everywhere else they mean what they always meant.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests")]

use std::net::IpAddr;

use Reason::*;
use portcullis_engine::template::{MethodSet, Router, Template};
use portcullis_engine::{
    Ambient, Decision, KeyDigest, KeyId, KeyRecord, KeyStatus, KeyStore, OrganizationId, OrganizationState, Policy,
    Reason, Request, StoreUnavailable, Unlimited, decide,
};
use proptest::prelude::*;
use serde_json::json;

/// Every key exists, and has no scopes.
struct Everybody;

impl KeyStore for Everybody {
    fn find(&mut self, _: &KeyDigest) -> Result<Option<KeyRecord<'_>>, StoreUnavailable> {
        Ok(Some(KeyRecord {
            id: KeyId::from_bytes([1; 10]),
            organization: OrganizationId::from_bytes([2; 10]),
            organization_state: OrganizationState::Active,
            organization_limits: Default::default(),
            status: KeyStatus::Active,
            expires_at: None,
            scopes: "",
            restrictions: None,
            skill: None,
        }))
    }
}

impl Ambient for Everybody {
    fn now(&self) -> u64 {
        0
    }

    fn source_address(&self) -> Option<IpAddr> {
        None
    }
}

/// Rules are `METHODS PATH DEMAND`: `*` for every method, and `any`, `public`, a scope or an environment.
fn policy(default: &str, rules: &[&str]) -> Policy {
    let rules = rules.iter().map(|rule| {
        let words: Vec<&str> = rule.split(' ').collect();
        let [methods, path, demand] = words[..] else { panic!("{rule}") };
        let methods: Vec<_> = methods.split(',').filter(|method| *method != "*").collect();
        let mut rule = json!({ "methods": methods, "path": path });
        match demand {
            "any" => {}
            "public" => rule["access"] = json!("public"),
            "live" => rule["environments"] = json!(["live"]),
            "dear" => rule["cost"] = json!(5),
            "slow" => rule["rate_limit"] = json!({ "requests": 1, "per": "minute" }),
            scope => rule["all"] = json!([scope]),
        }
        rule
    });
    let spec = json!({
        "name": "shop",
        "default": default,
        "environments": ["live", "test"],
        "scopes": ["a:read", "a:write"],
        "credentials": [{ "in": "header", "name": "authorization", "scheme": "Bearer" }],
        "keys": [{ "prefix": "sk_test_", "environment": "test", "body_length": 12 }],
        "rules": rules.collect::<Vec<_>>(),
    });
    Policy::compile(&serde_json::from_value(spec).unwrap()).unwrap()
}

/// What a scopeless test key hears; `None` = it passes.
fn answer(policy: &Policy, request: &str) -> Option<Reason> {
    let (method, path) = request.split_once(' ').unwrap();
    let headers: [(&[u8], &[u8]); 1] = [(b"authorization", b"Bearer sk_test_0123456789ab")];
    let request = Request { method: method.as_bytes(), path: Some(path.as_bytes()), headers: &headers };
    match decide(policy, &mut Everybody, &request, &Everybody, &mut Unlimited) {
        Decision::Allow(_) => None,
        Decision::Deny(denial) => Some(denial.reason),
    }
}

#[track_caller]
fn check(policy: &Policy, expect: Option<Reason>, requests: &[&str]) {
    for request in requests {
        assert_eq!(answer(policy, request), expect, "{request}");
    }
}

const PAYMENTS: [&str; 5] = [
    "* /v1/** any",
    "POST /v1/payouts live",
    "POST /v1/payouts/{id}/reverse a:write",
    "GET /v1/status public",
    "* /v1/m:run a:write",
];

#[test]
fn a_method_in_another_case_is_refused() {
    let policy = policy("deny", &[&PAYMENTS[..], &["PURGE /v1/** a:write", "brew /v1/** a:write"]].concat());
    check(&policy, Some(EnvironmentMismatch), &["POST /v1/payouts"]);
    check(
        &policy,
        Some(AmbiguousPath),
        &[
            "post /v1/payouts",
            "Post /v1/payouts",
            "get /v1/users",
            "oPTIONS /elsewhere",
            "purge /v1/x",
            "BREW /v1/x",
            "connect /",
        ],
    );
    check(&policy, Some(NoScopes), &["PURGE /v1/x", "brew /v1/x"]);
    // Nobody's method, in any case: the rule for every method.
    check(&policy, None, &["steep /v1/users", "STEEP /v1/users", "posts /v1/payouts"]);
}

#[test]
fn another_spelling_of_a_stricter_route_is_refused() {
    let policy = policy("deny", &PAYMENTS);
    check(&policy, Some(EnvironmentMismatch), &["POST /v1/payouts", "POST /v1/%70ayouts/"]);
    check(
        &policy,
        Some(AmbiguousPath),
        &[
            "POST /v1/Payouts",
            "POST /v1/PAYOUTS/",
            "POST /v1/%50ayouts",
            "POST /v1/payouts.json",
            "POST /v1/Payouts.JSON?x",
            "POST /v1/payouts.",
            "POST /v1/payouts..",
            "POST /v1/payouts.a-format.of-any_length",
            "POST /v1/payouts%20",
            "POST /v1/%20payouts",
            "POST /v1/payouts%20.",
            "POST /v1/payouts%c2%a0",
            "POST /v1/payouts%e2%80%8b",
            "POST /v1/payout%c5%bf",
            "POST /v1/payouts%3fx",
            "POST /v1/payouts%23x",
            "POST /v1/Payouts;x",
            "POST /v1/payouts.json;x",
            "POST /v1/Payouts/po_1/reverse",
            "POST /v1/payouts/po_1/Reverse",
            "POST /v1/Payouts.x/po_1/reverse.json",
            "POST /v1/M:run",
            "POST /v1/m%3Arun.json",
            // Another reading is public: whoever knows which one is meant can say so.
            "GET /v1/Status",
        ],
    );
}

#[test]
fn what_no_reader_confuses_is_left_alone() {
    let policy = policy("deny", &PAYMENTS);
    check(
        &policy,
        None,
        &[
            "POST /v1/payouts2",
            "POST /v1/payout",
            "POST /v1/pay.outs",
            "POST /v1/xpayouts",
            "POST /v1/payouts-json",
            "POST /v1/payouts%C3%A9",
            "POST /v1/users/Payouts",
            // The same rule either way.
            "GET /v1/Payouts",
            "GET /v1/payouts.json",
            "POST /v1/Users",
            "POST /v1/payouts/po_1/Reversed",
            "POST /v1/Status",
        ],
    );
    // No rule, and the default refuses it anyway.
    check(&policy, Some(NoRule), &["POST /V1/payouts", "POST /v1.json/payouts", "GET /V1/status"]);
}

#[test]
fn the_default_counts_as_a_rule_for_everything() {
    for (default, rules, request, expect) in [
        ("authenticate", ["POST /v1/payouts live"], "POST /V1/payouts", Some(AmbiguousPath)),
        ("authenticate", ["POST /v1/payouts any"], "POST /V1/payouts", None),
        ("authenticate", ["GET /status public"], "GET /Status", Some(AmbiguousPath)),
        ("public", ["GET /status public"], "GET /Status", None),
        ("public", ["GET /admin any"], "GET /ADMIN", Some(AmbiguousPath)),
        ("deny", ["GET /admin any"], "GET /ADMIN", Some(NoRule)),
    ] {
        assert_eq!(answer(&policy(default, &rules), request), expect, "{default}: {request}");
    }
}

#[test]
fn a_name_like_a_literal_is_refused_only_where_it_matters() {
    let strict = policy("deny", &["* /users/{name} a:read", "* /users/me any", "* /users/new a:read"]);
    check(&strict, Some(AmbiguousPath), &["GET /users/Me", "GET /users/me.json"]);
    check(&strict, Some(NoScopes), &["GET /users/New", "GET /users/Melissa", "GET /users/men"]);
    check(&strict, None, &["GET /users/me"]);
    // Both spellings are in the policy: each is what it says.
    let both = policy("deny", &["* /users/{name} any", "* /users/me a:read", "* /users/Me any"]);
    check(&both, None, &["GET /users/Me"]);
    check(&both, Some(NoScopes), &["GET /users/me"]);
    check(&both, Some(AmbiguousPath), &["GET /users/ME"]);
    // Two readings that differ from each other, though one of them is like the rule found.
    let mixed = policy("deny", &["* /f/** any", "* /f/list a:read", "* /f/list.json any"]);
    check(&mixed, None, &["GET /f/list.json"]);
    check(&mixed, Some(AmbiguousPath), &["GET /f/List.json", "GET /f/list.xml"]);
}

#[test]
fn nobody_pays_less_by_spelling() {
    let dear = policy("deny", &["* /v1/** any", "* /v1/search dear", "* /v1/login slow", "* /v1/login/{x} slow"]);
    check(&dear, None, &["GET /v1/search", "GET /v1/login", "GET /v1/other", "GET /v1/login/x", "GET /v1/Other"]);
    check(&dear, Some(AmbiguousPath), &["GET /v1/Search", "GET /v1/search.json", "GET /v1/Login", "GET /v1/Login/x"]);
    // Each has a rate of its own, if the same.
    let two = policy("deny", &["* /v1/{x} slow", "* /v1/login slow"]);
    check(&two, Some(AmbiguousPath), &["GET /v1/Login"]);
}

#[test]
fn the_policy_without_a_rule_for_the_method_gives_way_as_before() {
    let policy = policy("deny", &["GET /a/{x} any", "POST /a/b a:write", "PUT /** any"]);
    check(&policy, None, &["GET /a/B", "GET /a/b", "PUT /a/B"]);
    check(&policy, Some(NoRule), &["POST /a/B", "POST /a/c"]);
}

fn rule(path: &str) -> (MethodSet, Template) {
    (MethodSet::any(), Template::parse(path).unwrap())
}

fn readings(router: &Router, segments: &[&str]) -> (Option<usize>, Vec<usize>) {
    let mut others = Vec::new();
    let found = router.find_each(b"GET", segments.iter().map(|it| it.as_bytes()), &mut |other| others.push(other));
    (found, others)
}

#[test]
fn another_reading_does_not_explode_either() {
    // Every mix of literal and parameter, ten deep.
    let shapes = (0..1024_u32).map(|bits| {
        (0..10).map(|at| if bits >> at & 1 == 1 { "/a".into() } else { format!("/{{p{at}}}") }).collect::<String>()
    });
    let rules: Vec<_> = shapes.map(|path| rule(&path)).collect();
    let router = Router::build(&rules).unwrap();
    let (found, others) = readings(&router, &["A"; 10]);
    assert_eq!(found, Some(0));
    // Each of the other shapes is one reading, told once.
    let mut told = others;
    told.sort_unstable();
    assert_eq!(told, (1..1024).collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    /// Against the obvious way: put a literal's own spelling for every segment that could mean it, in every mix.
    #[test]
    fn no_reading_is_missed(
        shapes in prop::collection::vec((prop::collection::vec(prop::sample::select(vec!["a", "b", "{}"]), 1..4), any::<bool>()), 1..8),
        sent in prop::collection::vec(prop::sample::select(vec!["a", "A", "a.x", "b%20", "b", "c"]), 0..4),
    ) {
        let mut rules = Vec::new();
        for (parts, open) in shapes {
            let parts = parts.iter().enumerate().map(|(at, part)| format!("/{}", part.replace("{}", &format!("{{p{at}}}"))));
            let path = parts.collect::<String>();
            rules.push(rule(&if open { format!("{path}/**") } else { path }));
            if Router::build(&rules).is_err() {
                rules.pop();
            }
        }
        let router = Router::build(&rules).unwrap();
        let (found, others) = readings(&router, &sent);
        prop_assert_eq!(found, router.find(b"GET", sent.iter().map(|it| it.as_bytes())));
        let plain = |segment: &'static str| match segment { "A" | "a.x" => "a", "b%20" => "b", other => other };
        for mix in 0..1_u32 << sent.len() {
            let read = sent.iter().enumerate().map(|(at, segment)| if mix >> at & 1 == 1 { plain(segment) } else { segment });
            let reading = router.find(b"GET", read.map(str::as_bytes));
            prop_assert!(reading == found || reading.is_some_and(|it| others.contains(&it)), "{:?}: {:?}", sent, reading);
        }
        if sent.iter().all(|segment| plain(segment) == *segment) {
            prop_assert!(others.is_empty());
        }
    }
}

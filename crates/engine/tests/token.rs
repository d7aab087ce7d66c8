//! Access tokens in a decision: which credentials are taken for one, and what is checked of it and of its record.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::net::IpAddr;

use portcullis_engine::scope::common_grants;
use portcullis_engine::spec::RestrictionsSpec;
use portcullis_engine::{
    Ambient, Check, Code, Decision, KeyDigest, KeyId, KeyRecord, KeyStatus, KeyStore, Observed, OrganizationId,
    OrganizationState, Outcome, Policy, PolicySpec, Reason, Request, RestrictionSet, Step, StoreUnavailable,
    TokenRecord, Unlimited, decide_traced,
};
use serde_json::{Value, json};

const NOW: u64 = 1000;
const TOKEN: &str = "eyJhbGciOiJFZERTQSJ9.e30.c2ln";

/// One token and its record; there is no key.
#[derive(Clone)]
struct One {
    refused: Option<Reason>,
    environment: &'static str,
    granted: &'static str,
    held: &'static str,
    common: String,
    subject: Option<&'static str>,
    status: KeyStatus,
    expires_at: Option<u64>,
    organization_state: OrganizationState,
    restrictions: RestrictionSet,
    write_implies_read: bool,
    asked: usize,
}

impl One {
    fn new() -> Self {
        Self {
            refused: None,
            environment: "live",
            granted: "a:read",
            held: "a:read a:write",
            common: String::new(),
            subject: None,
            status: KeyStatus::Active,
            expires_at: None,
            organization_state: OrganizationState::Active,
            restrictions: RestrictionSet::default(),
            write_implies_read: false,
            asked: 0,
        }
    }
}

impl KeyStore for One {
    fn find(&mut self, _: &KeyDigest) -> Result<Option<KeyRecord<'_>>, StoreUnavailable> {
        Ok(None)
    }

    fn find_token(&mut self, token: &[u8], now: u64) -> Result<TokenRecord<'_>, Reason> {
        assert_eq!((token, now), (TOKEN.as_bytes(), NOW));
        self.asked += 1;
        self.refused.map_or(Ok(()), Err)?;
        self.common = common_grants(self.granted, self.held, self.write_implies_read);
        let key = KeyRecord {
            id: KeyId::from_bytes([1; 10]),
            organization: OrganizationId::from_bytes([2; 10]),
            organization_state: self.organization_state,
            organization_limits: Default::default(),
            status: self.status,
            expires_at: self.expires_at,
            scopes: self.held,
            restrictions: Some(&self.restrictions),
            skill: None,
        };
        let Self { environment, granted, subject, .. } = *self;
        Ok(TokenRecord { key, environment, granted, scopes: &self.common, subject })
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

fn spec() -> Value {
    json!({
        "name": "shop",
        "environments": ["live", "test"],
        "scopes": ["a:read", "a:write", "b:read"],
        "tokens": { "audience": "https://api.example.com", "max_bytes": 512 },
        "credentials": [
            { "in": "header", "name": "authorization", "scheme": "Bearer" },
            { "in": "header", "name": "x-api-key" },
            { "in": "query", "name": "api_key" },
            { "in": "cookie", "name": "api_key" },
        ],
        "keys": [{ "prefix": "sk_", "environment": "live", "body_length": 12 }],
        "rules": [
            { "methods": ["GET"], "path": "/a", "all": ["a:read"] },
            { "methods": ["POST"], "path": "/a", "all": ["a:write"] },
            { "methods": ["GET"], "path": "/either", "any": ["a:read", "b:read"] },
            { "path": "/live", "environments": ["live"] },
            { "path": "/any" },
        ],
    })
}

fn compile(spec: &Value) -> Policy {
    Policy::compile(&serde_json::from_value::<PolicySpec>(spec.clone()).unwrap()).unwrap()
}

struct Answer {
    reason: Option<Reason>,
    observed: Vec<Observed>,
    identity: Option<(String, String, Option<String>)>,
    checks: Vec<Check>,
}

fn ask(policy: &Policy, one: &mut One, request: &str, headers: &[(&str, &str)]) -> Answer {
    let (method, path) = request.split_once(' ').unwrap();
    let headers: Vec<(&[u8], &[u8])> = headers.iter().map(|(name, it)| (name.as_bytes(), it.as_bytes())).collect();
    let request = Request { method: method.as_bytes(), path: Some(path.as_bytes()), headers: &headers };
    let mut checks = Vec::new();
    let decision = decide_traced(policy, one, &request, &There, &mut Unlimited, &mut checks);
    let (reason, observed, identity) = match decision {
        Decision::Allow(grant) => (None, grant.observed, grant.identity),
        Decision::Deny(denial) => (Some(denial.reason), Vec::new(), denial.identity),
    };
    let identity = identity.map(|it| (it.environment.to_owned(), it.scopes.to_owned(), it.subject.map(str::to_owned)));
    Answer { reason, observed, identity, checks }
}

fn bearer(one: &mut One, request: &str) -> Answer {
    ask(&compile(&spec()), one, request, &[("authorization", &format!("Bearer {TOKEN}"))])
}

#[test]
fn what_is_taken_for_a_token() {
    use Reason::{
        AmbiguousCredentials, InsufficientScope, MalformedToken, TokensNotAccepted, UnknownKey, UnknownPrefix,
    };
    let (bearer, query, cookie) =
        (format!("Bearer {TOKEN}"), format!("GET /any?api_key={TOKEN}"), format!("api_key={TOKEN}"));
    let long = format!("Bearer eyJ.{}", "a".repeat(509));
    /// Request, headers, refused for, whether the store was asked.
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Option<Reason>, usize);
    let cases: [Case<'_>; 12] = [
        ("GET /a", &[("authorization", &bearer)], None, 1),
        ("POST /a", &[("authorization", &bearer)], Some(InsufficientScope), 1),
        ("GET /any", &[("x-api-key", TOKEN)], None, 1),
        (&query, &[], Some(TokensNotAccepted), 0),
        ("GET /any", &[("cookie", &cookie)], Some(TokensNotAccepted), 0),
        ("GET /any", &[("authorization", &bearer), ("x-api-key", TOKEN)], Some(AmbiguousCredentials), 0),
        ("GET /any", &[("authorization", &long)], Some(MalformedToken), 0),
        ("GET /any", &[("authorization", "Bearer eyJhbGciOiJFZERTQSJ9")], Some(UnknownPrefix), 0),
        ("GET /any", &[("authorization", "Bearer eyjhbGciOiJFZERTQSJ9.e30.c2ln")], Some(UnknownPrefix), 0),
        ("GET /any", &[("authorization", "Bearer e30.e30.c2ln")], Some(UnknownPrefix), 0),
        ("GET /any", &[("authorization", "Bearer sk_0123456789ab")], Some(UnknownKey), 0),
        ("GET /any", &[("authorization", "Bearer sk_eyJ.e30.c2ln")], Some(Reason::BadAlphabet), 0),
    ];
    for (request, headers, reason, asked) in cases {
        let mut one = One::new();
        assert_eq!(ask(&compile(&spec()), &mut one, request, headers).reason, reason, "{request} {headers:?}");
        assert_eq!(one.asked, asked, "{request} {headers:?}");
    }
    let mut without = spec();
    without.as_object_mut().unwrap().remove("tokens");
    let mut one = One::new();
    let answer = ask(&compile(&without), &mut one, "GET /any", &[("authorization", &bearer)]);
    assert_eq!((answer.reason, one.asked), (Some(TokensNotAccepted), 0));
}

#[test]
fn a_store_that_knows_no_issuer_takes_no_token() {
    struct Keys;
    impl KeyStore for Keys {
        fn find(&mut self, _: &KeyDigest) -> Result<Option<KeyRecord<'_>>, StoreUnavailable> {
            Ok(None)
        }
    }
    assert_eq!(Keys.find_token(TOKEN.as_bytes(), NOW), Err(Reason::TokensNotAccepted));
}

#[test]
fn what_is_checked_of_it() {
    use Reason::{
        EnvironmentMismatch, ExpiredToken, InsufficientScope, IpNotAllowed, NoScopes, OrganizationSuspended,
        StoreUnavailable, TokenClaims, TokenDisabled, TokenKeyExpired, TokenRevoked, UnknownTokenSubject,
    };
    let spec: RestrictionsSpec = serde_json::from_value(json!({ "ip": { "allow": [] } })).unwrap();
    let nowhere = RestrictionSet::compile(&spec).unwrap();
    let one = One::new();
    let cases = [
        (one.clone(), "GET /a", None),
        (One { refused: Some(ExpiredToken), ..one.clone() }, "GET /a", Some(ExpiredToken)),
        (One { refused: Some(UnknownTokenSubject), ..one.clone() }, "GET /a", Some(UnknownTokenSubject)),
        (One { refused: Some(StoreUnavailable), ..one.clone() }, "GET /a", Some(StoreUnavailable)),
        (One { environment: "elsewhere", ..one.clone() }, "GET /a", Some(TokenClaims)),
        (One { environment: "", ..one.clone() }, "GET /a", Some(TokenClaims)),
        (One { environment: "test", ..one.clone() }, "GET /a", None),
        (One { environment: "test", ..one.clone() }, "GET /live", Some(EnvironmentMismatch)),
        (One { status: KeyStatus::Revoked, ..one.clone() }, "GET /a", Some(TokenRevoked)),
        (One { status: KeyStatus::Disabled, ..one.clone() }, "GET /a", Some(TokenDisabled)),
        (One { expires_at: Some(NOW), ..one.clone() }, "GET /a", Some(TokenKeyExpired)),
        (One { expires_at: Some(NOW + 1), ..one.clone() }, "GET /a", None),
        (
            One { organization_state: OrganizationState::Suspended, ..one.clone() },
            "GET /a",
            Some(OrganizationSuspended),
        ),
        (One { restrictions: nowhere, ..one.clone() }, "GET /a", Some(IpNotAllowed)),
        (One { granted: "", ..one.clone() }, "GET /a", Some(NoScopes)),
        (One { granted: "", ..one.clone() }, "GET /any", None),
        (One { held: "", ..one.clone() }, "GET /a", Some(NoScopes)),
        (One { granted: "a:*", held: "a:write", ..one.clone() }, "GET /a", Some(InsufficientScope)),
        (One { granted: "a:*", held: "a:write", ..one.clone() }, "POST /a", None),
        // One of either, but not the same one.
        (One { granted: "a:read", held: "b:read", ..one.clone() }, "GET /either", Some(NoScopes)),
        (One { granted: "a:read b:read", held: "b:read", ..one.clone() }, "GET /either", None),
    ];
    for (mut one, request, reason) in cases {
        let answer = bearer(&mut one, request);
        let what = format!("{} `{}` `{}` {request}", one.environment, one.granted, one.held);
        assert_eq!(answer.reason, reason, "{what}");
        assert_eq!(answer.checks.last().map(|it| it.outcome), Some(reason.map_or(Outcome::Passed, Outcome::Denied)));
    }
}

#[test]
fn who_calls() {
    let mut one = One { granted: "a:*", subject: Some("usr_1"), ..One::new() };
    let told = |scopes: &str| Some(("live".to_owned(), scopes.to_owned(), Some("usr_1".to_owned())));
    assert_eq!(bearer(&mut one, "GET /a").identity, told("a:read a:write"));
    one.held = "a:write";
    assert_eq!(bearer(&mut one, "GET /a").identity, told("a:write"), "refused, and told of");
    one.refused = Some(Reason::TokenSignature);
    assert_eq!(bearer(&mut one, "GET /a").identity, None, "nobody vouches for what it says");
}

#[test]
fn a_trial_of_scopes_is_of_the_records() {
    use Observed::Trial;
    let trial = |scopes: Value| {
        let spec: RestrictionsSpec = serde_json::from_value(json!({ "trial": { "scopes": scopes } })).unwrap();
        RestrictionSet::compile(&spec).unwrap()
    };
    // (granted, held, tried, what is told of GET /either)
    for (granted, held, tried, observed) in [
        ("a:read", "a:read b:read", json!(["b:read"]), vec![Trial(Reason::NoScopes)]),
        ("a:read b:read", "a:read", json!(["b:read"]), vec![]),
        ("a:read", "a:read", json!(["a:*"]), vec![]),
        ("a:*", "a:*", json!(["a:write"]), vec![Trial(Reason::InsufficientScope)]),
    ] {
        let mut one = One { granted, held, restrictions: trial(tried.clone()), ..One::new() };
        let answer = bearer(&mut one, "GET /either");
        assert_eq!((answer.reason, answer.observed), (None, observed), "`{granted}` `{held}` {tried}");
    }
}

#[test]
fn explained() {
    let mut one = One { granted: "a:*", held: "a:read", subject: Some("usr_1\n"), ..One::new() };
    let answer = bearer(&mut one, "GET /a");
    let told: Vec<_> = answer.checks.iter().map(|it| (it.step, it.detail.as_str())).collect();
    assert_eq!(
        told.get(2..5),
        Some(
            &[
                (Step::Format, "an access token, not a key"),
                (Step::Token, "environment live; granted `a:*`, of which its record has `a:read`; for `usr_1\\n`"),
                (Step::Lookup, "minted for key_040g2081040g2081"),
            ][..]
        )
    );
    assert!(answer.checks.iter().all(|it| !it.detail.contains(TOKEN)));
    for (reason, step) in [
        (Reason::TokenSignature, Step::Token),
        (Reason::UnknownTokenSubject, Step::Lookup),
        (Reason::StoreUnavailable, Step::Lookup),
    ] {
        let answer = bearer(&mut One { refused: Some(reason), ..One::new() }, "GET /a");
        let last = answer.checks.last().map(|it| (it.step, it.outcome));
        assert_eq!(last, Some((step, Outcome::Denied(reason))));
    }
}

#[test]
fn every_reason_of_a_token_is_one_of_its_two_codes() {
    // That no more are verified for now says nothing of the token.
    assert_eq!(Reason::TokenForgeries.code(), Code::RateLimited);
    let of_tokens = |reason: &&Reason| reason.as_str().contains("token") && **reason != Reason::TokenForgeries;
    for reason in Reason::ALL.iter().filter(of_tokens) {
        let code = match reason {
            Reason::TokensNotAccepted => Code::InvalidApiKey,
            Reason::ExpiredToken => Code::ExpiredToken,
            _ => Code::InvalidToken,
        };
        assert_eq!((reason.code(), code.status(), code.bearer_error()), (code, 401, Some("invalid_token")), "{reason}");
    }
}

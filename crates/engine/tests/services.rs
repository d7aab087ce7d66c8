//! Rules that lead to services: whose skill may use one, what is asked of it, and that nothing else is asked when it refuses.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::net::IpAddr;

use portcullis_engine::{
    Admission, Ambient, Decision, Demand, KeyDigest, KeyId, KeyRecord, KeyStatus, KeyStore, Limiter, OrganizationId,
    OrganizationLimits, OrganizationState, Outcome, Policy, Reason, Refusal, Request, SecretId, SecretState,
    SecretValue, ServiceLink, Skill, SkillId, SkillSecret, Step, StoreUnavailable, Unlimited, decide, decide_traced,
};
use serde_json::json;

const ORGANIZATION: OrganizationId = OrganizationId::from_bytes([2; 10]);
const SKILL: SkillId = SkillId::from_bytes([3; 10]);
const SECRET: SecretId = SecretId::from_bytes([4; 10]);

/// One key of that organisation, with a rate limit and `a:read`, belonging to the skill.
struct One {
    skill: Option<Skill>,
    metered: bool,
}

impl KeyStore for One {
    fn find(&mut self, _: &KeyDigest) -> Result<Option<KeyRecord<'_>>, StoreUnavailable> {
        Ok(Some(KeyRecord {
            id: KeyId::from_bytes([1; 10]),
            organization: ORGANIZATION,
            organization_state: OrganizationState::Active,
            organization_limits: OrganizationLimits { metered: self.metered, rate: None },
            status: KeyStatus::Active,
            expires_at: None,
            scopes: "a:read",
            restrictions: None,
            skill: self.skill.as_ref(),
        }))
    }
}

struct There;

impl Ambient for There {
    fn now(&self) -> u64 {
        1000
    }

    fn source_address(&self) -> Option<IpAddr> {
        None
    }
}

/// Counts how often it is asked.
#[derive(Default)]
struct Counted(usize);

impl Limiter for Counted {
    fn admit(&mut self, _: &Demand) -> Result<Admission, Refusal> {
        self.0 += 1;
        Ok(Admission::default())
    }
}

const NAMES: [&str; 6] = ["weather_key", "missing", "elsewhere", "sealed", "unlinked", "nothing"];

fn policy() -> Policy {
    let spec = json!({
        "name": "agents",
        "environments": ["live"],
        "scopes": ["a:read", "a:write"],
        "credentials": [{ "in": "header", "name": "x-api-key" }],
        "keys": [{ "prefix": "sk_", "environment": "live", "body_length": 12 }],
        "services": [
            { "name": "weather", "host": "api.weather.example", "strip_prefix": "/weather",
              "credential": { "secret": "weather_key", "in": "query", "name": "appid" }, "references": NAMES },
            { "name": "open", "host": "open.example", "references": NAMES },
        ],
        "rules": [
            { "path": "/weather/**", "service": "weather" },
            { "path": "/open/**", "service": "open" },
            { "path": "/writing/**", "service": "open", "all": ["a:write"] },
            { "path": "/own/**" },
        ],
    });
    Policy::compile(&serde_json::from_value(spec).unwrap()).unwrap()
}

fn secret(name: &str, state: SecretState) -> SkillSecret {
    SkillSecret { name: name.into(), state }
}

fn value(text: &str) -> SecretValue {
    SecretValue::new(text.as_bytes().to_vec()).unwrap()
}

/// A skill with five secrets in every state, all but the last linked to `weather` and `open`.
fn skill(weather_key: SecretState) -> Skill {
    let service = |service: &str| ServiceLink { service: service.into(), secrets: vec![0, 1, 2, 3] };
    Skill {
        id: SKILL,
        organization: ORGANIZATION,
        secrets: vec![
            secret("weather_key", weather_key),
            secret("missing", SecretState::Missing),
            secret("elsewhere", SecretState::Unreadable(SECRET)),
            secret("sealed", SecretState::Sealed(SECRET)),
            secret("unlinked", SecretState::Open(SECRET, value("never-sent"))),
        ],
        services: vec![service("weather"), service("open")],
    }
}

fn usable() -> Skill {
    skill(SecretState::Open(SECRET, value("weather-value")))
}

/// The decision on `GET path`, with headers beside the key's: why it is refused and the reference that it is about.
#[track_caller]
fn check(skill: Option<Skill>, path: &str, headers: &[(&str, &str)], expected: Option<(Reason, Option<&str>)>) {
    let (policy, mut one, mut limiter) = (policy(), One { skill, metered: true }, Counted::default());
    let mut all: Vec<(&[u8], &[u8])> = vec![(b"x-api-key", b"sk_0123456789ab")];
    all.extend(headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    let request = Request { method: b"GET", path: Some(path.as_bytes()), headers: &all };
    let decision = decide(&policy, &mut one, &request, &There, &mut limiter);
    let found = match &decision {
        Decision::Allow(_) => None,
        Decision::Deny(denial) => Some((denial.reason, denial.reference.as_deref())),
    };
    assert_eq!(found, expected, "{path} {headers:?}");
    assert_eq!(limiter.0, usize::from(expected.is_none()), "{path} {headers:?}: what is refused takes nothing");
    let identity = match &decision {
        Decision::Allow(grant) => grant.identity,
        Decision::Deny(denial) => denial.identity,
    };
    assert!(identity.is_some(), "{path}: it is told whose key it was");
}

#[test]
fn a_skill_of_the_keys_own_organisation_that_names_the_service_is_wanted() {
    let foreign = Skill { organization: OrganizationId::from_bytes([9; 10]), ..usable() };
    let elsewhere = Skill { services: vec![ServiceLink { service: "weathers".into(), secrets: vec![0] }], ..usable() };
    let unlinked = Skill { services: vec![ServiceLink { service: "weather".into(), secrets: vec![] }], ..usable() };
    let dangling = Skill { services: vec![ServiceLink { service: "weather".into(), secrets: vec![77] }], ..usable() };
    let about = Some("weather_key");
    check(Some(usable()), "/weather/data", &[], None);
    check(None, "/weather/data", &[], Some((Reason::NoSkill, None)));
    check(Some(foreign.clone()), "/weather/data", &[], Some((Reason::ForeignSkill, None)));
    check(Some(elsewhere), "/weather/data", &[], Some((Reason::ServiceNotLinked, None)));
    check(Some(unlinked), "/weather/data", &[], Some((Reason::SecretNotLinked, about)));
    check(Some(dangling), "/weather/data", &[], Some((Reason::SecretNotLinked, about)));
    check(Some(skill(SecretState::Missing)), "/weather/data", &[], Some((Reason::SecretMissing, about)));
    check(Some(skill(SecretState::Unreadable(SECRET))), "/weather/x", &[], Some((Reason::SecretUnreadable, about)));
    check(Some(skill(SecretState::Sealed(SECRET))), "/weather/data", &[], None);
    // What leads to no service asks for no skill.
    for skill in [None, Some(usable()), Some(foreign)] {
        check(skill, "/own/x?k={{secret:nonsense", &[("x-a", "{{secret:}}")], None);
    }
}

#[test]
fn every_reference_has_to_stand_for_something() {
    let refused = |reason, reference| Some((reason, reference));
    type Row = (&'static str, &'static [(&'static str, &'static str)], Option<(Reason, Option<&'static str>)>);
    let rows: [Row; 20] = [
        ("/open/x", &[], None),
        ("/open/x", &[("x-a", "{{secret:weather_key}}"), ("x-b", "b {{secret:sealed}} b")], None),
        ("/open/x?k={{secret:weather_key}}", &[], None),
        ("/open/x?k=%7B%7bsecret%3aweather_key}%7D", &[], None),
        ("/open/x", &[("x-a", "{{secret:missing}}")], refused(Reason::SecretMissing, Some("missing"))),
        ("/open/x", &[("x-a", "{{secret:elsewhere}}")], refused(Reason::SecretUnreadable, Some("elsewhere"))),
        ("/open/x", &[("x-a", "{{secret:unlinked}}")], refused(Reason::SecretNotLinked, Some("unlinked"))),
        ("/open/x", &[("x-a", "{{secret:unheard_of}}")], refused(Reason::SecretNotLinked, Some("unheard_of"))),
        ("/open/x?k={{secret:missing}}", &[], refused(Reason::SecretMissing, Some("missing"))),
        ("/open/x?%7B%7Bsecret%3Amissing%7D%7D", &[], refused(Reason::SecretMissing, Some("missing"))),
        ("/open/x", &[("x-a", "{{secret:")], refused(Reason::MalformedReference, None)),
        ("/open/x", &[("x-a", "{{secret:Weather_key}}")], refused(Reason::MalformedReference, None)),
        ("/open/x", &[("x-a", "{{secret:weather_key}")], refused(Reason::MalformedReference, None)),
        ("/open/x?k={{secret:%77eather_key}}", &[], refused(Reason::MalformedReference, None)),
        ("/open/x?k=%7B%7Bsecret:a", &[], refused(Reason::MalformedReference, None)),
        // The first one that is wrong, whatever is right before it.
        (
            "/open/x?k={{secret:unlinked}}",
            &[("x-a", "{{secret:weather_key}}"), ("x-b", "{{secret:missing}}")],
            refused(Reason::SecretMissing, Some("missing")),
        ),
        // Nothing that begins like one.
        ("/open/x?k={secret:missing}&l={{ secret:missing}}", &[("x-a", "{{Secret:missing}}")], None),
        ("/open/x?k=%257B%257Bsecret:missing}}", &[("x-a", "%7B%7Bsecret:missing%7D%7D")], None),
        // A path is no place for one.
        ("/open/{{secret:missing}}", &[], None),
        // The service's own credential comes first.
        ("/weather/x", &[("x-a", "{{secret:elsewhere}}")], refused(Reason::SecretUnreadable, Some("elsewhere"))),
    ];
    for (path, headers, expected) in rows {
        check(Some(usable()), path, headers, expected);
    }
}

#[test]
fn a_path_is_sent_on_as_it_was_matched_or_not_at_all() {
    let headers: [(&[u8], &[u8]); 1] = [(b"x-api-key", b"sk_0123456789ab")];
    for (path, fits) in [
        ("/weather", true),
        ("/weather/", true),
        ("/weather?q=1", true),
        ("/weather/%2e%41", true),
        // The rule reads it so; whoever cuts bytes off would not find them.
        ("/we%61ther/a", false),
        ("/%77eather", false),
        // No rule reads it at all.
        ("/x/../weather/a", false),
        ("//weather/a", false),
    ] {
        let (policy, mut one) = (policy(), One { skill: Some(usable()), metered: false });
        let request = Request { method: b"GET", path: Some(path.as_bytes()), headers: &headers };
        let decision = decide(&policy, &mut one, &request, &There, &mut Unlimited);
        let reason = match &decision {
            Decision::Allow(_) => None,
            Decision::Deny(denial) => Some(denial.reason),
        };
        assert_eq!(reason, (!fits).then_some(Reason::AmbiguousPath), "{path}");
    }
}

#[test]
fn the_service_is_asked_after_scopes_and_before_limits_and_the_trace_says_so() {
    let policy = policy();
    let headers: [(&[u8], &[u8]); 1] = [(b"x-api-key", b"sk_0123456789ab")];
    let traced = |skill: Option<Skill>, path: &str| -> Vec<(Step, Outcome, String)> {
        let mut checks = Vec::new();
        let request = Request { method: b"GET", path: Some(path.as_bytes()), headers: &headers };
        decide_traced(&policy, &mut One { skill, metered: true }, &request, &There, &mut Unlimited, &mut checks);
        checks.into_iter().map(|check| (check.step, check.outcome, check.detail)).collect()
    };
    let passed = traced(Some(usable()), "/weather/x");
    let steps: Vec<Step> = passed.iter().map(|(step, ..)| *step).collect();
    let place = |wanted| steps.iter().position(|step| *step == wanted).unwrap();
    assert!(place(Step::Scopes) < place(Step::Service) && place(Step::Service) < place(Step::Quota), "{steps:?}");
    assert_eq!(passed.get(place(Step::Service)).unwrap().2, format!("weather by {SKILL}"));
    assert_eq!(Step::Service.as_str(), "service");
    let last = |skill, path| traced(skill, path).pop().unwrap();
    let denied = |reason, detail: &str| (Step::Service, Outcome::Denied(reason), detail.to_owned());
    assert_eq!(last(None, "/weather/x"), denied(Reason::NoSkill, "weather"));
    let missing = denied(Reason::SecretMissing, "open, secret `missing`");
    assert_eq!(last(Some(usable()), "/open/x?k={{secret:missing}}"), missing);
    assert_eq!(last(None, "/writing/x").1, Outcome::Denied(Reason::InsufficientScope), "scopes are asked before");
    assert!(traced(None, "/own/x").iter().all(|(step, ..)| *step != Step::Service));
}

#[test]
fn no_value_is_in_anything_that_can_be_printed() {
    let (policy, mut one) = (policy(), One { skill: Some(usable()), metered: false });
    let headers: [(&[u8], &[u8]); 2] = [(b"x-api-key", b"sk_0123456789ab"), (b"x-a", b"{{secret:weather_key}}")];
    let request = Request { method: b"GET", path: Some(b"/weather/x"), headers: &headers };
    let decision = decide(&policy, &mut one, &request, &There, &mut Unlimited);
    let Decision::Allow(grant) = &decision else { panic!("{decision}") };
    let outgoing = grant.service.unwrap().outgoing(&request, b"/weather/x").unwrap();
    assert!(outgoing.path.windows(13).any(|part| part == b"weather-value"), "it is in there");
    let printed = format!("{decision:?} {outgoing:?} {:?} {:?} {:?}", outgoing.masks, value("weather-value"), usable());
    let bytes = format!("{:?}", b"weather-value").trim_matches(['[', ']']).to_owned();
    assert!(!printed.contains("weather-value") && !printed.contains(&bytes), "{printed}");
}

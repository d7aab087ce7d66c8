//! What a service gets in place of a request, and what is masked in its answer.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

use std::net::IpAddr;

use portcullis_engine::service::masked;
use portcullis_engine::{
    Ambient, Decision, KeyDigest, KeyId, KeyRecord, KeyStatus, KeyStore, OrganizationId, OrganizationLimits,
    OrganizationState, Outgoing, Policy, Request, SecretId, SecretState, SecretValue, ServiceLink, Skill, SkillId,
    SkillSecret, StoreUnavailable, Unlimited, decide,
};
use serde_json::{Value, json};

const ORGANIZATION: OrganizationId = OrganizationId::from_bytes([2; 10]);

/// One key, belonging to the skill.
struct One(Skill);

impl KeyStore for One {
    fn find(&mut self, _: &KeyDigest) -> Result<Option<KeyRecord<'_>>, StoreUnavailable> {
        Ok(Some(KeyRecord {
            id: KeyId::from_bytes([1; 10]),
            organization: ORGANIZATION,
            organization_state: OrganizationState::Active,
            organization_limits: OrganizationLimits::default(),
            status: KeyStatus::Active,
            expires_at: None,
            scopes: "",
            restrictions: None,
            skill: Some(&self.0),
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

fn policy(service: &Value) -> Policy {
    let spec = json!({
        "name": "agents",
        "environments": ["live"],
        "credentials": [{ "in": "header", "name": "x-api-key" }],
        "keys": [{ "prefix": "sk_", "environment": "live", "body_length": 12 }],
        "services": [service],
        "rules": [{ "path": "/s/**", "service": "s" }],
    });
    Policy::compile(&serde_json::from_value(spec).unwrap()).unwrap()
}

/// A service with that credential.
fn service(credential: &Value) -> Value {
    let references: Vec<_> = SECRETS.iter().map(|(name, _)| name).collect();
    json!({ "name": "s", "host": "S.Example:8443", "strip_prefix": "/s", "credential": credential, "references": references })
}

fn open() -> Value {
    let references: Vec<_> = SECRETS.iter().map(|(name, _)| name).collect();
    json!({ "name": "s", "host": "s.example", "strip_prefix": "/s", "references": references })
}

fn query() -> Value {
    service(&json!({ "secret": "plain", "in": "query", "name": "appid" }))
}

/// `(name, value)` of what the skill may send.
const SECRETS: [(&str, &str); 5] = [
    ("plain", "plain-value"),
    ("odd", "a/b c&d=é"),
    ("pair", "robot:sesame-open"),
    ("nested", "<{{secret:plain}}>"),
    ("short_pass", "robot:short"),
];

fn skill(open: impl Fn(SecretId, SecretValue) -> SecretState) -> Skill {
    let secrets = SECRETS.iter().zip(0..).map(|((name, value), number)| SkillSecret {
        name: (*name).into(),
        state: open(id(number), SecretValue::new(value.as_bytes().to_vec()).expect("it fits")),
    });
    let services = vec![ServiceLink { service: "s".into(), secrets: (0..SECRETS.len()).collect() }];
    Skill { id: SkillId::from_bytes([3; 10]), organization: ORGANIZATION, secrets: secrets.collect(), services }
}

fn id(number: u8) -> SecretId {
    SecretId::from_bytes([number; 10])
}

/// Runs `with` on what is sent of `GET path` with these headers.
fn send<T>(service: &Value, path: &str, headers: &[(&str, &str)], with: impl FnOnce(&Outgoing<'_>) -> T) -> T {
    let (policy, mut one) = (policy(service), One(skill(SecretState::Open)));
    let mut all: Vec<(&[u8], &[u8])> = vec![(b"x-api-key", b"sk_0123456789ab")];
    all.extend(headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    let request = Request { method: b"GET", path: Some(path.as_bytes()), headers: &all };
    let decision = decide(&policy, &mut one, &request, &There, &mut Unlimited);
    let Decision::Allow(grant) = &decision else { panic!("{path}: {decision}") };
    with(&grant.service.expect("it goes to a service").outgoing(&request, path.as_bytes()).expect("it can be sent"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[track_caller]
fn check_path(service: &Value, path: &str, expected: &str) {
    let (found, is_secret) = send(service, path, &[], |outgoing| (text(&outgoing.path), outgoing.is_secret_in_path));
    assert_eq!(found, expected, "{path}");
    let has_value = ["plain-value", "sesame", "a%2Fb"].iter().any(|value| expected.contains(value));
    assert_eq!(is_secret, has_value, "{path}: whether access logs are to print another");
}

#[track_caller]
fn check_headers(service: &Value, headers: &[(&str, &str)], expected: &[(&str, &str)]) {
    let found = send(service, "/s/x", headers, |outgoing| {
        assert!(!outgoing.is_secret_in_path);
        outgoing.headers.iter().map(|(name, value)| (text(name), text(value))).collect::<Vec<_>>()
    });
    let expected: Vec<_> = expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    assert_eq!(found, expected, "{headers:?}");
}

#[test]
fn the_prefix_is_cut_and_nothing_else_changes() {
    let open = open();
    for (path, expected) in [
        ("/s", "/"),
        ("/s/", "/"),
        ("/s?q=1", "/?q=1"),
        ("/s/a/b%20c", "/a/b%20c"),
        ("/s/s/s", "/s/s"),
        ("/s/a?", "/a?"),
        ("/s/a?x=%7B&y={}&&z", "/a?x=%7B&y={}&&z"),
        ("/s/a?k={{secret:plain}}", "/a?k=plain-value"),
        ("/s/a?k=%7B%7Bsecret%3Aodd%7D%7D&l=1", "/a?k=a%2Fb%20c%26d%3D%C3%A9&l=1"),
        ("/s/a?{{secret:plain}}{{secret:plain}}", "/a?plain-valueplain-value"),
        // A path is no place for one.
        ("/s/%7B%7Bsecret:plain%7D%7D", "/%7B%7Bsecret:plain%7D%7D"),
        // Once: what was resolved is not looked through.
        ("/s/a?k={{secret:nested}}", "/a?k=%3C%7B%7Bsecret%3Aplain%7D%7D%3E"),
    ] {
        let found = send(&open, path, &[], |outgoing| text(&outgoing.path));
        assert_eq!(found, expected, "{path}");
    }
    let whole = json!({ "name": "s", "host": "s.example" });
    assert_eq!(send(&whole, "/s/a", &[], |outgoing| text(&outgoing.path)), "/s/a", "nothing to cut");
}

#[test]
fn a_query_parameter_takes_the_place_of_the_callers() {
    for (path, expected) in [
        ("/s/a", "/a?appid=plain-value"),
        ("/s", "/?appid=plain-value"),
        ("/s?", "/?appid=plain-value"),
        ("/s/a?q=1", "/a?q=1&appid=plain-value"),
        ("/s/a?q=1&", "/a?q=1&appid=plain-value"),
        ("/s/a?appid=mine", "/a?appid=plain-value"),
        ("/s/a?appid=mine&q=1&appid=other", "/a?q=1&appid=plain-value"),
        ("/s/a?%61ppid=mine&q=1", "/a?q=1&appid=plain-value"),
        ("/s/a?appid={{secret:odd}}&q=1", "/a?q=1&appid=plain-value"),
        ("/s/a?appids=1", "/a?appids=1&appid=plain-value"),
    ] {
        check_path(&query(), path, expected);
    }
    let odd = service(&json!({ "secret": "odd", "in": "query", "name": "k" }));
    check_path(&odd, "/s/a", "/a?k=a%2Fb%20c%26d%3D%C3%A9");
}

#[test]
fn a_header_takes_the_place_of_the_callers() {
    let header = |name: &str, template: Option<&str>| {
        let mut credential = json!({ "secret": "plain", "in": "header", "name": name });
        if let Some(template) = template {
            credential.as_object_mut().unwrap().insert("template".into(), template.into());
        }
        service(&credential)
    };
    let bearer = header("Authorization", Some("Bearer {secret}"));
    check_headers(&bearer, &[], &[("authorization", "Bearer plain-value")]);
    check_headers(&bearer, &[("authorization", "Bearer mine")], &[("authorization", "Bearer plain-value")]);
    check_headers(&bearer, &[("authorization", "{{secret:odd}}")], &[("authorization", "Bearer plain-value")]);
    check_headers(&header("x-key", None), &[], &[("x-key", "plain-value")]);
    let around = header("x-key", Some("k=\"{secret}\", v={1}"));
    check_headers(&around, &[], &[("x-key", "k=\"plain-value\", v={1}")]);
    check_headers(
        &header("x-key", None),
        &[("x-user", "{{secret:odd}}")],
        &[("x-user", "a/b c&d=é"), ("x-key", "plain-value")],
    );
}

#[test]
fn basic_authentication_has_a_user_or_brings_one() {
    let basic = |secret: &str, user: Option<&str>| {
        let mut credential = json!({ "secret": secret, "in": "basic" });
        if let Some(user) = user {
            credential.as_object_mut().unwrap().insert("username".into(), user.into());
        }
        service(&credential)
    };
    check_headers(&basic("plain", Some("api")), &[], &[("authorization", "Basic YXBpOnBsYWluLXZhbHVl")]);
    check_headers(&basic("pair", None), &[], &[("authorization", "Basic cm9ib3Q6c2VzYW1lLW9wZW4=")]);
    let masks = |service: &Value| {
        send(service, "/s/x", &[], |outgoing| outgoing.masks.iter().map(|it| text(it.expose())).collect::<Vec<_>>())
    };
    assert_eq!(masks(&basic("plain", Some("api"))), ["YXBpOnBsYWluLXZhbHVl", "plain-value"]);
    // Without the padding, which some leave out; and the password alone, unless it is in too many texts.
    assert_eq!(masks(&basic("pair", None)), ["cm9ib3Q6c2VzYW1lLW9wZW4", "robot:sesame-open", "sesame-open"]);
    assert_eq!(masks(&basic("short_pass", None)), ["cm9ib3Q6c2hvcnQ", "robot:short"]);
    assert_eq!(masks(&basic("pair", Some("api"))).len(), 2, "it is no pair, whatever it looks like");
}

#[test]
fn references_in_headers_are_filled_in_once() {
    let open = open();
    check_headers(&open, &[("x-a", "no {secret:plain}"), ("x-b", "%7B%7Bsecret:plain%7D%7D")], &[]);
    check_headers(&open, &[("x-a", "A {{secret:plain}};{{secret:odd}}")], &[("x-a", "A plain-value;a/b c&d=é")]);
    check_headers(&open, &[("x-a", "{{secret:nested}}")], &[("x-a", "<{{secret:plain}}>")]);
    // All of the name are put anew, those before and after too, and no other.
    check_headers(
        &open,
        &[("x-a", "1"), ("x-b", "2"), ("x-a", "{{secret:plain}}"), ("x-a", "3"), ("x-a", "{{secret:plain}}")],
        &[("x-a", "1"), ("x-a", "plain-value"), ("x-a", "3"), ("x-a", "plain-value")],
    );
}

#[test]
fn what_was_used_is_told_once_and_masks_are_the_longest_first() {
    let headers = [("x-a", "{{secret:plain}}"), ("x-b", "{{secret:pair}} {{secret:plain}}")];
    let path = "/s/x?k={{secret:odd}}";
    let (used, masks) = send(&open(), path, &headers, |outgoing| {
        (outgoing.used.clone(), outgoing.masks.iter().map(|it| text(it.expose())).collect::<Vec<_>>())
    });
    assert_eq!(used, [id(1), id(0), id(2)]);
    assert_eq!(masks, ["robot:sesame-open", "plain-value", "a/b c&d=é"]);
    assert!(send(&open(), "/s/x", &[], |outgoing| outgoing.used.is_empty() && outgoing.masks.is_empty()));
}

#[test]
fn a_value_that_is_not_known_here_is_not_sent() {
    let (policy, mut one) = (policy(&query()), One(skill(|id, _| SecretState::Sealed(id))));
    let headers: [(&[u8], &[u8]); 1] = [(b"x-api-key", b"sk_0123456789ab")];
    let request = Request { method: b"GET", path: Some(b"/s/x"), headers: &headers };
    let decision = decide(&policy, &mut one, &request, &There, &mut Unlimited);
    let Decision::Allow(grant) = &decision else { panic!("{decision}") };
    let using = grant.service.expect("it goes to a service");
    assert_eq!((using.service.host(), using.service.cluster()), ("s.example:8443", "s"));
    assert!(using.outgoing(&request, b"/s/x").is_none());
    assert!(using.outgoing(&request, b"/sx").is_none(), "nor is another path");
}

#[test]
fn whatever_holds_a_value_is_masked_and_nothing_else_changes() {
    let values = ["plain-value-and-more", "plain-value", "a/b c&d=é", "p%s%25s%!"];
    let masks: Vec<_> = values.iter().map(|it| SecretValue::new(it.as_bytes().to_vec()).expect("it fits")).collect();
    for (value, expected) in [
        ("", None),
        ("plain-valu", None),
        ("PLAIN-VALUE", Some("***")),
        ("plain-value", Some("***")),
        ("<plain-value>", Some("<***>")),
        ("plain-value;plain-value,plain-valu", Some("***;***,plain-valu")),
        // The longer one is not left behind in part.
        ("plain-value-and-more plain-value", Some("*** ***")),
        // However much of it is escaped, and in which letters.
        ("https://s.example/?k=a%2Fb%20c%26d%3D%C3%A9#x", Some("https://s.example/?k=***#x")),
        ("k=a%2fb%20c&d=%c3%a9", Some("k=***")),
        ("k=a/b%20c&d=é", Some("k=***")),
        ("k=%70lain-value", Some("k=***")),
        ("a%252Fb", None),
        ("<p%s%25s%!>", Some("<***>")),
        ("<p%25s%2525s%25%21>", Some("<***>")),
        ("p%25s%2525", None),
        ("%", None),
        ("plain-value%", Some("***%")),
        ("***", None),
    ] {
        let found = masked(value.as_bytes(), &masks).map(|it| text(&it));
        assert_eq!(found.as_deref(), expected, "{value}");
    }
    assert_eq!(masked(b"\xff plain-value \xfe", &masks), Some(b"\xff *** \xfe".to_vec()));
    assert_eq!(masked(b"plain-value", &[]), None);
}

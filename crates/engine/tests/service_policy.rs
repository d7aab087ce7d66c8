//! What a policy may say of services, and what is refused, as data. The words are in `policies/invalid`.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use portcullis_engine::policy::{Conflict, CredentialProblem, PolicyError, PolicyProblem};
use portcullis_engine::{Policy, PolicySpec};
use serde_json::{Value, json};

fn compiled(services: &Value, rule: &Value) -> Result<Policy, PolicyError> {
    let spec: PolicySpec = serde_json::from_value(json!({
        "name": "agents",
        "environments": ["live"],
        "credentials": [{ "in": "header", "name": "authorization", "scheme": "Bearer" }],
        "keys": [{ "prefix": "sk_", "environment": "live", "body_length": 12 }],
        "services": services,
        "rules": [rule],
    }))
    .unwrap();
    Policy::compile(&spec)
}

/// One service with these members, and a rule that leads there.
fn service(more: &Value) -> Result<Policy, PolicyError> {
    let mut service = json!({ "name": "s", "host": "s.example" });
    service.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    compiled(&json!([service]), &json!({ "path": "/s/**", "service": "s" }))
}

#[track_caller]
fn refused(found: Result<Policy, PolicyError>, place: &str, problem: &PolicyProblem) {
    let error = found.unwrap_err();
    assert_eq!((error.location.to_string().as_str(), &*error.problem), (place, problem));
}

#[test]
fn members_of_a_service() {
    let host = |host: &str| service(&json!({ "host": host }));
    for good in ["s.example", "S.Example", "s", "s.example:1", "s.example:65535", "10.0.0.1:80", "a_b.c-d"] {
        let policy = host(good).unwrap();
        assert_eq!(policy.services()[0].host(), good.to_ascii_lowercase(), "hosts have no case");
        assert_eq!((policy.services()[0].name(), policy.services()[0].cluster()), ("s", "s"));
    }
    for bad in ["", ":80", "s.example:", "s.example:0", "s.example:65536", "s.example:+1", "a b", "a/b", "é.example"] {
        refused(host(bad), "services[0].host", &PolicyProblem::Host(bad.into()));
    }
    let long = "h".repeat(256);
    refused(host(&long), "services[0].host", &PolicyProblem::Host("h".repeat(255)));
    for bad in ["", "a b", "a\n"] {
        refused(service(&json!({ "cluster": bad })), "services[0].cluster", &PolicyProblem::Name(bad.into()));
    }
    for good in ["", "/s"] {
        assert!(service(&json!({ "strip_prefix": good })).is_ok(), "{good}");
    }
    for bad in ["/", "s", "/s/", "//s", "/s//t", "/.", "/s/..", "/s%20", "/s?", "/{id}", "/s/**", "/é"] {
        let problem = PolicyProblem::StripPrefix(bad.into());
        refused(service(&json!({ "strip_prefix": bad })), "services[0].strip_prefix", &problem);
    }
    let name = |name: &str| compiled(&json!([{ "name": name, "host": "h" }]), &json!({ "path": "/" }));
    assert!(name(&"n".repeat(64)).is_ok());
    for bad in [String::new(), "a b".into(), "n".repeat(65)] {
        refused(name(&bad), "services[0].name", &PolicyProblem::Name(bad.clone()));
    }
    let twice = json!([{ "name": "a", "host": "a" }, { "name": "a", "host": "b" }]);
    refused(compiled(&twice, &json!({ "path": "/" })), "services[1].name", &PolicyProblem::Duplicate("a".into()));
}

#[test]
fn rules_that_lead_to_a_service() {
    let services = json!([{ "name": "s", "host": "h", "strip_prefix": "/s" }, { "name": "t", "host": "h" }]);
    let rule = |rule: Value| compiled(&services, &rule);
    for path in ["/s", "/s/**", "/s/{id}/x"] {
        assert!(rule(json!({ "path": path, "service": "s" })).is_ok(), "{path}");
        assert!(rule(json!({ "path": path, "service": "t" })).is_ok(), "{path}");
    }
    for path in ["/", "/**", "/t/**", "/sx/**", "/{any}/x"] {
        let problem = PolicyProblem::ServicePath { path: path.into(), prefix: "/s".into() };
        refused(rule(json!({ "path": path, "service": "s" })), "rules[0].path", &problem);
    }
    let public = json!({ "path": "/s/**", "service": "s", "access": "public" });
    refused(rule(public), "rules[0].access", &PolicyProblem::Conflict(Conflict::PublicService));
    let known = vec!["s".to_owned(), "t".to_owned()];
    let problem = PolicyProblem::Unknown { kind: "service", name: "u".into(), known };
    refused(rule(json!({ "path": "/s/**", "service": "u" })), "rules[0].service", &problem);
}

#[test]
fn credentials_of_a_service() {
    let credential = |credential: Value| service(&json!({ "credential": credential }));
    let good = [
        json!({ "secret": "k", "in": "header", "name": "X-Key" }),
        json!({ "secret": "k", "in": "header", "name": "authorization", "template": "Key k=\"{secret}\"" }),
        json!({ "secret": "k_1", "in": "query", "name": "api.key~-_1" }),
        json!({ "secret": "k", "in": "basic" }),
        json!({ "secret": "k", "in": "basic", "username": "api" }),
    ];
    for good in good {
        assert!(credential(good.clone()).is_ok(), "{good}");
    }
    let header = |name: &str| json!({ "secret": "k", "in": "header", "name": name });
    let template = |template: &str| json!({ "secret": "k", "in": "header", "name": "x-k", "template": template });
    let secret = |secret: &str| json!({ "secret": secret, "in": "basic" });
    let user = |user: &str| json!({ "secret": "k", "in": "basic", "username": user });
    let parameter = |name: &str| json!({ "secret": "k", "in": "query", "name": name });
    let of = |bad: &[&str], spec: &dyn Fn(&str) -> Value, problem: fn(String) -> CredentialProblem| {
        for bad in bad {
            let problem = PolicyProblem::ServiceCredential(problem((*bad).to_owned()));
            refused(credential(spec(bad)), "services[0].credential", &problem);
        }
    };
    let long = "s".repeat(65);
    of(&["", "K", "1k", "_k", "k-k", "k.k", &long], &secret, CredentialProblem::Secret);
    let reserved = ["Host", "cookie", "content-length", "transfer-encoding", "te", "upgrade", "x-request-id"];
    of(&reserved, &header, CredentialProblem::Header);
    of(&["", "x key", ":path", "x-é", "proxy-authorization"], &header, CredentialProblem::Header);
    of(&["x-portcullis-org", "X-Portcullis-Cluster", "x-envoy-original-path"], &header, CredentialProblem::Header);
    of(
        &["", "k", "{secret}{secret}", " {secret}", "{secret} ", "a\n{secret}", "é{secret}"],
        &template,
        CredentialProblem::Template,
    );
    of(&["", "a:b", "a b", "é"], &user, CredentialProblem::User);
    of(&["", "a&b", "a=b", "a b"], &parameter, CredentialProblem::Parameter);
}

#[test]
fn members_of_a_credential_that_mean_nothing() {
    let rows = [
        (json!({ "in": "header" }), CredentialProblem::NoName, None),
        (json!({ "in": "query" }), CredentialProblem::NoName, None),
        (
            json!({ "in": "header", "name": "a", "username": "b" }),
            CredentialProblem::Beside("username", "header"),
            Some("username"),
        ),
        (
            json!({ "in": "query", "name": "a", "username": "b" }),
            CredentialProblem::Beside("username", "query"),
            Some("username"),
        ),
        (
            json!({ "in": "query", "name": "a", "template": "{secret}" }),
            CredentialProblem::Beside("template", "query"),
            Some("template"),
        ),
        (json!({ "in": "basic", "name": "a" }), CredentialProblem::Beside("name", "basic"), Some("name")),
        (
            json!({ "in": "basic", "template": "{secret}" }),
            CredentialProblem::Beside("template", "basic"),
            Some("template"),
        ),
    ];
    for (mut spec, problem, member) in rows {
        spec.as_object_mut().unwrap().insert("secret".into(), "k".into());
        assert_eq!(problem.member(), member);
        let found = service(&json!({ "credential": spec }));
        refused(found, "services[0].credential", &PolicyProblem::ServiceCredential(problem));
    }
}

//! `/v1/explain`: the decision and its checks, as an edge would make them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::Stack;

struct Expected<'a> {
    reason: Option<&'a str>,
    code: Option<&'a str>,
    status: Option<u64>,
    rule: Option<&'a str>,
    /// Each check as `step:outcome`.
    checks: &'a str,
}

async fn check(stack: &Stack, id: &Value, request: Value, expected: Expected<'_>) {
    let mut body = json!({ "key": id, "method": "GET", "path": "/v1/charges" });
    body.as_object_mut().unwrap().extend(request.as_object().unwrap().clone());
    let answer = stack.post("/v1/explain", body).await;
    let said = answer.json();
    assert_eq!(answer.status, 200, "{request}: {said}");
    let text = |member: &str| said[member].as_str();
    assert_eq!((text("reason"), text("code")), (expected.reason, expected.code), "{request}: {said}");
    assert_eq!((said["status"].as_u64(), text("rule")), (expected.status, expected.rule), "{request}: {said}");
    assert_eq!(said["allowed"], expected.status.is_none(), "{request}");
    assert_eq!(text("message").is_some(), expected.status.is_some(), "{request}");
    let checks = said["checks"].as_array().unwrap().iter();
    let word = |check: &Value| format!("{}:{}", check["step"].as_str().unwrap(), check["outcome"].as_str().unwrap());
    assert_eq!(checks.map(word).collect::<Vec<_>>().join(" "), expected.checks, "{request}");
}

const KNOWN: &str = "route:passed credential:passed format:passed lookup:passed";

fn denied<'a>(reason: &'a str, code: &'a str, status: u64, rule: &'a str, checks: &'a str) -> Expected<'a> {
    Expected {
        reason: Some(reason),
        code: Some(code),
        status: Some(status),
        rule: Some(rule).filter(|it| !it.is_empty()),
        checks,
    }
}

fn allowed<'a>(rule: &'a str, checks: &'a str) -> Expected<'a> {
    Expected { reason: None, code: None, status: None, rule: Some(rule), checks }
}

#[tokio::test]
async fn the_checks_and_the_deciding_rule_are_the_edges() {
    let stack = Stack::start().await;
    let made = stack.post("/v1/keys", json!({ "name": "till", "environment": "test", "scopes": ["refunds:read"],
        "restrictions": { "ip": { "allow": ["10.0.0.0/8"] }, "referrer": { "mode": "observe", "allow": ["https://example.com/*"] } } }));
    let id = &made.await.json()["id"];
    let all = format!("{KNOWN} status:passed environment:passed");
    let at = |rest: &str| format!("{all} {rest}");
    let here = json!({ "address": "10.1.2.3", "referrer": "https://example.com/shop" });
    let with = |more: Value| {
        let mut request = here.clone();
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    };
    let fine = at("ip:passed referrer:passed scopes:passed quota:passed");
    check(&stack, id, here.clone(), allowed("* /v1/**", &fine)).await;
    check(&stack, id, with(json!({ "path": "/v1/charges?limit=3" })), allowed("* /v1/**", &fine)).await;
    let watched = at("ip:passed referrer:observed scopes:passed quota:passed");
    check(&stack, id, with(json!({ "referrer": "https://evil.example/" })), allowed("* /v1/**", &watched)).await;
    check(&stack, id, with(json!({ "origin": "https://evil.example" })), allowed("* /v1/**", &watched)).await;
    check(&stack, id, with(json!({ "path": "/open" })), allowed("* /open", "route:passed route:passed")).await;
    for (request, expected) in [
        (
            json!({ "address": "192.0.2.1" }),
            denied("ip_not_allowed", "ip_not_allowed", 403, "* /v1/**", &at("ip:denied")),
        ),
        (json!({ "address": null }), denied("address_unknown", "ip_not_allowed", 403, "* /v1/**", &at("ip:denied"))),
        (
            json!({ "method": "POST", "path": "/v1/refunds" }),
            denied(
                "insufficient_scope",
                "insufficient_scope",
                403,
                "POST /v1/refunds",
                &at("ip:passed referrer:passed scopes:denied"),
            ),
        ),
        (
            json!({ "path": "/v1/live/7" }),
            denied(
                "environment_mismatch",
                "environment_mismatch",
                403,
                "* /v1/live/{id}",
                &format!("{KNOWN} status:passed environment:denied"),
            ),
        ),
        (
            json!({ "path": "/v2/x" }),
            denied("no_rule", "endpoint_not_allowed", 403, "", &at("ip:passed referrer:passed scopes:denied")),
        ),
        (json!({ "path": "/v1/%2e%2e/x" }), denied("ambiguous_path", "ambiguous_path", 400, "", "route:denied")),
    ] {
        check(&stack, id, with(request), expected).await;
    }
}

#[tokio::test]
async fn what_became_of_the_key_is_explained() {
    let stack = Stack::start().await;
    let acme = stack.post("/v1/organizations", json!({ "name": "acme" })).await.json()["id"].clone();
    let status = format!("{KNOWN} status:denied");
    for (reason, code, http, change) in [
        ("disabled_key", "invalid_api_key", 401, json!({ "enabled": false })),
        ("expired_key", "expired_api_key", 401, json!({ "expires_at": "2026-01-15T12:00:00Z" })),
        ("revoked_key", "invalid_api_key", 401, Value::Null),
    ] {
        let key = stack.key("till").await;
        let path = format!("/v1/keys/{}", key["id"].as_str().unwrap());
        match change.is_null() {
            true => stack.delete(&path).await,
            false => stack.patch(&path, change).await,
        };
        check(&stack, &key["id"], json!({}), denied(reason, code, http, "* /v1/**", &status)).await;
    }
    let key =
        stack.post("/v1/keys", json!({ "name": "till", "environment": "live", "organization": acme })).await.json();
    let path = format!("/v1/organizations/{}", acme.as_str().unwrap());
    stack.patch(&path, json!({ "state": "suspended" })).await;
    let suspended = denied("organization_suspended", "organization_suspended", 403, "* /v1/**", &status);
    check(&stack, &key["id"], json!({}), suspended).await;
    stack.patch(&path, json!({ "state": "active" })).await;
    let trial = json!({ "restrictions": { "ip": { "allow": ["10.0.0.0/8"] } } });
    stack.admin(Method::PUT, &format!("/v1/keys/{}/trial", key["id"].as_str().unwrap()), Some(trial)).await;
    let tried = format!("{KNOWN} status:passed environment:passed scopes:passed quota:passed ip:observed");
    check(&stack, &key["id"], json!({ "address": "192.0.2.1" }), allowed("* /v1/**", &tried)).await;
    stack.sql("UPDATE keys SET prefix = 'gone_' WHERE name = 'till' AND revoked_at IS NULL").await;
    let gone =
        denied("unknown_prefix", "invalid_api_key", 401, "* /v1/**", "route:passed credential:passed format:denied");
    check(&stack, &key["id"], json!({}), gone).await;
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_refused() {
    let stack = Stack::start().await;
    let key = stack.key("till").await;
    let text = key["key"].as_str().unwrap();
    for (change, pointer) in [
        (json!({ "address": "here" }), "/address"),
        (json!({ "path": format!("/v1/x?key={text}") }), "/path"),
        (json!({ "referrer": format!("https://example.com/{text}") }), "/referrer"),
        (json!({ "path": "/v1\n" }), "/path"),
        (json!({ "path": "/".repeat(8193) }), "/path"),
    ] {
        let mut body = json!({ "key": key["id"], "method": "GET", "path": "/v1/x" });
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = stack.post("/v1/explain", body).await;
        assert_eq!((answer.status, answer.json()["pointer"].as_str()), (422, Some(pointer)), "{}", answer.json());
        assert!(!String::from_utf8_lossy(&answer.bytes).contains(text));
    }
    for id in ["key_0000000000000000", text, ""] {
        let answer = stack.post("/v1/explain", json!({ "key": id, "method": "GET", "path": "/v1/x" })).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (404, Some("not_found")));
    }
}

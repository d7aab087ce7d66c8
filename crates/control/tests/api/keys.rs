//! `/v1/keys`: making, listing, showing, changing.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::Stack;

#[tokio::test]
async fn a_new_key_is_shown_once_in_the_format_of_the_policy() {
    let stack = Stack::start().await;
    for (environment, prefix, length) in [("live", "sk_live_", 32), ("test", "sk_test_", 38)] {
        let body = json!({
            "name": " till 1 ", "environment": environment, "created_by": "ann@example.com",
            "scopes": ["refunds:write", "payouts:*", "refunds:read", "refunds:read"],
            "expires_at": "2026-03-01T13:00:00+01:00",
        });
        let answer = stack.post("/v1/keys", body).await;
        assert_eq!(answer.status, 201);
        assert_eq!(answer.header("cache-control"), "no-store");
        let made = answer.json();
        let text = made["key"].as_str().unwrap();
        assert!(text.starts_with(prefix) && text.len() == length, "{environment}");
        let organization = made["organization"].clone();
        let expected = json!({
            "id": made["id"], "kind": "api_key", "name": "till 1", "display": format!("{}...", text.get(..14).unwrap()), "prefix": prefix,
            "environment": environment, "organization": organization,
            "scopes": ["payouts:*", "refunds:read", "refunds:write"], "restrictions": null, "status": "active",
            "created_by": "ann@example.com", "created_at": "2026-01-15T12:00:00Z",
            "expires_at": "2026-03-01T12:00:00Z", "revoked_at": null, "last_used": null,
            "successor": null,
            "age_days": 0, "overdue": false, "idle": false, "metadata": {}, "trial": null,
            "quota": null, "rate": null, "skill": null,
        });
        let shown = stack.get(&format!("/v1/keys/{}", made["id"].as_str().unwrap())).await.json();
        assert_eq!(shown, expected);
        assert_eq!(made["authorization"], format!("Authorization: Bearer {text}"));
        let organizations = stack.get("/v1/organizations").await.json();
        assert_eq!(organizations["data"][0]["id"], organization);
        assert_eq!(organizations["data"][0]["default"], true);
    }
}

fn many(count: usize) -> Vec<String> {
    vec!["10.0.0.0/8".to_owned(); count]
}

/// What is sent, the code and the member that is wrong, and words that the answer must hold.
type Refusal<'a> = (Value, &'a str, &'a str, &'a str);

async fn check_refusals(stack: &Stack, method: Method, path: &str, base: &Value, cases: &[Refusal<'_>]) {
    for (change, code, pointer, words) in cases {
        let mut body = base.clone();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = stack.admin(method.clone(), path, Some(body)).await;
        let problem = answer.json();
        assert_eq!((problem["code"].as_str(), problem["pointer"].as_str()), (Some(*code), Some(*pointer)), "{change}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{change}: {}", problem["detail"]);
        assert_eq!(answer.status, 422, "{change}");
    }
}

#[tokio::test]
async fn a_key_that_makes_no_sense_is_refused_with_the_member_and_the_remedy() {
    let stack = Stack::start().await;
    let base = json!({ "name": "till", "environment": "live" });
    let invalid = "invalid_request";
    let cases = [
        (json!({ "name": "" }), invalid, "/name", "1 to 100"),
        (json!({ "name": "x".repeat(101) }), invalid, "/name", "1 to 100"),
        (json!({ "name": "two\nlines" }), invalid, "/name", "one line"),
        (json!({ "name": "two\u{2028}lines" }), invalid, "/name", "one line"),
        (json!({ "name": "live \u{202e}evil" }), invalid, "/name", "one line"),
        (json!({ "created_by": "ann\u{202e}@example.com" }), invalid, "/created_by", "e-mail"),
        (json!({ "name": "sk_live_abcdefgh" }), invalid, "/name", "looks like a key"),
        (json!({ "environment": "production" }), invalid, "/environment", "`live`, `test`"),
        (
            json!({ "scopes": ["refunds:read", "refunds:delete"] }),
            invalid,
            "/scopes/1",
            "`refunds:read`, `refunds:write`",
        ),
        (json!({ "scopes": ["*"] }), invalid, "/scopes/0", "knows"),
        (json!({ "organization": "org_0000000000000000" }), invalid, "/organization", "no such"),
        (json!({ "expires_at": "next week" }), invalid, "/expires_at", "RFC 3339"),
        (json!({ "expires_at": "2026-01-15T12:00:00Z" }), invalid, "/expires_at", "in the past"),
        (json!({ "expires_at": "2106-02-07T06:28:16Z" }), invalid, "/expires_at", "2106-02-07T06:28:15Z"),
        (json!({ "created_by": "ann" }), invalid, "/created_by", "e-mail"),
        (
            json!({ "restrictions": { "ip": { "allow": ["10.0.0.0/8", "10.0.0.1/8"] } } }),
            invalid,
            "/restrictions/ip/allow/1",
            "10.0.0.0/8",
        ),
        (
            json!({ "restrictions": { "referrer": { "allow": ["https://*foo.com"] } } }),
            invalid,
            "/restrictions/referrer/allow/0",
            "",
        ),
        (
            json!({ "restrictions": { "endpoint": { "allow": ["GET"] } } }),
            invalid,
            "/restrictions/endpoint/allow/0",
            "METHOD",
        ),
        (
            json!({ "restrictions": { "ip": { "allow": many(600) }, "endpoint": { "allow": many(401) } } }),
            invalid,
            "/restrictions",
            "1000 entries",
        ),
        (
            json!({ "restrictions": { "endpoint": { "allow": [format!("GET /{}", "x".repeat(65536))] } } }),
            invalid,
            "/restrictions",
            "65536 bytes",
        ),
    ];
    check_refusals(&stack, Method::POST, "/v1/keys", &base, &cases).await;
    let batch = json!({ "keys": [base, { "name": "till", "environment": "nowhere" }] });
    check_refusals(&stack, Method::POST, "/v1/keys:batch", &batch, &[(json!({}), invalid, "/keys/1/environment", "")])
        .await;
    let none = json!({ "keys": [] });
    check_refusals(&stack, Method::POST, "/v1/keys:batch", &none, &[(json!({}), invalid, "/keys", "1 to 1000")]).await;
    assert_eq!(stack.get("/v1/keys").await.json()["data"], json!([]), "a refused batch makes no key");
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused_without_quoting_a_key() {
    let stack = Stack::start().await;
    for (body, words) in [
        ("", "EOF"),
        ("{", "EOF"),
        (r#"["x", "live"]"#, "expected an object"),
        (r#"{"name":"x","environment":"live","colour":"red"}"#, "colour"),
        (r#"{"name":"x"}"#, "environment"),
        (r#"{"name":"x","environment":"live","sk_live_abcdefghijkl":1}"#, "looks like a key"),
        (r#"{"name":"x","environment":"live","scopes":"sk_live_abcdefghijkl"}"#, "looks like a key"),
    ] {
        let answer = stack.send(Method::POST, "/v1/keys", Some(&stack.admin), Some(body.as_bytes())).await;
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert_eq!(answer.status, 400, "{body}");
        assert!(detail.contains(words) && !detail.contains("abcdefghijkl"), "{body}: {detail}");
    }
    let large = vec![b' '; 5 * 1024 * 1024];
    assert_eq!(stack.send(Method::POST, "/v1/keys", Some(&stack.admin), Some(&large)).await.status, 413);
}

#[tokio::test]
async fn changes_touch_what_they_name_and_nothing_else() {
    let stack = Stack::start().await;
    let made = stack.key("till").await;
    let path = format!("/v1/keys/{}", made["id"].as_str().unwrap());
    let restrictions =
        json!({ "ip": { "mode": "observe", "allow": ["10.0.0.0/8"] }, "endpoint": { "mode": "enforce", "allow": [] } });
    for (change, member, value) in [
        (json!({ "name": "kiosk" }), "name", json!("kiosk")),
        (json!({ "scopes": ["refunds:write", "refunds:read"] }), "scopes", json!(["refunds:read", "refunds:write"])),
        (json!({ "expires_at": "2026-02-01T00:00:00Z" }), "expires_at", json!("2026-02-01T00:00:00Z")),
        (json!({ "restrictions": restrictions }), "restrictions", restrictions.clone()),
        (json!({ "enabled": false }), "status", json!("disabled")),
        (json!({ "enabled": true }), "status", json!("active")),
        (json!({ "expires_at": "2026-01-15T12:00:00Z" }), "status", json!("expired")),
        (json!({ "expires_at": null }), "expires_at", json!(null)),
        (
            json!({ "restrictions": { "ip": { "allow": ["2001:DB8::/32"] } } }),
            "restrictions",
            json!({ "ip": { "mode": "enforce", "allow": ["2001:db8::/32"] } }),
        ),
        (json!({ "restrictions": null }), "restrictions", json!(null)),
        (json!({ "scopes": [] }), "scopes", json!([])),
        (json!({}), "status", json!("active")),
    ] {
        let before = stack.get(&path).await.json();
        let answer = stack.patch(&path, change.clone()).await;
        assert_eq!(answer.status, 200, "{change}: {}", answer.json());
        let after = stack.get(&path).await.json();
        assert_eq!(after, answer.json(), "{change}");
        assert_eq!(after[member], value, "{change}");
        let differs = |name: &&String| before[name.as_str()] != after[name.as_str()];
        let changed: Vec<_> = after.as_object().unwrap().keys().filter(differs).collect();
        let allowed = [member, "status", "expires_at"];
        assert!(changed.iter().all(|name| allowed.contains(&name.as_str())), "{change}: {changed:?}");
    }
    check_refusals(
        &stack,
        Method::PATCH,
        &path,
        &json!({}),
        &[
            (json!({ "scopes": ["nonsense"] }), "invalid_request", "/scopes/0", "knows"),
            (json!({ "expires_at": "soon" }), "invalid_request", "/expires_at", "RFC 3339"),
            (json!({ "expires_at": "2106-02-07T06:28:16Z" }), "invalid_request", "/expires_at", "2106"),
            (json!({ "name": null }), "invalid_request", "/name", "null"),
            (json!({ "scopes": null }), "invalid_request", "/scopes", "null"),
            (json!({ "enabled": null }), "invalid_request", "/enabled", "null"),
        ],
    )
    .await;
}

#[tokio::test]
async fn listings_are_newest_first_and_come_in_pages() {
    let stack = Stack::start().await;
    let other = stack.post("/v1/organizations", json!({ "name": "other" })).await.json()["id"].clone();
    for index in 0..5 {
        let organization = if index % 2 == 0 { other.clone() } else { Value::Null };
        let body = json!({ "name": format!("key {index}"), "environment": "live", "organization": organization });
        assert_eq!(stack.post("/v1/keys", body).await.status, 201);
    }
    for (query, expected) in [
        ("", "43210"),
        ("limit=2", "43210"),
        ("limit=1", "43210"),
        (&format!("limit=2&organization={}", other.as_str().unwrap()), "420"),
        ("status=active", "43210"),
        ("status=revoked", ""),
    ] {
        assert_eq!(listed(&stack, query).await, expected, "{query}");
    }
    for (query, status) in [
        ("limit=0", 422),
        ("limit=1001", 422),
        ("cursor=x", 422),
        ("organization=x", 422),
        ("status=gone", 400),
        ("colour=red", 400),
    ] {
        assert_eq!(stack.get(&format!("/v1/keys?{query}")).await.status, status, "{query}");
    }
}

/// The last letters of the names on every page.
async fn listed(stack: &Stack, query: &str) -> String {
    let mut names = String::new();
    let mut cursor = String::new();
    loop {
        let page = stack.get(&format!("/v1/keys?{query}{cursor}")).await.json();
        let data = page["data"].as_array().unwrap();
        names.extend(data.iter().filter_map(|key| key["name"].as_str()?.chars().last()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return names,
        }
    }
}

#[tokio::test]
async fn only_what_can_be_made_is_suggested() {
    let stack = Stack::start().await;
    for (kind, status, part) in [
        ("nosuch", 400, "unknown variant `nosuch`, expected `api_key` or `credential` at"),
        ("grant", 422, "expected `api_key` or `credential`"),
        ("issuer", 422, "expected `api_key` or `credential`"),
    ] {
        let refused = stack.post("/v1/keys", json!({ "kind": kind, "name": "x", "environment": "live" })).await;
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert_eq!(refused.status, status, "{detail}");
        assert!(detail.contains(part) && !detail.contains("issuer"), "{detail}");
    }
}

//! Denials: looked up by the id that the client was told.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::{NOON, Stack};

async fn denied(stack: &Stack, denials: Value) {
    let answer = stack.report(json!({ "edge": "edge-1", "vm": "1", "applied_version": 1, "denials": denials })).await;
    assert_eq!(answer.status, 204, "{}", answer.json());
}

fn denial(request_id: &str, reason: &str, key: Option<&str>) -> Value {
    json!({
        "request_id": request_id, "at": NOON, "reason": reason, "key": key, "organization": "org_0000000000000000",
        "method": "GET", "path": "/v1/charges", "address": "192.0.2.1",
    })
}

#[tokio::test]
async fn a_denial_is_explained_under_the_id_that_the_client_was_told() {
    let stack = Stack::start().await;
    let key = stack.key("till").await;
    let id = key["id"].as_str().unwrap();
    denied(
        &stack,
        json!([
            denial("6c1f", "revoked_key", Some(id)),
            denial("6c20", "unknown_key", None),
            denial("6c21", "ip_not_allowed", Some("key_0000000000000000")),
            denial("6c22", "of_a_newer_edge", Some(id)),
        ]),
    )
    .await;
    assert_eq!(
        stack.get("/v1/denials/6c1f").await.json(),
        json!({
            "request_id": "6c1f", "at": "2026-01-15T12:00:00Z", "reason": "revoked_key", "code": "invalid_api_key",
            "status": 401, "key": id, "organization": key["organization"], "method": "GET", "path": "/v1/charges",
            "address": "192.0.2.1", "edge": "edge-1",
            "explanation": "The key was revoked and never works again: give the client a new key.",
        })
    );
    for (request_id, code, status, key) in [
        ("6c20", json!("invalid_api_key"), json!(401), Value::Null),
        ("6c21", json!("ip_not_allowed"), json!(403), Value::Null),
        ("6c22", Value::Null, Value::Null, json!(id)),
    ] {
        let found = stack.get(&format!("/v1/denials/{request_id}")).await.json();
        assert_eq!((&found["code"], &found["status"], &found["key"]), (&code, &status, &key), "{request_id}");
        assert_eq!(found["organization"].is_null(), key.is_null(), "whose it is follows from the key alone");
    }
    for (path, status) in [
        ("/v1/denials/6c23", 404),
        ("/v1/denials/%20", 404),
        ("/v1/denials?key=x", 422),
        ("/v1/denials?limit=0", 422),
        ("/v1/denials?limit=1001", 422),
        ("/v1/denials?cursor=x", 422),
        ("/v1/denials?what=x", 400),
    ] {
        assert_eq!(stack.get(path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn denials_are_listed_newest_first_page_by_page() {
    let stack = Stack::start().await;
    let id = stack.key("till").await["id"].as_str().unwrap().to_owned();
    denied(
        &stack,
        (0..5)
            .map(|n| denial(&format!("r{n}"), "no_rule", Some(&id).filter(|_| n != 3).map(|it| it.as_str())))
            .collect(),
    )
    .await;
    denied(&stack, json!([denial("r4", "no_rule", Some(&id))])).await;
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = stack.get(&format!("/v1/denials?limit=2{cursor}")).await.json();
        ids.extend(page["data"].as_array().unwrap().iter().map(|it| it["request_id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(ids, ["r4", "r3", "r2", "r1", "r0"], "a report that comes twice tells of each once");
    let of_key = stack.get(&format!("/v1/denials?key={id}")).await.json();
    assert_eq!(of_key["data"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn what_edges_say_is_bounded_and_holds_no_key() {
    let stack = Stack::start().await;
    denied(
        &stack,
        json!([
            { "request_id": "x".repeat(129), "at": NOON + 5000, "reason": "Not\nA\u{0}Reason", "method": "\u{202e}<script>", "path": "/" },
            { "request_id": "sk_live_0123456789", "at": 0, "reason": "x".repeat(1000), "key": "sk_live_0123456789", "method": "",
              "path": format!("/sk_live_0123456789/{}", "y".repeat(1000)), "address": "x" },
        ]),
    )
    .await;
    let listed = stack.get("/v1/denials").await.json();
    let data = listed["data"].as_array().unwrap();
    assert_eq!(data.len(), 2, "{listed}");
    for it in data {
        assert_eq!((&it["request_id"], &it["reason"], &it["key"]), (&Value::Null, &json!("other"), &Value::Null));
    }
    assert_eq!((&data[1]["at"], &data[1]["method"]), (&json!("2026-01-15T12:00:00Z"), &json!("script")));
    assert!(
        data[0]["path"].as_str().unwrap().starts_with("/***/yyy") && data[0]["path"].as_str().unwrap().len() == 200
    );
    assert!(!listed.to_string().contains("sk_live_"));
}

#[tokio::test]
async fn denials_are_seen_by_those_whose_key_it_was_and_strangers_by_the_operator() {
    let stack = Stack::start().await;
    let (mine, theirs) = (stack.organization("mine").await, stack.organization("theirs").await);
    let (owner, home) = (stack.person(&mine, "owner").await, stack.default_organization().await);
    let (operator, idle) = (stack.person(&home, "viewer").await, stack.token(&mine, None, "keys:write", None).await);
    let key = async |organization: &str| {
        let key = json!({ "name": "till", "environment": "live", "organization": organization });
        stack.post("/v1/keys", key).await.json()["id"].as_str().unwrap().to_owned()
    };
    let (own, others, operators) = (key(&mine).await, key(&theirs).await, key(&home).await);
    let keys =
        [("own", Some(own.as_str())), ("others", Some(&others)), ("operators", Some(&operators)), ("nobodys", None)];
    denied(&stack, keys.iter().map(|(request_id, key)| denial(request_id, "no_rule", *key)).collect()).await;
    for (token, visible) in [
        (&stack.admin, vec!["nobodys", "operators", "others", "own"]),
        (&owner.token, vec!["own"]),
        (&operator.token, vec!["nobodys", "operators"]),
    ] {
        let listed = stack.by(token, Method::GET, "/v1/denials", None).await.json();
        let ids: Vec<_> =
            listed["data"].as_array().unwrap().iter().map(|it| it["request_id"].as_str().unwrap()).collect();
        assert_eq!(ids, visible);
        for (request_id, _) in keys {
            let answer = stack.by(token, Method::GET, &format!("/v1/denials/{request_id}"), None).await;
            assert_eq!(answer.status == 200, visible.contains(&request_id), "{request_id}: {}", answer.status);
        }
        for id in [&own, &others, &operators] {
            let name = keys.iter().find(|it| it.1 == Some(id)).unwrap().0;
            let answer = stack.by(token, Method::GET, &format!("/v1/keys/{id}/observations"), None).await;
            assert_eq!(answer.status == 200, visible.contains(&name), "{name}: {}", answer.status);
        }
    }
    assert_eq!(stack.by(&idle, Method::GET, "/v1/denials", None).await.status, 403);
    assert_eq!(stack.by(&idle, Method::GET, "/v1/denials/own", None).await.status, 403);
}

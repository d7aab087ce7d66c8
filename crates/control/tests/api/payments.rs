//! `/v1/api-keys`: the payments product's envelope, byte for byte in shape.

use serde_json::json;

use crate::stack::{Answer, Stack, eventually};

fn body(answer: &Answer) -> String {
    String::from_utf8(answer.bytes.clone()).unwrap()
}

#[tokio::test]
async fn list_and_revoke_answer_exactly_as_that_product_does() {
    let stack = Stack::start().await;
    assert_eq!(body(&stack.get("/v1/api-keys").await), r#"{"success":true,"data":[]}"#);
    let key = stack.key("till").await;
    let id = key["id"].as_str().unwrap();
    let entry = |last_used: &str| {
        format!(
            r#"{{"success":true,"data":[{{"id":"{id}","name":"till","prefix":"sk_live_","created_at":"2026-01-15T12:00:00Z","last_used":{last_used}}}]}}"#
        )
    };
    assert_eq!(body(&stack.get("/v1/api-keys").await), entry("null"));
    stack.report(json!({ "edge": "e", "vm": "1", "applied_version": 1, "last_used": { id: stack.now() } })).await;
    let used = entry("\"2026-01-15T12:00:00Z\"");
    eventually("the last use", async || body(&stack.get("/v1/api-keys").await) == used).await;

    let revoked = stack.delete(&format!("/v1/api-keys/{id}")).await;
    assert_eq!(
        (revoked.status, body(&revoked)),
        (200, r#"{"success":true,"message":"API key revoked successfully"}"#.to_owned())
    );
    assert_eq!(revoked.version(), stack.manifest().await.version);
    assert_eq!(body(&stack.get("/v1/api-keys").await), r#"{"success":true,"data":[]}"#);
    assert_eq!(stack.get(&format!("/v1/keys/{id}")).await.json()["status"], "revoked", "the record stays");
}

#[tokio::test]
async fn failures_have_the_same_envelope() {
    let stack = Stack::start().await;
    let missing = stack.delete("/v1/api-keys/key_0000000000000000").await;
    let stranger = stack.send(reqwest::Method::GET, "/v1/api-keys", None, None).await;
    let deeper = stack.get("/v1/api-keys/a/b").await;
    let method = stack.post("/v1/api-keys", json!({})).await;
    for (answer, status, code) in [
        (missing, 404, "not_found"),
        (stranger, 401, "unauthorized"),
        (deeper, 404, "not_found"),
        (method, 405, "method_not_allowed"),
    ] {
        let failed = answer.json();
        assert_eq!((answer.status, answer.header("content-type")), (status, "application/json"));
        assert_eq!((failed["success"].as_bool(), failed["code"].as_str()), (Some(false), Some(code)));
        assert_eq!(failed["request_id"], answer.header("x-request-id"));
        assert!(failed["message"].is_string());
    }
}

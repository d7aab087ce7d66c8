//! Metadata of keys: made, shown, changed as a whole, refused where it makes no sense.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::Stack;

#[tokio::test]
async fn metadata_is_kept_as_sent_and_changed_as_a_whole() {
    let stack = Stack::start().await;
    let body =
        json!({ "name": "till", "environment": "live", "metadata": { "team": " payments ", "ticket": "OPS-7" } });
    let made = stack.post("/v1/keys", body).await.json();
    assert_eq!(made["metadata"], json!({ "team": "payments", "ticket": "OPS-7" }));
    let path = format!("/v1/keys/{}", made["id"].as_str().unwrap());
    for (change, expected) in [
        (json!({ "name": "kiosk" }), json!({ "team": "payments", "ticket": "OPS-7" })),
        (json!({ "metadata": { "cost.center-2": "Köln" } }), json!({ "cost.center-2": "Köln" })),
        (json!({ "metadata": {} }), json!({})),
        (json!({ "metadata": { "a": "" } }), json!({ "a": "" })),
        (json!({ "metadata": null }), json!({})),
    ] {
        let answer = stack.patch(&path, change.clone()).await;
        assert_eq!((answer.status, &answer.json()["metadata"]), (200, &expected), "{change}");
        assert_eq!(stack.get(&path).await.json()["metadata"], expected, "{change}");
    }
    let batch = json!({ "keys": [{ "name": "a", "environment": "test", "metadata": { "team": "x" } }] });
    assert_eq!(stack.post("/v1/keys:batch", batch).await.json()["data"][0]["metadata"], json!({ "team": "x" }));
}

#[tokio::test]
async fn metadata_that_makes_no_sense_is_refused() {
    let stack = Stack::start().await;
    let many: Value = (0..21).map(|index| (format!("n{index}"), json!("x"))).collect::<serde_json::Map<_, _>>().into();
    let path = format!("/v1/keys/{}", stack.key("till").await["id"].as_str().unwrap());
    for (metadata, pointer, words) in [
        (many, "/metadata", "20 entries"),
        (json!({ "": "x" }), "/metadata", "1 to 40"),
        (json!({ "n".repeat(41): "x" }), "/metadata", "1 to 40"),
        (json!({ "Team": "x" }), "/metadata", "a-z"),
        (json!({ "a b": "x" }), "/metadata", "a-z"),
        (json!({ "sk_live_abcdefgh": "x" }), "/metadata", "looks like a key"),
        (json!({ "team": "x".repeat(501) }), "/metadata/team", "500"),
        (json!({ "team": "two\nlines" }), "/metadata/team", "one line"),
        (json!({ "team": "see sk_live_abcdefghijkl" }), "/metadata/team", "looks like a key"),
        (json!({ "team": "pct_abcdefghijkl" }), "/metadata/team", "looks like a key"),
    ] {
        let create = json!({ "name": "till", "environment": "live", "metadata": metadata });
        for (method, path, body) in
            [(Method::POST, "/v1/keys", create), (Method::PATCH, &path, json!({ "metadata": metadata }))]
        {
            let answer = stack.admin(method, path, Some(body)).await;
            let problem = answer.json();
            assert_eq!((answer.status, problem["pointer"].as_str()), (422, Some(pointer)), "{metadata}: {problem}");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(words) && !detail.contains("abcdefgh"), "{metadata}: {detail}");
        }
    }
}

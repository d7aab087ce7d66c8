//! Entity tags: read once, changed on a condition, not sent again.

use reqwest::Method;
use serde_json::json;

use super::stack::{Answer, Stack};

async fn with(stack: &Stack, method: Method, path: &str, field: (&str, &str), body: &str) -> Answer {
    stack.send_with(method, path, &[field], body.as_bytes()).await
}

#[tokio::test]
async fn what_changed_since_it_was_read_is_not_overwritten() {
    let stack = Stack::start().await;
    let key = format!("/v1/keys/{}", stack.key("till").await["id"].as_str().unwrap());
    let made = stack.post("/v1/organizations", json!({ "name": "acme" })).await.json();
    let organization = format!("/v1/organizations/{}", made["id"].as_str().unwrap());
    for path in [&key, &organization] {
        let read = stack.get(path).await.header("etag").to_owned();
        assert!(read.starts_with('"'), "{path}: {read}");
        let changed = with(&stack, Method::PATCH, path, ("if-match", &read), r#"{"name":"one"}"#).await;
        assert_eq!(changed.status, 200, "{path}: {}", changed.json());
        assert_eq!(stack.get(path).await.header("etag"), changed.header("etag"), "the answer has the new tag");
        let long = format!("\"nothing\", {}", changed.header("etag"));
        for (tag, status) in [
            (read.as_str(), 412),
            ("\"nothing\"", 412),
            ("nothing", 412),
            (&format!("W/{}", changed.header("etag")), 412),
            (&long, 200),
            ("*", 200),
        ] {
            let answer = with(&stack, Method::PATCH, path, ("if-match", tag), r#"{"name":"one"}"#).await;
            assert_eq!(answer.status, status, "{path} {tag}");
            if status == 412 {
                assert_eq!(answer.json()["code"], "precondition_failed");
            }
        }
        let senseless = with(&stack, Method::PATCH, path, ("if-match", &read), r#"{"name":""}"#).await;
        assert_eq!(senseless.status, 422, "{path}: reading it again would not help");
        assert_eq!(stack.get(path).await.json()["name"], "one");
    }
    let read = stack.get(&key).await.header("etag").to_owned();
    assert_eq!(stack.patch(&key, json!({ "enabled": false })).await.status, 200);
    assert_eq!(with(&stack, Method::DELETE, &key, ("if-match", &read), "").await.status, 412);
    assert_eq!(stack.get(&key).await.json()["status"], "disabled");
}

#[tokio::test]
async fn of_many_who_read_the_same_one_changes_it() {
    let stack = Stack::start().await;
    let key = format!("/v1/keys/{}", stack.key("till").await["id"].as_str().unwrap());
    let read = stack.get(&key).await.header("etag").to_owned();
    let change = async |name: &str| {
        with(&stack, Method::PATCH, &key, ("if-match", &read), &format!(r#"{{"name":"{name}"}}"#)).await.status
    };
    let (a, b, c, d) = tokio::join!(change("a"), change("b"), change("c"), change("d"));
    let mut statuses = [a, b, c, d];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412]);
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let stack = Stack::start().await;
    let key = format!("/v1/keys/{}", stack.key("till").await["id"].as_str().unwrap());
    for path in [key.as_str(), "/v1/policy", "/v1/policy/versions/1"] {
        let read = stack.get(path).await.header("etag").to_owned();
        for (tag, status) in
            [(read.clone(), 304), (format!("\"x\", W/{read}"), 304), ("*".to_owned(), 304), ("\"x\"".to_owned(), 200)]
        {
            let answer = with(&stack, Method::GET, path, ("if-none-match", &tag), "").await;
            assert_eq!((answer.status, answer.bytes.is_empty()), (status, status == 304), "{path} {tag}");
            assert_eq!(answer.header("etag"), read);
        }
    }
    let read = stack.get(&key).await.header("etag").to_owned();
    stack.pass(100 * 24 * 60 * 60);
    let answer = with(&stack, Method::GET, &key, ("if-none-match", &read), "").await;
    assert_eq!((answer.status, &answer.json()["overdue"]), (200, &json!(true)), "its age is news");
    let renamed = with(&stack, Method::PATCH, &key, ("if-match", &read), r#"{"name":"old"}"#).await;
    assert_eq!(renamed.status, 200, "and no change that anybody made");
}

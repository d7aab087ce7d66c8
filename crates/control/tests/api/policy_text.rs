//! A policy's text: how versions of it differ.

use serde_json::{Value, json};

use crate::stack::Stack;

/// The policy in force with one thing replaced by another.
async fn with(stack: &Stack, old: &str, new: &str) -> String {
    let toml = stack.get("/v1/policy").await.json()["toml"].as_str().unwrap().to_owned();
    assert!(toml.contains(old), "{old}");
    toml.replace(old, new)
}

async fn publish(stack: &Stack, toml: &str) -> Value {
    let answer = stack.post("/v1/policy", json!({ "toml": toml })).await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    answer.json()
}

fn lines(text: &Value) -> Vec<&str> {
    let hunks = text["hunks"].as_array().unwrap();
    let lines = hunks.iter().flat_map(|hunk| hunk["lines"].as_array().unwrap());
    lines.map(|line| line.as_str().unwrap()).filter(|line| !line.starts_with(' ')).collect()
}

#[tokio::test]
async fn versions_are_compared_line_by_line() {
    let stack = Stack::start().await;
    let public = r#"    { path = "/open", access = "public" },"#;
    let second = with(&stack, public, "").await;
    let check = stack.post("/v1/policy:check", json!({ "toml": second })).await.json();
    let text = &check["difference"]["text"];
    assert_eq!(
        (lines(text), &text["added"], &text["removed"]),
        (vec![&*format!("-{public}"), "+"], &json!(1), &json!(1))
    );
    assert_eq!(text["hunks"][0]["old_line"], text["hunks"][0]["new_line"]);
    assert_eq!(publish(&stack, &second).await["difference"]["text"], *text);
    let third = with(&stack, "\"payouts:read\"]", "\"payouts:read\", \"cards:read\"]").await;
    publish(&stack, &third).await;
    let cards = r#"scopes = ["refunds:read", "refunds:write", "payouts:read", "cards:read"]"#;
    let plain = r#"scopes = ["refunds:read", "refunds:write", "payouts:read"]"#;
    for (query, against, expected) in [
        ("3/diff", json!(2), vec![format!("-{plain}"), format!("+{cards}")]),
        ("3/diff?against=2", json!(2), vec![format!("-{plain}"), format!("+{cards}")]),
        ("2/diff?against=3", json!(3), vec![format!("-{cards}"), format!("+{plain}")]),
        (
            "3/diff?against=1",
            json!(1),
            vec![format!("-{plain}"), format!("+{cards}"), format!("-{public}"), "+".to_owned()],
        ),
        ("2/diff?against=2", json!(2), vec![]),
    ] {
        let found = stack.get(&format!("/v1/policy/versions/{query}")).await.json();
        assert_eq!(
            (&found["against"], lines(&found["text"])),
            (&against, expected.iter().map(String::as_str).collect()),
            "{query}"
        );
    }
    let first = stack.get("/v1/policy/versions/1/diff").await.json();
    assert_eq!(
        (&first["against"], &first["text"]["removed"], &first["text"]["hunks"][0]["new_line"]),
        (&Value::Null, &json!(0), &json!(1))
    );
    for (query, status) in [
        ("4/diff", 404),
        ("x/diff", 404),
        ("3/diff?against=9", 404),
        ("3/diff?against=0", 404),
        ("3/diff?against=x", 400),
    ] {
        assert_eq!(stack.get(&format!("/v1/policy/versions/{query}")).await.status, status, "{query}");
    }
}

//! A policy's text: how versions of it differ, and what must not stand in one.

use serde_json::{Value, json};

use crate::stack::{NOON, Stack, config};

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

#[tokio::test]
async fn a_text_with_a_whole_key_is_refused_by_its_line_and_the_key_is_not_repeated() {
    let stack = Stack::start().await;
    let key = stack.key("till").await["key"].as_str().unwrap().to_owned();
    let (body, token) = (key.strip_prefix("sk_live_").unwrap(), stack.admin.clone());
    let text = stack.get("/v1/policy").await.json()["toml"].as_str().unwrap().to_owned();
    let other = text.replace("sk_live_", "rk_live_");
    let own = format!("rk_live_{body}");
    for (text, secret) in [
        (format!("{text}# {key}\n"), &key),
        (format!("{other}# {key}, whose format is the one in force\n"), &key),
        (format!("{other}# {own}, whose format is its own\n"), &own),
        (format!("{text}# {token}\n"), &token),
        (format!("{text}{key} = \"no policy at all\"\n"), &key),
    ] {
        let check = stack.post("/v1/policy:check", json!({ "toml": text })).await.json();
        let problem = &check["problems"][0];
        let line = text.lines().position(|line| line.contains(secret)).unwrap() + 1;
        assert_eq!(
            (&check["valid"], &check["difference"], &problem["line"]),
            (&json!(false), &Value::Null, &json!(line))
        );
        assert!(problem["hint"].as_str().unwrap().contains("rotate or revoke"), "{problem}");
        let answer = stack.post("/v1/policy", json!({ "toml": text })).await;
        assert_eq!((answer.status, &answer.json()["pointer"]), (422, &json!("/toml")));
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with(&format!("policy.toml:{line}:")), "{detail}");
        for told in [check.to_string(), detail] {
            assert!(!told.contains(secret.split_once("live_").unwrap_or(("", secret)).1), "{told}");
        }
    }
    assert_eq!(stack.get("/v1/policy").await.json()["version"], 1);
}

#[tokio::test]
async fn prefixes_and_examples_pass_and_so_does_every_preset() {
    let stack = Stack::start().await;
    let text = stack.get("/v1/policy").await.json()["toml"].as_str().unwrap().to_owned();
    for note in ["sk_live_", "sk_live_abc123...", "sk_live_0123456789abcdefghijklmn", "sk_live_YOUR_KEY", "pca_…"] {
        let check = stack.post("/v1/policy:check", json!({ "toml": format!("{text}# {note}\n") })).await.json();
        assert_eq!(check["valid"], true, "{note}: {check}");
    }
    for preset in ["systemprompt", "payments", "fetchprompt"] {
        let path = format!("{}/../../policies/{preset}/policy.toml", env!("CARGO_MANIFEST_DIR"));
        let toml = std::fs::read_to_string(path).unwrap();
        let check = stack.post("/v1/policy:check", json!({ "toml": toml })).await.json();
        assert_eq!(check["valid"], true, "{preset}: {check}");
    }
}

#[tokio::test]
async fn a_version_with_a_key_from_before_still_serves_and_does_not_come_back() {
    let stack = Stack::start().await;
    let text = stack.get("/v1/policy").await.json()["toml"].as_str().unwrap().to_owned();
    publish(&stack, &text).await;
    let key = "sk_live_q7RkT2mVx9BzL4cN8wPd3HsJ";
    stack.run(format!("UPDATE policies SET toml = toml || '# {key}'")).await;
    let stack = Stack::resume_with_policy(stack.stop().await, NOON, None).await;
    assert_eq!(stack.get("/v1/status").await.json()["policy"], "test");
    let refused = stack.post("/v1/policy/versions/1/restore", json!({})).await;
    assert_eq!(refused.status, 422, "{}", refused.json());
    assert!(!refused.json()["detail"].as_str().unwrap().contains("q7Rk"));

    let folder = tempfile::tempdir().unwrap();
    let mut file = config(folder.path()).await;
    file.policy.iter_mut().for_each(|it| it.text.push_str(&format!("# {key}\n")));
    let error = portcullis_control::Server::open(file, portcullis_control::Clock::system()).await.err().unwrap();
    let told = error.to_string();
    assert!(told.starts_with("policy.toml:") && told.contains("a whole key") && !told.contains("q7Rk"), "{told}");
}

//! The policy: published from a file or over the API, compared before, gone back on after.

use portcullis_bundle::Archive;
use reqwest::Method;
use serde_json::{Value, json};

use super::stack::{NOON, Stack};

/// One rule for every key.
const BASE: &str = r#"
name = "test"
environments = ["live", "test"]
scopes = ["refunds:read", "refunds:write", "payouts:read"]
credentials = [{ in = "header", name = "authorization", scheme = "Bearer" }]
keys = [
    { prefix = "sk_live_", environment = "live", body_length = 24 },
    { prefix = "sk_test_", environment = "test", body_length = 30, checksum = "crc32-base62" },
]
rules = [{ path = "/v1/**" }]
"#;

async fn start() -> Stack {
    Stack::resume_with_policy(tempfile::tempdir().unwrap(), NOON, Some(BASE)).await
}

/// The policy with one thing replaced by another.
fn with(old: &str, new: &str) -> String {
    assert!(BASE.contains(old), "{old}");
    BASE.replace(old, new)
}

/// Another rule behind the policy's one.
fn with_rule(rule: &str) -> String {
    with(r#"[{ path = "/v1/**" }]"#, &format!(r#"[{{ path = "/v1/**" }}, {rule}]"#))
}

async fn keys(stack: &Stack) {
    for (name, environment, scopes) in [
        ("reads", "live", json!(["refunds:read"])),
        ("writes", "live", json!(["refunds:read", "refunds:write"])),
        ("writes too", "live", json!(["refunds:read", "refunds:write"])),
        ("pays", "test", json!(["payouts:read"])),
        ("nothing", "test", json!([])),
    ] {
        let body = json!({ "name": name, "environment": environment, "scopes": scopes });
        assert_eq!(stack.post("/v1/keys", body).await.status, 201);
    }
    let gone = stack.key("gone").await;
    assert_eq!(stack.delete(&format!("/v1/keys/{}", gone["id"].as_str().unwrap())).await.status, 200);
}

#[tokio::test]
async fn a_difference_says_whose_access_changes() {
    let stack = start().await;
    keys(&stack).await;
    let refunds = r#"{ path = "/v1/refunds/{id}", methods = ["POST"], all = ["refunds:write"] }"#;
    for (policy, summary, notes) in [
        (BASE.to_owned(), "no key's access changes", vec![]),
        (
            with("[{ path = \"/v1/**\" }]", "[{ path = \"/v1/{a}/**\" }, { path = \"/v1\" }]"),
            "no key's access changes",
            vec![],
        ),
        (with_rule(refunds), "3 keys lose access to POST /v1/refunds/{id}", vec![]),
        (with_rule(r#"{ path = "/v2/**", any = ["payouts:read"] }"#), "1 key gains access to * /v2/**", vec![]),
        (
            with_rule(r#"{ path = "/v1/live", environments = ["live"] }, { path = "/up", access = "public" }"#),
            "2 keys lose access to * /v1/live; 5 keys gain access to * /up; open to anyone: * /up",
            vec![],
        ),
        (
            with_rule(r#"{ path = "/v1/{what}/all", any = ["refunds:read"] }, { path = "/v1/cards/**" }"#),
            // Where the two overlap the more specific one wins, which is the second.
            "2 keys lose access to * /v1/{what}/all",
            vec![],
        ),
        (
            with(r#"{ prefix = "sk_test_", environment = "test", body_length = 30, checksum = "crc32-base62" },"#, ""),
            "2 keys lose access to * /v1/**",
            vec![
                "2 keys with prefix `sk_test_` will be malformed",
                "no new keys can be made in environment `test`: it has no key format",
            ],
        ),
        (
            with(r#"environment = "live", body_length = 24"#, r#"environment = "live", body_length = 20"#),
            "3 keys lose access to * /v1/**",
            vec!["3 keys with prefix `sk_live_` will be malformed"],
        ),
        (
            with(r#", "payouts:read"]"#, "]"),
            "no key's access changes",
            vec!["the policy no longer knows the scope `payouts:read`, which 1 key holds"],
        ),
        (
            with(
                r#"{ in = "header", name = "authorization", scheme = "Bearer" }"#,
                r#"{ in = "header", name = "x-api-key" }"#,
            ),
            "no key's access changes",
            vec!["clients that send their key in the header `authorization` with scheme `Bearer` are refused"],
        ),
    ] {
        let answer = stack.post("/v1/policy:check", json!({ "toml": policy })).await.json();
        assert_eq!(answer["valid"], true, "{answer}");
        let difference = &answer["difference"];
        assert_eq!((&difference["summary"], &difference["notes"]), (&json!(summary), &json!(notes)), "{policy}");
    }
    let answer = stack.post("/v1/policy:check", json!({ "toml": with_rule(refunds) })).await.json();
    let loses = &answer["difference"]["loses"];
    assert_eq!(loses.as_array().unwrap().len(), 1, "{loses}");
    let names: Vec<_> =
        loses[0]["examples"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 3);
    assert!(["reads", "pays", "nothing"].iter().all(|name| names.contains(name)), "{names:?}");
}

#[tokio::test]
async fn what_is_wrong_with_a_policy_is_told_with_line_and_column() {
    let stack = start().await;
    for (toml, line, column, message) in [
        ("name = 1", 1, 8, "`1` is no text"),
        ("name = \"x\"\nenvironment = []", 2, 1, "environment"),
        ("name =", 1, 7, ""),
    ] {
        let answer = stack.post("/v1/policy:check", json!({ "toml": toml })).await;
        let (status, answer) = (answer.status, answer.json());
        assert_eq!((status, &answer["valid"], &answer["difference"]), (200, &json!(false), &Value::Null));
        let found =
            answer["problems"].as_array().unwrap().iter().any(|it| it["line"] == line && it["column"] == column);
        assert!(found, "{toml}: {answer} {message}");
        let refused = stack.post("/v1/policy", json!({ "toml": toml })).await;
        assert_eq!((refused.status, &refused.json()["pointer"]), (422, &json!("/toml")));
    }
    let doubtful = with_rule(r#"{ path = "/v1/refunds", methods = ["POST"], all = ["refunds:write"] }"#);
    let answer = stack.post("/v1/policy:check", json!({ "toml": doubtful })).await.json();
    assert_eq!((&answer["valid"], answer["warnings"].as_array().unwrap().len()), (&json!(true), 1), "{answer}");
    assert_eq!(stack.get("/v1/policy").await.json()["version"], 1);
}

async fn published_policy(stack: &Stack) -> Value {
    let file = stack.edge_get("/edge/v1/bundle").await;
    let archive = Archive::open(&file.bytes, &[stack.public_key]).unwrap();
    serde_json::from_slice(archive.blob(&archive.manifest().policy).unwrap()).unwrap()
}

#[tokio::test]
async fn publishing_changes_the_bundle_and_what_new_keys_may_be() {
    let stack = start().await;
    let first = stack.get("/v1/policy").await.json();
    assert_eq!(
        (&first["version"], &first["source"], &first["published_by"]),
        (&json!(1), &json!("file"), &json!("control plane"))
    );
    assert_eq!(first["toml"], BASE);

    let wanted = json!({ "name": "k", "environment": "live", "scopes": ["cards:read"] });
    assert_eq!(stack.post("/v1/keys", wanted.clone()).await.status, 422);
    let toml = with(r#""payouts:read"]"#, r#""payouts:read", "cards:read"]"#);
    let before = stack.manifest().await;
    let body = json!({ "toml": toml, "note": "cards", "base_version": 1 });
    let answer = stack.post("/v1/policy", body.clone()).await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    let (version, published) = (answer.version(), answer.json());
    assert_eq!(
        (&published["version"], &published["current"], &published["source"]),
        (&json!(2), &json!(true), &json!("api"))
    );
    assert_eq!(
        (&published["bundle_version"], &published["difference"]["summary"]),
        (&json!(version), &json!("no key's access changes"))
    );
    let after = stack.manifest().await;
    assert!(after.version >= version && after.policy != before.policy && after.keys == before.keys);
    assert_eq!(published_policy(&stack).await["scopes"][3], "cards:read");
    assert_eq!(stack.post("/v1/keys", wanted.clone()).await.status, 201);

    let stale = stack.post("/v1/policy", body).await;
    assert_eq!((stale.status, &stale.json()["code"]), (409, &json!("policy_moved")));

    let answer = stack.post("/v1/policy/versions/1/restore", json!({ "note": "no cards" })).await.json();
    assert_eq!(
        (&answer["version"], &answer["source"], &answer["restored_from"]),
        (&json!(3), &json!("restore"), &json!(1))
    );
    assert!(answer["difference"]["notes"][0].as_str().unwrap().contains("`cards:read`, which 1 key holds"), "{answer}");
    assert_eq!(stack.manifest().await.policy, before.policy);
    assert_eq!(stack.post("/v1/keys", wanted).await.status, 422);

    let page = stack.get("/v1/policy/versions?limit=2").await.json();
    let versions: Vec<_> =
        page["data"].as_array().unwrap().iter().map(|it| (it["version"].clone(), it["current"].clone())).collect();
    assert_eq!(versions, [(json!(3), json!(true)), (json!(2), json!(false))]);
    let rest = stack.get(&format!("/v1/policy/versions?cursor={}", page["next_cursor"].as_str().unwrap())).await.json();
    assert_eq!((&rest["data"][0]["version"], &rest["next_cursor"]), (&json!(1), &Value::Null));
    assert_eq!(stack.get("/v1/policy/versions/2").await.json()["toml"], toml);
    for path in ["/v1/policy/versions/4", "/v1/policy/versions/none", "/v1/policy/versions/0"] {
        assert_eq!(stack.get(path).await.status, 404, "{path}");
    }
    assert_eq!(stack.admin(Method::POST, "/v1/policy/versions/9/restore", None).await.status, 404);
    for query in ["limit=0", "limit=1001", "cursor=x"] {
        assert_eq!(stack.get(&format!("/v1/policy/versions?{query}")).await.status, 422, "{query}");
    }
    for (note, status) in [("x".repeat(501), 422), ("sk_live_abcdefgh".to_owned(), 422)] {
        assert_eq!(stack.post("/v1/policy", json!({ "toml": BASE, "note": note })).await.status, status);
    }
}

#[tokio::test]
async fn what_was_published_survives_a_restart_until_the_file_changes() {
    let stack = start().await;
    assert_eq!(stack.note, None);
    let toml = with(r#"name = "test""#, r#"name = "from-the-api""#);
    assert_eq!(stack.post("/v1/policy", json!({ "toml": toml })).await.status, 201);
    let mut folder = stack.stop().await;
    let changed = with(r#"name = "test""#, r#"name = "changed""#);
    for (file, version, name, note) in [
        (
            Some(BASE),
            2,
            "from-the-api",
            "version 2 of the policy is in force, published by administrator's token; policy.toml has not changed",
        ),
        (None, 2, "from-the-api", ""),
        (Some(changed.as_str()), 3, "changed", "policy.toml has changed and is now version 3"),
        (Some(changed.as_str()), 3, "changed", ""),
        (Some(BASE), 4, "test", ""),
    ] {
        let stack = Stack::resume_with_policy(folder, NOON, file).await;
        let policy = stack.get("/v1/policy").await.json();
        assert_eq!(policy["version"], version);
        assert_eq!(stack.get("/v1/status").await.json()["policy"], name);
        assert_eq!(published_policy(&stack).await["name"], name);
        let told = stack.note.as_deref().unwrap_or_default();
        assert!(told.starts_with(note) && told.is_empty() == note.is_empty(), "{told}");
        folder = stack.stop().await;
    }
}

#[tokio::test]
async fn of_two_who_publish_at_once_both_get_a_version_of_their_own() {
    let stack = start().await;
    let body = || json!({ "toml": BASE });
    let (one, other) = tokio::join!(stack.post("/v1/policy", body()), stack.post("/v1/policy", body()));
    let mut versions = [one.json()["version"].as_u64().unwrap(), other.json()["version"].as_u64().unwrap()];
    versions.sort_unstable();
    assert_eq!(versions, [2, 3]);
}

#[tokio::test]
async fn a_policy_has_so_many_rules_that_comparing_them_is_quick() {
    let stack = Stack::start().await;
    let rules = |count: usize| (0..count).map(|it| format!("[[rules]]\npath = \"/v1/r{it}/**\"\n")).collect::<String>();
    let text = rules(2001);
    let answer = stack.post("/v1/policy:check", json!({ "toml": text })).await;
    assert_eq!((answer.status, answer.json()["pointer"].as_str()), (422, Some("/toml")), "{}", answer.json());
}

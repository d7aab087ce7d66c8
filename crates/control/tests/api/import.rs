//! Keys that were made elsewhere move in by their digests, as JSON and as a table.

use portcullis_engine::{KeyDigest, KeyStatus};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::{Answer, Stack};

const OLD: &str = "sk_live_0123456789abcdefghijklmn";
const HEADER: &str = "name,sha256,prefix,environment,scopes,expires_at,display,created_by,created_at,metadata.team\n";

fn digest(text: &str) -> String {
    KeyDigest::of(text.as_bytes()).to_string()
}

async fn csv(stack: &Stack, text: &str) -> Answer {
    let http = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    let request = http.post(format!("http://{}/v1/keys:import", stack.address)).bearer_auth(&stack.admin);
    let response =
        request.header("content-type", "text/csv; charset=utf-8").body(text.to_owned()).send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
}

#[tokio::test]
async fn imported_keys_work_and_look_like_any_other() {
    let stack = Stack::start().await;
    let restrictions = json!({ "ip": { "mode": "enforce", "allow": ["10.0.0.0/8"] } });
    let body = json!({ "keys": [
        { "name": "old", "sha256": digest(OLD).to_uppercase(), "prefix": "sk_live_" },
        { "name": "older", "sha256": digest("x"), "prefix": "sk_test_", "environment": "test", "display": "sk_test_abc...",
          "scopes": ["refunds:write", "refunds:read"], "expires_at": "2026-01-01T00:00:00Z", "restrictions": restrictions,
          "created_by": "ann@example.com", "created_at": "2025-01-01T00:00:00Z", "metadata": { "team": "x" } },
    ] });
    let answer = stack.post("/v1/keys:import", body).await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    let made = answer.json()["data"].clone();
    assert_eq!((&made[0]["display"], &made[0]["environment"]), (&json!("sk_live_..."), &json!("live")));
    for (member, value) in [
        ("display", json!("sk_test_abc...")),
        ("scopes", json!(["refunds:read", "refunds:write"])),
        ("status", json!("expired")),
        ("restrictions", restrictions),
        ("created_by", json!("ann@example.com")),
        ("created_at", json!("2025-01-01T00:00:00Z")),
        ("age_days", json!(379)),
        ("metadata", json!({ "team": "x" })),
        ("revoked_at", Value::Null),
    ] {
        assert_eq!(made[1][member], value, "{member}");
    }
    assert_eq!(stack.published_status(&KeyDigest::of(OLD.as_bytes())).await, Some(KeyStatus::Active));
    let found = stack.post("/v1/keys:find", json!({ "key": OLD })).await.json();
    assert_eq!(found, made[0]);
    let path = format!("/v1/keys/{}", found["id"].as_str().unwrap());
    let rotated = stack.post(&format!("{path}/rotate"), json!({})).await.json();
    assert_eq!((&rotated["prefix"], &rotated["name"]), (&json!("sk_live_"), &json!("old")));
    let audit = "SELECT action || ' ' || detail FROM audit WHERE target_name = 'older'";
    assert!(stack.text(audit).await.starts_with("key.imported {"));
}

#[tokio::test]
async fn a_table_is_read_like_json() {
    let stack = Stack::start().await;
    let row = format!(
        "\"till, \"\"main\"\"\",{},sk_live_,,refunds:read payouts:*,2027-01-01T00:00:00Z,,,,Köln\n",
        digest("a")
    );
    let answer =
        csv(&stack, &format!("\u{feff}{HEADER}\n{row} kiosk , {} ,sk_test_,test,,,sk_test_0,a@b,,\n", digest("b")))
            .await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    let made = answer.json()["data"].clone();
    assert_eq!((&made[0]["name"], &made[0]["metadata"]), (&json!("till, \"main\""), &json!({ "team": "Köln" })));
    assert_eq!(made[0]["scopes"], json!(["payouts:*", "refunds:read"]));
    assert_eq!((&made[1]["name"], &made[1]["display"]), (&json!("kiosk"), &json!("sk_test_0...")));
    assert_eq!((&made[1]["created_by"], &made[1]["metadata"]), (&json!("a@b"), &json!({})));
}

#[tokio::test]
async fn what_is_wrong_with_a_table_is_said_with_line_and_column_and_nothing_is_imported() {
    let stack = Stack::start().await;
    let (a, b) = (digest("a"), digest("b"));
    let good = format!("till,{a},sk_live_,,,,,,,\n");
    for (text, words) in [
        (String::new(), "line 1: the column `name` is missing"),
        (format!("name,prefix\nx,{OLD}\n"), "line 1: the column `sha256` is missing"),
        (format!("{OLD},till,sk_live_\n"), "line 1: column 1 is none of"),
        ("name,sha256,prefix,name\n".to_owned(), "line 1: column 4 is there twice"),
        (HEADER.to_owned(), "expected 1 to 1000 keys, got 0"),
        (format!("{HEADER}{good}x,{b},sk_live_\n"), "line 3: expected 10 columns as in the header row, got 3"),
        (format!("{HEADER}{good}\n\nx,{OLD},sk_live_,,,,,,,\n"), "line 5, column `sha256`: this is a key"),
        (format!("{HEADER}{good}x,{b}0,sk_live_,,,,,,,\n"), "line 3, column `sha256`: expected the SHA-256"),
        (format!("{HEADER}{good}x,,sk_live_,,,,,,,\n"), "line 3, column `sha256`: expected the SHA-256"),
        (format!("{HEADER}{good}x,{a},sk_live_,,,,,,,\n"), "line 3, column `sha256`: the same digest as that of key 1"),
        (format!("{HEADER}{good}x,{b},pk_,,,,,,,\n"), "line 3, column `prefix`: the policy knows no keys"),
        (format!("{HEADER}{good}x,{b},{OLD},,,,,,,\n"), "it knows `sk_live_`, `sk_test_`"),
        (format!("{HEADER}{good}x,{b},sk_live_,test,,,,,,\n"), "line 3, column `environment`: keys with the prefix"),
        (format!("{HEADER}{good},{b},sk_live_,,,,,,,\n"), "line 3, column `name`: expected 1 to 100"),
        (format!("{HEADER}{good}{OLD},{b},sk_live_,,,,,,,\n"), "line 3, column `name`: this looks like a key"),
        (format!("{HEADER}{good}x,{b},sk_live_,,nope,,,,,\n"), "line 3, column `scopes`: the policy knows no such"),
        (format!("{HEADER}{good}x,{b},sk_live_,,,soon,,,,\n"), "line 3, column `expires_at`: expected a time"),
        (
            format!("{HEADER}{good}x,{b},sk_live_,,,,sk_live_0123456,,,\n"),
            "line 3, column `display`: expected `sk_live_` and at most 6",
        ),
        (format!("{HEADER}{good}x,{b},sk_live_,,,,{OLD},,,\n"), "line 3, column `display`"),
        (format!("{HEADER}{good}x,{b},sk_live_,,,,sk_test_0,,,\n"), "line 3, column `display`"),
        (format!("{HEADER}{good}x,{b},sk_live_,,,,,ann,,\n"), "line 3, column `created_by`: expected an e-mail"),
        (
            format!("{HEADER}{good}x,{b},sk_live_,,,,,,2027-01-01T00:00:00Z,\n"),
            "line 3, column `created_at`: this is in the future",
        ),
        (
            format!("{HEADER}{good}x,{b},sk_live_,,,,,,,{OLD}\n"),
            "line 3, column `metadata.team`: this looks like a key",
        ),
    ] {
        let answer = csv(&stack, &text).await;
        let problem = answer.json();
        assert_eq!((answer.status, problem["code"].as_str()), (422, Some("invalid_request")), "{text}: {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(words) && !detail.contains("0123456789"), "{words}: {detail}");
    }
    let binary = stack.admin(Method::GET, "/v1/keys", None).await.json();
    assert_eq!(binary["data"], json!([]), "nothing was imported");
}

#[tokio::test]
async fn what_is_wrong_with_json_is_said_with_its_member() {
    let stack = Stack::start().await;
    let old = stack.key("old").await;
    let known = digest(old["key"].as_str().unwrap());
    let key = |more: Value| {
        let mut key = json!({ "name": "x", "sha256": digest("b"), "prefix": "sk_live_" });
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key
    };
    let many = vec![key(json!({})); 1001];
    for (keys, status, pointer, words) in [
        (json!([]), 422, "/keys", "got 0"),
        (json!(many), 422, "/keys", "got 1001"),
        (json!([key(json!({ "sha256": OLD }))]), 422, "/keys/0/sha256", "portcullis keys import --hash"),
        (json!([key(json!({})), key(json!({}))]), 422, "/keys/1/sha256", "of key 1 here"),
        (json!([key(json!({})), key(json!({ "sha256": known }))]), 409, "/keys/1/sha256", "here already"),
        (
            json!([key(json!({ "restrictions": { "ip": { "allow": ["x"] } } }))]),
            422,
            "/keys/0/restrictions/ip/allow/0",
            "",
        ),
        (json!([key(json!({ "organization": "org_0000000000000000" }))]), 422, "/keys/0/organization", "no such"),
        (json!([key(json!({ "metadata": { "A": "x" } }))]), 422, "/keys/0/metadata", "a-z"),
    ] {
        let answer = stack.post("/v1/keys:import", json!({ "keys": keys })).await;
        let problem = answer.json();
        assert_eq!((answer.status, problem["pointer"].as_str()), (status, Some(pointer)), "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(words) && !detail.contains("0123456789"), "{pointer}: {detail}");
    }
    assert_eq!(stack.get("/v1/keys").await.json()["data"].as_array().unwrap().len(), 1, "nothing was imported");
    let conflict = csv(&stack, &format!("name,sha256,prefix\nx,{known},sk_live_\n")).await;
    assert_eq!((conflict.status, conflict.json()["code"].as_str()), (409, Some("already_exists")));
    assert!(conflict.json()["detail"].as_str().unwrap().starts_with("line 2, column `sha256`: "));
}

#[tokio::test]
async fn digests_that_were_chosen_to_begin_alike_are_refused_from_a_number_on() {
    let stack = Stack::start().await;
    let keys = |numbers: std::ops::Range<u32>| {
        let digests = numbers.map(|number| format!("{}{number:08x}", "07".repeat(28)));
        json!({ "keys": digests.map(|it| json!({ "name": "x", "sha256": it, "prefix": "sk_live_" })).collect::<Vec<_>>() })
    };
    assert_eq!(stack.post("/v1/keys:import", keys(0..1000)).await.status, 201);
    let answer = stack.post("/v1/keys:import", keys(1000..1030)).await;
    let problem = answer.json();
    assert_eq!((answer.status, problem["pointer"].as_str()), (422, Some("/keys/24/sha256")), "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("the organisation has 1024 keys whose digests begin like this one: nothing was imported"),
        "{detail}"
    );
    assert_eq!(stack.post("/v1/keys:import", keys(1000..1024)).await.status, 201);
    let other = json!({ "keys": [{ "name": "x", "sha256": digest("b"), "prefix": "sk_live_" }] });
    assert_eq!(stack.post("/v1/keys:import", other).await.status, 201);
}

#[tokio::test]
async fn of_two_imports_of_one_key_at_once_one_is_refused() {
    let stack = Stack::start().await;
    for round in 0..8 {
        let keys = json!({ "keys": [{ "name": "x", "sha256": digest(&round.to_string()), "prefix": "sk_live_" }] });
        let (one, other) =
            tokio::join!(stack.post("/v1/keys:import", keys.clone()), stack.post("/v1/keys:import", keys.clone()));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
        for refused in [one, other].iter().filter(|answer| answer.status == 409) {
            assert_eq!(refused.json()["code"], "already_exists");
        }
    }
}

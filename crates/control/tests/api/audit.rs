//! The audit log: what is in it, how it is asked for, and how all of it is read.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::Stack;

fn actions(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_is_done_is_told_with_who_when_and_from_which_request() {
    let stack = Stack::start().await;
    let made = stack.post("/v1/keys", json!({ "name": "till", "environment": "live" })).await;
    let id = made.json()["id"].as_str().unwrap().to_owned();
    stack.pass(5);
    let revoked = stack.delete(&format!("/v1/keys/{id}")).await;
    let page = stack.get("/v1/audit").await.json();
    assert_eq!(actions(&page)[..2], ["key.revoked", "key.created"], "newest first");
    assert_eq!(actions(&page).last(), Some(&"organization.created"), "of the first start");
    let entry = &page["data"][0];
    let id_of_entry = entry["id"].as_u64().unwrap();
    assert_eq!(
        entry,
        &json!({
            "id": id_of_entry,
            "at": "2026-01-15T12:00:05.000Z",
            "organization": made.json()["organization"],
            "actor": { "kind": "root", "id": "", "name": "administrator's token" },
            "action": "key.revoked",
            "target": { "kind": "key", "id": id, "name": "till" },
            "detail": entry["detail"],
            "address": entry["address"],
            "request_id": revoked.header("x-request-id"),
            "version": revoked.version(),
        })
    );
    assert_eq!(page["data"].as_array().unwrap().last().unwrap()["actor"]["kind"], "system");
    // Refusals and looks leave nothing.
    stack.get(&format!("/v1/keys/{id}")).await;
    stack.patch(&format!("/v1/keys/{id}"), json!({ "name": "other" })).await;
    assert_eq!(stack.get("/v1/audit").await.json(), page);
}

#[tokio::test]
async fn the_log_is_asked_for_in_parts() {
    let stack = Stack::start().await;
    let first = stack.key("first").await["id"].as_str().unwrap().to_owned();
    stack.pass(60);
    stack.key("second").await;
    let acme = stack.post("/v1/organizations", json!({ "name": "acme" })).await.json()["id"].clone();
    let acme = acme.as_str().unwrap();
    for (query, expected) in [
        (format!("target={first}"), vec!["key.created"]),
        ("target=second".to_owned(), vec!["key.created"]),
        (format!("organization={acme}"), vec!["organization.created"]),
        ("action=organization".to_owned(), vec!["organization.created"; 2]),
        ("action=key.created".to_owned(), vec!["key.created"; 2]),
        ("action=key.revoked".to_owned(), vec![]),
        ("actor=system&action=organization".to_owned(), vec!["organization.created"]),
        ("since=2026-01-15T12:00:30Z&action=key".to_owned(), vec!["key.created"]),
        ("until=2026-01-15T12:00:30Z&action=key".to_owned(), vec!["key.created"]),
        ("since=2026-01-15T12:01:01Z".to_owned(), vec![]),
    ] {
        let page = stack.get(&format!("/v1/audit?{query}")).await.json();
        assert_eq!(actions(&page), expected, "{query}");
    }
    for (query, pointer) in [
        ("limit=0", "/limit"),
        ("limit=1001", "/limit"),
        ("cursor=x", "/cursor"),
        ("action=key.cre", "/action"),
        ("since=yesterday", "/since"),
        ("organization=acme", "/organization"),
    ] {
        for route in ["/v1/audit", "/v1/audit/export"] {
            let answer = stack.get(&format!("{route}?{query}")).await;
            // The export has neither pages nor a limit.
            let is_known = route == "/v1/audit" || !["/limit", "/cursor"].contains(&pointer);
            let expected = if is_known { (422, json!(pointer)) } else { (400, Value::Null) };
            assert_eq!((answer.status, answer.json()["pointer"].clone()), expected, "{route}?{query}");
        }
    }
    assert!([200, 422].contains(&stack.get("/v1/audit?actor=%00").await.status));
}

#[tokio::test]
async fn all_of_it_is_read_in_pages_and_exported_in_one() {
    let stack = Stack::start().await;
    let before = stack.get("/v1/audit").await.json()["data"].as_array().unwrap().len();
    let named = |index| json!({ "name": format!("=cmd|'{index}'!A1, \"x\""), "environment": "live" });
    for batch in [0..700, 700..1100] {
        let keys: Vec<_> = batch.map(named).collect();
        assert_eq!(stack.post("/v1/keys:batch", json!({ "keys": keys })).await.status, 201);
    }
    let (mut listed, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = stack.get(&format!("/v1/audit?limit=400{cursor}")).await.json();
        listed.extend(page["data"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(listed.len(), 1100 + before);

    let lines = stack.get("/v1/audit/export?format=jsonl").await;
    assert_eq!((lines.status, lines.header("content-type")), (200, "application/jsonl"));
    let lines: Vec<Value> =
        lines.bytes.split(|byte| *byte == b'\n').filter_map(|it| serde_json::from_slice(it).ok()).collect();
    assert_eq!(lines, listed);

    let table = stack.get("/v1/audit/export").await;
    assert_eq!(table.header("content-disposition"), "attachment; filename=\"audit.csv\"");
    assert!(table.header("content-type").starts_with("text/csv"));
    let text = String::from_utf8(table.bytes).unwrap();
    assert!(text.starts_with("id,at,organization,actor_kind,"), "{}", text.lines().next().unwrap());
    assert_eq!(text.lines().count(), 1101 + before);
    let second = text.lines().nth(1).unwrap();
    assert!(second.contains(",\"'=cmd|'1099'!A1, \"\"x\"\"\","), "{second}");
    assert!(!text.contains(",=") && !text.contains(",\"="), "no cell is a formula");

    let created = stack.get("/v1/audit/export?format=jsonl&action=organization").await;
    assert_eq!(created.bytes.iter().filter(|byte| **byte == b'\n').count(), 1);
}

#[tokio::test]
async fn a_request_s_id_is_made_here_whatever_the_caller_calls_it() {
    let stack = Stack::start().await;
    let url = format!("http://{}/v1/status", stack.address);
    let http = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    let answer = http.request(Method::GET, url).bearer_auth(&stack.admin).header("x-request-id", "req_mine");
    let answer = answer.send().await.unwrap();
    let id = answer.headers()["x-request-id"].to_str().unwrap();
    assert!(id.starts_with("req_") && id != "req_mine", "{id}");
}

//! Finding keys: by text, by state, by their own text.

use serde_json::{Value, json};

use crate::stack::Stack;

const DAY: u64 = 24 * 60 * 60;

async fn make(stack: &Stack, more: Value) -> Value {
    let mut body = json!({ "environment": "live" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = stack.post("/v1/keys", body).await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    answer.json()
}

/// The names on every page, and their number of pages.
async fn listed(stack: &Stack, query: &[(&str, &str)]) -> (String, usize) {
    let (mut names, mut pages, mut cursor) = (Vec::new(), 0, None::<String>);
    loop {
        let mut url = reqwest::Url::parse("http://x/v1/keys").unwrap();
        url.query_pairs_mut().extend_pairs(query);
        if let Some(cursor) = &cursor {
            url.query_pairs_mut().append_pair("cursor", cursor);
        }
        let answer = stack.get(&format!("/v1/keys?{}", url.query().unwrap_or_default())).await;
        let page = answer.json();
        assert_eq!(answer.status, 200, "{query:?}: {page}");
        let data = page["data"].as_array().unwrap();
        names.extend(data.iter().map(|key| key["name"].as_str().unwrap().to_owned()));
        pages += 1;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return (names.join(" "), pages),
        }
    }
}

#[tokio::test]
async fn text_is_found_wherever_it_stands_and_in_whatever_case() {
    let stack = Stack::start().await;
    let till = make(&stack, json!({ "name": "Till-1", "created_by": "Ann@example.com" })).await;
    make(&stack, json!({ "name": "Kiosk", "metadata": { "team": "Ärger ΟΔΟΣ" } })).await;
    make(&stack, json!({ "name": "STRASSE", "environment": "test" })).await;
    let id = till["id"].as_str().unwrap();
    let display = till["display"].as_str().unwrap();
    for (text, names) in [
        ("till", "Till-1"),
        ("L-1", "Till-1"),
        (" till ", "Till-1"),
        ("ann@EXAMPLE", "Till-1"),
        (id, "Till-1"),
        (id.get(6..15).unwrap(), "Till-1"),
        (display, "Till-1"),
        ("team=ärg", "Kiosk"),
        ("οδος", "Kiosk"),
        ("straße", "STRASSE"),
        ("key_", "STRASSE Kiosk Till-1"),
        ("", "STRASSE Kiosk Till-1"),
        ("nowhere", ""),
        ("%", ""),
        ("_ill", ""),
    ] {
        assert_eq!(listed(&stack, &[("q", text)]).await.0, names, "{text}");
        let elsewhere = listed(&stack, &[("q", text), ("environment", "test"), ("status", "active")]).await.0;
        assert_eq!(elsewhere, names.split(' ').filter(|name| *name == "STRASSE").collect::<String>(), "{text}");
    }
    stack.patch(&format!("/v1/keys/{id}"), json!({ "name": "till 2", "metadata": { "floor": "3rd" } })).await;
    for (text, names) in [("till-1", ""), ("TILL 2", "till 2"), ("floor=3", "till 2")] {
        assert_eq!(listed(&stack, &[("q", text)]).await.0, names, "{text}");
    }
    let folder = stack.stop().await;
    let stack = Stack::resume(folder, crate::stack::NOON + 60).await;
    assert_eq!(listed(&stack, &[("q", "floor=3")]).await.0, "till 2", "another control plane finds it too");
}

#[tokio::test]
async fn filters_are_all_of_them_met_and_pages_end_where_they_should() {
    let stack = Stack::start().await;
    let other = stack.post("/v1/organizations", json!({ "name": "other" })).await.json()["id"].clone();
    let other = other.as_str().unwrap();
    for index in 0..6 {
        let organization = if index < 3 { json!(other) } else { Value::Null };
        let environment = if index % 2 == 0 { "live" } else { "test" };
        make(&stack, json!({ "name": format!("k-{index}"), "environment": environment, "organization": organization }))
            .await;
    }
    let revoked = listed(&stack, &[("q", "k-4")]).await;
    assert_eq!(revoked, ("k-4".to_owned(), 1));
    let id = stack.get("/v1/keys?q=k-4").await.json()["data"][0]["id"].as_str().unwrap().to_owned();
    stack.delete(&format!("/v1/keys/{id}")).await;
    for (query, names, pages) in [
        (&[("organization", other)][..], "k-2 k-1 k-0", 1),
        (&[("organization", other), ("environment", "live")], "k-2 k-0", 1),
        (&[("organization", other), ("q", "k-1")], "k-1", 1),
        (&[("organization", other), ("q", "k-5")], "", 1),
        (&[("environment", "test"), ("limit", "1")], "k-5 k-3 k-1", 3),
        (&[("limit", "3")], "k-5 k-4 k-3 k-2 k-1 k-0", 2),
        (&[("limit", "6")], "k-5 k-4 k-3 k-2 k-1 k-0", 1),
        (&[("status", "active"), ("limit", "2")], "k-5 k-3 k-2 k-1 k-0", 3),
        (&[("status", "revoked"), ("limit", "1")], "k-4", 1),
        (&[("environment", "nowhere")], "", 1),
    ] {
        assert_eq!(listed(&stack, query).await, (names.to_owned(), pages), "{query:?}");
    }
}

#[tokio::test]
async fn overdue_and_idle_keys_are_told_and_listed() {
    let stack = Stack::start().await;
    let ids: Vec<_> = {
        let mut ids = Vec::new();
        for name in ["used", "unused", "off", "gone", "ending"] {
            let until = if name == "ending" { json!("2026-03-01T00:00:00Z") } else { Value::Null };
            ids.push(
                make(&stack, json!({ "name": name, "expires_at": until })).await["id"].as_str().unwrap().to_owned(),
            );
        }
        ids
    };
    stack.patch(&format!("/v1/keys/{}", ids[2]), json!({ "enabled": false })).await;
    stack.delete(&format!("/v1/keys/{}", ids[3])).await;
    let check = async |overdue: &str, idle: &str| {
        for (filter, names) in [("overdue", overdue), ("idle", idle)] {
            assert_eq!(listed(&stack, &[(filter, "true")]).await.0, names, "{filter}");
            assert_eq!(listed(&stack, &[(filter, "false")]).await.0, "ending gone off unused used", "{filter}=false");
            for key in stack.get("/v1/keys").await.json()["data"].as_array().unwrap() {
                assert_eq!(key[filter], names.split(' ').any(|it| key["name"] == it), "{filter} {}", key["name"]);
            }
        }
    };
    check("", "").await;
    stack.pass(31 * DAY);
    check("", "ending unused used").await;
    let used = json!({ &ids[0]: stack.now() });
    stack.report(json!({ "edge": "e", "vm": "1", "applied_version": 1, "last_used": used })).await;
    let path = format!("/v1/keys/{}", ids[0]);
    crate::stack::eventually("the use is known", async || !stack.get(&path).await.json()["last_used"].is_null()).await;
    check("", "ending unused").await;
    stack.pass(61 * DAY);
    check("off unused used", "unused used").await;
}

#[tokio::test]
async fn a_whole_key_is_found_by_its_digest_and_never_by_an_address() {
    let stack = Stack::start().await;
    let key = stack.key("till").await;
    let text = key["key"].as_str().unwrap();
    for wrapped in [text.to_owned(), format!("  {text}\n")] {
        let found = stack.post("/v1/keys:find", json!({ "key": wrapped })).await;
        assert_eq!((found.status, &found.json()["id"]), (200, &key["id"]));
        assert!(!String::from_utf8_lossy(&found.bytes).contains(text));
    }
    let path = format!("/v1/keys/{}", key["id"].as_str().unwrap());
    stack.delete(&path).await;
    let found = stack.post("/v1/keys:find", json!({ "key": text })).await.json();
    assert_eq!((&found["id"], &found["status"]), (&key["id"], &json!("revoked")));
    for (body, status) in [
        (json!({ "key": "sk_live_abcdefghijklmnopqrstuvwx" }), 404),
        (json!({ "key": "" }), 404),
        (json!({ "key": 7 }), 400),
        (json!({ "name": text }), 400),
    ] {
        let answer = stack.post("/v1/keys:find", body.clone()).await;
        assert_eq!(answer.status, status, "{body}");
        assert!(!String::from_utf8_lossy(&answer.bytes).contains("abcdefgh"), "{body}");
    }
    for query in
        [text.to_owned(), text.get(..24).unwrap().to_owned(), format!("x{text}"), "pct_abcdefghijkl".to_owned()]
    {
        let answer = stack.get(&format!("/v1/keys?q={query}")).await;
        let problem = answer.json();
        assert_eq!((answer.status, problem["pointer"].as_str()), (422, Some("/q")), "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("keys:find") && !detail.contains(&query), "{detail}");
    }
    for query in [&"x".repeat(201), "till%0Akey", "x%E2%80%AEx"] {
        assert_eq!(stack.get(&format!("/v1/keys?q={query}")).await.status, 422, "{query}");
    }
}

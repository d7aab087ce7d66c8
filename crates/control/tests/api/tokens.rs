//! API tokens: what they may, how long they work, who sees and revokes them.

use reqwest::Method;
use serde_json::{Value, json};

use super::people::{ALL_SCOPES, Person};
use crate::stack::{Answer, NOON, Stack};

async fn make(stack: &Stack, token: &str, kind: &str, scopes: &[&str], expires_at: Option<&str>) -> Answer {
    let body = json!({ "name": "x", "kind": kind, "scopes": scopes, "expires_at": expires_at });
    stack.by(token, Method::POST, "/v1/tokens", Some(body)).await
}

fn text(answer: &Answer) -> String {
    answer.json()["token"].as_str().unwrap_or_else(|| panic!("{}", answer.json())).to_owned()
}

#[tokio::test]
async fn nobody_makes_a_token_that_may_more_than_they() {
    let stack = Stack::start().await;
    let home = stack.default_organization().await;
    let acme = stack.organization("acme").await;
    let (member, admin) = (stack.person(&acme, "member").await, stack.person(&acme, "admin").await);
    let operator = stack.person(&home, "admin").await;
    let reader = stack.token(&acme, None, "keys:read tokens:write", None).await;
    let narrow = stack.token(&acme, Some(&admin.id), "tokens:write", None).await;
    for (by, kind, scopes, status, words) in [
        (&member.token, "personal", vec!["keys:write", "tokens:write"], 201, ""),
        (&member.token, "personal", vec!["keys:read", "members:write"], 403, "`members:write`"),
        (&member.token, "service", vec!["keys:read"], 403, "`admin`"),
        (&admin.token, "service", vec!["members:write", "audit:read"], 201, ""),
        (&admin.token, "service", vec!["policy:write"], 403, "`policy:write`"),
        (&operator.token, "service", vec!["policy:write", "metrics:read"], 201, ""),
        (&reader, "service", vec!["keys:read"], 201, ""),
        (&reader, "service", vec!["keys:write"], 403, "`keys:write`"),
        (&reader, "personal", vec!["keys:read"], 422, "only people"),
        (&narrow, "personal", vec!["keys:read"], 403, "`keys:read`"),
        (&narrow, "personal", vec![], 201, ""),
        (&stack.admin, "service", vec!["keys:everything"], 422, "there is no such scope"),
        (&stack.admin, "personal", vec![], 422, "only people"),
    ] {
        let made = make(&stack, by, kind, &scopes, None).await;
        assert_eq!(made.status, status, "{kind} {scopes:?}: {}", made.json());
        let detail = made.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(detail.contains(words), "{kind} {scopes:?}: {detail}");
    }
    let beyond = json!({ "name": "x", "kind": "service", "scopes": ["edges:read"], "organization": acme });
    assert_eq!(stack.post("/v1/tokens", beyond).await.status, 422, "nobody there may");
}

#[tokio::test]
async fn a_token_works_until_it_expires_or_is_revoked() {
    let stack = Stack::start().await;
    let admin = stack.person(&stack.default_organization().await, "admin").await;
    let status = async |token: &str| stack.by(token, Method::GET, "/v1/keys", None).await.status;
    let made = make(&stack, &admin.token, "service", &["keys:read"], Some("2026-01-15T13:00:00Z")).await;
    let short = text(&made);
    assert!(short.starts_with("pct_") && short.len() == 44);
    assert_eq!(made.json()["display"], format!("{}...", short.get(..10).unwrap()));
    let lasting = make(&stack, &admin.token, "service", &["keys:read"], None).await;
    assert_eq!((status(&short).await, status(&text(&lasting)).await), (200, 200));
    stack.pass(3600);
    assert_eq!((status(&short).await, status(&text(&lasting)).await), (401, 200));
    let path = format!("/v1/tokens/{}", lasting.json()["id"].as_str().unwrap());
    for _ in 0..2 {
        let revoked = stack.by(&admin.token, Method::DELETE, &path, None).await;
        assert_eq!((revoked.status, revoked.json()["status"].as_str()), (200, Some("revoked")));
        assert_eq!(status(&text(&lasting)).await, 401);
    }
    let past = make(&stack, &admin.token, "service", &[], Some("2026-01-15T12:00:00Z")).await;
    assert_eq!((past.status, past.json()["pointer"].as_str()), (422, Some("/expires_at")));
}

#[tokio::test]
async fn a_token_makes_none_that_outlives_it() {
    let stack = Stack::start().await;
    let home = stack.default_organization().await;
    let mortal = stack.token(&home, None, "tokens:write", Some(NOON + 3600)).await;
    for (expires_at, status) in [(None, 422), (Some("2026-01-15T13:00:01Z"), 422), (Some("2026-01-15T13:00:00Z"), 201)]
    {
        assert_eq!(make(&stack, &mortal, "service", &[], expires_at).await.status, status, "{expires_at:?}");
    }
}

fn ids(list: &Value) -> Vec<String> {
    list["data"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn members_see_and_revoke_their_own_and_admins_all() {
    let stack = Stack::start().await;
    let acme = stack.organization("acme").await;
    let (ada, bob, eve): (Person, Person, Person) =
        (stack.person(&acme, "admin").await, stack.person(&acme, "member").await, stack.person(&acme, "member").await);
    let listed = async |by: &Person| ids(&stack.by(&by.token, Method::GET, "/v1/tokens", None).await.json());
    let (all, bobs, eves) = (listed(&ada).await, listed(&bob).await, listed(&eve).await);
    assert_eq!((all.len(), bobs.len(), eves.len()), (3, 1, 1));
    assert!(all.contains(&bobs[0]) && all.contains(&eves[0]) && bobs != eves);
    let revoke = async |by: &Person, id: &str| {
        stack.by(&by.token, Method::DELETE, &format!("/v1/tokens/{id}"), None).await.status
    };
    assert_eq!(revoke(&bob, &eves[0]).await, 404);
    assert_eq!(revoke(&ada, &eves[0]).await, 200);
    assert_eq!(revoke(&bob, &bobs[0]).await, 200);
    assert_eq!(revoke(&bob, &bobs[0]).await, 401, "it was the one it came with");
}

#[tokio::test]
async fn the_last_use_is_written_down_once_a_minute() {
    let stack = Stack::start().await;
    let home = stack.default_organization().await;
    let token = stack.token(&home, None, ALL_SCOPES, None).await;
    for (pass, expected) in [(0, "12:00:00"), (59, "12:00:00"), (1, "12:01:00"), (30, "12:01:00"), (60, "12:02:30")] {
        stack.pass(pass);
        let listed = stack.by(&token, Method::GET, "/v1/tokens", None).await.json();
        assert_eq!(listed["data"][0]["last_used"], format!("2026-01-15T{expected}Z"));
    }
}

#[tokio::test]
async fn callers_are_told_whom_they_are_taken_for() {
    let stack = Stack::start().await;
    let acme = stack.organization("acme").await;
    let bob = stack.person(&acme, "member").await;
    stack.join(&stack.default_organization().await, &bob.id, "owner").await;
    let service = stack.token(&acme, None, "keys:read", None).await;
    let me = async |token: &str| stack.by(token, Method::GET, "/v1/me", None).await.json();
    let root = me(&stack.admin).await;
    assert_eq!(
        (&root["kind"], &root["every_organization"], &root["user"]),
        (&json!("root"), &json!(true), &Value::Null)
    );
    let person = me(&bob.token).await;
    assert_eq!(
        (&person["kind"], &person["role"], &person["user"]["email"]),
        (&json!("token"), &json!("member"), &json!(bob.email))
    );
    assert_eq!(person["memberships"].as_array().unwrap().len(), 1, "a token tells of no other organisation");
    let robot = me(&service).await;
    assert_eq!((&robot["permissions"], &robot["organization"]), (&json!(["keys:read"]), &json!(acme)));
}

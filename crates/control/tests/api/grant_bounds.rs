//! How far a grant goes: how often it is refreshed, for how long, as far as its app still may, and who sees it.

use portcullis_engine::KeyStatus;
use reqwest::Method;
use serde_json::{Value, json};

use super::apps::stack;
use super::authorize::asked;
use super::grants::{Flow, Tokens, error, published};

#[tokio::test]
async fn a_grant_is_refreshed_so_often_and_no_oftener() {
    let stack = stack().await;
    let flow = Flow::start(&stack, json!({})).await;
    let first = flow.granted(&["skills:*"]).await;
    let mut last = first.refresh.clone();
    for number in 1..=20 {
        let answer = flow.refresh(&last, &[]).await;
        assert_eq!(answer.status, 200, "{number}: {}", answer.json());
        last = Tokens::of(&answer).refresh;
    }
    let refused = flow.refresh(&last, &[]).await;
    assert_eq!((refused.status, error(&refused).as_str()), (429, "temporarily_unavailable"));
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=30).contains(&seconds), "{seconds}");
    assert!(flow.is_active(&last).await, "it is not used up");
    let other = flow.granted(&["skills:*"]).await;
    assert_eq!(flow.refresh(&other.refresh, &[]).await.status, 200, "each grant by itself");
    assert_eq!(
        error(&flow.refresh(&first.refresh, &[]).await),
        "invalid_grant",
        "a used one ends the grant all the same"
    );
    assert_eq!(published(&stack, &first.grant).await, Some(KeyStatus::Revoked));
}

#[tokio::test]
async fn an_app_that_may_less_than_before_gets_less() {
    let stack = stack().await;
    let flow = Flow::start(&stack, json!({})).await;
    let (tokens, open) = (flow.granted(&["skills:*", "models:read"]).await, flow.code(&["skills:*"]).await);
    let change = async |body: Value| {
        assert_eq!(stack.patch(&format!("/v1/apps/{}", flow.id()), body.clone()).await.status, 200, "{body}");
    };
    change(json!({ "environments": ["test"] })).await;
    assert!(!flow.is_active(&tokens.access).await && !flow.is_active(&tokens.refresh).await);
    assert_eq!(error(&flow.refresh(&tokens.refresh, &[]).await), "invalid_grant");
    assert_eq!(error(&flow.redeem(&open, &[]).await), "invalid_grant");
    change(json!({ "environments": ["live", "test"], "scopes": ["skills:read"] })).await;
    for token in [&tokens.access, &tokens.refresh] {
        let told = flow.send("/oauth/introspect", &[("token", token)], &[]).await.json();
        assert_eq!((&told["active"], &told["scope"]), (&json!(true), &json!("skills:read")), "{told}");
    }
    let answer = flow.refresh(&tokens.refresh, &[]).await;
    assert_eq!((answer.status, &answer.json()["scope"]), (200, &json!("skills:read")), "{}", answer.json());
    let answer = flow.redeem(&open, &[]).await;
    assert_eq!((answer.status, &answer.json()["scope"]), (200, &json!("skills:read")), "{}", answer.json());
}

#[tokio::test]
async fn an_app_of_a_suspended_organisation_is_no_client() {
    let stack = stack().await;
    let other = stack.organization("other").await;
    let flow = Flow::start(&stack, json!({ "organization": other, "everyone": true })).await;
    let (tokens, open) = (flow.granted(&["skills:*"]).await, flow.code(&["skills:*"]).await);
    let state = async |state: &str| {
        let body = json!({ "state": state });
        assert_eq!(stack.patch(&format!("/v1/organizations/{other}"), body).await.status, 200, "{state}");
    };
    let page = async || flow.browser.get(&super::authorize::path(&asked(&flow.app, &[]))).await.status;
    assert_eq!(page().await, 200);
    state("suspended").await;
    for answer in [
        flow.refresh(&tokens.refresh, &[]).await,
        flow.redeem(&open, &[]).await,
        flow.send("/oauth/introspect", &[("token", &tokens.access)], &[]).await,
    ] {
        assert_eq!((answer.status, error(&answer).as_str()), (401, "invalid_client"));
    }
    assert_eq!(page().await, 400, "nobody is sent anywhere");
    state("active").await;
    assert_eq!((flow.refresh(&tokens.refresh, &[]).await.status, page().await), (200, 200));
}

#[tokio::test]
async fn a_grant_is_no_less_somebody_s_own_as_a_key() {
    let stack = stack().await;
    let flow = Flow::start(&stack, json!({})).await;
    let tokens = flow.granted(&["skills:*"]).await;
    let home = stack.default_organization().await;
    let path = format!("/v1/keys/{}", tokens.grant);
    for (role, sees) in [("viewer", false), ("member", false), ("admin", true), ("owner", true)] {
        let person = stack.person(&home, role).await;
        let ask =
            async |method: Method, path: &str, body: Option<Value>| stack.by(&person.token, method, path, body).await;
        for path in ["/v1/grants", "/v1/keys?kind=grant", "/v1/keys?kind=grant&q=studio"] {
            let listed = ask(Method::GET, path, None).await.json();
            assert_eq!(listed["data"].as_array().unwrap().len(), usize::from(sees), "{role} {path}");
        }
        let expected = if sees { 200 } else { 404 };
        for path in [path.clone(), format!("{path}/observations"), format!("/v1/quota?key={}", tokens.grant)] {
            assert_eq!(ask(Method::GET, &path, None).await.status, expected, "{role} {path}");
        }
        // What its digest is made of can be worked out; nobody presents it.
        let text = Some(json!({ "key": format!("portcullis token key\0{}", tokens.grant) }));
        assert_eq!(ask(Method::POST, "/v1/keys:find", text).await.status, 404, "{role}");
        if role != "viewer" {
            let name = Some(json!({ "name": "Studio" }));
            assert_eq!(ask(Method::PATCH, &path, name).await.status, expected, "{role}");
        }
        if role == "member" {
            assert_eq!(ask(Method::DELETE, &path, None).await.status, 404);
        }
    }
    let own = stack.by(&flow.person.token, Method::GET, "/v1/keys?kind=grant", None).await.json();
    assert_eq!(own["data"][0]["id"], json!(tokens.grant));
    let own = stack.by(&flow.person.token, Method::DELETE, &path, None).await;
    assert_eq!(own.status, 200, "{}", own.json());
}

#[tokio::test]
async fn a_grant_lasts_a_year_at_most_also_as_a_key() {
    let stack = stack().await;
    let flow = Flow::start(&stack, json!({})).await;
    let path = format!("/v1/keys/{}", flow.granted(&["skills:*"]).await.grant);
    for (expiry, status) in [
        (Value::Null, 422),
        (json!("2027-01-15T12:00:01Z"), 422),
        (json!("2027-01-15T12:00:00Z"), 200),
        (json!("2026-02-15T12:00:00Z"), 200),
    ] {
        let answer = stack.patch(&path, json!({ "expires_at": expiry })).await;
        assert_eq!(answer.status, status, "{expiry} {}", answer.json());
        if status == 422 {
            assert_eq!(answer.json()["pointer"], "/expires_at");
            assert!(answer.json()["detail"].as_str().unwrap().contains("hint: "), "{}", answer.json());
        }
    }
}

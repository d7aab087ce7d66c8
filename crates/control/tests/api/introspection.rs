//! `/oauth/revoke` and `/oauth/introspect`: what is told of a token, and to whom.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::apps::{app, stack};
use super::grants::{Flow, error, post};

#[tokio::test]
async fn revoking_answers_200_whatever_it_was() {
    let stack = stack().await;
    let flow = Flow::start(&stack, json!({})).await;
    let other = Flow::start(&stack, json!({})).await;
    let theirs = other.granted(&["skills:*"]).await;
    let credential = stack.credential(&["skills:read"]).await;
    let access = stack.access_token(&credential).await;
    for (token, status, expected) in [
        ("nonsense", 200, ""),
        (theirs.refresh.as_str(), 200, ""),
        (theirs.access.as_str(), 200, ""),
        (access.as_str(), 400, "unsupported_token_type"),
        ("", 400, "invalid_request"),
    ] {
        let answer = flow.send("/oauth/revoke", &[("token", token)], &[]).await;
        assert_eq!((answer.status, error(&answer).as_str()), (status, expected), "{token}");
    }
    assert!(other.is_active(&theirs.refresh).await, "an app ends its own grants and no others");
    let answer = post(&stack, "/oauth/revoke", Some(&credential.basic()), &format!("token={access}")).await;
    assert_eq!((answer.status, error(&answer).as_str()), (400, "unsupported_token_type"));
    let answer = post(&stack, "/oauth/revoke", None, &format!("token={access}")).await;
    assert_eq!((answer.status, error(&answer).as_str()), (401, "invalid_client"));
}

#[tokio::test]
async fn only_those_who_may_know_are_told_of_a_token() {
    let stack = stack().await;
    let flow = Flow::start(&stack, json!({})).await;
    let tokens = flow.granted(&["skills:*"]).await;
    let elsewhere = stack.organization("elsewhere").await;
    let owner = stack.person(&elsewhere, "owner").await;
    let blind = stack.token(&flow.organization, None, "tokens:read", None).await;
    let foreign = app(&stack, json!({ "organization": elsewhere })).await;
    let ours = app(&stack, json!({})).await;
    let public = app(&stack, json!({ "public": true })).await;
    let credential = stack.credential(&["skills:read"]).await;
    let basic = |app: &Value| {
        let pair = format!("{}:{}", app["id"].as_str().unwrap(), app["secret"].as_str().unwrap_or_default());
        format!("Basic {}", STANDARD.encode(pair))
    };
    let bearer = |token: &str| format!("Bearer {token}");
    for (who, authorization, expected) in [
        ("its app", basic(&flow.app), Some(true)),
        ("another app", basic(&ours), Some(true)),
        ("an app of others", basic(&foreign), Some(false)),
        ("a public app", basic(&public), None),
        ("a credential", credential.basic(), Some(true)),
        ("a member", bearer(&flow.person.token), Some(true)),
        ("the administrator", bearer(&stack.admin), Some(true)),
        ("an owner elsewhere", bearer(&owner.token), Some(false)),
        ("a service without the right", bearer(&blind), Some(false)),
        ("nobody", bearer("pct_0"), None),
    ] {
        for token in [&tokens.access, &tokens.refresh] {
            let answer = post(&stack, "/oauth/introspect", Some(&authorization), &format!("token={token}")).await;
            match expected {
                Some(active) => assert_eq!(answer.json()["active"], json!(active), "{who}"),
                None => assert_eq!((answer.status, error(&answer).as_str()), (401, "invalid_client"), "{who}"),
            }
            if expected == Some(false) {
                assert_eq!(answer.json(), json!({ "active": false }), "{who}");
            }
        }
    }
    let told = flow.send("/oauth/introspect", &[("token", &tokens.access)], &[]).await.json();
    for (name, expected) in [
        ("token_type", "Bearer"),
        ("scope", "skills:*"),
        ("client_id", flow.id()),
        ("sub", &flow.person.id),
        ("org", &flow.organization),
        ("grant", &tokens.grant),
    ] {
        assert_eq!(told[name], expected, "{told}");
    }
    for token in ["nonsense", "pcr_0000000000000000000000000000000000000000", tokens.access.get(1..).unwrap()] {
        assert!(!flow.is_active(token).await, "{token}");
    }
    let of_credential = stack.access_token(&credential).await;
    assert!(flow.is_active(&of_credential).await);
    stack.pass(931);
    assert!(!flow.is_active(&tokens.access).await && !flow.is_active(&of_credential).await, "expired");
}

//! `/oauth/token`: a credential in exchange for an access token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};

use super::minting::{Credential, POLICY, minting};
use crate::stack::{NOON, Stack, eventually};

const GRANT: &str = "grant_type=client_credentials";

/// What a token says, unverified.
fn payload(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn a_credential_is_shown_once_with_what_goes_into_an_environment() {
    let stack = minting().await;
    let body = json!({ "kind": "credential", "name": "till", "environment": "test", "scopes": ["refunds:*"] });
    let made = stack.post("/v1/keys", body).await.json();
    let Credential { id, secret, organization } = Credential::of(&made);
    assert!(secret.starts_with("secret_") && secret.len() == 47, "its length");
    assert_eq!((&made["kind"], &made["display"], &made["prefix"]), (&json!("credential"), &json!(id), &json!("")));
    assert_eq!((&made["key"], &made["authorization"]), (&Value::Null, &Value::Null));
    let env = format!(
        "SCOPE_API_ORG_ID={organization}\nSCOPE_API_API_KEY={id}\nSCOPE_API_API_SECRET={secret}\nSCOPE_API_AUTH_API_URL=http://{}\n",
        stack.address
    );
    assert_eq!(made["env"], env);
    let shown = stack.get(&format!("/v1/keys/{id}")).await;
    assert!(!String::from_utf8_lossy(&shown.bytes).contains("secret_"));
    for (query, kinds) in [
        ("", vec!["api_key", "credential"]),
        ("?kind=credential", vec!["credential"]),
        ("?kind=api_key", vec!["api_key"]),
        ("?kind=grant", vec![]),
    ] {
        if query.is_empty() {
            stack.key("plain").await;
        }
        let listed = stack.get(&format!("/v1/keys{query}")).await.json();
        let listed: Vec<_> = listed["data"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap()).collect();
        assert_eq!(listed, kinds, "{query}");
    }
    let found = stack.post("/v1/keys:find", json!({ "key": secret })).await;
    assert_eq!((found.status, found.json()["pointer"].as_str()), (422, Some("/key")));
    let named = json!({ "name": format!("my {secret}"), "environment": "live" });
    assert_eq!(stack.post("/v1/keys", named).await.status, 422, "nobody stores a secret in a name");
}

#[tokio::test]
async fn without_tokens_in_the_policy_there_are_no_credentials() {
    let stack = Stack::start().await;
    let body = json!({ "kind": "credential", "name": "till", "environment": "live" });
    let refused = stack.post("/v1/keys", body).await;
    assert_eq!((refused.status, refused.json()["pointer"].as_str()), (422, Some("/kind")));
    assert!(refused.json()["detail"].as_str().unwrap().contains("hint: add `[tokens]`"));
    for client in ["", "&client_id=key_x&client_secret=x", "&client_id=app_x"] {
        let answer = stack.exchange(None, &format!("{GRANT}{client}")).await.json();
        assert_eq!(answer["error"], "unsupported_grant_type", "whoever it is: {answer}");
        let told = answer["error_description"].as_str().unwrap();
        assert!(told.starts_with("the policy mints no access tokens; hint: add `[tokens]`"), "{told}");
    }
    for path in ["/.well-known/jwks.json", "/.well-known/oauth-authorization-server"] {
        assert_eq!(stack.send(Method::GET, path, None, None).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_token_says_what_the_credential_is() {
    let stack = minting().await;
    let credential = stack.credential(&["refunds:*", "payouts:read"]).await;
    let answer = stack.exchange(Some(&credential.basic()), GRANT).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    let answer = answer.json();
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!((&answer["expires_in"], &answer["scope"]), (&json!(900), &json!("payouts:read refunds:*")));
    let token = answer["access_token"].as_str().unwrap();
    let mut said = payload(token);
    assert_eq!(said.as_object_mut().unwrap().remove("jti").unwrap().as_str().unwrap().len(), 22);
    let expected = json!({
        "iss": format!("http://{}", stack.address), "sub": credential.id, "aud": "https://api.example.com",
        "client_id": credential.id, "org": credential.organization, "env": "live",
        "scope": "payouts:read refunds:*", "iat": NOON, "exp": NOON + 900,
    });
    assert_eq!(said, expected);
    let verified = stack.verified(token).await.unwrap();
    assert_eq!((verified.key.as_str(), verified.subject), (credential.id.as_str(), None));
    eventually("its use", async || {
        let shown = stack.get(&format!("/v1/keys/{}", credential.id)).await.json();
        shown["last_used"] == "2026-01-15T12:00:00Z"
    })
    .await;
}

#[tokio::test]
async fn what_a_client_asks_for_is_given_or_refused_as_the_rfc_has_it() {
    let stack = minting().await;
    let credential = stack.credential(&["refunds:*"]).await;
    let (id, secret) = (&credential.id, &credential.secret);
    let (basic, wrong) =
        (credential.basic(), Credential { secret: format!("{secret}x"), ..stack.credential(&[]).await });
    let both = format!("client_id={id}&client_secret={secret}&{GRANT}");
    let other = stack.organization("other").await;
    for (basic, form, status, expected) in [
        (None, both.clone(), 200, "refunds:*"),
        (Some(&basic), GRANT.to_owned(), 200, "refunds:*"),
        (Some(&basic), format!("{GRANT}&client_id={id}"), 200, "refunds:*"),
        (Some(&basic), format!("{GRANT}&scope=refunds:read"), 200, "refunds:read"),
        (Some(&basic), format!("{GRANT}&scope=&unknown=x"), 200, "refunds:*"),
        (Some(&basic), format!("{GRANT}&org_id={}", credential.organization), 200, "refunds:*"),
        (Some(&basic), format!("{GRANT}&resource=https%3A%2F%2Fapi.example.com"), 200, "refunds:*"),
        (Some(&basic), format!("{GRANT}&scope=payouts:read"), 400, "invalid_scope"),
        (Some(&basic), format!("{GRANT}&scope=refunds:read+nonsense"), 400, "invalid_scope"),
        (Some(&basic), format!("{GRANT}&resource=https://evil.example"), 400, "invalid_target"),
        (Some(&basic), format!("{GRANT}&org_id={other}"), 401, "invalid_client"),
        (Some(&basic), both.clone(), 400, "invalid_request"),
        (Some(&basic), format!("{GRANT}&client_id=key_0000000000000000"), 400, "invalid_request"),
        (Some(&basic), format!("{GRANT}&scope=a&scope=b"), 400, "invalid_request"),
        (Some(&basic), String::new(), 400, "invalid_request"),
        (Some(&basic), "grant_type=password".to_owned(), 400, "unsupported_grant_type"),
        (None, GRANT.to_owned(), 401, "invalid_client"),
        (None, format!("{GRANT}&client_id={id}"), 401, "invalid_client"),
        (None, format!("{GRANT}&client_id={id}&client_secret={}", wrong.secret), 401, "invalid_client"),
        (None, format!("{GRANT}&client_id={}&client_secret={secret}", wrong.id), 401, "invalid_client"),
        (None, format!("{GRANT}&client_id=key_0000000000000000&client_secret={secret}"), 401, "invalid_client"),
        (None, format!("{GRANT}&client_id=nobody&client_secret={secret}"), 401, "invalid_client"),
        (Some(&wrong.basic()), GRANT.to_owned(), 401, "invalid_client"),
        (Some(&"Bearer pct_x".to_owned()), both, 400, "invalid_request"),
    ] {
        let answer = stack.exchange(basic.map(String::as_str), &form).await;
        let said = answer.json();
        let found = said[if status == 200 { "scope" } else { "error" }].as_str();
        assert_eq!((answer.status, found), (status, Some(expected)), "{form}: {said}");
        assert_eq!(answer.header("cache-control"), "no-store", "{form}");
        assert_eq!(answer.header("www-authenticate").starts_with("Basic "), status == 401, "{form}");
        assert!(!said.to_string().contains("secret_"), "{form}");
    }
    let json = stack.send_bare(Method::POST, "/oauth/token", &[("content-type", "application/json")], b"{}").await;
    assert_eq!((json.status, json.json()["error"].as_str()), (400, Some("invalid_request")));
}

#[tokio::test]
async fn a_credential_that_does_not_work_is_no_client() {
    let stack = minting().await;
    for (what, body) in
        [("disabled", json!({ "enabled": false })), ("expired", json!({ "expires_at": "2026-01-15T11:00:00Z" }))]
    {
        let credential = stack.credential(&[]).await;
        stack.access_token(&credential).await;
        assert_eq!(stack.patch(&format!("/v1/keys/{}", credential.id), body).await.status, 200);
        check_refused(&stack, &credential, what).await;
    }
    let revoked = stack.credential(&[]).await;
    assert_eq!(stack.delete(&format!("/v1/keys/{}", revoked.id)).await.status, 200);
    check_refused(&stack, &revoked, "revoked").await;
    let other = stack.organization("other").await;
    let body = json!({ "kind": "credential", "name": "x", "environment": "live", "organization": other });
    let suspended = Credential::of(&stack.post("/v1/keys", body).await.json());
    stack.access_token(&suspended).await;
    stack.patch(&format!("/v1/organizations/{other}"), json!({ "state": "suspended" })).await;
    check_refused(&stack, &suspended, "suspended").await;
}

async fn check_refused(stack: &Stack, credential: &Credential, what: &str) {
    let answer = stack.exchange(Some(&credential.basic()), GRANT).await;
    assert_eq!((answer.status, answer.json()["error"].as_str()), (401, Some("invalid_client")), "{what}");
}

#[tokio::test]
async fn rotation_gives_a_new_id_and_secret_and_both_work_for_the_overlap() {
    let stack = minting().await;
    let old = stack.credential(&["refunds:read"]).await;
    let path = format!("/v1/keys/{}/rotate", old.id);
    let new = Credential::of(&stack.post(&path, json!({ "overlap_seconds": 60 })).await.json());
    assert!(new.id != old.id && new.secret != old.secret);
    for credential in [&old, &new] {
        stack.access_token(credential).await;
    }
    stack.pass(60);
    check_refused(&stack, &old, "its overlap is over").await;
    stack.access_token(&new).await;
}

#[tokio::test]
async fn exchanges_are_in_the_log_once_in_a_while_and_refusals_with_their_number() {
    let stack = minting().await;
    let credential = stack.credential(&[]).await;
    for _ in 0..3 {
        stack.access_token(&credential).await;
    }
    let wrong = Credential { secret: format!("secret_{}", "0".repeat(40)), ..stack.credential(&[]).await };
    for _ in 0..3 {
        check_refused(&stack, &wrong, "wrong").await;
    }
    stack.pass(10 * 60);
    check_refused(&stack, &wrong, "wrong").await;
    eventually("three rows", async || {
        stack.get("/v1/audit?action=access_token").await.json()["data"].as_array().unwrap().len() == 3
    })
    .await;
    stack.patch(&format!("/v1/keys/{}", credential.id), json!({ "enabled": false })).await;
    check_refused(&stack, &credential, "disabled").await;
    eventually("four rows", async || {
        let log = stack.get("/v1/audit?action=access_token").await.json();
        let rows = log["data"].as_array().unwrap();
        for row in rows {
            let actor = match row["detail"]["why"].as_str() {
                // Whoever has the wrong secret is somebody else.
                Some("wrong secret") => json!({ "kind": "visitor", "id": "", "name": "" }),
                _ => json!({ "kind": "credential", "id": row["target"]["id"], "name": "till" }),
            };
            assert_eq!(row["actor"], actor, "{row}");
        }
        let rows: Vec<_> = rows.iter().map(|row| row["detail"].clone()).collect();
        let expected = [
            json!({ "attempts": 1, "why": "does not work" }),
            json!({ "attempts": 3, "why": "wrong secret" }),
            json!({ "attempts": 1, "why": "wrong secret" }),
            json!({ "tokens": 1 }),
        ];
        rows == expected
    })
    .await;
}

#[tokio::test]
async fn whoever_tries_too_often_is_told_to_wait_and_who_is_right_is_not() {
    let limits = portcullis_control::Limits {
        exchanges_refused_by_address: portcullis_control::Rate::per_second(1).unwrap(),
        ..crate::stack::limits()
    };
    let folder = tempfile::tempdir().unwrap();
    let stack = Stack::with_limits_and_policy(folder, limits, POLICY).await;
    let credential = stack.credential(&[]).await;
    let guess = format!("{GRANT}&client_id={}&client_secret=secret_{}", credential.id, "0".repeat(40));
    let mut statuses = Vec::new();
    for _ in 0..6 {
        let answer = stack.exchange(None, &guess).await;
        assert_eq!(answer.header("retry-after").is_empty(), answer.status == 401);
        statuses.push(answer.status);
    }
    assert!(statuses.contains(&429) && statuses[0] == 401, "{statuses:?}");
    stack.access_token(&credential).await;
}

#[tokio::test]
async fn metadata_says_where_everything_is_and_no_more() {
    let stack = minting().await;
    let answer = stack.send(Method::GET, "/.well-known/oauth-authorization-server", None, None).await;
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    let issuer = format!("http://{}", stack.address);
    let at = |path: &str| format!("{issuer}{path}");
    let proofs = ["client_secret_basic", "client_secret_post", "none"];
    let expected = json!({
        "issuer": issuer, "token_endpoint": at("/oauth/token"), "jwks_uri": at("/.well-known/jwks.json"),
        "authorization_endpoint": at("/oauth/authorize"), "revocation_endpoint": at("/oauth/revoke"),
        "introspection_endpoint": at("/oauth/introspect"),
        "scopes_supported": ["refunds:read", "refunds:write", "payouts:read"], "response_types_supported": ["code"],
        "response_modes_supported": ["query"], "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "grant_types_supported": ["client_credentials", "authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": proofs, "revocation_endpoint_auth_methods_supported": proofs,
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    });
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn a_credential_and_a_token_of_it_are_explained() {
    let stack = minting().await;
    let credential = stack.credential(&["refunds:*"]).await;
    let answer = stack.exchange(Some(&credential.basic()), &format!("{GRANT}&scope=refunds:read")).await;
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let explained = async |key: &str, method: &str| {
        let body = json!({ "key": key, "method": method, "path": "/v1/refunds" });
        let answer = stack.post("/v1/explain", body).await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        answer.json()["reason"].as_str().unwrap_or("allowed").to_owned()
    };
    let forged = format!("{}AAAA", token.get(..token.len() - 4).unwrap());
    for (key, method, expected) in [
        (credential.id.as_str(), "POST", "allowed"),
        (&token, "GET", "allowed"),
        (&token, "POST", "insufficient_scope"),
        (&forged, "GET", "token_signature"),
        ("eyJ.a.b", "GET", "malformed_token"),
    ] {
        assert_eq!(explained(key, method).await, expected, "{key} {method}");
    }
    stack.delete(&format!("/v1/keys/{}", credential.id)).await;
    assert_eq!(explained(&token, "GET").await, "token_revoked");
    stack.pass(900 + 30);
    assert_eq!(explained(&token, "GET").await, "expired_token");
}

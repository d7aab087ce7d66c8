//! What a client is told that gets no token: enough for whoever writes it, and to a stranger always the same.

use reqwest::Method;
use serde_json::{Value, json};

use super::apps::{CALLBACK, app, stack};
use super::authorize::{asked, path, sent_back, value};
use super::grants::{Flow, error, post};
use super::minting::Credential;
use crate::stack::{Answer, Stack};

const WRONG: &str = "secret_0000000000000000000000000000000000000000";

fn told(answer: &Answer) -> String {
    let told = answer.json()["error_description"].as_str().unwrap_or_default().to_owned();
    // RFC 6749, section 5.2.
    let is_allowed = |it: u8| matches!(it, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    assert!(!told.is_empty() && told.bytes().all(is_allowed), "{told}");
    told
}

async fn ask(stack: &Stack, id: &str, secret: &str, grant: &str) -> Answer {
    let secret = if secret.is_empty() { String::new() } else { format!("&client_secret={secret}") };
    post(stack, "/oauth/token", None, &format!("grant_type={grant}&client_id={id}{secret}")).await
}

fn id(made: &Value) -> &str {
    made["id"].as_str().unwrap()
}

#[tokio::test]
async fn a_client_that_proved_itself_is_told_which_grant_is_its_own() {
    let stack = stack().await;
    let (app, credential) = (app(&stack, json!({})).await, stack.credential(&[]).await);
    let secret = app["secret"].as_str().unwrap();
    for (id, secret, grant, part) in [
        (
            id(&app),
            secret,
            "client_credentials",
            "the client is an app, which acts for people: it gets tokens by `auth",
        ),
        (&credential.id, &credential.secret, "authorization_code", "the client is a credential, which acts for itself"),
        (&credential.id, &credential.secret, "refresh_token", "it gets tokens by `client_credentials`"),
    ] {
        let answer = ask(&stack, id, secret, grant).await;
        assert_eq!((answer.status, error(&answer).as_str()), (400, "unauthorized_client"), "{grant}");
        assert!(told(&answer).contains(part), "{grant}: {}", told(&answer));
        assert_eq!(answer.header("www-authenticate"), "", "{grant}");
    }
}

#[tokio::test]
async fn a_stranger_is_told_the_same_whatever_there_is() {
    let stack = stack().await;
    let (private, public) = (app(&stack, json!({})).await, app(&stack, json!({ "public": true })).await);
    let Credential { id: credential, .. } = stack.credential(&[]).await;
    let mut answers = Vec::new();
    for grant in ["client_credentials", "authorization_code", "refresh_token"] {
        for named in [id(&private), &credential, "app_0000000000000000", "key_0000000000000000", "nobody"] {
            for secret in ["", WRONG, "nonsense"] {
                answers.push((grant, named, ask(&stack, named, secret, grant).await));
            }
        }
    }
    answers.push(("public", "", ask(&stack, id(&public), "", "client_credentials").await));
    for (grant, named, answer) in &answers {
        assert_eq!((answer.status, error(answer).as_str()), (401, "invalid_client"), "{grant} {named}");
        assert_eq!(answer.bytes, answers[0].2.bytes, "{grant} {named}");
    }
    for path in ["/oauth/token", "/oauth/revoke", "/oauth/introspect"] {
        let answer = post(&stack, path, None, "grant_type=client_credentials&token=x").await;
        assert_eq!((answer.status, error(&answer).as_str()), (401, "invalid_client"), "{path}");
        assert!(told(&answer).starts_with("no client named itself; hint: send HTTP Basic, or"), "{}", told(&answer));
    }
}

#[tokio::test]
async fn guesses_are_counted_whichever_grant_they_are_made_with() {
    let limits = portcullis_control::Limits {
        exchanges_refused_by_address: portcullis_control::Rate::per_second(1).unwrap(),
        ..crate::stack::limits()
    };
    for grant in ["client_credentials", "authorization_code", "refresh_token"] {
        let folder = tempfile::tempdir().unwrap();
        let stack = Stack::with_limits_and_policy(folder, limits, super::apps::POLICY).await;
        let (app, credential) = (app(&stack, json!({})).await, stack.credential(&[]).await);
        for id in [id(&app), &credential.id] {
            let mut statuses = Vec::new();
            for _ in 0..6 {
                statuses.push(ask(&stack, id, WRONG, grant).await.status);
            }
            assert!(statuses.contains(&429) && !statuses.contains(&400), "{grant} {id}: {statuses:?}");
        }
    }
}

#[tokio::test]
async fn paths_that_clients_guess_are_answered_as_programs_are() {
    let stack = stack().await;
    let browser = stack.browser(&stack.default_organization().await, "owner").await;
    for (method, path, status) in [
        (Method::GET, "/.well-known/openid-configuration", 404),
        (Method::GET, "/.well-known/", 404),
        (Method::GET, "/oauth", 404),
        (Method::GET, "/oauth/", 404),
        (Method::POST, "/oauth/tokens", 404),
        (Method::GET, "/oauth/authorise", 404),
        (Method::GET, "/oauth/authorize/x", 404),
        (Method::GET, "/oauth/token", 405),
        (Method::POST, "/.well-known/jwks.json", 405),
    ] {
        for answer in
            [stack.send(method.clone(), path, None, None).await, browser.send(method.clone(), path, &[], "").await]
        {
            assert_eq!((answer.status, answer.header("location")), (status, ""), "{method} {path}");
            assert_eq!(answer.header("content-type"), "application/problem+json", "{method} {path}");
            let code = if status == 404 { "not_found" } else { "method_not_allowed" };
            assert_eq!(answer.json()["code"], code, "{method} {path}");
        }
    }
}

/// What the developer of an app is told in the address that a person is sent back to.
#[tokio::test]
async fn an_app_is_told_what_is_wrong_with_what_it_asks() {
    let stack = stack().await;
    let app = app(&stack, json!({ "scopes": ["skills:read"] })).await;
    let visitor = stack.visitor();
    let key = format!("skills:sk_live_{}", "0".repeat(24));
    for (other, error, expected) in [
        (("code_challenge", ""), "invalid_request", "`code_challenge` is missing: it takes PKCE (RFC 7636)"),
        (("code_challenge_method", ""), "invalid_request", "`code_challenge_method` has to be `S256`"),
        (("code_challenge_method", "plain"), "invalid_request", "`code_challenge_method` has to be `S256`"),
        (
            ("code_challenge", "short"),
            "invalid_request",
            "`code_challenge` is malformed: expected 43 characters of base64url",
        ),
        (("scope", "openid"), "invalid_scope", "this app may not ask for the scope `openid`"),
        (
            ("scope", "skills:read offline_access"),
            "invalid_scope",
            "this app may not ask for the scope `offline_access`",
        ),
        (("scope", "skills:read skills:write"), "invalid_scope", "this app may not ask for the scope `skills:write`"),
        (("scope", "skills:read a\"b"), "invalid_scope", "this app may not ask for one of the scopes"),
        (("scope", "skills:read a\\b"), "invalid_scope", "this app may not ask for one of the scopes"),
        (("scope", &key), "invalid_scope", "this app may not ask for one of the scopes"),
    ] {
        let mut other = vec![other];
        if other[0].0 != "scope" {
            other.push(("scope", "skills:read"));
        }
        let pairs = sent_back(&visitor.get(&path(&asked(&app, &other))).await, CALLBACK);
        assert_eq!((value(&pairs, "error"), value(&pairs, "error_description")), (error, expected), "{other:?}");
    }
}

#[tokio::test]
async fn a_client_is_told_which_scope_it_does_not_hold() {
    let stack = stack().await;
    let credential = stack.credential(&["skills:read"]).await;
    let key = format!("sk_live_{}", "0".repeat(24));
    for (scope, expected) in [
        ("openid", "the client does not hold the scope `openid`"),
        ("skills:read skills:write", "the client does not hold the scope `skills:write`"),
        ("skills:read a%22b", "the client does not hold one of the scopes"),
        ("skills:read %C3%A9", "the client does not hold one of the scopes"),
        (&key, "the client does not hold one of the scopes"),
    ] {
        let form = format!("grant_type=client_credentials&scope={}", scope.replace(' ', "+"));
        let answer = stack.exchange(Some(&credential.basic()), &form).await;
        assert_eq!((error(&answer).as_str(), told(&answer).as_str()), ("invalid_scope", expected), "{scope}");
    }
    let flow = Flow::start(&stack, json!({})).await;
    let tokens = flow.granted(&["skills:*"]).await;
    let answer = flow.refresh(&tokens.refresh, &[("scope", "openid models:read")]).await;
    let expected = "the scope `openid` was not allowed; hint: leave `scope` out, or ask the person again";
    assert_eq!((error(&answer).as_str(), told(&answer).as_str()), ("invalid_scope", expected));
}

#[tokio::test]
async fn whoever_an_app_cannot_send_here_is_told_why() {
    let stack = stack().await;
    let home = stack.default_organization().await;
    let app = app(&stack, json!({})).await;
    for browser in [stack.visitor(), stack.browser(&home, "owner").await] {
        for (fields, part) in [
            (asked(&app, &[("client_id", "")]), "its <code>client_id</code> is missing"),
            (asked(&app, &[("redirect_uri", "")]), "its <code>redirect_uri</code> is missing"),
            (asked(&app, &[("client_id", "nobody")]), "There is no such app"),
            (asked(&app, &[("redirect_uri", "https://evil.example/")]), "none of those that it was registered with"),
            ([&asked(&app, &[])[..], &[("client_id", "x")]].concat(), "<code>client_id</code> is there twice"),
            ([&asked(&app, &[])[..], &[("redirect_uri", "x")]].concat(), "<code>redirect_uri</code> is there twice"),
        ] {
            let page = browser.get(&path(&fields)).await;
            assert_eq!(page.status, 400);
            let text = page.text();
            let (_, error) = text.split_once("data-test=\"error\"").unwrap();
            let (error, _) = error.split_once("</div>").unwrap();
            assert!(
                error.contains("<h1>This app cannot send you here</h1>") && error.contains(part),
                "{part}: {error}"
            );
            for button in ["class=\"button", "Overview", "/sign-in", "stands beside the reason"] {
                assert!(!error.contains(button), "{button}: {error}");
            }
        }
    }
}

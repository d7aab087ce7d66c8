//! What a client is told that gets no token: enough for whoever writes it, and to a stranger always the same.

use reqwest::Method;
use serde_json::{Value, json};

use super::apps::{app, stack};
use super::authorize::{asked, path};
use super::grants::{error, post};
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
        let stack = Stack::with_limits_and_policy(folder, limits.clone(), super::apps::POLICY).await;
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

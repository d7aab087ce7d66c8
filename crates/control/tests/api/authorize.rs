//! `/oauth/authorize`: whom an app may ask, what for, and where the answer goes.

use reqwest::Method;
use serde_json::{Value, json};

use super::apps::{CALLBACK, app, stack};
use super::browser::{Browser, encoded, shown};
use crate::stack::Answer;

/// RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// What an app asks, with some parameters other than usual; an empty one is left out.
pub(crate) fn asked<'a>(app: &'a Value, other: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![
        ("response_type", "code"),
        ("client_id", app["id"].as_str().unwrap()),
        ("redirect_uri", CALLBACK),
        ("scope", "skills:read models:read"),
        ("state", "a b&c"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    fields.retain(|(name, _)| !other.iter().any(|(it, _)| it == name));
    fields.extend(other.iter().filter(|(_, value)| !value.is_empty()));
    fields
}

pub(crate) fn path(fields: &[(&str, &str)]) -> String {
    format!("/oauth/authorize?{}", encoded(fields))
}

/// What a person answers.
pub(crate) async fn answer(browser: &Browser<'_>, fields: &[(&str, &str)], choice: &[(&str, &str)]) -> Answer {
    browser.post("/oauth/authorize", &[fields, choice].concat()).await
}

/// The parameters that an app is sent.
pub(crate) fn sent_back(answer: &Answer, to: &str) -> Vec<(String, String)> {
    assert_eq!(answer.status, 303, "{}", answer.text());
    let url = reqwest::Url::parse(answer.header("location")).unwrap();
    assert!(answer.header("location").starts_with(to), "{url}");
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

pub(crate) fn value<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    pairs.iter().find(|(it, _)| it == name).map_or("", |(_, value)| value)
}

#[tokio::test]
async fn whoever_cannot_be_recognised_sends_nobody_anywhere() {
    let stack = stack().await;
    let (app, revoked) = (app(&stack, json!({})).await, app(&stack, json!({})).await);
    stack.delete(&format!("/v1/apps/{}", revoked["id"].as_str().unwrap())).await;
    let visitor = stack.visitor();
    for other in [
        [("client_id", "")],
        [("client_id", "app_0000000000000000")],
        [("client_id", revoked["id"].as_str().unwrap())],
        [("redirect_uri", "")],
        [("redirect_uri", "https://app.example.com/cb/")],
        [("redirect_uri", "https://app.example.com/cb?x=1")],
        [("redirect_uri", "https://app.example.com.evil.example/cb")],
        [("redirect_uri", "http://app.example.com/cb")],
    ] {
        let answer = visitor.get(&path(&asked(&app, &other))).await;
        assert_eq!((answer.status, answer.header("location")), (400, ""), "{other:?}");
        assert!(answer.text().contains("data-test=\"error\""), "{other:?}");
    }
    let twice = format!("{}&redirect_uri=https%3A%2F%2Fevil.example", path(&asked(&app, &[])));
    assert_eq!(visitor.get(&twice).await.status, 400);
}

#[tokio::test]
async fn what_is_wrong_is_told_to_the_app() {
    let stack = stack().await;
    let app = app(&stack, json!({ "scopes": ["skills:read"] })).await;
    let visitor = stack.visitor();
    for (other, error) in [
        (("response_type", ""), "invalid_request"),
        (("response_type", "token"), "unsupported_response_type"),
        (("response_mode", "fragment"), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("scope", "skills:write"), "invalid_scope"),
        (("scope", "nosuch:read"), "invalid_scope"),
        (("scope", "skills:*"), "invalid_scope"),
        (("resource", "https://elsewhere.example"), "invalid_target"),
        (("prompt", "none"), "login_required"),
        (("prompt", "nosuch"), "invalid_request"),
        (("request", "eyJ"), "request_not_supported"),
        (("request_uri", "https://a.example"), "request_uri_not_supported"),
    ] {
        let mut other = vec![other];
        if other[0].0 != "scope" {
            other.push(("scope", "skills:read"));
        }
        let answer = visitor.get(&path(&asked(&app, &other))).await;
        let pairs = sent_back(&answer, CALLBACK);
        assert_eq!(value(&pairs, "error"), error, "{other:?}: {pairs:?}");
        assert_eq!(value(&pairs, "state"), "a b&c", "{other:?}");
        assert_eq!(value(&pairs, "iss"), format!("http://{}", stack.address), "{other:?}");
        assert_eq!(value(&pairs, "code"), "");
    }
    let twice = format!("{}&scope=skills%3Aread", path(&asked(&app, &[("scope", "skills:read")])));
    assert_eq!(value(&sent_back(&visitor.get(&twice).await, CALLBACK), "error"), "invalid_request");
    let fine = asked(&app, &[("scope", ""), ("resource", "https://api.example.com"), ("prompt", "consent")]);
    let fine = visitor.get(&path(&fine)).await;
    assert!(fine.header("location").starts_with("/sign-in?next=/oauth/authorize"), "{}", fine.header("location"));
}

#[tokio::test]
async fn a_person_is_asked_and_chooses() {
    let stack = stack().await;
    let home = stack.default_organization().await;
    let app = app(&stack, json!({ "redirect_uris": [CALLBACK, "http://127.0.0.1/cb"] })).await;
    let mut browser = stack.browser(&home, "member").await;
    let fields = asked(&app, &[]);
    let page = browser.open(&path(&fields)).await;
    assert_eq!(page.status, 200, "{}", page.text());
    for part in ["Allow Studio?", "app.example.com", "Read skills", "Read models", "value=\"a b&#38;c\""] {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    let policy = page.header("content-security-policy");
    assert!(policy.contains("form-action 'self' https://app.example.com;"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'") && page.header("x-frame-options") == "DENY");

    let place = [("organization", home.as_str()), ("environment", "test"), ("decision", "allow")];
    for (choice, problem) in [
        (vec![], "Tick what you allow"),
        (vec![("allowed", "skills:write")], "did not ask for that"),
        (vec![("allowed", "skills:read"), ("organization", "org_0000000000000000")], "one of these organisations"),
        (vec![("allowed", "skills:read"), ("environment", "nosuch")], "one of these environments"),
    ] {
        let mut all = place.to_vec();
        all.retain(|(name, _)| !choice.iter().any(|(it, _)| it == name));
        all.extend(choice);
        let again = answer(&browser, &fields, &all).await;
        assert_eq!(again.status, 422, "{problem}");
        assert!(again.text().contains(problem), "{problem}: {}", again.text());
        assert!(again.header("content-security-policy").contains("https://app.example.com"));
    }
    let denied = answer(&browser, &fields, &[("decision", "deny")]).await;
    assert_eq!(value(&sent_back(&denied, CALLBACK), "error"), "access_denied");
    let allowed = answer(&browser, &fields, &[&place[..], &[("allowed", "skills:read")]].concat()).await;
    let pairs = sent_back(&allowed, CALLBACK);
    let names: Vec<_> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["code", "state", "iss"]);
    assert!(value(&pairs, "code").starts_with("pcc_") && value(&pairs, "state") == "a b&c");
    assert_eq!(stack.get("/v1/grants").await.json()["data"], json!([]), "nothing is there before it is redeemed");
    let told = stack.get("/v1/audit?action=app.allowed").await.json();
    assert_eq!(told["data"][0]["detail"]["scopes"], json!(["skills:read"]), "{told}");

    let loopback = asked(&app, &[("redirect_uri", "http://127.0.0.1:51004/cb")]);
    let page = browser.get(&path(&loopback)).await;
    assert!(page.header("content-security-policy").contains("form-action 'self' http://127.0.0.1:51004;"));
    let allowed = answer(&browser, &loopback, &[&place[..], &[("allowed", "skills:read")]].concat()).await;
    sent_back(&allowed, "http://127.0.0.1:51004/cb?code=pcc_");
}

#[tokio::test]
async fn who_may_not_allow_it_is_told_so() {
    let stack = stack().await;
    let (home, other) = (stack.default_organization().await, stack.organization("other").await);
    let (ours, theirs) = (app(&stack, json!({})).await, app(&stack, json!({ "organization": other })).await);
    let offered = app(&stack, json!({ "organization": other, "everyone": false })).await;
    let everyone = app(&stack, json!({ "everyone": true })).await;
    for (organization, role, app, refusal) in [
        (&home, "viewer", &ours, Some("right to make keys")),
        (&home, "owner", &theirs, Some("members of another organisation")),
        (&other, "member", &offered, None),
        (&other, "member", &everyone, None),
        (&other, "viewer", &everyone, Some("right to make keys")),
        (&other, "owner", &ours, Some("members of another organisation")),
    ] {
        let mut browser = stack.browser(organization, role).await;
        let fields = asked(app, &[]);
        let page = browser.open(&path(&fields)).await;
        assert_eq!(page.status, 200);
        assert_eq!(page.text().contains("data-test=\"refusal\""), refusal.is_some(), "{role}: {}", page.text());
        assert!(refusal.is_none_or(|it| shown(&page.text(), "refusal").contains(it)), "{}", page.text());
        let choice = [
            ("organization", organization.as_str()),
            ("environment", "live"),
            ("decision", "allow"),
            ("allowed", "skills:read"),
        ];
        let forced = answer(&browser, &fields, &choice).await;
        assert_eq!(forced.status, if refusal.is_some() { 422 } else { 303 }, "{role}");
    }
}

#[tokio::test]
async fn whoever_is_not_signed_in_signs_in_and_comes_back() {
    let stack = stack().await;
    let home = stack.default_organization().await;
    let link = stack.invite(&home, "member", "till@example.com").await;
    assert_eq!(stack.accept(&link, "till@example.com", super::people::PASSWORD).await.status, 201);
    let app = app(&stack, json!({})).await;
    let mut browser = stack.visitor();
    let fields = asked(&app, &[("prompt", "login")]);
    let to_sign_in = browser.get(&path(&fields)).await;
    let sign_in = to_sign_in.header("location").to_owned();
    let page = browser.open(&sign_in).await;
    let next = super::browser::hidden(&page.text(), "next").replace("&#38;", "&");
    let credentials = [("email", "till@example.com"), ("password", super::people::PASSWORD), ("next", next.as_str())];
    let page = browser.submit("/sign-in", &credentials).await;
    assert_eq!((page.status, page.text().contains("Allow Studio?")), (200, true), "{}", page.text());
    let again = browser.get(&path(&fields)).await;
    assert!(again.status == 303 && again.header("location").ends_with("&again=true"), "{}", again.header("location"));
    let page = browser.get(again.header("location")).await;
    assert!(page.status == 200 && page.text().contains("data-test=\"sign-in\""), "signs in although they are");
    let nothing = browser.get(&path(&asked(&app, &[("prompt", "none")]))).await;
    assert_eq!(value(&sent_back(&nothing, CALLBACK), "error"), "consent_required");
}

#[tokio::test]
async fn a_yes_comes_from_our_page_alone() {
    let stack = stack().await;
    let home = stack.default_organization().await;
    let app = app(&stack, json!({})).await;
    let browser = stack.browser(&home, "owner").await;
    let choice =
        [("organization", home.as_str()), ("environment", "live"), ("decision", "allow"), ("allowed", "skills:read")];
    let body = encoded(&[&asked(&app, &[])[..], &choice].concat());
    let forged = browser.send(Method::POST, "/oauth/authorize", &[], &body).await;
    assert_eq!(forged.status, 403);
    let evil = [("origin", "https://app.example.com"), ("sec-fetch-site", "cross-site")];
    let forged =
        browser.send(Method::POST, "/oauth/authorize", &evil, &format!("csrf={}&{body}", browser.csrf())).await;
    assert_eq!(forged.status, 403);
}

#[tokio::test]
async fn without_access_tokens_nobody_is_asked() {
    let stack = stack().await;
    let app = app(&stack, json!({})).await;
    let (without, _) = super::apps::POLICY.split_once("[tokens]").unwrap();
    let published = stack.post("/v1/policy", json!({ "toml": without })).await;
    assert_eq!(published.status, 201, "{}", published.json());
    let notes = &published.json()["difference"]["notes"];
    assert_eq!(*notes, json!(["access tokens are neither minted nor accepted any more: nobody had one"]));
    let answer = stack.visitor().get(&path(&asked(&app, &[("scope", "")]))).await;
    assert_eq!(value(&sent_back(&answer, CALLBACK), "error"), "server_error");
}

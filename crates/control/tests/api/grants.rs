//! A whole flow: a person allows an app something, the app redeems it, refreshes it, and it ends.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use portcullis_engine::{KeyDigest, KeyStatus};
use reqwest::Method;
use serde_json::{Value, json};

use super::apps::{CALLBACK, app, stack};
use super::authorize::{VERIFIER, answer, asked, sent_back, value};
use super::browser::{Browser, encoded};
use super::people::Person;
use crate::stack::{Answer, NOON, Stack};

/// An app, and whoever allows it something.
pub(crate) struct Flow<'a> {
    stack: &'a Stack,
    pub(crate) app: Value,
    pub(crate) organization: String,
    pub(crate) person: Person,
    pub(crate) browser: Browser<'a>,
}

impl<'a> Flow<'a> {
    pub(crate) async fn start(stack: &'a Stack, more: Value) -> Self {
        let organization = stack.default_organization().await;
        let person = stack.person(&organization, "member").await;
        let browser = stack.signed_in(&organization, &person).await;
        Self { stack, app: app(stack, more).await, organization, person, browser }
    }

    pub(crate) fn id(&self) -> &str {
        self.app["id"].as_str().unwrap()
    }

    /// A code for these scopes.
    pub(crate) async fn code(&self, scopes: &[&str]) -> String {
        let mut choice = vec![("organization", &*self.organization), ("environment", "live"), ("decision", "allow")];
        choice.extend(scopes.iter().map(|scope| ("allowed", *scope)));
        let answer = answer(&self.browser, &asked(&self.app, &[("scope", "skills:* models:read")]), &choice).await;
        value(&sent_back(&answer, CALLBACK), "code").to_owned()
    }

    /// What the app sends, with some parameters other than usual.
    pub(crate) async fn send(&self, path: &str, fields: &[(&str, &str)], other: &[(&str, &str)]) -> Answer {
        let secret = self.app["secret"].as_str().unwrap_or_default();
        let mut all = vec![("client_id", self.id()), ("client_secret", secret)];
        all.extend(fields);
        all.retain(|(name, _)| !other.iter().any(|(it, _)| it == name));
        all.extend(other);
        all.retain(|(_, value)| !value.is_empty());
        post(self.stack, path, None, &encoded(&all)).await
    }

    pub(crate) async fn redeem(&self, code: &str, other: &[(&str, &str)]) -> Answer {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.send("/oauth/token", &fields, other).await
    }

    pub(crate) async fn refresh(&self, token: &str, other: &[(&str, &str)]) -> Answer {
        self.send("/oauth/token", &[("grant_type", "refresh_token"), ("refresh_token", token)], other).await
    }

    /// What somebody allowed, redeemed.
    pub(crate) async fn granted(&self, scopes: &[&str]) -> Tokens {
        let answer = self.redeem(&self.code(scopes).await, &[]).await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        Tokens::of(&answer)
    }

    pub(crate) async fn is_active(&self, token: &str) -> bool {
        let answer = self.send("/oauth/introspect", &[("token", token)], &[]).await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        answer.json()["active"].as_bool().unwrap()
    }
}

pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) grant: String,
}

impl Tokens {
    pub(crate) fn of(answer: &Answer) -> Self {
        let text = |name: &str| answer.json()[name].as_str().unwrap().to_owned();
        let access = text("access_token");
        let grant = said(&access)["grant"].as_str().unwrap().to_owned();
        Self { access, refresh: text("refresh_token"), grant }
    }
}

pub(crate) async fn post(stack: &Stack, path: &str, authorization: Option<&str>, form: &str) -> Answer {
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let fields = [kind, ("authorization", authorization.unwrap_or_default())];
    let fields = if authorization.is_some() { &fields[..] } else { &fields[..1] };
    stack.send_bare(Method::POST, path, fields, form.as_bytes()).await
}

/// What a token says, unverified.
fn said(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// What edges are told of a grant.
pub(crate) async fn published(stack: &Stack, grant: &str) -> Option<KeyStatus> {
    stack.published_status(&KeyDigest::of_token_key(grant.parse().unwrap())).await
}

pub(crate) fn error(answer: &Answer) -> String {
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.json()["error"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn what_a_person_allows_an_app_gets_and_no_more() {
    let stack = stack().await;
    for more in [json!({}), json!({ "public": true })] {
        let flow = Flow::start(&stack, more).await;
        let answer = flow.redeem(&flow.code(&["skills:*"]).await, &[]).await;
        let body = answer.json();
        assert_eq!((answer.status, &body["token_type"], &body["expires_in"]), (200, &json!("Bearer"), &json!(900)));
        assert_eq!(body["scope"], "skills:*");
        let tokens = Tokens::of(&answer);
        let mut claims = said(&tokens.access);
        claims.as_object_mut().unwrap().remove("jti");
        let expected = json!({
            "iss": format!("http://{}", stack.address), "sub": flow.person.id, "aud": "https://api.example.com",
            "client_id": flow.id(), "grant": tokens.grant, "org": flow.organization, "env": "live",
            "scope": "skills:*", "iat": NOON, "exp": NOON + 900,
        });
        assert_eq!(claims, expected);
        assert!(tokens.refresh.starts_with("pcr_"));
        assert_eq!(published(&stack, &tokens.grant).await, Some(KeyStatus::Active));
        let key = stack.get(&format!("/v1/keys/{}", tokens.grant)).await.json();
        assert_eq!((&key["kind"], &key["scopes"]), (&json!("grant"), &json!(["skills:*"])));
        assert_eq!(key["name"], format!("Studio for {}", flow.person.email));
        let listed = stack.by(&flow.person.token, Method::GET, "/v1/grants", None).await.json();
        let grant = &listed["data"][0];
        assert_eq!((&grant["id"], &grant["app_name"]), (&json!(tokens.grant), &json!("Studio")));
        let page = flow.browser.get("/grants").await.text();
        assert!(page.contains(&tokens.grant) && page.contains("Studio"), "{page}");
    }
}

#[tokio::test]
async fn a_code_is_for_whoever_asked() {
    let stack = stack().await;
    let flow = Flow::start(&stack, json!({})).await;
    let other = app(&stack, json!({})).await;
    let (id, secret) = (other["id"].as_str().unwrap(), other["secret"].as_str().unwrap());
    let code = flow.code(&["skills:*"]).await;
    let wrong = "secret_0000000000000000000000000000000000000000";
    for (changed, status, expected) in [
        (vec![("client_secret", "")], 401, "invalid_client"),
        (vec![("client_secret", wrong)], 401, "invalid_client"),
        (vec![("client_secret", secret)], 401, "invalid_client"),
        (vec![("client_id", "app_0000000000000000")], 401, "invalid_client"),
        (vec![("client_id", id), ("client_secret", secret)], 400, "invalid_grant"),
        (vec![("code", "pcc_0000000000000000000000000000000000000000")], 400, "invalid_grant"),
        (vec![("code", "nonsense")], 400, "invalid_grant"),
        (vec![("code", "")], 400, "invalid_request"),
        (vec![("redirect_uri", "")], 400, "invalid_request"),
        (vec![("redirect_uri", "https://app.example.com/cb/")], 400, "invalid_grant"),
        (vec![("code_verifier", "")], 400, "invalid_request"),
        (vec![("code_verifier", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")], 400, "invalid_grant"),
        (vec![("resource", "https://elsewhere.example")], 400, "invalid_target"),
        (vec![("grant_type", "password")], 400, "unsupported_grant_type"),
    ] {
        let answer = flow.redeem(&code, &changed).await;
        assert_eq!((answer.status, error(&answer).as_str()), (status, expected), "{changed:?}: {}", answer.json());
    }
    assert_eq!(flow.redeem(&code, &[]).await.status, 200, "none of that used it up");
    let late = flow.code(&["skills:*"]).await;
    stack.pass(60);
    assert_eq!(error(&flow.redeem(&late, &[]).await), "invalid_grant");
    let public = Flow::start(&stack, json!({ "public": true })).await;
    let code = public.code(&["skills:*"]).await;
    assert_eq!(error(&public.redeem(&code, &[("client_secret", wrong)]).await), "invalid_client", "it has none");
}

#[tokio::test]
async fn a_code_that_comes_twice_ends_its_grant() {
    let stack = stack().await;
    let flow = Flow::start(&stack, json!({})).await;
    let code = flow.code(&["skills:*"]).await;
    let tokens = Tokens::of(&flow.redeem(&code, &[]).await);
    assert!(flow.is_active(&tokens.access).await && flow.is_active(&tokens.refresh).await);
    let (wrong, other) = ("x".repeat(43), "https://app.example.com/cb/");
    for unproven in [("code_verifier", wrong.as_str()), ("redirect_uri", other)] {
        assert_eq!(error(&flow.redeem(&code, &[unproven]).await), "invalid_grant", "{unproven:?}");
        assert!(flow.is_active(&tokens.access).await, "whoever only saw the code ends nothing: {unproven:?}");
    }
    assert_eq!(error(&flow.redeem(&code, &[]).await), "invalid_grant");
    assert_eq!(published(&stack, &tokens.grant).await, Some(KeyStatus::Revoked));
    assert!(!flow.is_active(&tokens.access).await && !flow.is_active(&tokens.refresh).await);
    assert_eq!(error(&flow.refresh(&tokens.refresh, &[]).await), "invalid_grant");

    let code = flow.code(&["skills:*"]).await;
    let answers = join_all((0..4).map(|_| flow.redeem(&code, &[]))).await;
    let fine: Vec<_> = answers.iter().filter(|it| it.status == 200).collect();
    assert_eq!(fine.len(), 1);
    let grant = Tokens::of(fine[0]).grant;
    assert_eq!(published(&stack, &grant).await, Some(KeyStatus::Revoked), "one of them was not the app");
    let told = stack.get("/v1/audit?action=grant.reused").await.json();
    assert_eq!(told["data"].as_array().unwrap().len(), 2, "{told}");
}

#[tokio::test]
async fn a_refresh_token_is_used_once_and_twice_ends_the_grant() {
    let stack = stack().await;
    let flow = Flow::start(&stack, json!({})).await;
    let first = flow.granted(&["skills:*", "models:read"]).await;
    let other = app(&stack, json!({})).await;
    let (id, secret) = (other["id"].as_str().unwrap(), other["secret"].as_str().unwrap());
    for (changed, status, expected) in [
        (vec![("scope", "nosuch:read")], 400, "invalid_scope"),
        (vec![("refresh_token", "")], 400, "invalid_request"),
        (vec![("refresh_token", "pcr_0000000000000000000000000000000000000000")], 400, "invalid_grant"),
        (vec![("client_id", id), ("client_secret", secret)], 400, "invalid_grant"),
        (vec![("client_secret", "")], 401, "invalid_client"),
        (vec![("resource", "https://elsewhere.example")], 400, "invalid_target"),
    ] {
        let answer = flow.refresh(&first.refresh, &changed).await;
        assert_eq!((answer.status, error(&answer).as_str()), (status, expected), "{changed:?}");
    }
    let narrow = flow.refresh(&first.refresh, &[("scope", "skills:read nosuch:read")]).await;
    assert_eq!((narrow.status, &narrow.json()["scope"]), (200, &json!("skills:read")), "{}", narrow.json());
    let second = Tokens::of(&narrow);
    let whole = flow.refresh(&second.refresh, &[]).await;
    assert_eq!(whole.json()["scope"], "models:read skills:*", "what was allowed stays as it is");
    let third = Tokens::of(&whole);
    assert_eq!((&second.grant, &third.grant), (&first.grant, &first.grant));
    assert_eq!(error(&flow.refresh(&second.refresh, &[]).await), "invalid_grant");
    assert_eq!(published(&stack, &first.grant).await, Some(KeyStatus::Revoked));
    assert_eq!(error(&flow.refresh(&third.refresh, &[]).await), "invalid_grant", "nobody keeps anything");

    let tokens = flow.granted(&["skills:*"]).await;
    let answers = join_all((0..4).map(|_| flow.refresh(&tokens.refresh, &[]))).await;
    assert_eq!(answers.iter().filter(|it| it.status == 200).count(), 1);
    assert_eq!(published(&stack, &tokens.grant).await, Some(KeyStatus::Revoked));
}

#[tokio::test]
async fn a_refresh_token_lasts_from_its_last_use_and_a_grant_a_year() {
    let stack = stack().await;
    let flow = Flow::start(&stack, json!({})).await;
    const DAY: u64 = 86_400;
    let mut tokens = flow.granted(&["skills:*"]).await;
    for _ in 0..12 {
        stack.pass(29 * DAY);
        let answer = flow.refresh(&tokens.refresh, &[]).await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        tokens = Tokens::of(&answer);
    }
    stack.pass(17 * DAY);
    assert_eq!(error(&flow.refresh(&tokens.refresh, &[]).await), "invalid_grant", "a year is over");
    let tokens = flow_again(&stack, &flow).await;
    stack.pass(30 * DAY);
    assert_eq!(error(&flow.refresh(&tokens.refresh, &[]).await), "invalid_grant");
}

/// The session of the first is over by then.
async fn flow_again<'a>(stack: &'a Stack, flow: &Flow<'a>) -> Tokens {
    let browser = stack.signed_in(&flow.organization, &flow.person).await;
    let (organization, person) = (flow.organization.clone(), flow.person.clone());
    Flow { stack, app: flow.app.clone(), organization, person, browser }.granted(&["skills:*"]).await
}

#[tokio::test]
async fn a_grant_ends_with_whatever_it_stands_on() {
    let stack = stack().await;
    let home = stack.default_organization().await;
    for how in ["revoked", "by its app", "by its access token", "app", "removed", "viewer", "key", "page"] {
        let flow = Flow::start(&stack, json!({})).await;
        let (tokens, open) = (flow.granted(&["skills:*"]).await, flow.code(&["skills:*"]).await);
        let member = format!("/v1/organizations/{home}/members/{}", flow.person.id);
        let grant = format!("/v1/grants/{}", tokens.grant);
        let status = match how {
            "revoked" => stack.by(&flow.person.token, Method::DELETE, &grant, None).await.status,
            "by its app" => flow.send("/oauth/revoke", &[("token", &tokens.refresh)], &[]).await.status,
            "by its access token" => flow.send("/oauth/revoke", &[("token", &tokens.access)], &[]).await.status,
            "app" => stack.delete(&format!("/v1/apps/{}", flow.id())).await.status,
            "removed" => stack.delete(&member).await.status - 4,
            "viewer" => stack.patch(&member, json!({ "role": "viewer" })).await.status,
            "key" => stack.delete(&format!("/v1/keys/{}", tokens.grant)).await.status,
            _ => flow.browser.post(&format!("/grants/{}/revoke", tokens.grant), &[]).await.status - 103,
        };
        assert_eq!(status, 200, "{how}");
        assert_eq!(published(&stack, &tokens.grant).await, Some(KeyStatus::Revoked), "{how}");
        let expected = if how == "app" { "invalid_client" } else { "invalid_grant" };
        assert_eq!(error(&flow.refresh(&tokens.refresh, &[]).await), expected, "{how}");
        if matches!(how, "app" | "removed" | "viewer") {
            assert_eq!(error(&flow.redeem(&open, &[]).await), expected, "{how}: what was under way");
        }
    }
}

#[tokio::test]
async fn what_stops_for_a_while_goes_on_after_it() {
    let stack = stack().await;
    let flow = Flow::start(&stack, json!({})).await;
    let mut tokens = flow.granted(&["skills:*"]).await;
    let (key, path) = (format!("/v1/keys/{}", tokens.grant), format!("/v1/organizations/{}", flow.organization));
    for (path, off, on) in [
        (&key, json!({ "enabled": false }), json!({ "enabled": true })),
        (&path, json!({ "state": "suspended" }), json!({ "state": "active" })),
    ] {
        assert_eq!(stack.patch(path, off.clone()).await.status, 200, "{off}");
        // The organisation is also the app's own.
        let expected = if *path == key { "invalid_grant" } else { "invalid_client" };
        assert_eq!(error(&flow.refresh(&tokens.refresh, &[]).await), expected, "{off}");
        assert_eq!(stack.patch(path, on).await.status, 200);
        let answer = flow.refresh(&tokens.refresh, &[]).await;
        assert_eq!(answer.status, 200, "{off}: {}", answer.json());
        tokens = Tokens::of(&answer);
    }
    let narrowed = json!({ "scopes": ["skills:read"] });
    assert_eq!(stack.patch(&format!("/v1/apps/{}", flow.id()), narrowed).await.status, 200);
    assert_eq!(flow.refresh(&tokens.refresh, &[]).await.json()["scope"], "skills:read");
}

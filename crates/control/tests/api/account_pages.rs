//! People in the page: how they come, go, and are let in; what they are; their settings.

use reqwest::Method;
use serde_json::json;

use super::browser::{Browser, shown};
use super::people::PASSWORD;
use crate::stack::{Answer, Stack};

const PRESS: &[(&str, &str)] = &[];

pub(crate) fn has(page: &Answer, status: u16, texts: &[&str]) {
    let html = page.text();
    assert_eq!(page.status, status, "{html}");
    for text in texts {
        assert!(html.contains(text), "no `{text}` in {html}");
    }
}

fn path(link: &str) -> String {
    format!("/{}", link.splitn(4, '/').nth(3).unwrap())
}

async fn sign_in(browser: &mut Browser<'_>, email: &str, password: &str) -> Answer {
    browser.open("/sign-in?next=/settings").await;
    browser.submit("/sign-in", &[("email", email), ("password", password), ("next", "/settings")]).await
}

#[tokio::test]
async fn the_first_owner_comes_goes_and_comes_back() {
    let stack = Stack::start().await;
    let mut ada = stack.visitor();
    has(&ada.open("/sign-in").await, 200, &["Nobody has an account yet."]);
    let link = path(stack.first_owner.as_deref().unwrap());
    let page = ada.open(&link).await;
    has(&page, 200, &["Make yourself the owner"]);
    assert!(!page.text().contains("pci_"), "the link is in no page");
    assert_eq!(ada.get(&link.replace("/welcome/", "/invitations/")).await.status, 404);
    let fields = |organization, password| {
        [("name", "Ada"), ("email", "ada@example.com"), ("organization", organization), ("password", password)]
    };
    has(&ada.submit(&link, &fields("", PASSWORD)).await, 422, &["organization-problem", "ada@example.com"]);
    has(&ada.submit(&link, &fields("Northwind", "short")).await, 422, &["password-problem", "at least 12"]);
    let home = ada.submit(&link, &fields("Northwind", PASSWORD)).await;
    has(&home, 200, &["You are the owner.", "Northwind", "ada@example.com, owner", "there is no key yet"]);
    has(&stack.visitor().open(&link).await, 404, &["This invitation was used"]);

    has(&ada.submit("/sign-out", PRESS).await, 200, &["You are signed out."]);
    assert_eq!(ada.get("/").await.header("location"), "/sign-in");
    assert_eq!(ada.get("/keys?idle=true").await.header("location"), "/sign-in?next=/keys%3Fidle%3Dtrue");
    let wrong = sign_in(&mut ada, "ada@example.com", "wrong horse").await;
    has(&wrong, 422, &["The e-mail address or the password is wrong.", "value=\"ada@example.com\""]);
    assert!(!wrong.text().contains("wrong horse"));
    has(&sign_in(&mut ada, " Ada@Example.com", PASSWORD).await, 200, &["<h1>Settings</h1>"]);
    assert_eq!(ada.get("/sign-in?next=//evil.example").await.header("location"), "/", "who is signed in goes on");
}

#[tokio::test]
async fn who_tries_too_often_waits() {
    let stack = Stack::start().await;
    let mut eve = stack.visitor();
    eve.open("/sign-in").await;
    let fields = [("email", "ada@example.com"), ("password", "guess")];
    for _ in 0..20 {
        assert_eq!(eve.post("/sign-in", &fields).await.status, 422);
    }
    let refused = eve.post("/sign-in", &fields).await;
    has(&refused, 429, &["Too many attempts", "<html"]);
    assert_ne!(refused.header("retry-after"), "");
}

#[tokio::test]
async fn somebody_is_invited_and_joins_newly_or_with_the_account_they_have() {
    let stack = Stack::start().await;
    let (home, other) = (stack.default_organization().await, stack.organization("Initech").await);
    let owner = stack.browser(&home, "owner").await;
    let made = owner.post("/organization/invitations", &[("role", "member"), ("email", "Bob@example.com")]).await;
    has(&made, 200, &["Copy the link now", "bob@example.com"]);
    assert_eq!(made.header("cache-control"), "no-store");
    let link = made.text().split("/invitations/pci_").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let link = format!("/invitations/pci_{link}");
    assert!(!owner.get("/organization").await.text().contains("pci_"), "shown once");

    let mut bob = stack.visitor();
    has(&bob.open(&link).await, 200, &["Join default", "value=\"bob@example.com\"", "<strong>member</strong>"]);
    has(&bob.submit(&link, &[("password", PASSWORD)]).await, 422, &["name-problem"]);
    let fields = [("name", "Bob"), ("email", "eve@example.com"), ("password", PASSWORD)];
    has(&bob.submit(&link, &fields).await, 422, &["email-problem", "for another address"]);
    let joined = bob.submit(&link, &[("name", "Bob"), ("password", PASSWORD)]).await;
    has(&joined, 200, &["You are a member now.", "bob@example.com, member"]);
    assert_eq!(stack.visitor().get(&link).await.status, 404);

    // The same person somewhere else, still signed in.
    let link = format!("/invitations/{}", stack.invite(&other, "admin", "bob@example.com").await);
    let again = format!("/invitations/{}", stack.invite(&other, "viewer", "bob@example.com").await);
    let page = bob.open(&link).await;
    has(&page, 200, &["Join Initech", "Your password", "value=\"bob@example.com\""]);
    assert!(!page.text().contains("name=\"name\""));
    let fields = |password| [("email", "bob@example.com"), ("password", password)];
    has(&bob.submit(&link, &fields("another good password")).await, 422, &["password-problem"]);
    let joined = bob.submit(&link, &fields(PASSWORD)).await;
    has(&joined, 200, &["bob@example.com, admin", "Initech", "Change over"]);
    has(&bob.submit("/organization/switch", &[("organization", &home)]).await, 200, &["bob@example.com, member"]);
    let third = stack.organization("third").await;
    assert_eq!(bob.post("/organization/switch", &[("organization", &third)]).await.status, 404);
    bob.open(&again).await;
    has(&bob.submit(&again, &fields(PASSWORD)).await, 409, &["member of this organisation already"]);

    let invited = owner.post("/organization/invitations", &[("role", "viewer"), ("email", "bob@example.com")]).await;
    has(&invited, 422, &["email-problem"]);
    has(&owner.post("/organization/invitations", &[("role", "king")]).await, 422, &["role-problem"]);
    has(&owner.post("/organization/invitations", &[("role", "viewer")]).await, 422, &["email-problem"]);
    owner.post("/organization/invitations", &[("role", "viewer"), ("email", "eve@example.com")]).await;
    let page = owner.get("/organization").await.text();
    let id = page.split("/organization/invitations/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let path = format!("/organization/invitations/{id}/withdraw");
    has(&owner.go(&path, PRESS).await, 200, &["The invitation was withdrawn."]);
}

#[tokio::test]
async fn roles_change_members_leave_and_an_owner_stays() {
    let stack = Stack::start().await;
    let home = stack.default_organization().await;
    let (ada, bob) = (stack.person(&home, "owner").await, stack.person(&home, "viewer").await);
    let (mut owner, viewer) = (stack.signed_in(&home, &ada).await, stack.signed_in(&home, &bob).await);
    let seen = viewer.get("/organization").await;
    has(&seen, 200, &[&ada.email, &bob.email, "Open invitations"]);
    assert!(!seen.text().contains("Invite somebody") && !seen.text().contains("/role"), "nothing to press");
    has(&viewer.get("/").await, 200, &["there is no key yet"]);
    assert!(!viewer.get("/settings").await.text().contains("API tokens"));

    let role = |id: &str| format!("/organization/members/{id}/role");
    has(&owner.go(&role(&bob.id), &[("role", "member")]).await, 200, &["They have their new role."]);
    has(&viewer.get("/settings").await, 200, &["API tokens"]);
    for path in [role(&ada.id), format!("/organization/members/{}/remove", ada.id)] {
        let refused = owner.post(&path, &[("role", "admin")]).await;
        has(&refused, 409, &["The organisation would be left without an owner", &bob.email]);
    }
    let question = owner.get(&format!("/organization/members/{}/remove", bob.id)).await;
    has(&question, 200, &["data-question", &bob.email]);
    let gone = owner.go(&format!("/organization/members/{}/remove", bob.id), PRESS).await;
    has(&gone, 200, &["They are no longer a member."]);
    assert_eq!(viewer.get("/").await.header("location"), "/sign-in");

    let grace = stack.person(&home, "owner").await;
    let left = owner.submit(&format!("/organization/members/{}/remove", ada.id), PRESS).await;
    has(&left, 200, &["You are signed out."]);
    assert_eq!(stack.signed_in(&home, &grace).await.get("/organization").await.status, 200);
}

#[tokio::test]
async fn organisations_are_made_suspended_and_resumed() {
    let stack = Stack::start().await;
    let owner = stack.browser(&stack.default_organization().await, "owner").await;
    has(&owner.post("/organizations", &[("name", "")]).await, 422, &["name-problem"]);
    has(&owner.go("/organizations", &[("name", "Initech")]).await, 200, &["The organisation was created", "Initech"]);
    let page = owner.get("/organizations").await.text();
    let mut links = page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let suspend = links.find(|link| link.ends_with("/suspend")).unwrap().to_owned();
    has(&owner.get(&suspend).await, 200, &["Suspend Initech?"]);
    has(&owner.go(&suspend, PRESS).await, 200, &["The organisation is suspended.", "Suspended"]);
    let resume = suspend.replace("/suspend", "/resume");
    has(&owner.go(&resume, PRESS).await, 200, &["active again"]);
}

#[tokio::test]
async fn settings_change_the_name_the_password_and_the_sessions() {
    let stack = Stack::start().await;
    let home = stack.default_organization().await;
    assert_eq!(
        stack.accept(&stack.invite(&home, "member", "bob@example.com").await, "bob@example.com", PASSWORD).await.status,
        201
    );
    let (mut here, mut there) = (stack.visitor(), stack.visitor());
    for browser in [&mut here, &mut there] {
        assert_eq!(sign_in(browser, "bob@example.com", PASSWORD).await.status, 200);
    }
    has(&here.post("/settings/profile", &[("name", "")]).await, 422, &["name-problem"]);
    has(&here.submit("/settings/profile", &[("name", "Bob <b>")]).await, 200, &["Bob &#60;b&#62;", "Your name was"]);
    let page = here.get("/settings").await.text();
    let end = page.split("action=\"/settings/sessions/ses_").nth(1).unwrap().split('"').next().unwrap().to_owned();
    has(&here.submit(&format!("/settings/sessions/ses_{end}"), PRESS).await, 200, &["That session ended."]);
    assert_eq!(there.get("/").await.status, 303);

    sign_in(&mut there, "bob@example.com", PASSWORD).await;
    let change = |current, new| [("current", current), ("new", new)];
    let new = "another good password";
    let id = stack.text("SELECT id FROM users WHERE email = 'bob@example.com'").await;
    let elsewhere = stack.organization("elsewhere").await;
    stack.join(&elsewhere, &id, "viewer").await;
    let mut tokens = Vec::new();
    for organization in [&home, &elsewhere] {
        tokens.push(stack.token(organization, Some(&id), "keys:read", None).await);
    }
    let service = stack.token(&home, None, "keys:read", None).await;
    has(&here.post("/settings/password", &change("wrong", new)).await, 422, &["current-problem"]);
    has(&here.post("/settings/password", &change(PASSWORD, "short")).await, 422, &["new-problem"]);
    has(&here.submit("/settings/password", &change(PASSWORD, new)).await, 200, &["Your password was changed."]);
    assert_eq!((there.get("/").await.status, here.get("/").await.status), (303, 200));
    let works = async |token: &str| stack.by(token, Method::GET, "/v1/keys", None).await.status == 200;
    assert!(works(&tokens[0]).await && works(&tokens[1]).await, "as the page says");
    let newer = "yet another good password";
    let fields = [("current", new), ("new", newer), ("revoke_tokens", "yes")];
    has(&here.submit("/settings/password", &fields).await, 200, &["your personal tokens were revoked."]);
    assert!(!works(&tokens[0]).await && !works(&tokens[1]).await && works(&service).await);
    let log = stack.get(&format!("/v1/audit?action=token.revoked&organization={elsewhere}")).await.json();
    assert_eq!(log["data"].as_array().map(Vec::len), Some(1), "{log}");
    let new = newer;
    sign_in(&mut there, "bob@example.com", new).await;
    has(&here.submit("/settings/sessions/end", PRESS).await, 200, &["You are signed out."]);
    assert_eq!(there.get("/").await.status, 303);
}

#[tokio::test]
async fn a_token_is_made_shown_once_and_revoked() {
    let stack = Stack::start().await;
    let home = stack.default_organization().await;
    let (owner, member) = (stack.browser(&home, "owner").await, stack.browser(&home, "member").await);
    let create = json!({ "name": "x", "environment": "live" });
    for kind in ["personal", "service"] {
        let fields = [("token_name", "deploy"), ("kind", kind), ("scopes", "keys:read"), ("scopes", "audit:read")];
        let made = owner.post("/settings/tokens", &fields).await;
        has(&made, 200, &["Copy the token now", "export PORTCULLIS_TOKEN=pct_"]);
        assert_eq!(made.header("cache-control"), "no-store");
        let token = made.text().split("PORTCULLIS_TOKEN=").nth(1).unwrap().split('<').next().unwrap().to_owned();
        let page = owner.get("/settings").await;
        assert!(!page.text().contains(&token), "shown once");
        assert_eq!(stack.by(&token, Method::GET, "/v1/keys", None).await.status, 200);
        assert_eq!(stack.by(&token, Method::POST, "/v1/keys", Some(create.clone())).await.status, 403);
        let row = page.text().split("data-test=\"token-row\"").find(|row| row.contains("deploy")).unwrap().to_owned();
        let revoke = row.split("href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        has(&owner.get(&revoke).await, 200, &["Revoke the token deploy?", "It was last used at"]);
        assert_eq!(member.get(&revoke).await.status, 404);
        has(&owner.go(&revoke, PRESS).await, 200, &["The token is revoked for good."]);
        assert_eq!(stack.by(&token, Method::GET, "/v1/keys", None).await.status, 401);
    }
    let past = [("token_name", "old"), ("kind", "personal"), ("expires_at", "2020-01-01T00:00")];
    has(&owner.post("/settings/tokens", &past).await, 422, &["expires_at-problem", "value=\"old\"", " open>"]);
    let pasted = [("token_name", "pct_0123456789012345678901234567890123456789"), ("kind", "personal")];
    let refused = owner.post("/settings/tokens", &pasted).await;
    has(&refused, 422, &["token_name-problem"]);
    assert!(!refused.text().contains("pct_0123"));
    let service = [("token_name", "x"), ("kind", "service")];
    has(&member.post("/settings/tokens", &service).await, 422, &["A service token"]);
}

#[tokio::test]
async fn the_overview_counts_what_is_ones_own() {
    let stack = Stack::start().await;
    let (home, other) = (stack.default_organization().await, stack.organization("other").await);
    let owner = stack.browser(&home, "owner").await;
    let old = stack.key("old till").await;
    stack.pass(91 * 24 * 3600);
    // Sessions do not last so long.
    assert_eq!(owner.get("/").await.status, 303);
    let owner_now = stack.browser(&home, "owner").await;
    let theirs = json!({ "name": "theirs", "environment": "live", "organization": other });
    assert_eq!(stack.post("/v1/keys", theirs).await.status, 201);
    let denied = json!({ "unknown_key": 3 });
    let report = json!({ "edge": "edge-1", "vm": "1", "applied_version": 1, "allowed": 1200, "denied": denied });
    assert_eq!(stack.report(report).await.status, 204);
    let page = owner_now.get("/").await;
    has(&page, 200, &["old till", "91 days old: rotate it", "unknown key", "edge-1", "key.created", "Last changes"]);
    assert_eq!(shown(&page.text(), "requests"), "1,203");
    assert!(!page.text().contains("theirs</a>"));
    let elsewhere = stack.browser(&other, "viewer").await.get("/").await;
    has(&elsewhere, 200, &["Revoked", "Of the latest that edges told of."]);
    for hidden in ["old till", old["id"].as_str().unwrap(), "edge-1", "1,203", "Last changes"] {
        assert!(!elsewhere.text().contains(hidden), "{hidden}");
    }
}

#[tokio::test]
async fn the_log_is_filtered_read_in_pages_and_exported() {
    let stack = Stack::start().await;
    let home = stack.default_organization().await;
    let admin = stack.browser(&home, "admin").await;
    let key = stack.key("till").await;
    for number in 0..55 {
        stack.key(&format!("key {number}")).await;
    }
    assert_eq!(stack.delete(&format!("/v1/keys/{}", key["id"].as_str().unwrap())).await.status, 200);
    let page = admin.get("/audit?action=key.created&actor=root&target=&since=2026-01-15&until=2026-01-15").await;
    has(&page, 200, &["key 54", "50 on this page", "administrator&#39;s token", "environment: live"]);
    assert!(!page.text().contains("<code>key.revoked</code>"));
    let next = page.text().split("rel=\"next\"").next().unwrap().rsplit("href=\"").next().unwrap().to_owned();
    let next = next.split('"').next().unwrap().replace("&#38;", "&");
    assert!(next.contains("action=key.created&actor=") || next.contains("actor=root&action=key.created"), "{next}");
    let last = admin.get(&next).await;
    has(&last, 200, &["till", "First page"]);
    assert!(!last.text().contains("next-page"));
    for (query, status, text) in [
        ("action=key.revoked", 200, "till"),
        ("until=2026-01-14", 200, "No entry matches"),
        ("action=nonsense&since=soon&cursor=x", 200, "key 54"),
        ("actor=pct_0123456789012345678901234567890123456789", 200, "key 54"),
    ] {
        has(&admin.get(&format!("/audit?{query}")).await, status, &[text]);
    }
    let csv = admin.get("/audit/export?format=csv&action=key.created").await;
    assert!(csv.header("content-type").starts_with("text/csv"));
    assert_eq!((csv.text().lines().count(), csv.text().starts_with("id,at,")), (57, true));
    let lines = admin.get("/audit/export?format=jsonl&action=key.revoked").await;
    assert_eq!(lines.text().lines().count(), 1);
    assert!(lines.header("content-disposition").starts_with("attachment"));
    let other = stack.organization("other").await;
    let elsewhere = stack.browser(&other, "admin").await;
    assert!(!elsewhere.get("/audit").await.text().contains("key 54"));
    assert!(!elsewhere.get("/audit/export").await.text().contains("key 54"));
}

//! Strangers who guess passwords: whom they keep out, and what the audit log says of them.

use reqwest::Method;

use super::browser::{Browser, encoded, hidden};
use super::people::PASSWORD;
use crate::stack::{Answer, Stack, eventually};

const ADA: &str = "ada@example.com";

async fn with_ada() -> Stack {
    let stack = Stack::behind_proxy().await;
    let home = stack.default_organization().await;
    let link = stack.invite(&home, "member", ADA).await;
    assert_eq!(stack.accept(&link, ADA, PASSWORD).await.status, 201);
    stack
}

/// Tries to sign in from an address.
async fn attempt(browser: &mut Browser<'_>, from: &str, email: &str, password: &str) -> Answer {
    browser.open("/sign-in").await;
    let csrf = browser.csrf().to_owned();
    let form = encoded(&[("csrf", &csrf), ("email", email), ("password", password)]);
    browser.send(Method::POST, "/sign-in", &[("x-forwarded-for", from)], &form).await
}

#[tokio::test]
async fn whoever_guesses_keeps_out_only_those_who_come_from_the_same_place() {
    let stack = with_ada().await;
    let mut eve = stack.visitor();
    for guess in 0..25 {
        let status = attempt(&mut eve, "198.51.100.7", ADA, "guess").await.status;
        assert_eq!(status, if guess < 20 { 422 } else { 429 }, "{guess}");
    }
    for machine in 8..12 {
        assert_eq!(attempt(&mut eve, &format!("198.51.100.{machine}"), ADA, "guess").await.status, 422);
    }
    let mut ada = stack.visitor();
    let signed_in = attempt(&mut ada, "192.0.2.1", ADA, PASSWORD).await;
    assert_eq!(signed_in.status, 303, "{}", signed_in.text());
    ada.take(&signed_in);
    let page = ada.open("/settings").await.text();
    let fields =
        [("csrf", hidden(&page, "csrf")), ("current", PASSWORD.to_owned()), ("new", "correct horse again".to_owned())];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let from_there = [("x-forwarded-for", "198.51.100.7")];
    let changed = ada.send(Method::POST, "/settings/password", &from_there, &encoded(&fields)).await;
    assert_eq!(changed.status, 303, "whoever is signed in is not counted among them");
}

#[tokio::test]
async fn a_member_guesses_their_own_password_no_faster() {
    let stack = with_ada().await;
    let mut ada = stack.visitor();
    let signed_in = attempt(&mut ada, "192.0.2.1", ADA, PASSWORD).await;
    ada.take(&signed_in);
    ada.open("/settings").await;
    for guess in 0..11 {
        let answer = ada.post("/settings/password", &[("current", "guess"), ("new", "correct horse again")]).await;
        assert_eq!(answer.status, if guess < 10 { 422 } else { 429 }, "{guess}");
    }
    let mut elsewhere = stack.visitor();
    let signed_in = attempt(&mut elsewhere, "192.0.2.2", ADA, PASSWORD).await;
    elsewhere.take(&signed_in);
    elsewhere.open("/settings").await;
    let fields = [("current", PASSWORD), ("new", "correct horse again")];
    assert_eq!(
        elsewhere.post("/settings/password", &fields).await.status,
        303,
        "whoever stole a session blocks nobody"
    );
}

#[tokio::test]
async fn whoever_signs_in_anew_leaves_no_session_behind() {
    let stack = with_ada().await;
    let mut ada = stack.visitor();
    let first = attempt(&mut ada, "192.0.2.1", ADA, PASSWORD).await;
    ada.take(&first);
    ada.open("/settings").await;
    let fields = [("email", ADA), ("password", PASSWORD)];
    assert_eq!(ada.post("/sign-in", &fields).await.status, 303);
    assert_eq!(ada.get("/settings").await.header("location"), "/sign-in?next=/settings");
}

#[tokio::test]
async fn strangers_do_not_fill_the_audit_log() {
    let stack = with_ada().await;
    let mut eve = stack.visitor();
    for guess in 0..12 {
        attempt(&mut eve, "198.51.100.7", ADA, "guess").await;
        attempt(&mut eve, "198.51.100.7", &format!("nobody-{guess}@example.com"), "guess").await;
    }
    let rows = async || stack.get("/v1/audit?action=session.refused").await.json()["data"].as_array().unwrap().clone();
    eventually("a row", async || !rows().await.is_empty()).await;
    let metrics = String::from_utf8(stack.get("/metrics").await.bytes).unwrap();
    for series in [r#"account="known"} 12"#, r#"account="unknown"} 12"#] {
        assert!(metrics.contains(&format!("portcullis_sign_ins_refused_total{{{series}")), "{metrics}");
    }
    stack.pass(600);
    attempt(&mut eve, "198.51.100.8", ADA, "guess").await;
    eventually("another row", async || rows().await.len() == 2).await;
    let rows = rows().await;
    let attempts: Vec<_> = rows.iter().map(|row| row["detail"]["attempts"].as_u64()).collect();
    assert_eq!(attempts, [Some(12), Some(1)], "newest first");
    assert!(rows.iter().all(|row| row["target"]["name"] == ADA), "{rows:?}");
}

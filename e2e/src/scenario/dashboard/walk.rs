//! The walk: create a key, copy it, use it through Envoy, restrict it, see the denial explained, revoke it, see the
//! receipt, and find it again by pasting it.
//!
//! What the pages say is held against what Envoy does.

use std::time::Duration;

use anyhow::Context as _;

use super::{Visit, look};
use crate::browser::By;
use crate::http::{Request, Response};
use crate::report::Report;
use crate::stack::Stack;
use crate::wait;

const PATH: &str = "/api/v1/skills";
/// An edge reports once a second or so.
pub(super) const SOON: Duration = Duration::from_secs(15);
/// Not ours: documentation's (RFC 5737).
const ELSEWHERE: &str = "192.0.2.0/24";

pub(super) async fn run(visit: &Visit, stack: &Stack, report: &mut Report) -> anyhow::Result<()> {
    let key = create(visit, report).await?;
    enforced(stack, &key, "200").await?;
    report.check("the copied key works through Envoy", true);
    visit.browser.click(By::Test("to-key")).await?;
    look::at(&visit.browser, "key", report).await?;
    let page = visit.browser.location().await?;
    restrict(visit, report).await?;
    let denied = enforced(stack, &key, "403 ip_not_allowed").await?;
    report.check("restricted, it is denied", true);
    let request = denied.header("x-request-id").context("a denial without a request id")?;
    explained(visit, request, report).await?;
    visit.goto(&page).await?;
    explain(visit, report).await?;
    visit.goto(&page).await?;
    revoke(visit, report).await?;
    enforced(stack, &key, "401 invalid_api_key").await?;
    report.check("revoked, it is a stranger's", true);
    find_again(visit, &key, report).await
}

/// Creates a key in the page; what its copy button copied.
async fn create(visit: &Visit, report: &mut Report) -> anyhow::Result<String> {
    let browser = &visit.browser;
    visit.goto("/keys").await?;
    report.check("a page without keys teaches how to begin", browser.is_shown(By::Test("empty")).await?);
    let shown = visit.create_key("walk").await?;
    look::at(browser, "key-created", report).await?;
    browser.click(By::Test("copy-key-text")).await?;
    let copied = browser.clipboard().await?;
    report.check("the button copies the key that is shown", copied == shown && copied.starts_with("sp_live_"));
    let header = browser.text(By::Test("authorization")).await?;
    report.check("the ready header holds it", header == format!("Authorization: Bearer {copied}"));
    let location = browser.location().await?;
    report.check("no address holds it", !location.contains(&copied));
    Ok(copied)
}

async fn restrict(visit: &Visit, report: &mut Report) -> anyhow::Result<()> {
    let browser = &visit.browser;
    browser.click(By::Test("restrict")).await?;
    browser.click(By::Test("restrict-ip")).await?;
    browser.fill(By::Test("ip-allow"), ELSEWHERE).await?;
    browser.click(By::Test("apply-enforce")).await?;
    look::at(browser, "key-restrict", report).await?;
    browser.click(By::Test("save")).await?;
    receipt(visit, "restricted", report).await
}

/// The denial that a client was given, looked up by its request id.
async fn explained(visit: &Visit, request: &str, report: &mut Report) -> anyhow::Result<()> {
    wait::until("the edge's word of a denial", SOON, async || {
        visit.goto(&format!("/denials/{request}")).await?;
        Ok(visit.browser.is_shown(By::Test("denial")).await?.then_some(()))
    })
    .await?;
    let facts = visit.browser.text(By::Test("denial")).await?;
    report.check("the denial's page tells the request", facts.contains(PATH) && facts.contains("ip_not_allowed"));
    report.check("and explains it", visit.browser.is_shown(By::Test("explanation")).await?);
    let text = visit.browser.page_text().await?;
    report.check("by the check that decided", text.contains("Client address denied: this decided"));
    look::at(&visit.browser, "denial", report).await
}

/// The same, asked before it happens.
async fn explain(visit: &Visit, report: &mut Report) -> anyhow::Result<()> {
    let browser = &visit.browser;
    browser.fill(By::Test("explain-path"), PATH).await?;
    browser.fill(By::Test("explain-address"), "192.0.2.7").await?;
    browser.click(By::Button("Explain")).await?;
    let verdict = browser.text(By::Test("verdict")).await?;
    report.check(format!("explained from the allowed network: {verdict}"), verdict.contains("passes"));
    report.equal("the form keeps what was typed", browser.value(By::Test("explain-path")).await?, PATH.to_owned());
    look::at(browser, "explanation", report).await
}

async fn revoke(visit: &Visit, report: &mut Report) -> anyhow::Result<()> {
    let browser = &visit.browser;
    browser.click(By::Test("revoke")).await?;
    browser.find(By::Test("confirm")).await?;
    look::at(browser, "revoke", report).await?;
    browser.click(By::Test("confirm")).await?;
    receipt(visit, "revoked", report).await?;
    look::at(browser, "key-revoked", report).await
}

/// The receipt follows the edges by itself until it is complete.
pub(super) async fn receipt(visit: &Visit, what: &str, report: &mut Report) -> anyhow::Result<()> {
    let mut text = String::new();
    let complete = wait::until("a complete receipt", SOON, async || {
        text = visit.browser.text(By::Test("receipt-text")).await?;
        Ok(text.starts_with("enforced on 1 of 1 edge").then_some(()))
    })
    .await;
    report.check(format!("{what}: {text}"), complete.is_ok() && text.contains("slowest"));
    Ok(())
}

/// A pasted key is found by its digest, also when it is revoked.
async fn find_again(visit: &Visit, key: &str, report: &mut Report) -> anyhow::Result<()> {
    let browser = &visit.browser;
    browser.click(By::Link("Keys")).await?;
    browser.fill(By::Test("search"), key).await?;
    browser.click(By::Button("Search")).await?;
    browser.find(By::Text("walk")).await?;
    report.check("pasted, it is found", true);
    report.check("and no address holds it", !browser.location().await?.contains(key));
    Ok(())
}

/// Waits until Envoy answers like this.
pub(super) async fn enforced(stack: &Stack, key: &str, gist: &str) -> anyhow::Result<Response> {
    let request = Request::get(PATH).bearer(key);
    wait::until(&format!("Envoy's answer {gist}"), SOON, async || {
        Ok(Some(stack.ask(&request).await?).filter(|answer| answer.gist() == gist))
    })
    .await
}

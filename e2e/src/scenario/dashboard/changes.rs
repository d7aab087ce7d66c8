//! What else changes in the page: a key that is rotated and still used, an organisation that is suspended, a policy with
//! another line.
//!
//! Each is looked at where it is told: the successor's page, the receipt, the lines that differ.

use super::walk::{SOON, receipt};
use super::{Visit, look};
use crate::browser::By;
use crate::http::Request;
use crate::report::Report;
use crate::stack::Stack;
use crate::wait;

const FIRST_LINE: &str = "# systemprompt: scoped platform keys.";
const OTHER_FIRST_LINE: &str =
    "# systemprompt: keys of the platform, each with the scopes that its owner chose for it.";
const RULE: &str = "\n[[rules]]\nmethods = [\"GET\"]\npath = \"/api/v1/archive/**\"\nall = [\"skills:read\"]\n";

pub(super) async fn run(visit: &Visit, stack: &Stack, report: &mut Report) -> anyhow::Result<()> {
    rotated(visit, stack, report).await?;
    suspended(visit, report).await?;
    published(visit, report).await
}

async fn rotated(visit: &Visit, stack: &Stack, report: &mut Report) -> anyhow::Result<()> {
    let browser = &visit.browser;
    let old = Request::get("/api/v1/skills").bearer(&visit.create_key("nightly").await?);
    browser.click(By::Test("to-key")).await?;
    browser.click(By::Test("rotate")).await?;
    browser.click(By::Test("overlap-86400")).await?;
    browser.click(By::Test("confirm")).await?;
    browser.click(By::Test("to-key")).await?;
    let successor = browser.location().await?;
    wait::until("the edge's word of a use of the old key", SOON, async || {
        stack.ask(&old).await?;
        visit.goto(&successor).await?;
        Ok(browser.is_shown(By::Test("still-used")).await?.then_some(()))
    })
    .await?;
    let text = browser.text(By::Test("still-used")).await?;
    report.check(format!("the new key's page tells of the old one: {text}"), text.starts_with("Still used"));
    look::at(browser, "key-successor", report).await
}

async fn suspended(visit: &Visit, report: &mut Report) -> anyhow::Result<()> {
    let browser = &visit.browser;
    visit.goto("/organizations").await?;
    browser.fill(By::Label("Name"), "Northwind").await?;
    browser.click(By::Test("create")).await?;
    browser.click(By::Css("a[href$='/suspend']")).await?;
    browser.click(By::Test("confirm")).await?;
    receipt(visit, "another organisation suspended", report).await?;
    look::at(browser, "organization-suspended", report).await
}

async fn published(visit: &Visit, report: &mut Report) -> anyhow::Result<()> {
    let browser = &visit.browser;
    visit.goto("/policy/edit").await?;
    let text = browser.value(By::Test("policy-toml")).await?;
    let changed = text.replacen(FIRST_LINE, OTHER_FIRST_LINE, 1) + RULE;
    browser.fill(By::Test("policy-toml"), &changed).await?;
    browser.click(By::Test("preview")).await?;
    let lines = browser.text(By::Test("text-difference")).await?;
    report.check("the preview shows the lines that differ", lines.contains("archive") && lines.contains("removed"));
    look::at(browser, "policy-preview", report).await?;
    browser.click(By::Test("publish")).await?;
    receipt(visit, "published", report).await?;
    visit.goto("/policy/versions/2").await?;
    let lines = browser.text(By::Test("text-change")).await?;
    report.check("a version's page shows what changed", lines.contains("archive"));
    look::at(browser, "policy-version-changed", report).await
}

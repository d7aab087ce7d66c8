//! What may be used, in the page: a key's own quota, reached through Envoy and told in the page; a plan, and who has it.

use super::walk::{SOON, enforced, receipt};
use super::{Visit, look};
use crate::browser::By;
use crate::report::Report;
use crate::stack::Stack;
use crate::wait;

pub(super) async fn run(visit: &Visit, stack: &Stack, report: &mut Report) -> anyhow::Result<()> {
    limited(visit, stack, report).await?;
    used(visit, report).await?;
    planned(visit, report).await
}

async fn limited(visit: &Visit, stack: &Stack, report: &mut Report) -> anyhow::Result<()> {
    let browser = &visit.browser;
    let key = visit.create_key("metered").await?;
    browser.click(By::Test("to-key")).await?;
    let page = browser.location().await?;
    browser.click(By::Test("limit")).await?;
    browser.fill(By::Css("#limit"), "3").await?;
    look::at(browser, "key-limits", report).await?;
    browser.click(By::Test("save")).await?;
    receipt(visit, "limited", report).await?;
    enforced(stack, &key, "429 quota_exceeded").await?;
    report.check("a key's own quota ends through Envoy", true);
    wait::until("the page to tell that nothing is left", SOON, async || {
        browser.goto(&page).await?;
        Ok(browser.text(By::Test("remaining")).await?.starts_with('0').then_some(()))
    })
    .await?;
    report.check("and its page tells that nothing is left", true);
    look::at(browser, "key-limited", report).await
}

async fn used(visit: &Visit, report: &mut Report) -> anyhow::Result<()> {
    wait::until("the edge's word of usage", SOON, async || {
        visit.goto("/usage").await?;
        Ok(visit.browser.page_text().await?.contains("metered").then_some(()))
    })
    .await?;
    report.check("the page of usage tells which keys are used", true);
    look::at(&visit.browser, "usage", report).await
}

async fn planned(visit: &Visit, report: &mut Report) -> anyhow::Result<()> {
    let browser = &visit.browser;
    visit.goto("/plans").await?;
    browser.fill(By::Css("#name"), "team").await?;
    browser.fill(By::Css("#limit"), "1000").await?;
    browser.click(By::Test("create")).await?;
    look::at(browser, "plans", report).await?;
    visit.goto("/plans/team").await?;
    look::at(browser, "plan", report).await?;
    visit.goto("/organizations").await?;
    browser.click(By::Css("a[href^='/organizations/org_']")).await?;
    browser.fill(By::Css("#plan"), "team").await?;
    browser.click(By::Test("save-plan")).await?;
    browser.fill(By::Css("#tokens"), "500").await?;
    look::at(browser, "organization-plan", report).await?;
    report.check("an organisation's page offers a plan and a top-up", browser.is_shown(By::Test("top-up")).await?);
    Ok(())
}

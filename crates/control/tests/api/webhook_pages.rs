//! Webhooks in the page: made with a secret that is shown once, tried out, changed, stopped.

use super::account_pages::has;
use super::browser::shown;
use crate::stack::{Stack, eventually};

const PRESS: &[(&str, &str)] = &[];

#[tokio::test]
async fn an_admin_makes_tries_changes_and_removes_a_webhook() {
    let stack = Stack::start().await;
    let acme = stack.organization("acme").await;
    let ada = stack.browser(&acme, "admin").await;
    let page = ada.get("/webhooks").await;
    has(&page, 200, &["None yet.", "quota.threshold", "href=\"/webhooks\" aria-current=\"page\""]);
    assert!(!page.text().contains("quota.threshold.all"), "that is the operator's");
    let wrong = ada.post("/webhooks", &[("url", "https://a:b@a.example"), ("events", "quota.threshold")]).await;
    has(&wrong, 422, &["url-problem", "no user name and no password", "value=\"https://a:b@a.example\""]);
    has(&ada.post("/webhooks", &[("url", "https://a.example")]).await, 422, &["events-problem"]);
    let made = ada.post("/webhooks", &[("url", "http://127.0.0.1:9/x"), ("events", "quota.threshold")]).await;
    has(&made, 200, &["Copy the secret now.", "http://127.0.0.1:9/x"]);
    let secret = shown(&made.text(), "webhook-secret");
    assert!(secret.starts_with("whsec_"), "{secret}");
    let listed = ada.get("/webhooks").await;
    assert!(!listed.text().contains(&secret), "it is shown once");
    let here = format!("/webhooks/{}", shown(&listed.text(), "webhook-id"));
    has(&ada.get(&here).await, 200, &["Send a test message to see one arrive.", "Enabled"]);

    has(&ada.go(&format!("{here}/test"), PRESS).await, 200, &["A test message is on its way.", "webhook.test"]);
    eventually("an attempt", async || ada.get(&here).await.text().contains("Failing")).await;
    has(&ada.get(&here).await, 200, &["No connection: ", "next attempt"]);
    let saved = [("url", "http://127.0.0.1:9/y"), ("events", "quota.threshold")];
    has(&ada.go(&here, &saved).await, 200, &["The webhook was changed.", "value=\"http://127.0.0.1:9/y\""]);
    has(&ada.post(&here, &[("url", "x"), ("events", "quota.threshold")]).await, 422, &["url-problem"]);
    has(&ada.go(&format!("{here}/disable"), PRESS).await, 200, &["The webhook is disabled.", "Disabled", "/enable"]);
    has(&ada.go(&format!("{here}/enable"), PRESS).await, 200, &["The webhook is enabled.", "/disable"]);
    has(&ada.get(&format!("{here}/remove")).await, 200, &["Remove this webhook?", "http://127.0.0.1:9/y"]);
    has(&ada.go(&format!("{here}/remove"), PRESS).await, 200, &["The webhook is removed.", "None yet."]);
    has(&ada.get(&here).await, 404, &["There is no such webhook"]);
    let log = ada.get("/audit").await;
    for action in ["webhook.created", "webhook.tested", "webhook.updated", "webhook.deleted"] {
        has(&log, 200, &[action]);
    }
    let owner = stack.browser(&stack.default_organization().await, "owner").await;
    has(&owner.get("/webhooks").await, 200, &["quota.threshold.all"]);
}

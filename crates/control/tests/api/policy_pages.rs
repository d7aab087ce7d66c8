//! The policy in the page: looked at, checked, published on top of what was seen, gone back on.

use super::account_pages::has;
use super::browser::{Browser, hidden};
use crate::stack::Stack;

async fn policy(browser: &Browser<'_>) -> String {
    let page = browser.get("/policy/edit").await.text();
    let text = page.split("data-test=\"policy-toml\"").nth(1).unwrap();
    let (_, text) = text.split_once(">\n").unwrap();
    let text = text.split("</textarea>").next().unwrap();
    text.replace("&#34;", "\"").replace("&#39;", "'").replace("&#60;", "<").replace("&#62;", ">").replace("&#38;", "&")
}

#[tokio::test]
async fn a_policy_is_published_after_its_difference_was_shown() {
    let stack = Stack::start().await;
    let home = stack.default_organization().await;
    let (owner, viewer) = (stack.browser(&home, "owner").await, stack.browser(&home, "viewer").await);
    let till = stack.key("till").await["id"].as_str().unwrap().to_owned();
    has(&owner.get("/policy").await, 200, &["refunds:write", "Version 1", "from a file", "/policy/edit"]);
    assert!(!viewer.get("/policy").await.text().contains("/policy/edit"));

    let text = policy(&owner).await;
    let wrong = text.replace("access = \"public\"", "acess = \"public\"");
    let refused = owner.post("/policy/preview", &[("toml", &wrong), ("base_version", "1")]).await;
    has(&refused, 422, &["It cannot be published", "Line ", "class=\"marked\""]);
    assert!(!refused.text().contains("/policy/publish"));
    has(&owner.post("/policy/publish", &[("toml", &wrong), ("base_version", "1")]).await, 422, &["Line "]);

    // Browsers end lines with both.
    let closed = text.replace("{ path = \"/v1/**\" }", "{ path = \"/v1/**\", all = [\"payouts:read\"] }");
    let sent = closed.replace('\n', "\r\n");
    let preview = owner.post("/policy/preview", &[("toml", &sent), ("base_version", "1"), ("note", "close it")]).await;
    has(&preview, 200, &["1 key loses access to", &format!("/keys/{till}"), "close it", "/policy/publish"]);
    has(
        &preview,
        200,
        &["What changes in the text", "1 line added, 1 removed", "removed: </span>", "payouts:read&#34;] }"],
    );
    has(&owner.get("/policy").await, 200, &["Version 1,"]);
    assert_eq!(hidden(&preview.text(), "base_version"), "1");

    let fields = [("toml", sent.as_str()), ("base_version", "1"), ("note", "close it")];
    let published = owner.go("/policy/publish", &fields).await;
    has(&published, 200, &["The policy was published.", "Version 2,", "close it", "no edge has reported"]);
    assert_eq!(stack.get("/v1/policy").await.json()["toml"], closed);

    // Somebody else's form, filled in before.
    let late = owner.post("/policy/publish", &[("toml", &text), ("base_version", "1")]).await;
    has(&late, 409, &["Version 2 of the policy is in force, not 1", "1 key gains access"]);
    assert_eq!(hidden(&late.text(), "base_version"), "2", "it is shown again on top of that");
    for base in ["", "nonsense"] {
        assert_eq!(owner.post("/policy/publish", &[("toml", &text), ("base_version", base)]).await.status, 409);
    }
    let secret = [("toml", text.as_str()), ("base_version", "2"), ("note", "sk_live_0123456789abcdefghijklmn")];
    let refused = owner.post("/policy/publish", &secret).await;
    has(&refused, 422, &["looks like a key"]);
    assert!(!refused.text().contains("sk_live_0123"));
}

#[tokio::test]
async fn an_older_version_comes_back_as_a_new_one() {
    let stack = Stack::start().await;
    let home = stack.default_organization().await;
    let owner = stack.browser(&home, "owner").await;
    stack.key("till").await;
    let text = policy(&owner).await;
    let closed = text.replace("{ path = \"/v1/**\" }", "{ path = \"/v1/**\", all = [\"payouts:read\"] }");
    owner.go("/policy/publish", &[("toml", &closed), ("base_version", "1")]).await;
    has(
        &owner.get("/policy/versions/1").await,
        200,
        &["Version 1", "1 key gains access", "/policy/versions/1/restore"],
    );
    has(&owner.get("/policy/versions/1").await, 200, &["From version 2, which is in force, to this one"]);
    assert!(!owner.get("/policy/versions/1").await.text().contains("What changed since"), "it is the first");
    has(&owner.get("/policy/versions/2").await, 200, &["What changed since version 1", "1 line added, 1 removed"]);
    assert!(!owner.get("/policy/versions/2").await.text().contains("/restore"), "it is in force");
    let question = owner.get("/policy/versions/1/restore").await;
    has(&question, 200, &["Restore version 1 of the policy?", "1 key gains access", "becomes version 3"]);
    let base = hidden(&question.text(), "base_version");
    let restored = owner.go("/policy/versions/1/restore", &[("base_version", &base)]).await;
    has(&restored, 200, &["Version 3,", "restored from version 1", "in force again"]);
    has(&owner.post("/policy/versions/2/restore", &[("base_version", &base)]).await, 409, &["Version 3 of the policy"]);
    has(&owner.get("/policy/versions/9").await, 404, &["There is nothing here"]);
    let elsewhere = stack.browser(&stack.organization("other").await, "owner").await;
    let page = elsewhere.get("/policy").await;
    has(&page, 200, &["refunds:write"]);
    assert!(!page.text().contains("@example.com</small>") && !page.text().contains("version-row"), "not who published");
}

#[tokio::test]
async fn a_key_pasted_into_the_policy_is_neither_stored_nor_shown_again() {
    let stack = Stack::start().await;
    let owner = stack.browser(&stack.default_organization().await, "owner").await;
    let key = stack.key("till").await["key"].as_str().unwrap().to_owned();
    let text = format!("{}# the till has {key}\n", policy(&owner).await);
    let line = format!("Line {}", text.lines().count());
    for path in ["/policy/preview", "/policy/publish"] {
        let page = owner.post(path, &[("toml", &text), ("base_version", "1")]).await;
        has(&page, 422, &[&line, "A whole key with the prefix", "sk_live_********"]);
        assert!(!page.text().contains(&key) && !page.text().contains("/policy/publish\""), "{path}");
    }
    assert_eq!(stack.get("/v1/policy").await.json()["version"], 1);
}

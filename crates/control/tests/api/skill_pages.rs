//! Skills in the page: made, filled with secrets, given to keys, published, installed, upgraded, deleted.

use super::account_pages::has;
use super::browser::{hidden, shown};
use super::vault::{VALUE, Vault};

const PRESS: &[(&str, &str)] = &[];

#[tokio::test]
async fn a_skill_is_made_filled_given_to_a_key_and_deleted() {
    let vault = Vault::open().await;
    let ada = vault.stack.signed_in(&vault.acme, &vault.ada).await;
    has(&ada.get("/skills").await, 200, &["No skills yet", "href=\"/skills\" aria-current=\"page\""]);
    has(&ada.get("/skills/new").await, 200, &["<code>weather</code>, <code>crm</code>"]);
    for (name, services, field, words) in [
        ("report", "weather: a\n\nmail: b", "services", "Line 3: the policy has no such service"),
        ("report", "weather: a\ncrm: B-1", "services", "Line 2: expected 1 to 64"),
        ("report", "weather\nweather: a", "services", "The service <code>weather</code> is there twice"),
        ("Report", "weather: a", "name", "Expected 1 to 64"),
    ] {
        let page = ada.post("/skills/new", &[("name", name), ("services", services), ("description", "d")]).await;
        let typed = [format!("value=\"{name}\""), format!("{services}</textarea>"), format!("{field}-problem")];
        has(&page, 422, &[words, &typed[0], &typed[1], &typed[2], "value=\"d\""]);
    }
    let fields = [("name", "report"), ("services", "weather: weather_api_key, other\n"), ("description", "d")];
    let page = ada.go("/skills/new", &fields).await;
    has(&page, 200, &["The skill was created.", "Missing", "/secrets/new?name=weather_api_key\"", "Yours"]);
    let here = format!("/skills/{}", shown(&page.text(), "skill-id"));
    has(&ada.get("/skills").await, 200, &["report", "Secrets missing"]);
    vault.secret(&vault.ada.token, "weather_api_key", false).await;
    vault.secret(&vault.admin.token, "other", true).await;
    has(&ada.get(&here).await, 200, &["weather_api_key</code></a>", "The team&#39;s", "None. Choose the skill"]);

    let etag = hidden(&ada.get(&here).await.text(), "etag");
    let fields = [("etag", &*etag), ("services", "weather: other\ncrm"), ("description", "e")];
    let page = ada.go(&here, &fields).await;
    has(&page, 200, &["The skill was changed.", "crm\nweather: other</textarea>", "<dd>2</dd>"]);
    assert_eq!(ada.post(&here, &fields).await.status, 412, "the form was filled in for an older version");
    let page = ada.post(&here, &[("services", "mail"), ("description", "f")]).await;
    has(&page, 422, &["Line 1: the policy has no such service", "mail</textarea>", "value=\"f\""]);

    let id = here.strip_prefix("/skills/").unwrap();
    let chosen = format!("<option value=\"{id}\" selected>report (yours)</option>");
    has(&ada.get(&format!("/keys/new?skill={id}")).await, 200, &[&chosen]);
    let made = ada.post("/keys/new", &[("name", "till"), ("environment", "live"), ("skill", id)]).await;
    has(&made, 200, &["sk_live_"]);
    let key = made.text().split("/keys/key_").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let key = format!("/keys/key_{key}");
    has(&ada.get(&key).await, 200, &[&format!("<a href=\"{here}\">report</a>")]);
    has(&ada.get(&here).await, 200, &[&format!("<a href=\"{key}\" data-test=\"key-of-skill\">till</a>")]);
    has(&ada.get(&format!("{key}/details")).await, 200, &[&chosen]);
    let bob = vault.stack.signed_in(&vault.acme, &vault.bob).await;
    has(&bob.get(&key).await, 200, &["somebody's own"]);
    has(&bob.get(&here).await, 404, &["There is no such skill"]);

    let asked = ada.get(&format!("{here}/delete")).await;
    has(&asked, 200, &["Delete the skill report?", "The key till loses it", "name=\"force\" value=\"true\""]);
    has(&ada.post(&format!("{here}/delete"), PRESS).await, 409, &["The key till loses it"]);
    let none = ada.go(&format!("{key}/details"), &[("name", "till"), ("skill", "")]).await;
    has(&none, 200, &["The key was changed."]);
    has(&ada.get(&format!("{here}/delete")).await, 200, &["No key belongs to it."]);
    has(&ada.go(&format!("{here}/delete"), PRESS).await, 200, &["The skill is deleted.", "No skills yet"]);
}

#[tokio::test]
async fn a_skill_is_published_installed_upgraded_and_taken_back() {
    let vault = Vault::open().await;
    let id = vault.skill(&vault.admin.token, "report", true, &["weather_api_key"]).await;
    vault.secret(&vault.admin.token, "weather_api_key", true).await;
    let admin = vault.stack.signed_in(&vault.acme, &vault.admin).await;
    let here = format!("/skills/{id}");
    let other = vault.get(&vault.stranger.token, "/v1/skills").await;
    assert_eq!(other["data"], serde_json::json!([]));
    let organization = vault.stack.organization("third").await;
    let stranger = vault.stack.browser(&organization, "owner").await;
    has(&stranger.get("/skills/published").await, 200, &["Nobody has published a skill"]);
    has(&stranger.get(&format!("/skills/published/{id}")).await, 404, &["There is no such published skill"]);
    has(&admin.go(&format!("{here}/publish"), PRESS).await, 200, &["The skill is published.", "1, published: 1"]);

    has(&stranger.get("/skills/published").await, 200, &["report", "acme", "weather_api_key"]);
    let form = stranger.get(&format!("/skills/published/{id}")).await;
    has(&form, 200, &["Install report", "published by acme", "weather_api_key", "value=\"report\""]);
    let install = format!("/skills/published/{id}");
    has(&stranger.post(&install, &[("name", "Bad Name")]).await, 422, &["name-problem", "value=\"Bad Name\""]);
    let page = stranger.go(&install, &[("name", "ours"), ("whose", "team")]).await;
    let enter = "/secrets/new?name=weather_api_key&#38;team=true";
    has(&page, 200, &["The skill is installed.", "Missing", enter, "its publisher's: they change when you upgrade"]);
    assert!(!page.text().contains(VALUE) && !page.text().contains("/secrets/sec_"), "none of its publisher's");
    let theirs = format!("/skills/{}", shown(&page.text(), "skill-id"));

    let fields = [("description", ""), ("services", "weather: weather_api_key, region")];
    has(&admin.go(&here, &fields).await, 200, &["Publish version 2"]);
    assert!(!stranger.get(&theirs).await.text().contains("data-test=\"newer\""), "it is not published yet");
    admin.go(&format!("{here}/publish"), PRESS).await;
    has(&stranger.get(&theirs).await, 200, &["Its publisher has version 2", "Upgrade to version 2"]);
    has(&stranger.go(&format!("{theirs}/upgrade"), PRESS).await, 200, &["The skill was upgraded.", "region"]);
    has(&stranger.go(&theirs, &[("description", "mine")]).await, 200, &["The skill was changed.", "mine"]);
    has(&admin.go(&format!("{here}/unpublish"), PRESS).await, 200, &["The skill is no longer published."]);
    has(&stranger.get(&theirs).await, 200, &["ours", "region"]);
    has(&stranger.get("/skills/published").await, 200, &["Nobody has published a skill"]);
}

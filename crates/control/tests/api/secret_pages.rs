//! Secrets in the page: entered, replaced and deleted, and nothing of a value in any answer.

use super::account_pages::has;
use super::browser::shown;
use super::vault::{VALUE, Vault, id_of, private, sealed};
use crate::stack::{Answer, eventually};

/// None of these texts is in the page.
fn lacks(page: &Answer, texts: &[&str]) {
    let html = page.text();
    for text in texts {
        assert!(!html.contains(text), "`{text}` in {html}");
    }
}

#[tokio::test]
async fn a_secret_is_entered_replaced_described_and_deleted() {
    let vault = Vault::open().await;
    let ada = vault.stack.signed_in(&vault.acme, &vault.ada).await;
    has(&ada.get("/secrets").await, 200, &["No secrets yet", "href=\"/secrets\" aria-current=\"page\""]);
    let one = private(1).public();
    let form = ada.get("/secrets/new?name=weather_api_key").await;
    let keys = format!("data-seal=\"{}:{one}\"", one.name());
    has(&form, 200, &["value=\"weather_api_key\"", "type=\"password\"", &keys, "/assets/seal.js?v=", "It is yours"]);
    lacks(&ada.get(&format!("/secrets/new?name={}", VALUE.replace(' ', "+"))).await, &[VALUE]);

    let fields = [("name", "weather_api_key"), ("value", VALUE), ("description", "for the weather")];
    let page = ada.go("/secrets/new", &fields).await;
    has(&page, 200, &["The secret was entered.", "for the weather", "Yours", "Once", "A skill that refers to"]);
    lacks(&page, &[VALUE]);
    let id = shown(&page.text(), "secret-id");
    let here = format!("/secrets/{id}");
    assert_eq!(vault.opened(&id, &private(1)).await.as_deref(), Some(VALUE));

    let page = ada.go(&format!("{here}/value"), &[("value", "battery staple")]).await;
    has(&page, 200, &["The secret has its new value.", "2 times"]);
    lacks(&page, &[VALUE, "battery staple"]);
    assert_eq!(vault.opened(&id, &private(1)).await.as_deref(), Some("battery staple"));
    has(&ada.go(&here, &[("description", "renewed")]).await, 200, &["The description was changed.", "renewed"]);
    has(&ada.get("/secrets?unused=true").await, 200, &["weather_api_key", "No skill"]);

    let skill = vault.skill(&vault.ada.token, "report", false, &["weather_api_key"]).await;
    has(&ada.get(&here).await, 200, &[&format!("/skills/{skill}"), "report"]);
    let asked = ada.get(&format!("{here}/delete")).await;
    has(
        &asked,
        200,
        &["Delete the secret weather_api_key?", "The skill report uses it", "name=\"force\" value=\"true\""],
    );
    has(&ada.post(&format!("{here}/delete"), &[]).await, 409, &["The skill report uses it", "name=\"force\""]);
    let gone = ada.go(&format!("{here}/delete"), &[("force", "true")]).await;
    has(&gone, 200, &["The secret is deleted.", "No secrets yet"]);
    has(&ada.get(&here).await, 404, &["There is no such secret"]);
}

#[tokio::test]
async fn a_form_that_fails_keeps_everything_but_the_value() {
    let vault = Vault::open().await;
    let id = vault.secret(&vault.ada.token, "taken", false).await;
    let ada = vault.stack.signed_in(&vault.acme, &vault.ada).await;
    let stale = sealed(&[&private(9)], VALUE).to_string();
    let said = format!("it is {VALUE}");
    for (name, description, value, sealed, field, words) in [
        ("taken", "for x", VALUE, "", "name", "There is a secret of that name"),
        ("Upper", "for x", VALUE, "", "name", "Expected 1 to 64 lower-case letters"),
        ("fine", &"x".repeat(301), VALUE, "", "description", "Expected at most 300 characters"),
        ("fine", &said, VALUE, "", "description", "The value is in the description"),
        ("fine", "for x", "sh0rt", "", "value", "Expected 8 to 4096 bytes"),
        ("fine", "for x", "", "", "value", "Expected 8 to 4096 bytes"),
        ("fine", "for x", VALUE, &stale, "value", "and not both"),
        ("fine", "for x", "", &stale, "value", "The edges have other keys by now"),
        ("fine", "for x", "", "{", "value", "The edges have other keys by now"),
        ("fine", "for x", "", VALUE, "value", "The edges have other keys by now"),
    ] {
        let fields = [("name", name), ("description", description), ("value", value), ("sealed", sealed)];
        let page = ada.post("/secrets/new", &fields).await;
        has(&page, 422, &[&format!("id=\"{field}-problem\""), words, &format!("value=\"{name}\"")]);
        lacks(&page, &[VALUE, "sh0rt", &stale]);
        assert!(description == said || page.text().contains(&format!("value=\"{description}\"")), "{description}");
    }
    for (path, fields, words) in [
        ("/value", [("value", "sh0rt")], "Expected 8 to 4096 bytes"),
        ("/value", [("value", "aaaaaaaa\nb")], "without control characters"),
        ("/value", [("sealed", &*stale)], "The edges have other keys by now"),
        ("", [("description", &"x".repeat(301))], "Expected at most 300 characters"),
    ] {
        let page = ada.post(&format!("/secrets/{id}{path}"), &fields).await;
        has(&page, 422, &[words, "-problem\""]);
        lacks(&page, &["sh0rt", "aaaaaaaa", &stale]);
    }
    let log = vault.noted("secret").await;
    assert_eq!(log.len(), 1, "only the first was made: {log:?}");
}

#[tokio::test]
async fn what_a_browser_sealed_is_stored_as_it_came() {
    let vault = Vault::open().await;
    let admin = vault.stack.signed_in(&vault.acme, &vault.admin).await;
    let boxes = sealed(&[&private(1)], VALUE).to_string();
    let fields = [("name", "crm_token"), ("description", ""), ("whose", "team"), ("sealed", &*boxes)];
    let page = admin.go("/secrets/new", &fields).await;
    has(&page, 200, &["The team&#39;s", "The secret was entered.", "/audit?target=sec_", "secret.created"]);
    let id = shown(&page.text(), "secret-id");
    assert_eq!(vault.opened(&id, &private(1)).await.as_deref(), Some(VALUE));
    let other = sealed(&[&private(1)], "battery staple").to_string();
    has(&admin.go(&format!("/secrets/{id}/value"), &[("sealed", &*other)]).await, 200, &["2 times"]);
    assert_eq!(vault.opened(&id, &private(1)).await.as_deref(), Some("battery staple"));
}

#[tokio::test]
async fn others_see_what_they_may_and_change_nothing() {
    let vault = Vault::open().await;
    let own = vault.secret(&vault.ada.token, "mine", false).await;
    let team = vault.secret(&vault.admin.token, "ours", true).await;
    let bob = vault.stack.signed_in(&vault.acme, &vault.bob).await;
    let admin = vault.stack.signed_in(&vault.acme, &vault.admin).await;
    let viewer = vault.stack.signed_in(&vault.acme, &vault.viewer).await;
    let stranger = vault.stack.visitor();
    assert_eq!(stranger.get(&format!("/secrets/{team}")).await.status, 303);
    for browser in [&bob, &viewer] {
        let listed = browser.get("/secrets").await;
        has(&listed, 200, &["ours"]);
        lacks(&listed, &["mine"]);
        has(&browser.get(&format!("/secrets/{own}")).await, 404, &["There is no such secret"]);
        lacks(&browser.get(&format!("/secrets/{team}")).await, &["/value\"", "/delete\""]);
        assert_eq!(browser.post(&format!("/secrets/{team}/value"), &[("value", VALUE)]).await.status, 403);
    }
    lacks(&viewer.get("/secrets").await, &["/secrets/new"]);
    has(&admin.get("/secrets").await, 200, &["ours", "mine", &vault.ada.email]);
    let page = admin.get(&format!("/secrets/{own}")).await;
    has(&page, 200, &[&vault.ada.email, "/delete\""]);
    lacks(&page, &["/value\""]);
    assert_eq!(admin.post(&format!("/secrets/{own}/value"), &[("value", VALUE)]).await.status, 403);
    has(&admin.go(&format!("/secrets/{own}/delete"), &[]).await, 200, &["The secret is deleted."]);
}

#[tokio::test]
async fn the_operator_adds_and_removes_keys_and_sees_what_has_to_be_entered_again() {
    let vault = Vault::without_key().await;
    let admin = vault.stack.signed_in(&vault.acme, &vault.admin).await;
    has(&admin.get("/secrets/new").await, 200, &["There is nothing to seal a value to yet"]);
    assert_eq!(admin.post("/secrets/new", &[("name", "x"), ("value", VALUE)]).await.status, 409);
    let owner = vault.stack.browser(&vault.stack.default_organization().await, "owner").await;
    has(&owner.get("/edges").await, 200, &["portcullis edge-keys generate", "no secret can be entered yet"]);
    let (one, two) = (private(1), private(2));
    for (text, words) in [("x", "Expected an X25519 public key"), (&*"0".repeat(64), "anybody could open")] {
        let page = owner.post("/edges/keys", &[("public_key", text), ("description", "Frankfurt")]).await;
        has(&page, 422, &["public_key-problem", words, "value=\"Frankfurt\""]);
        lacks(&page, &[&"0".repeat(64)]);
    }
    let public = one.public().to_string();
    let fields = [("public_key", &*public), ("description", "Frankfurt")];
    has(&owner.go("/edges/keys", &fields).await, 200, &["The public key was added.", "Frankfurt", &public]);
    let team = vault.secret(&vault.admin.token, "ours", true).await;
    has(&owner.go("/secrets/new", &[("name", "own"), ("value", VALUE)]).await, 200, &["The secret was entered."]);
    has(&owner.go("/edges/keys", &[("public_key", &two.public().to_string())]).await, 200, &["1 secret<"]);

    let unsealed = format!("/secrets?unsealed={}", id_of(&two));
    has(&admin.get("/secrets").await, 200, &["Enter it again"]);
    has(&admin.get(&unsealed).await, 200, &["ours", &id_of(&two)]);
    has(&admin.get(&format!("/secrets/{team}")).await, 200, &["Some edges cannot use it", &id_of(&two)]);
    let remove = format!("/edges/keys/{}/remove", id_of(&one));
    has(&owner.get(&remove).await, 200, &["2 secrets are sealed to this key alone", "name=\"secrets\" value=\"2\""]);
    has(&owner.post(&remove, &[]).await, 409, &["2 secrets are sealed to this key alone"]);
    let again = admin.go(&format!("/secrets/{team}/value"), &[("value", VALUE)]).await;
    lacks(&again, &["Some edges cannot use it"]);
    has(&owner.get(&remove).await, 200, &["One secret is sealed to this key alone", "name=\"secrets\" value=\"1\""]);
    has(&owner.go(&remove, &[("secrets", "1"), ("edges", "0")]).await, 200, &["The public key is removed."]);
    eventually("the end of its boxes", async || vault.opened(&team, &one).await.is_none()).await;
    assert_eq!(vault.opened(&team, &two).await.as_deref(), Some(VALUE));
}

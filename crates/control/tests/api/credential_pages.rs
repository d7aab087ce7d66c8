//! Credentials and signing keys in the page.

use super::browser::hidden;
use super::minting::minting;
use crate::stack::eventually;

const PRESS: &[(&str, &str)] = &[];

#[tokio::test]
async fn a_credential_is_made_in_the_page_and_its_secret_is_shown_once() {
    let stack = minting().await;
    let home = stack.default_organization().await;
    let browser = stack.browser(&home, "owner").await;
    let form = browser.get("/keys/new").await.text();
    let once = hidden(&form, "idempotency_key");
    assert!(form.contains("kind-credential") && form.contains("kind-api_key"), "{form}");
    let fields = [("kind", "credential"), ("name", "till"), ("environment", "test"), ("idempotency_key", &once)];
    let made = browser.post("/keys/new", &fields).await.text();
    let secret = format!("secret_{}", made.split("secret_").nth(1).unwrap().split('<').next().unwrap());
    let id = format!("key_{}", made.split("/keys/key_").nth(1).unwrap().split('"').next().unwrap());
    for line in [format!("SCOPE_API_API_SECRET={secret}"), format!("SCOPE_API_API_KEY={id}")] {
        assert!(made.contains(&line), "no `{line}` in {made}");
    }
    let page = browser.get(&format!("/keys/{id}")).await.text();
    assert!(page.contains("Credential") && page.contains(&home) && page.contains(&id), "{page}");
    let again = browser.post("/keys/new", &fields).await;
    assert_eq!(again.status, 303, "made once, however often the form is sent");
    for shown in [&page, &browser.get("/keys").await.text(), &again.text()] {
        assert!(!shown.contains("secret_"), "{shown}");
    }
    let rotated = browser.post(&format!("/keys/{id}/rotate"), &[("overlap", "3600")]).await.text();
    assert!(rotated.contains("secret_") && !rotated.contains(&secret));
}

#[tokio::test]
async fn the_operator_replaces_and_revokes_signing_keys_in_the_page() {
    let stack = minting().await;
    let home = stack.default_organization().await;
    let browser = stack.browser(&home, "owner").await;
    let kid = stack.get("/v1/signing-keys").await.json()["data"][0]["kid"].as_str().unwrap().to_owned();
    assert!(browser.get("/signing-keys").await.text().contains(&kid));
    stack.pass(1);
    let rotated = browser.go("/signing-keys/rotate", PRESS).await.text();
    assert!(rotated.contains("Another signing key was made."), "{rotated}");
    let refused = browser.post("/signing-keys/rotate", PRESS).await;
    assert!(refused.status == 422 && refused.text().contains("is there already"), "{}", refused.text());
    assert!(browser.get(&format!("/signing-keys/{kid}/revoke")).await.text().contains("It cannot be undone."));
    browser.go(&format!("/signing-keys/{kid}/revoke"), PRESS).await;
    eventually("another signs", async || {
        let keys = stack.get("/v1/signing-keys").await.json();
        let state = |kid: &str| {
            keys["data"].as_array().unwrap().iter().find(|it| it["kid"] == kid).map(|it| it["state"].clone())
        };
        state(&kid).is_some_and(|it| it == "revoked") && keys["data"][0]["state"] == "active"
    })
    .await;
}

//! Which edges have which private key, as they tell: who sees it, and what does not go because of it.

use serde_json::{Value, json};

use super::account_pages::has;
use super::vault::{VALUE, Vault, id_of, private, refused, sealed, text};

/// Has a VM report that it has the keys of these seeds; `None` = it does not tell.
async fn report(vault: &Vault, edge: &str, vm: &str, seeds: Option<&[u8]>) {
    let mut report = json!({ "edge": edge, "vm": vm, "boot": "b", "seq": vault.stack.now(), "applied_version": 1 });
    if let Some(seeds) = seeds {
        report["edge_keys"] = json!(ids(seeds));
    }
    assert_eq!(vault.stack.report(report).await.status, 204);
}

fn ids(seeds: &[u8]) -> Vec<String> {
    let mut ids: Vec<_> = seeds.iter().map(|seed| id_of(&private(*seed))).collect();
    ids.sort();
    ids
}

/// What is listed of who has which key.
async fn holders(vault: &Vault, token: &str) -> Vec<Value> {
    let listed = vault.get(token, "/v1/edge-keys").await;
    listed["data"].as_array().unwrap().iter().map(|it| it["edges"].clone()).collect()
}

fn held(holding: u64, reporting: u64) -> Value {
    json!({ "holding": holding, "reporting": reporting })
}

#[tokio::test]
async fn the_operator_sees_which_edges_have_which_keys() {
    let vault = Vault::open().await;
    vault.edge_key(2).await;
    let root = &*vault.stack.admin;
    assert_eq!(holders(&vault, root).await, [held(0, 0), held(0, 0)]);
    for (edge, vm, seeds) in [
        ("edge-1", "a", Some(&[1, 2][..])),
        ("edge-1", "b", Some(&[9, 2])),
        ("edge-2", "a", Some(&[1])),
        ("edge-3", "a", Some(&[])),
        ("plain", "a", None),
    ] {
        report(&vault, edge, vm, seeds).await;
    }
    assert_eq!(holders(&vault, root).await, [held(1, 3), held(1, 3)], "an edge has what all of it has");
    let operator = vault.stack.person(&vault.stack.default_organization().await, "member").await;
    assert_eq!(holders(&vault, &operator.token).await, [held(1, 3), held(1, 3)]);
    for token in [&vault.ada.token, &vault.admin.token, &vault.service] {
        assert_eq!(
            holders(&vault, token).await,
            [Value::Null, Value::Null],
            "how many edges there are is the operator's"
        );
    }
    let edges = vault.get(root, "/v1/edges").await["data"].clone();
    for (index, of_edge, of_vms) in [
        (0, json!(ids(&[2])), json!([ids(&[1, 2]), ids(&[2, 9])])),
        (1, json!(ids(&[1])), json!([ids(&[1])])),
        (2, json!([]), json!([[]])),
        (3, Value::Null, json!([null])),
    ] {
        let vms: Vec<_> = edges[index]["vms"].as_array().unwrap().iter().map(|it| it["edge_keys"].clone()).collect();
        assert_eq!((&edges[index]["edge_keys"], json!(vms)), (&of_edge, of_vms), "{}", edges[index]["edge"]);
    }
    // Who fell silent counts no more; a part that did does not speak for its edge.
    vault.stack.pass(61);
    report(&vault, "edge-1", "a", Some(&[1, 2])).await;
    assert_eq!(holders(&vault, root).await, [held(1, 1), held(1, 1)]);
    let edges = vault.get(root, "/v1/edges").await["data"].clone();
    assert_eq!((&edges[0]["edge_keys"], &edges[1]["edge_keys"]), (&json!(ids(&[1, 2])), &json!(ids(&[1]))));
}

#[tokio::test]
async fn what_an_edge_tells_of_its_keys_is_kept_if_it_can_be_names_of_keys() {
    let vault = Vault::open().await;
    let named = |number: u64| json!(format!("{number:016x}"));
    let many: Vec<_> = (0..99).map(named).collect();
    for (seq, told, expected) in [
        (
            1,
            json!(["x", "", "<b>", "0".repeat(64), "private_00112233", "8520F0098930A754", "8520f0098930a754"]),
            json!(["8520f0098930a754"]),
        ),
        (2, json!(many), json!(many.get(..16))),
        (3, json!(null), json!(null)),
    ] {
        let told = json!({ "edge": "e", "vm": "1", "boot": "b", "seq": seq, "applied_version": 1, "edge_keys": told });
        assert_eq!(vault.stack.report(told.clone()).await.status, 204, "{told}");
        assert_eq!(vault.get(&vault.stack.admin, "/v1/edges").await["data"][0]["edge_keys"], expected, "{told}");
    }
}

#[tokio::test]
async fn a_key_that_edges_have_alone_goes_only_if_that_is_said() {
    let vault = Vault::open().await;
    let (one, two) = (private(1), vault.edge_key(2).await);
    let root = &*vault.stack.admin;
    let remove = |seed: u8| format!("DELETE /v1/edge-keys/{}", id_of(&private(seed)));
    for (edge, seeds) in
        [("edge-1", Some(&[1][..])), ("edge-2", Some(&[1, 2])), ("edge-3", Some(&[1, 7])), ("plain", None)]
    {
        report(&vault, edge, "a", seeds).await;
    }
    let words = "without this key `edge-1` and `edge-3` could not open every secret\nhint: add";
    refused(&vault, &[(root, &remove(1), json!({}), 409, "edge_key_in_use", words)]).await;
    refused(&vault, &[(root, &format!("{}?force=false", remove(1)), json!({}), 409, "edge_key_in_use", words)]).await;
    // Which edges there are is told to whoever may see them.
    let operators = vault.stack.default_organization().await;
    let blind = vault.stack.token(&operators, None, "secrets:read organizations:write", None).await;
    let counted = "without this key 2 edges could not open every secret\nhint: add";
    refused(&vault, &[(&blind, &remove(1), json!({}), 409, "edge_key_in_use", counted)]).await;
    let secret = vault.secret(&vault.ada.token, "token", false).await;
    vault.edge_key(3).await;
    let gone = vault.done(root, &remove(3), json!({})).await;
    assert_eq!(gone["edges"], held(0, 3), "nobody has it");
    vault.done(root, &format!("{}?force=true", remove(2)), json!({})).await;
    let both = "1 secret is sealed to this key alone, and without it `edge-1`, `edge-2` and `edge-3` could not open every other\nhint: let";
    refused(&vault, &[(root, &remove(1), json!({}), 409, "secrets_unsealed", both)]).await;

    // Once the edges have another, nothing is in the way but the secret's box.
    vault.edge_key(2).await;
    for (edge, seeds) in [("edge-1", &[1, 2]), ("edge-3", &[7, 2])] {
        report(&vault, edge, "b", Some(seeds)).await;
    }
    vault.stack.pass(61);
    let waits = "without this key `edge-3` could not open every secret";
    report(&vault, "edge-1", "b", Some(&[1, 2])).await;
    refused(&vault, &[(root, &remove(1), json!({}), 409, "secrets_unsealed", "")]).await;
    let value = json!({ "sealed": sealed(&[&one, &two], VALUE) });
    vault.done(&vault.ada.token, &format!("PUT /v1/secrets/{secret}/value"), value).await;
    refused(&vault, &[(root, &remove(1), json!({}), 409, "edge_key_in_use", waits)]).await;
    report(&vault, "edge-3", "b", Some(&[7, 2])).await;
    assert_eq!(vault.done(root, &remove(1), json!({})).await["edges"], held(1, 2), "of who reports now");
    let log = vault.noted("edge_key.removed").await;
    let left: Vec<_> = log.iter().rev().map(|it| it["detail"]["edges_left_without"].clone()).collect();
    assert_eq!(left, [json!(0), json!(0), json!(0)]);
    vault.done(root, &format!("{}?force=true", remove(2)), json!({})).await;
    let last = vault.noted("edge_key.removed").await;
    assert_eq!(last[0]["detail"]["edges_left_without"], json!(3));
    assert_eq!(text(&last[0]["action"]), "edge_key.removed");
}

#[tokio::test]
async fn the_page_says_which_keys_and_edges_do_not_go_together() {
    let vault = Vault::open().await;
    let owner = vault.stack.browser(&vault.stack.default_organization().await, "owner").await;
    let page = async || owner.get("/edges").await;
    has(&page().await, 200, &["No edge tells"]);
    assert!(!page().await.text().contains("edge-key-warnings"), "who does not tell is not warned of");
    report(&vault, "edge-1", "a", Some(&[])).await;
    let nobodys = format!("No edge has the private half of {}:", id_of(&private(1)));
    let warned = page().await;
    has(&warned, 200, &[&nobodys, "0 of 1", "No key for secrets"]);
    assert!(!warned.text().contains("The edge edge-1 has no key"), "there are no secrets yet");
    vault.secret(&vault.ada.token, "token", false).await;
    has(&page().await, 200, &[&nobodys, "The edge edge-1 has no key that secrets are sealed to: it answers 503"]);
    vault.stack.pass(1);
    report(&vault, "edge-1", "a", Some(&[9])).await;
    has(
        &page().await,
        200,
        &["The edge edge-1 has no key", &format!("<code>{}</code> (not listed below)", id_of(&private(9)))],
    );
    vault.stack.pass(1);
    report(&vault, "edge-1", "a", Some(&[1])).await;
    let fits = page().await;
    has(&fits, 200, &["1 of 1", &format!("Opens with <code>{}</code>", id_of(&private(1)))]);
    assert!(!fits.text().contains("edge-key-warnings"), "{}", fits.text());

    vault.edge_key(2).await;
    let remove = format!("/edges/keys/{}/remove", id_of(&private(1)));
    let lost = "Without it `edge-1` could not open every secret";
    has(&owner.get(&remove).await, 200, &[lost, "name=\"secrets\" value=\"1\"", "name=\"edges\" value=\"1\""]);
    let asked = format!("/edges/keys/{}/remove", id_of(&private(2)));
    has(&owner.get(&asked).await, 200, &["of those that tell, none does"]);
    let secret = text(&vault.get(&vault.ada.token, "/v1/secrets").await["data"][0]["id"]);
    let value = json!({ "value": VALUE });
    vault.done(&vault.ada.token, &format!("PUT /v1/secrets/{secret}/value"), value).await;
    for unseen in [&[][..], &[("edges", "0")], &[("secrets", "1")], &[("edges", "x")], &[("force", "true")]] {
        has(&owner.post(&remove, unseen).await, 409, &[lost]);
    }
    has(&owner.go(&remove, &[("edges", "1")]).await, 200, &["The public key is removed."]);
}

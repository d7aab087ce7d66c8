//! The public keys of the edges: added and removed by the operator, and what has to be entered again for them.

use serde_json::{Value, json};

use super::vault::{VALUE, Vault, id_of, private, refused, sealed, text};

/// What is listed: ids, and of how many secrets the values have to be entered again.
async fn listed(vault: &Vault, token: &str) -> Vec<(String, u64)> {
    let listed = vault.get(token, "/v1/edge-keys").await;
    let listed = listed["data"].as_array().unwrap();
    listed.iter().map(|it| (text(&it["id"]), it["unsealed"].as_u64().unwrap())).collect()
}

/// The ids of secrets that are not sealed to a key.
async fn unsealed(vault: &Vault, token: &str, key: &str) -> Vec<String> {
    let listed = vault.get(token, &format!("/v1/secrets?unsealed={key}")).await;
    listed["data"].as_array().unwrap().iter().map(|it| text(&it["id"])).collect()
}

#[tokio::test]
async fn whoever_adds_a_key_is_told_what_has_to_be_entered_again() {
    let vault = Vault::open().await;
    let (one, two) = (private(1), private(2));
    let secret = vault.secret(&vault.ada.token, "token", false).await;
    let path = format!("/v1/secrets/{secret}");
    vault.stack.pass(60);
    let body = json!({ "public_key": two.public().to_string().to_uppercase(), "description": "from spring on" });
    let added = vault.done(&vault.stack.admin, "POST /v1/edge-keys", body).await;
    let expected = json!({
        "id": id_of(&two), "public_key": two.public().to_string(), "description": "from spring on", "created_by": null,
        "created_at": "2026-01-15T12:01:00Z", "unsealed": 1, "edges": { "holding": 0, "reporting": 0 },
    });
    assert_eq!(added, expected);
    for (who, token, count) in [
        ("ada", &vault.ada.token, 1),
        ("bob", &vault.bob.token, 0),
        ("admin", &vault.admin.token, 1),
        ("helper", &vault.helper, 0),
        ("stranger", &vault.stranger.token, 0),
    ] {
        assert_eq!(listed(&vault, token).await, [(id_of(&one), 0), (id_of(&two), count)], "{who}");
    }
    assert_eq!(vault.get(&vault.ada.token, &path).await["unsealed"], json!([id_of(&two)]));
    assert_eq!(unsealed(&vault, &vault.ada.token, &id_of(&two)).await, std::slice::from_ref(&secret));
    assert!(unsealed(&vault, &vault.ada.token, &id_of(&one)).await.is_empty());
    // Values are entered again, and only then the old key goes without a word.
    let remove = format!("DELETE /v1/edge-keys/{}", id_of(&one));
    let words = "1 secret is sealed to this key alone\nhint: let their values be entered again first";
    refused(&vault, &[(&vault.stack.admin, &remove, json!({}), 409, "secrets_unsealed", words)]).await;
    vault.done(&vault.ada.token, &format!("PUT {path}/value"), json!({ "sealed": sealed(&[&one, &two], VALUE) })).await;
    assert!(unsealed(&vault, &vault.ada.token, &id_of(&two)).await.is_empty());
    vault.done(&vault.stack.admin, &remove, json!({})).await;
    assert_eq!(vault.opened(&secret, &one).await, None, "its boxes went with it");
    assert_eq!(vault.opened(&secret, &two).await.as_deref(), Some(VALUE));
    assert_eq!(listed(&vault, &vault.ada.token).await, [(id_of(&two), 0)]);
}

#[tokio::test]
async fn a_key_that_secrets_hang_on_goes_only_if_that_is_said() {
    let vault = Vault::open().await;
    let (first, second) =
        (vault.secret(&vault.ada.token, "one", false).await, vault.secret(&vault.admin.token, "two", true).await);
    let remove = format!("DELETE /v1/edge-keys/{}", id_of(&private(1)));
    let words = "2 secrets are sealed to this key alone";
    refused(&vault, &[(&vault.stack.admin, &remove, json!({}), 409, "secrets_unsealed", words)]).await;
    vault.done(&vault.stack.admin, &format!("{remove}?force=true"), json!({})).await;
    let value = json!({ "value": "battery staple" });
    let put = format!("PUT /v1/secrets/{first}/value");
    refused(&vault, &[(&vault.ada.token, &put, value.clone(), 409, "no_edge_keys", "`portcullis edge-keys generate`")])
        .await;
    let three = vault.edge_key(3).await;
    assert_eq!(
        vault.get(&vault.admin.token, &format!("/v1/secrets/{second}")).await["unsealed"],
        json!([id_of(&three)])
    );
    assert_eq!(vault.done(&vault.ada.token, &put, value).await["unsealed"], json!([]));
    assert_eq!(vault.opened(&first, &three).await.as_deref(), Some("battery staple"));
    let noted = vault.noted("edge_key").await;
    let told: Vec<_> = noted.iter().rev().map(|it| (text(&it["action"]), it["detail"].clone())).collect();
    let key = |seed| private(seed).public().to_string();
    let expected = [
        ("edge_key.added", json!({ "public_key": key(1) })),
        ("edge_key.removed", json!({ "public_key": key(1), "secrets_left_without": 2, "edges_left_without": 0 })),
        ("edge_key.added", json!({ "public_key": key(3) })),
    ];
    assert_eq!(told, expected.map(|(action, detail)| (action.to_owned(), detail)));
}

#[tokio::test]
async fn what_is_no_key_for_edges_is_told_why() {
    let vault = Vault::without_key().await;
    let root = &*vault.stack.admin;
    let post = "POST /v1/edge-keys";
    let key = |text: &str| json!({ "public_key": text });
    let (one, invalid) = (private(1).public().to_string(), "invalid_request");
    let new = json!({ "name": "x", "value": VALUE });
    refused(&vault, &[(&vault.ada.token, "POST /v1/secrets", new, 409, "no_edge_keys", "hint: `portcullis edge-keys")])
        .await;
    vault.edge_key(1).await;
    refused(
        &vault,
        &[
            (root, post, key(""), 422, invalid, "/public_key expected an X25519 public key, as 64 hexadecimal digits"),
            (root, post, key(one.get(1..).unwrap()), 422, invalid, "/public_key expected an X25519 public key"),
            (root, post, key(&"0".repeat(64)), 422, invalid, "anybody could open what is sealed to it"),
            (root, post, key(&one), 409, "already_exists", "/public_key secrets are sealed to this key already"),
            (root, post, json!({ "public_key": one, "description": "a\nb" }), 422, invalid, "/description"),
            (root, post, json!({ "private_key": one }), 400, "malformed_request", "a member is missing, unknown"),
            (&vault.admin.token, post, key(&one), 403, "forbidden", "only the operator may do this"),
            (&vault.ada.token, post, key(&one), 403, "forbidden", "`organizations:write`"),
            (root, "DELETE /v1/edge-keys/0000000000000000", json!({}), 404, "not_found", "no such key of the edges"),
            (root, "DELETE /v1/edge-keys/x", json!({}), 404, "not_found", "no such key of the edges"),
        ],
    )
    .await;
    for seed in 2..=4 {
        vault.edge_key(seed).await;
    }
    let fifth = key(&private(5).public().to_string());
    refused(&vault, &[(root, post, fifth, 422, invalid, "there are 4 keys of the edges, which is the most")]).await;
    let keys: Vec<_> = (1..=4).map(private).collect();
    let id = vault.secret(&vault.ada.token, "token", false).await;
    for key in &keys {
        assert_eq!(vault.opened(&id, key).await.as_deref(), Some(VALUE));
    }
    assert_eq!(vault.get(&vault.ada.token, "/v1/edge-keys").await["next_cursor"], Value::Null);
}

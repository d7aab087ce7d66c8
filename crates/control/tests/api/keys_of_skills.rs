//! Keys that belong to a skill: whose skill it may be, and what becomes of them when it goes.

use serde_json::{Value, json};

use super::vault::{Vault, refused, text};

fn key(skill: &str) -> Value {
    json!({ "name": "k", "environment": "live", "skill": skill })
}

#[tokio::test]
async fn a_key_belongs_to_a_skill_that_its_maker_may_use() {
    let vault = Vault::open().await;
    let own = vault.skill(&vault.ada.token, "mine", false, &[]).await;
    let team = vault.skill(&vault.admin.token, "ours", true, &[]).await;
    let theirs = vault.skill(&vault.stranger.token, "theirs", true, &[]).await;
    let (ada, bob, admin) = (&*vault.ada.token, &*vault.bob.token, &*vault.admin.token);
    for (token, skill) in [(ada, &own), (ada, &team), (bob, &team), (&*vault.helper, &team)] {
        let made = vault.done(token, "POST /v1/keys", key(skill)).await;
        assert_eq!(made["skill"], json!(skill));
        let rotated = vault.done(token, &format!("POST /v1/keys/{}/rotate", text(&made["id"])), json!({})).await;
        assert_eq!(rotated["skill"], json!(skill));
    }
    let credential = json!({ "name": "c", "kind": "credential", "environment": "live", "skill": team });
    assert_eq!(vault.done(bob, "POST /v1/keys", credential).await["skill"], json!(team));
    let batch = json!({ "keys": [key(&own), key(&team), key(&own)] });
    let batch = vault.done(ada, "POST /v1/keys:batch", batch).await;
    assert_eq!([0, 1, 2].map(|it| batch["data"][it]["skill"].clone()), [&own, &team, &own].map(|it| json!(it)));
    let plain = text(&vault.done(ada, "POST /v1/keys", json!({ "name": "p", "environment": "live" })).await["id"]);
    let patch = format!("PATCH /v1/keys/{plain}");
    let (wrong, invalid) = (422, "invalid_request");
    let none = "/skill the key's organisation has no such skill";
    let others = "/skill this skill is somebody's own";
    refused(
        &vault,
        &[
            (ada, "POST /v1/keys", key(&theirs), wrong, invalid, none),
            (ada, "POST /v1/keys", key("x"), wrong, invalid, none),
            (bob, "POST /v1/keys", key(&own), wrong, invalid, none),
            (admin, "POST /v1/keys", key(&own), wrong, invalid, others),
            (&vault.helper, "POST /v1/keys", key(&own), wrong, invalid, none),
            (&vault.stack.admin, "POST /v1/keys", key(&team), wrong, invalid, none),
            (bob, "POST /v1/keys:batch", json!({ "keys": [key(&team), key(&own)] }), wrong, invalid, "/keys/1/skill"),
            (bob, &patch, json!({ "skill": own }), wrong, invalid, none),
            (bob, &patch, json!({ "skill": theirs }), wrong, invalid, none),
        ],
    )
    .await;
    for (body, expected) in [
        (json!({ "skill": own }), json!(own)),
        (json!({ "name": "q" }), json!(own)),
        (json!({ "skill": team }), json!(team)),
        (json!({ "skill": null }), Value::Null),
    ] {
        assert_eq!(vault.done(ada, &patch, body.clone()).await["skill"], expected, "{body}");
    }
    let changes: Vec<_> =
        vault.noted("key.updated").await.into_iter().map(|it| it["detail"]["skill"].clone()).collect();
    assert_eq!(changes, [json!([team, null]), json!([own, team]), Value::Null, json!([null, own])]);
}

#[tokio::test]
async fn a_skill_that_keys_belong_to_goes_only_if_that_is_said() {
    let vault = Vault::open().await;
    let team = vault.skill(&vault.admin.token, "ours", true, &[]).await;
    let mut keys = Vec::new();
    for _ in 0..2 {
        keys.push(text(&vault.done(&vault.ada.token, "POST /v1/keys", key(&team)).await["id"]));
    }
    let (admin, route) = (&*vault.admin.token, format!("DELETE /v1/skills/{team}"));
    let count = async || vault.get(admin, &format!("/v1/skills/{team}")).await["key_count"].clone();
    assert_eq!(count().await, 2);
    refused(&vault, &[(admin, &route, json!({}), 409, "skill_in_use", "2 keys belong to this skill\nhint: ")]).await;
    vault.done(admin, &format!("DELETE /v1/keys/{}", keys[0]), json!({})).await;
    assert_eq!(count().await, 1, "who is revoked does not count");
    refused(&vault, &[(admin, &route, json!({}), 409, "skill_in_use", "1 key belongs to this skill")]).await;
    vault.done(admin, &format!("{route}?force=true"), json!({})).await;
    let left = vault.get(admin, &format!("/v1/keys/{}", keys[1])).await;
    assert_eq!((&left["skill"], &left["status"]), (&Value::Null, &json!("active")));
}

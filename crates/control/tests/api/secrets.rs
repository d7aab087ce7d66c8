//! Secrets: who enters, sees, replaces and removes them, and that what is stored opens with the edges' keys alone.

use reqwest::Method;
use serde_json::{Value, json};

use super::vault::{VALUE, Vault, id_of, private, refused, sealed, text};

#[tokio::test]
async fn a_value_is_sealed_to_every_key_of_the_edges_by_whoever_can() {
    let vault = Vault::open().await;
    let (one, two) = (private(1), vault.edge_key(2).await);
    for (name, value) in
        [("plain", json!({ "value": "Grüße 1" })), ("sealed", json!({ "sealed": sealed(&[&one, &two], "Grüße 1") }))]
    {
        let mut body = value;
        body["name"] = json!(name);
        let made = vault.done(&vault.ada.token, "POST /v1/secrets", body).await;
        let id = text(&made["id"]);
        for key in [&one, &two] {
            assert_eq!(vault.opened(&id, key).await.as_deref(), Some("Grüße 1"), "{name}");
        }
        assert_eq!(vault.opened(&id, &private(3)).await, None);
        let expected = json!({
            "id": id, "name": name, "description": "", "organization": vault.acme, "owner": vault.ada.email,
            "revision": 1, "created_by": vault.ada.email, "created_at": "2026-01-15T12:00:00Z",
            "replaced_by": vault.ada.email, "replaced_at": "2026-01-15T12:00:00Z", "last_used_at": null,
            "unsealed": [], "skills": [], "skill_count": 0,
        });
        assert_eq!(made, expected);
        assert_eq!(vault.get(&vault.ada.token, &format!("/v1/secrets/{id}")).await, expected);
    }
}

#[tokio::test]
async fn replacing_a_value_changes_nothing_else() {
    let vault = Vault::open().await;
    let id = vault.secret(&vault.admin.token, "crm_token", true).await;
    let skill = vault.skill(&vault.admin.token, "crm", true, &["crm_token"]).await;
    let before = vault.get(&vault.admin.token, &format!("/v1/secrets/{id}")).await;
    vault.stack.pass(60);
    let route = format!("PUT /v1/secrets/{id}/value");
    let again = vault.done(&vault.service, &route, json!({ "value": "battery staple" })).await;
    let mut expected = before.clone();
    expected["revision"] = json!(2);
    expected["replaced_by"] = json!(null);
    expected["replaced_at"] = json!("2026-01-15T12:01:00Z");
    assert_eq!(again, expected);
    assert_eq!(again["skills"], json!([{ "id": skill, "name": "crm" }]));
    assert_eq!(vault.opened(&id, &private(1)).await.as_deref(), Some("battery staple"));
    let other = sealed(&[&private(1)], "horse battery");
    assert_eq!(vault.done(&vault.admin.token, &route, json!({ "sealed": other })).await["revision"], 3);
    assert_eq!(vault.opened(&id, &private(1)).await.as_deref(), Some("horse battery"));
    let described = json!({ "description": " for the CRM " });
    let described = vault.done(&vault.admin.token, &format!("PATCH /v1/secrets/{id}"), described).await;
    assert_eq!((&described["description"], &described["revision"]), (&json!("for the CRM"), &json!(3)));
}

#[tokio::test]
async fn what_cannot_be_a_secret_is_told_why_and_never_repeated() {
    let vault = Vault::open().await;
    let (one, two) = (private(1), private(2));
    let taken = vault.secret(&vault.ada.token, "taken", false).await;
    let with = |name: &str, value: Value| {
        let mut body = json!({ "name": "x" });
        body[name] = value;
        body
    };
    let boxed = |value: Value| with("sealed", value);
    let named = |name: &str| json!({ "name": name, "value": VALUE });
    let (ada, post) = (&*vault.ada.token, "POST /v1/secrets");
    let (wrong, invalid) = (422, "invalid_request");
    let other_key = json!({ &id_of(&one): "AAAA" });
    let long = |text: &str, times: usize| text.repeat(times);
    refused(
        &vault,
        &[
            (ada, post, with("value", json!(long("x", 7))), wrong, invalid, "/value expected 8 to 4096 bytes"),
            (ada, post, with("value", json!(long("ü", 2049))), wrong, invalid, "/value expected 8 to 4096 bytes"),
            (ada, post, with("value", json!("correct\nhorse")), wrong, invalid, "without control characters"),
            (ada, post, with("value", json!("correct horse ")), wrong, invalid, "without spaces at either end"),
            (ada, post, json!({ "name": "x" }), wrong, invalid, "expected either `sealed` or `value`"),
            (ada, post, json!({ "name": "x", "value": VALUE, "sealed": {} }), wrong, invalid, "and not both"),
            (ada, post, boxed(json!({})), wrong, invalid, "/sealed expected one box for each of the edges' keys"),
            (ada, post, boxed(sealed(&[&two], VALUE)), wrong, invalid, "`GET /v1/edge-keys` has them"),
            (ada, post, boxed(sealed(&[&one, &two], VALUE)), wrong, invalid, "and for no other: `"),
            (ada, post, boxed(sealed(&[&one], "x")), wrong, invalid, "/sealed expected sealed boxes"),
            (ada, post, boxed(sealed(&[&one], &long("x", 4097))), wrong, invalid, "/sealed expected sealed boxes"),
            (ada, post, boxed(other_key), wrong, invalid, "/sealed expected sealed boxes"),
            (ada, post, boxed(json!({ "x": "AAAA" })), wrong, invalid, "16 hexadecimal digits"),
            (ada, post, named(""), wrong, invalid, "/name expected 1 to 64"),
            (ada, post, named("Weather"), wrong, invalid, "/name expected 1 to 64"),
            (ada, post, named("a-b"), wrong, invalid, "/name expected 1 to 64"),
            (ada, post, named("1a"), wrong, invalid, "/name expected 1 to 64"),
            (ada, post, named(&long("a", 65)), wrong, invalid, "/name expected 1 to 64"),
            (
                ada,
                post,
                named("taken"),
                409,
                "already_exists",
                &format!("/name there is a secret of that name: `{taken}`"),
            ),
            (ada, post, json!({ "name": "passwordy", "value": "password" }), wrong, invalid, "/name the value is in"),
            (
                ada,
                post,
                json!({ "name": "x", "value": VALUE, "description": format!("it is {VALUE}") }),
                wrong,
                invalid,
                "/description the value is in the description",
            ),
            (
                ada,
                post,
                json!({ "name": "x", "value": VALUE, "description": long("x", 301) }),
                wrong,
                invalid,
                "/description expected at most 300 characters on one line",
            ),
            (ada, post, json!({ "name": "x", "value": VALUE, "description": "a\nb" }), wrong, invalid, "on one line"),
            (ada, post, json!({ "name": "x", "value": [VALUE] }), 400, "malformed_request", "not of the type"),
            (ada, post, json!({ "name": "x", VALUE: 1 }), 400, "malformed_request", "a member is missing, unknown"),
            (ada, post, json!([VALUE]), 400, "malformed_request", "expected an object"),
            (ada, "GET /v1/secrets?unsealed=x", json!({}), wrong, invalid, "/unsealed expected the id of a key"),
        ],
    )
    .await;
    for body in [json!({ "name": "x", "value": { VALUE: 1 } }), json!({ "sealed": VALUE }), json!(VALUE)] {
        let answer = vault.send(ada, post, body.clone()).await;
        let told = String::from_utf8(answer.bytes).unwrap();
        assert!(answer.status == 400 && !told.contains("horse"), "{body}: {told}");
    }
    assert_eq!(vault.get(ada, "/v1/secrets").await["data"].as_array().unwrap().len(), 1, "nothing else was stored");
}

#[tokio::test]
async fn what_is_somebodys_own_is_not_there_for_others_and_admins_see_that_it_is() {
    let vault = Vault::open().await;
    let own = vault.secret(&vault.ada.token, "token", false).await;
    let team = vault.secret(&vault.admin.token, "token", true).await;
    vault.secret(&vault.bob.token, "token", false).await;
    for (who, token, expected) in [
        ("ada", &vault.ada.token, vec![&vault.ada.email]),
        ("bob", &vault.bob.token, vec![&vault.bob.email]),
        ("admin", &vault.admin.token, vec![&vault.bob.email, &vault.ada.email]),
        ("viewer", &vault.viewer.token, vec![]),
        ("service", &vault.service, vec![&vault.bob.email, &vault.ada.email]),
        ("helper", &vault.helper, vec![]),
    ] {
        let listed = vault.get(token, "/v1/secrets").await;
        let mut owners: Vec<_> = listed["data"].as_array().unwrap().iter().map(|it| it["owner"].clone()).collect();
        let mut expected: Vec<_> = expected.into_iter().map(|it| json!(it)).chain([Value::Null]).collect();
        [&mut owners, &mut expected].into_iter().for_each(|it| it.sort_by_key(Value::to_string));
        assert_eq!(owners, expected, "{who}");
    }
    let (value, words) = (json!({ "value": "battery staple" }), json!({ "description": "x" }));
    let (put, patch) = (format!("PUT /v1/secrets/{own}/value"), format!("PATCH /v1/secrets/{own}"));
    let (delete, get) = (format!("DELETE /v1/secrets/{own}"), format!("GET /v1/secrets/{own}"));
    let team_delete = format!("DELETE /v1/secrets/{team}");
    let (none, no) = ("not_found", "forbidden");
    let (bob, admin, viewer) = (&*vault.bob.token, &*vault.admin.token, &*vault.viewer.token);
    let (helper, service, stranger) = (&*vault.helper, &*vault.service, &*vault.stranger.token);
    let post = json!({ "name": "x", "value": VALUE });
    let for_all = json!({ "name": "x", "value": VALUE, "team": true });
    let elsewhere = json!({ "name": "x", "value": VALUE, "organization": vault.acme });
    let needs = "this needs the permission `organizations:write`";
    refused(
        &vault,
        &[
            (bob, &get, json!({}), 404, none, "no such secret"),
            (bob, &put, value.clone(), 404, none, "no such secret"),
            (bob, &patch, words.clone(), 404, none, "no such secret"),
            (bob, &delete, json!({}), 404, none, "no such secret"),
            (helper, &get, json!({}), 404, none, "no such secret"),
            (stranger, &get, json!({}), 404, none, "no such secret"),
            (stranger, &team_delete, json!({}), 404, none, "no such secret"),
            (viewer, &put, value.clone(), 403, no, "`secrets:write`"),
            (admin, &put, value.clone(), 403, no, "somebody's own: only they can do this"),
            (admin, &patch, words.clone(), 403, no, "somebody's own: only they can do this"),
            (service, &put, value.clone(), 403, no, "somebody's own"),
            (bob, &team_delete, json!({}), 403, no, needs),
            (bob, "POST /v1/secrets", for_all.clone(), 403, no, needs),
            (helper, "POST /v1/secrets", for_all, 403, no, needs),
            (helper, "POST /v1/secrets", post.clone(), 422, "invalid_request", "/team only a person has something"),
            (&vault.stack.admin, "POST /v1/secrets", post, 422, "invalid_request", "`\"team\": true`"),
            (stranger, "POST /v1/secrets", elsewhere, 422, "invalid_request", "/organization"),
        ],
    )
    .await;
    assert_eq!(vault.get(&vault.admin.token, &format!("/v1/secrets/{own}")).await["owner"], json!(vault.ada.email));
    vault.done(&vault.admin.token, &delete, json!({})).await;
    assert_eq!(vault.send(&vault.ada.token, &get, json!({})).await.status, 404);
}

#[tokio::test]
async fn a_secret_that_skills_use_goes_only_if_that_is_said() {
    let vault = Vault::open().await;
    let id = vault.secret(&vault.admin.token, "crm_token", true).await;
    let one = vault.skill(&vault.admin.token, "crm", true, &["crm_token"]).await;
    // The order is that of seconds, and of ids within one.
    vault.stack.pass(1);
    let two = vault.skill(&vault.ada.token, "mine", false, &["crm_token"]).await;
    let route = format!("DELETE /v1/secrets/{id}");
    let words = format!("`crm` ({one}), `mine` ({two}) use this secret\nhint: with `?force=true`");
    let (admin, ada) = (&*vault.admin.token, &*vault.ada.token);
    refused(&vault, &[(admin, &route, json!({}), 409, "secret_in_use", &words)]).await;
    let seen = vault.get(&vault.bob.token, &format!("/v1/secrets/{id}")).await;
    assert_eq!((&seen["skills"], &seen["skill_count"]), (&json!([{ "id": one, "name": "crm" }]), &json!(2)));
    vault.done(admin, &format!("{route}?force=true"), json!({})).await;
    let reference = json!({ "name": "crm_token", "found": "missing", "secret": null });
    let skill = vault.get(ada, &format!("/v1/skills/{two}")).await;
    assert_eq!(skill["services"], json!([{ "service": "weather", "secrets": [reference] }]));
    let [noted] = &vault.noted("secret.deleted").await[..] else { panic!("noted once") };
    assert_eq!(noted["detail"]["skills"], json!([one, two]));
}

#[tokio::test]
async fn what_nobody_uses_is_listed() {
    let vault = Vault::open().await;
    let used = vault.secret(&vault.admin.token, "used", true).await;
    let idle = vault.secret(&vault.admin.token, "idle", true).await;
    let unused = vault.secret(&vault.admin.token, "unused", true).await;
    vault.skill(&vault.admin.token, "crm", true, &["used", "idle"]).await;
    let listed = async || {
        let listed = vault.get(&vault.admin.token, "/v1/secrets?unused=true").await;
        let mut ids: Vec<_> = listed["data"].as_array().unwrap().iter().map(|it| text(&it["id"])).collect();
        ids.sort();
        ids
    };
    let sorted = |ids: &[&String]| {
        let mut ids: Vec<_> = ids.iter().map(|it| it.to_string()).collect();
        ids.sort();
        ids
    };
    assert_eq!(listed().await, sorted(&[&unused]));
    vault.stack.pass(31 * 24 * 60 * 60);
    let report = json!({
        "edge": "e", "vm": "1", "boot": "b", "seq": 1, "applied_version": 1, "secrets_used": { &used: vault.stack.now() },
    });
    assert_eq!(vault.stack.report(report).await.status, 204);
    assert_eq!(listed().await, sorted(&[&unused, &idle]));
    let shown = vault.get(&vault.admin.token, &format!("/v1/secrets/{used}")).await;
    assert_eq!(shown["last_used_at"], "2026-02-15T12:00:00Z");
}

#[tokio::test]
async fn what_changed_since_it_was_read_is_not_overwritten() {
    let vault = Vault::open().await;
    let id = vault.secret(&vault.admin.token, "crm_token", true).await;
    let (path, value) = (format!("/v1/secrets/{id}"), format!("/v1/secrets/{id}/value"));
    let read = vault.stack.get(&path).await.header("etag").to_owned();
    let send = async |method: Method, path: &str, tag: &str, body: Value| {
        let body = body.to_string();
        vault.stack.send_with(method, path, &[("if-match", tag)], body.as_bytes()).await
    };
    // What uses it is no change of the secret.
    vault.skill(&vault.admin.token, "crm", true, &["crm_token"]).await;
    let changed = send(Method::PUT, &value, &read, json!({ "value": "battery staple" })).await;
    assert_eq!(changed.status, 200, "{}", changed.json());
    assert_eq!(vault.stack.get(&path).await.header("etag"), changed.header("etag"));
    for (method, path, body) in [
        (Method::PUT, &value, json!({ "value": "horse battery" })),
        (Method::PATCH, &path, json!({ "description": "x" })),
        (Method::DELETE, &path, json!({})),
    ] {
        assert_eq!(send(method.clone(), path, &read, body).await.status, 412, "{method}");
    }
    assert_eq!(vault.opened(&id, &private(1)).await.as_deref(), Some("battery staple"));
    let again = vault.stack.get(&path).await.header("etag").to_owned();
    assert_eq!(send(Method::PATCH, &path, &again, json!({ "description": "x" })).await.status, 200);
}

#[tokio::test]
async fn the_log_says_who_did_what_and_no_value() {
    let vault = Vault::open().await;
    let id = vault.secret(&vault.ada.token, "token", false).await;
    let path = format!("/v1/secrets/{id}");
    vault.done(&vault.ada.token, &format!("PUT {path}/value"), json!({ "value": "battery staple" })).await;
    vault.done(&vault.ada.token, &format!("PATCH {path}"), json!({ "description": "mine" })).await;
    vault.done(&vault.ada.token, &format!("DELETE {path}"), json!({})).await;
    let noted = vault.noted("secret").await;
    let told: Vec<_> = noted.iter().rev().map(|it| (text(&it["action"]), it["detail"].clone())).collect();
    let expected = [
        ("secret.created", json!({ "revision": 1, "team": false })),
        ("secret.replaced", json!({ "revision": 2, "team": false })),
        ("secret.updated", json!({ "description": "mine" })),
        ("secret.deleted", json!({ "revision": 2, "owner": vault.ada.email, "skills": [] })),
    ];
    assert_eq!(told, expected.map(|(action, detail)| (action.to_owned(), detail)));
    for it in noted {
        assert_eq!((&it["target"]["id"], &it["target"]["name"]), (&json!(id), &json!("token")), "{it}");
    }
}

#[tokio::test]
async fn who_leaves_takes_what_was_their_own_along() {
    let vault = Vault::open().await;
    let own = vault.secret(&vault.ada.token, "token", false).await;
    let skill = vault.skill(&vault.ada.token, "mine", false, &["token"]).await;
    let team = vault.secret(&vault.admin.token, "token", true).await;
    let key = json!({ "name": "k", "environment": "live", "skill": skill });
    let key = text(&vault.done(&vault.ada.token, "POST /v1/keys", key).await["id"]);
    let path = format!("/v1/organizations/{}/members/{}", vault.acme, vault.ada.id);
    assert_eq!(vault.stack.by(&vault.admin.token, Method::DELETE, &path, None).await.status, 204);
    for (path, status) in [("secrets", &own), ("skills", &skill), ("secrets", &team), ("keys", &key)]
        .map(|(kind, id)| (format!("GET /v1/{kind}/{id}"), if *id == own || *id == skill { 404 } else { 200 }))
    {
        assert_eq!(vault.send(&vault.admin.token, &path, json!({})).await.status, status, "{path}");
    }
    assert_eq!(vault.get(&vault.admin.token, &format!("/v1/keys/{key}")).await["skill"], Value::Null);
}

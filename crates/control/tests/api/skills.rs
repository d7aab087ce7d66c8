//! Skills: made, changed in versions, published and installed; what their references stand for; keys that belong to them.

use reqwest::Method;
use serde_json::{Value, json};

use super::vault::{Vault, refused, text};

/// What the references of a skill to its only service stand for: where they were found, and which secret that is.
async fn found(vault: &Vault, token: &str, id: &str) -> Vec<(String, Value)> {
    let shown = vault.get(token, &format!("/v1/skills/{id}")).await;
    let references = shown["services"][0]["secrets"].as_array().unwrap();
    references.iter().map(|it| (text(&it["found"]), it["secret"].clone())).collect()
}

#[tokio::test]
async fn a_reference_stands_for_ones_own_secret_before_the_teams() {
    let vault = Vault::open().await;
    let own = vault.skill(&vault.ada.token, "mine", false, &["token"]).await;
    let team = vault.skill(&vault.admin.token, "ours", true, &["token"]).await;
    let (missing, ada) = (("missing".to_owned(), Value::Null), &vault.ada.token);
    assert_eq!(
        (found(&vault, ada, &own).await, found(&vault, ada, &team).await),
        (vec![missing.clone()], vec![missing])
    );
    let of_team = vault.secret(&vault.admin.token, "token", true).await;
    let by_team = ("team".to_owned(), json!(of_team));
    assert_eq!(found(&vault, ada, &own).await, std::slice::from_ref(&by_team));
    vault.secret(&vault.bob.token, "token", false).await;
    vault.secret(&vault.stranger.token, "token", true).await;
    assert_eq!(found(&vault, ada, &own).await, std::slice::from_ref(&by_team), "nobody else's is found");
    let of_ada = vault.secret(ada, "token", false).await;
    assert_eq!(found(&vault, ada, &own).await, [("personal".to_owned(), json!(of_ada))]);
    assert_eq!(found(&vault, ada, &team).await, std::slice::from_ref(&by_team));
    let used = vault.get(ada, &format!("/v1/secrets/{of_team}")).await;
    assert_eq!(used["skills"], json!([{ "id": team, "name": "ours" }]));
    vault.done(ada, &format!("DELETE /v1/secrets/{of_ada}?force=true"), json!({})).await;
    assert_eq!(found(&vault, ada, &own).await, [by_team]);
}

#[tokio::test]
async fn other_services_make_a_new_version() {
    let vault = Vault::open().await;
    let services = json!([
        { "service": "weather", "secrets": ["b", "a", "b"] },
        { "service": "crm" },
    ]);
    let body = json!({ "name": "tour-guide", "description": " for tours ", "services": services });
    let made = vault.done(&vault.ada.token, "POST /v1/skills", body).await;
    let missing = |name: &str| json!({ "name": name, "found": "missing", "secret": null });
    let expected = json!({
        "id": made["id"], "name": "tour-guide", "description": "for tours", "organization": vault.acme,
        "owner": vault.ada.email, "version": 1, "published_version": null, "installed_from": null,
        "available_version": null, "key_count": 0, "created_by": vault.ada.email,
        "created_at": "2026-01-15T12:00:00Z",
        "services": [
            { "service": "crm", "secrets": [] },
            { "service": "weather", "secrets": [missing("a"), missing("b")] },
        ],
    });
    assert_eq!(made, expected);
    let route = format!("PATCH /v1/skills/{}", text(&made["id"]));
    let same = json!([{ "service": "crm" }, { "service": "weather", "secrets": ["a", "b"] }]);
    for (body, version) in [
        (json!({ "description": "others" }), 1),
        (json!({ "services": same }), 1),
        (json!({ "services": [{ "service": "crm" }] }), 2),
        (json!({ "services": [] }), 3),
    ] {
        assert_eq!(vault.done(&vault.ada.token, &route, body.clone()).await["version"], version, "{body}");
    }
    let versions = "SELECT group_concat(services, ' ') FROM (SELECT services FROM skill_versions ORDER BY version)";
    let versions = if crate::stack::ON_POSTGRES {
        "SELECT string_agg(services, ' ' ORDER BY version) FROM skill_versions"
    } else {
        versions
    };
    let versions = vault.stack.text(versions).await;
    assert!(versions.contains("weather") && versions.ends_with("[]"), "{versions}");
}

#[tokio::test]
async fn what_cannot_be_a_skill_is_told_why() {
    let vault = Vault::open().await;
    vault.skill(&vault.ada.token, "taken", false, &[]).await;
    let (ada, post, wrong, invalid) = (&*vault.ada.token, "POST /v1/skills", 422, "invalid_request");
    let named = |name: &str| json!({ "name": name });
    let with = |services: Value| json!({ "name": "x", "services": services });
    let names = |count: usize| (0..count).map(|it| format!("n{it}")).collect::<Vec<_>>();
    let many = json!([{ "service": "weather", "secrets": names(9) }, { "service": "crm", "secrets": names(17) }]);
    let known = "/services/0/service the policy has no such service; it has `weather`, `crm`";
    refused(
        &vault,
        &[
            (ada, post, named(""), wrong, invalid, "/name expected 1 to 64"),
            (ada, post, named("Weather"), wrong, invalid, "/name expected 1 to 64"),
            (ada, post, named("-a"), wrong, invalid, "/name expected 1 to 64"),
            (ada, post, named(&"a".repeat(65)), wrong, invalid, "/name expected 1 to 64"),
            (ada, post, named("taken"), 409, "already_exists", "/name there is a skill of that name"),
            (ada, post, with(json!([{ "service": "mail" }])), wrong, invalid, known),
            (
                ada,
                post,
                with(json!([{ "service": "crm" }, { "service": "crm" }])),
                wrong,
                invalid,
                "`crm` is there twice",
            ),
            (
                ada,
                post,
                with(json!([{ "service": "crm", "secrets": ["a", "A"] }])),
                wrong,
                invalid,
                "/services/0/secrets/1",
            ),
            (
                ada,
                post,
                with(json!([{ "service": "crm" }, { "service": "weather", "secrets": ["a", "n8"] }])),
                wrong,
                invalid,
                "/services/1/secrets the policy lets no secrets but `a`, `b`, `crm_token`, `idle`, `n0`, `n1`, `n2`, `n3`, `n4`, `n5`, \
                 `n6`, `n7`, `other`, `region`, `token`, `used`, `weather_api_key` go to `weather`\nhint: whoever writes the policy decides: `references`",
            ),
            (ada, post, with(many), wrong, invalid, "/services expected at most 16 secrets, got 17"),
            (ada, post, with(json!(vec![json!({ "service": "crm" }); 17])), wrong, invalid, "at most 16 services"),
            (ada, post, json!({ "name": "x", "description": "x".repeat(301) }), wrong, invalid, "/description"),
            (ada, post, json!({ "name": "x", "team": true }), 403, "forbidden", "`organizations:write`"),
            (&vault.helper, post, named("x"), wrong, invalid, "/team only a person has something of their own"),
            (&vault.viewer.token, post, named("x"), 403, "forbidden", "`skills:write`"),
        ],
    )
    .await;
    let other = vault.skill(&vault.bob.token, "taken", false, &[]).await;
    let links = json!({ "services": [{ "service": "crm", "secrets": ["token"] }] });
    let patch = format!("PATCH /v1/skills/{other}");
    refused(&vault, &[(&vault.bob.token, &patch, links, wrong, invalid, "/services/0/secrets the policy lets")]).await;
    assert_eq!(vault.send(ada, &format!("GET /v1/skills/{other}"), json!({})).await.status, 404);
    let plain = crate::stack::Stack::start().await;
    let body = json!({ "name": "x", "team": true, "services": [{ "service": "crm" }] });
    let told = plain.post(post.split_once(' ').unwrap().1, body).await.json();
    assert!(text(&told["detail"]).starts_with("the policy has no services"), "{told}");
}

#[tokio::test]
async fn what_is_somebodys_own_others_neither_see_nor_change() {
    let vault = Vault::open().await;
    let own = vault.skill(&vault.ada.token, "mine", false, &["token"]).await;
    let team = vault.skill(&vault.admin.token, "ours", true, &["token"]).await;
    for (who, token, expected) in [
        ("ada", &vault.ada.token, vec![&own, &team]),
        ("bob", &vault.bob.token, vec![&team]),
        ("viewer", &vault.viewer.token, vec![&team]),
        ("helper", &vault.helper, vec![&team]),
        ("admin", &vault.admin.token, vec![&own, &team]),
        ("stranger", &vault.stranger.token, vec![]),
    ] {
        let listed = vault.get(token, "/v1/skills").await;
        let mut ids: Vec<_> = listed["data"].as_array().unwrap().iter().map(|it| text(&it["id"])).collect();
        let mut expected: Vec<_> = expected.into_iter().cloned().collect();
        [&mut ids, &mut expected].into_iter().for_each(|it| it.sort());
        assert_eq!(ids, expected, "{who}");
    }
    let (patch, publish) = (format!("PATCH /v1/skills/{own}"), format!("POST /v1/skills/{own}/publish"));
    let (delete, delete_team) = (format!("DELETE /v1/skills/{own}"), format!("DELETE /v1/skills/{team}"));
    let (bob, admin, words) = (&*vault.bob.token, &*vault.admin.token, json!({ "description": "x" }));
    refused(
        &vault,
        &[
            (bob, &patch, words.clone(), 404, "not_found", "no such skill"),
            (bob, &publish, json!({}), 404, "not_found", "no such skill"),
            (bob, &delete, json!({}), 404, "not_found", "no such skill"),
            (admin, &patch, words, 403, "forbidden", "somebody's own: only they can do this"),
            (admin, &publish, json!({}), 403, "forbidden", "somebody's own: only they can do this"),
            (bob, &delete_team, json!({}), 403, "forbidden", "`organizations:write`"),
            (&vault.stranger.token, &delete_team, json!({}), 404, "not_found", "no such skill"),
        ],
    )
    .await;
    vault.done(admin, &delete, json!({})).await;
}

#[tokio::test]
async fn a_published_skill_is_installed_with_secrets_of_ones_own() {
    let vault = Vault::open().await;
    let (admin, stranger) = (&*vault.admin.token, &*vault.stranger.token);
    let original = vault.skill(admin, "weather", true, &["weather_api_key"]).await;
    let (hidden, path) = (vault.secret(admin, "weather_api_key", true).await, format!("/v1/skills/{original}"));
    let install = format!("POST {path}/install");
    let none = (404, "not_found", "no such published skill");
    refused(&vault, &[(stranger, &install, json!({}), none.0, none.1, none.2)]).await;
    assert_eq!(vault.done(admin, &format!("POST {path}/publish"), json!({})).await["published_version"], 1);
    let published = vault.get(stranger, "/v1/published-skills").await;
    let services = json!([{ "service": "weather", "secrets": ["weather_api_key"] }]);
    let expected = json!({
        "id": original, "name": "weather", "description": "", "publisher": "acme", "version": 1, "services": services,
    });
    assert_eq!(published, json!({ "data": [expected], "next_cursor": null }));
    let moved = (409, "skill_moved", "version 1 of the skill is published, not 2");
    refused(&vault, &[(stranger, &install, json!({ "version": 2 }), moved.0, moved.1, moved.2)]).await;
    let mine = vault.done(stranger, &install, json!({ "version": 1 })).await;
    let id = text(&mine["id"]);
    let shown = ["name", "owner", "installed_from", "version"].map(|name| mine[name].clone());
    assert_eq!(shown, [json!("weather"), json!(vault.stranger.email), json!(original), json!(1)]);
    assert_eq!(found(&vault, stranger, &id).await, [("missing".to_owned(), Value::Null)]);
    let own = vault.secret(stranger, "weather_api_key", false).await;
    assert_ne!(own, hidden);
    assert_eq!(found(&vault, stranger, &id).await, [("personal".to_owned(), json!(own))]);
    // A new version is there for others when it is published, and with them when they say so.
    let wider = json!({ "services": [{ "service": "weather", "secrets": ["weather_api_key"] }, { "service": "crm" }] });
    vault.done(admin, &format!("PATCH {path}"), wider).await;
    let available = async || vault.get(stranger, &format!("/v1/skills/{id}")).await["available_version"].clone();
    assert_eq!(available().await, Value::Null);
    assert_eq!(vault.get(stranger, "/v1/published-skills").await["data"][0]["services"], services);
    vault.done(admin, &format!("POST {path}/publish"), json!({})).await;
    assert_eq!(available().await, 2);
    let upgrade = format!("POST /v1/skills/{id}/upgrade");
    let moved = (409, "skill_moved", "version 2 of the skill is published, not 1");
    refused(&vault, &[(stranger, &upgrade, json!({ "version": 1 }), moved.0, moved.1, moved.2)]).await;
    let upgraded = vault.done(stranger, &upgrade, json!({ "version": 2 })).await;
    assert_eq!((&upgraded["version"], &upgraded["available_version"]), (&json!(2), &Value::Null));
    assert_eq!(upgraded["services"][0]["service"], "crm");
    assert_eq!(vault.done(stranger, &upgrade, json!({})).await, upgraded, "once more is nothing new");
    let (own_patch, own_publish) = (format!("PATCH /v1/skills/{id}"), format!("POST /v1/skills/{id}/publish"));
    let made_here = format!("POST {path}/upgrade");
    let wrong = (422, "invalid_request");
    refused(
        &vault,
        &[
            (stranger, &install, json!({}), 409, "already_exists", "/name"),
            (
                stranger,
                &own_patch,
                json!({ "services": [] }),
                wrong.0,
                wrong.1,
                "/services an installed skill's services",
            ),
            (stranger, &own_publish, json!({}), wrong.0, wrong.1, "an installed skill is its publisher's to publish"),
            (admin, &made_here, json!({}), wrong.0, wrong.1, "only an installed skill is upgraded"),
            (&vault.viewer.token, &install, json!({}), 403, "forbidden", "`skills:write`"),
            (&vault.ada.token, &install, json!({ "team": true }), 403, "forbidden", "`organizations:write`"),
        ],
    )
    .await;
    vault.done(stranger, &install, json!({ "name": "another", "team": true })).await;
    // What its publisher takes back works on where it is installed.
    assert_eq!(vault.done(admin, &format!("POST {path}/unpublish"), json!({})).await["published_version"], Value::Null);
    assert_eq!(vault.get(stranger, "/v1/published-skills").await["data"], json!([]));
    vault.done(admin, &format!("DELETE {path}"), json!({})).await;
    let still = vault.get(stranger, &format!("/v1/skills/{id}")).await;
    assert_eq!((&still["version"], &still["services"]), (&json!(2), &upgraded["services"]));
    refused(&vault, &[(stranger, &upgrade, json!({}), wrong.0, wrong.1, "its publisher does not publish it")]).await;
    let noted = vault.noted("skill").await;
    let told: Vec<_> = noted.iter().rev().map(|it| text(&it["action"])).collect();
    let expected = [
        "created",
        "published",
        "installed",
        "updated",
        "published",
        "upgraded",
        "installed",
        "unpublished",
        "deleted",
    ];
    assert_eq!(told, expected.map(|it| format!("skill.{it}")));
}

#[tokio::test]
async fn what_changed_since_it_was_read_is_not_overwritten() {
    let vault = Vault::open().await;
    let path = format!("/v1/skills/{}", vault.skill(&vault.admin.token, "ours", true, &["token"]).await);
    let read = vault.stack.get(&path).await.header("etag").to_owned();
    let send = async |method: Method, tag: &str| {
        vault.stack.send_with(method, &path, &[("if-match", tag)], br#"{"description":"x"}"#).await
    };
    let changed = send(Method::PATCH, &read).await;
    assert_eq!((changed.status, changed.header("etag") == read), (200, false));
    assert_eq!(send(Method::PATCH, &read).await.status, 412);
    assert_eq!(send(Method::DELETE, &read).await.status, 412);
    assert_eq!(send(Method::DELETE, changed.header("etag")).await.status, 200);
}

//! How much that is sealed an organisation's skills carry, and that nobody makes them carry more.

use serde_json::{Value, json};

use super::vault::{Vault, refused, text};

/// Names of secrets as links: the first eight go to one service, the others to another.
fn links(names: &[usize]) -> Value {
    let of = |is_first: bool| {
        let names = names.iter().filter(|it| (**it < 8) == is_first);
        names.map(|it| format!("n{it}")).collect::<Vec<_>>()
    };
    json!([{ "service": "weather", "secrets": of(true) }, { "service": "crm", "secrets": of(false) }])
}

fn secret(number: usize, length: usize) -> Value {
    json!({ "name": format!("n{number}"), "team": true, "value": "x".repeat(length) })
}

fn skill(name: &str, names: &[usize]) -> Value {
    json!({ "name": name, "team": true, "services": links(names) })
}

#[tokio::test]
async fn an_organisations_skills_carry_512_kib_of_sealed_secrets_at_most() {
    let vault = Vault::open().await;
    for seed in 2..=4 {
        vault.edge_key(seed).await;
    }
    let (admin, post, post_secret) = (&*vault.admin.token, "POST /v1/skills", "POST /v1/secrets");
    for number in 0..15 {
        vault.done(admin, post_secret, secret(number, 4096)).await;
    }
    let all: Vec<_> = (0..15).collect();
    // Four boxes of some 4168 bytes each: 244.3 KiB a skill.
    vault.done(admin, post, skill("first", &all)).await;
    let second = text(&vault.done(admin, post, skill("second", &all)).await["id"]);
    let third = text(&vault.done(admin, post, skill("third", &[0])).await["id"]);
    let patch = format!("PATCH /v1/skills/{third}");
    let (wrong, invalid, words) = (422, "invalid_request", "would carry 5");
    let both = json!({ "services": links(&[0, 1]) });
    refused(
        &vault,
        &[
            (admin, post, skill("fourth", &[0]), wrong, invalid, words),
            (admin, &patch, both.clone(), wrong, invalid, words),
        ],
    )
    .await;
    // What is not there yet weighs nothing, until it is entered.
    vault.done(admin, &patch, json!({ "services": links(&[0, 15]) })).await;
    refused(&vault, &[(admin, post_secret, secret(15, 4096), wrong, invalid, words)]).await;
    let last = text(&vault.done(admin, post_secret, secret(15, 8)).await["id"]);
    let replace = format!("PUT /v1/secrets/{last}/value");
    refused(&vault, &[(admin, &replace, json!({ "value": "x".repeat(4096) }), wrong, invalid, words)]).await;
    // Other organisations have their own, and installing counts where it is installed.
    let stranger = &*vault.stranger.token;
    vault.done(stranger, post, skill("elsewhere", &all)).await;
    vault.done(admin, &format!("POST /v1/skills/{second}/publish"), json!({})).await;
    let install = format!("POST /v1/skills/{second}/install");
    let again = json!({ "name": "again", "team": true });
    refused(&vault, &[(admin, &install, again.clone(), wrong, invalid, "would carry 7")]).await;
    vault.done(stranger, &install, again).await;
    // Less is always possible, and makes room.
    vault.done(admin, &format!("PATCH /v1/skills/{second}"), json!({ "services": links(&[0]) })).await;
    vault.done(admin, &patch, both).await;
}

//! A copy put back over a database in which things had ended since: what works again, and what does not.

use portcullis_control::backup::{Restore, Restored, Revived, backup, restore};
use portcullis_control::{Clock, Database};
use reqwest::Method;
use serde_json::json;

use super::minting::{minting, minting_at};
use super::people::PASSWORD;
use crate::stack::{NOON, ON_POSTGRES, Stack};

const ANSWERED: &[(&str, &str)] = &[("idempotency-key", "one")];
const KEY: &[u8] = br#"{"name":"till","environment":"live"}"#;

/// What there was when the copy was made.
struct Was {
    /// Of a member's session.
    cookie: String,
    /// An open invitation's link.
    link: String,
    person: String,
    service: String,
    keys: Vec<String>,
    member: String,
}

/// A folder with a copy in it, and a database in which everything has ended since.
async fn scene() -> (tempfile::TempDir, Was) {
    let stack = Stack::start().await;
    let home = stack.default_organization().await;
    let acme = stack.organization("acme").await;
    let person = stack.person(&acme, "admin").await;
    let cookie = stack.signed_in(&acme, &person).await.cookie_field();
    let service = stack.token(&home, None, "keys:read", None).await;
    let link = stack.invite(&home, "admin", "eve@example.com").await;
    let made = stack.send_with(Method::POST, "/v1/keys", ANSWERED, KEY).await.json();
    let key = made["id"].as_str().unwrap().to_owned();
    let rotated = stack.key("leaked").await["id"].as_str().unwrap().to_owned();
    stack.key("as it was").await;
    backup(&Database::InFolder, stack.folder.path(), &stack.folder.path().join("copy")).await.unwrap();

    assert_eq!(stack.delete(&format!("/v1/organizations/{acme}/members/{}", person.id)).await.status, 204);
    stack.sql("UPDATE api_tokens SET revoked_at = 1 WHERE user_id IS NULL").await;
    stack.sql("UPDATE users SET password = 'another'").await;
    assert_eq!(stack.patch(&format!("/v1/organizations/{acme}"), json!({ "state": "suspended" })).await.status, 200);
    assert_eq!(stack.patch(&format!("/v1/keys/{key}"), json!({ "enabled": false })).await.status, 200);
    assert_eq!(stack.post(&format!("/v1/keys/{rotated}/rotate"), json!({})).await.status, 201);
    let mut keys = vec![key, rotated];
    keys.sort_unstable();
    let member = format!("{} {}, admin of {acme}", person.id, person.email);
    let was = Was { cookie, link, person: person.token, service, keys, member };
    (stack.kill().await, was)
}

async fn put_back(folder: tempfile::TempDir, revoke_tokens: bool) -> (Restored, Stack) {
    let from = folder.path().join("copy");
    let what = Restore { from: &from, revoke_tokens };
    let clock = Clock::from_millis(|| NOON * 1000);
    let done = restore(&Database::InFolder, folder.path(), what, &clock).await.unwrap();
    (done, Stack::resume(folder, NOON).await)
}

#[tokio::test]
async fn nobody_comes_back_by_a_session_an_invitation_or_a_kept_answer() {
    if ON_POSTGRES {
        return;
    }
    let (folder, was) = scene().await;
    let (done, stack) = put_back(folder, false).await;
    // That of the first owner is one.
    assert_eq!((done.ended.sessions, done.ended.invitations, done.ended.tokens), (1, 2, 0));
    let fields = [("cookie", was.cookie.trim_start_matches("cookie: ").trim_end())];
    let page = stack.visitor().send(Method::GET, "/keys", &fields, "").await;
    assert_eq!((page.status, page.header("location")), (303, "/sign-in?next=/keys"));
    assert_eq!(stack.accept(&was.link, "eve@example.com", PASSWORD).await.status, 404);
    let again = stack.send_with(Method::POST, "/v1/keys", ANSWERED, KEY).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, ""));
    let log = stack.get("/v1/audit?action=database.restored").await.json();
    assert_eq!(log["data"][0]["detail"], json!({ "sessions": 1, "invitations": 2, "tokens": 0 }), "{log}");
}

#[tokio::test]
async fn what_works_again_is_named() {
    if ON_POSTGRES {
        return;
    }
    let (folder, was) = scene().await;
    let (done, stack) = put_back(folder, false).await;
    assert_eq!((done.tokens, done.members), (2, 1));
    let Revived { keys, tokens, members, passwords, organizations } = done.revived.unwrap();
    assert_eq!((keys, members), (was.keys, vec![was.member]));
    assert!(
        tokens.len() == 2 && tokens.iter().all(|it| it.starts_with("tok_") && it.contains(" token ")),
        "{tokens:?}"
    );
    assert!(passwords.len() == 1 && passwords[0].starts_with("usr_"), "{passwords:?}");
    assert!(organizations.len() == 1 && organizations[0].ends_with(" acme"), "{organizations:?}");
    for token in [was.person, was.service] {
        assert_eq!(stack.by(&token, Method::GET, "/v1/keys", None).await.status, 200);
    }
}

#[tokio::test]
async fn every_token_is_revoked_if_that_is_asked_for() {
    if ON_POSTGRES {
        return;
    }
    let (folder, was) = scene().await;
    let (done, stack) = put_back(folder, true).await;
    assert_eq!((done.tokens, done.ended.tokens), (0, 2));
    assert_eq!(done.revived.unwrap().tokens, Vec::<String>::new());
    for token in [was.person, was.service] {
        assert_eq!(stack.by(&token, Method::GET, "/v1/keys", None).await.status, 401);
    }
}

#[tokio::test]
async fn what_edges_were_given_since_is_not_given_again() {
    if ON_POSTGRES {
        return;
    }
    let (boot, other) = ("00000000000000a1", "00000000000000b2");
    for is_old_readable in [true, false] {
        let stack = Stack::start().await;
        assert_eq!(stack.post("/v1/plans", json!({ "name": "ten", "limit": 10, "default": true })).await.status, 201);
        let org = stack.organization("acme").await;
        let lease = async |stack: &Stack, boot: &str, revision: u64, granted: u64, spent: u64| {
            let meter = json!({ "subject": org, "period": NOON, "granted": granted, "spent": spent, "want": spent + 1, "revision": revision });
            let body = json!({ "edge": "e", "boot": boot, "meters": [meter] }).to_string();
            let answer = stack.send(Method::POST, "/edge/v1/leases", Some(&stack.edge), Some(body.as_bytes())).await;
            let grant = answer.json()["grants"][0].clone();
            (grant["granted"].as_u64().unwrap(), grant["state"].as_str().unwrap().to_owned())
        };
        assert_eq!(lease(&stack, boot, 1, 0, 0).await.0, 1);
        backup(&Database::InFolder, stack.folder.path(), &stack.folder.path().join("copy")).await.unwrap();
        for seq in 2..=9 {
            assert_eq!(lease(&stack, boot, seq, seq - 1, seq - 1).await.0, seq);
        }
        let folder = stack.kill().await;
        if !is_old_readable {
            std::fs::write(folder.path().join("portcullis.sqlite"), b"no database").unwrap();
            for end in ["-wal", "-shm"] {
                let _ = std::fs::remove_file(folder.path().join(format!("portcullis.sqlite{end}")));
            }
            let (_, stack) = put_back(folder, false).await;
            assert_eq!(lease(&stack, boot, 10, 9, 9).await, (10, "granted".to_owned()), "it tells again");
            assert_eq!(lease(&stack, other, 1, 0, 0).await.1, "busy");
            continue;
        }
        let (_, stack) = put_back(folder, false).await;
        assert_eq!(lease(&stack, other, 1, 0, 0).await, (1, "granted".to_owned()));
        assert_eq!(lease(&stack, other, 2, 1, 1).await.1, "busy", "the first holds one that it has not spent");
        assert_eq!(lease(&stack, boot, 10, 9, 9).await.1, "exhausted");
    }
}

#[tokio::test]
async fn a_signing_key_that_was_revoked_since_stays_revoked_and_the_next_one_signs() {
    if ON_POSTGRES {
        return;
    }
    let stack = minting().await;
    let credential = stack.credential(&[]).await;
    backup(&Database::InFolder, stack.folder.path(), &stack.folder.path().join("copy")).await.unwrap();
    let kid = stack.get("/v1/signing-keys").await.json()["data"][0]["kid"].as_str().unwrap().to_owned();
    assert_eq!(stack.delete(&format!("/v1/signing-keys/{kid}")).await.status, 200);
    let before = stack.get("/v1/signing-keys").await.json();
    let (folder, clock) = (stack.kill().await, Clock::from_millis(|| NOON * 1000));
    let what = Restore { from: &folder.path().join("copy"), revoke_tokens: false };
    restore(&Database::InFolder, folder.path(), what, &clock).await.unwrap();
    let stack = minting_at(folder, NOON).await;
    assert_eq!(stack.get("/v1/signing-keys").await.json(), before);
    let after = stack.access_token(&credential).await;
    assert!(stack.verified(&after).await.is_ok());
}

/// A skill of the default organisation, and a secret that it refers to.
const SKILL: [&str; 6] = [
    "INSERT INTO edge_keys (id, public_key, description, created_at) \
     VALUES ('0101010101010101', '0101010101010101010101010101010101010101010101010101010101010101', '', 1)",
    "INSERT INTO secrets (id, organization, name, description, revision, created_at, replaced_at, changed_in) \
     SELECT 'sec_0000000000000001', id, 'token', '', 1, 1, 1, 1 FROM organizations WHERE is_default",
    "INSERT INTO secret_boxes (secret_id, edge_key, sealed) VALUES ('sec_0000000000000001', '0101010101010101', x'0a0b')",
    "INSERT INTO skills (id, organization, name, description, version, created_at, changed_in) \
     SELECT 'skl_0000000000000001', id, 'weather', '', 1, 1, 1 FROM organizations WHERE is_default",
    "INSERT INTO skill_versions (skill_id, version, services) \
     VALUES ('skl_0000000000000001', 1, '[{\"service\":\"weather\",\"secrets\":[\"token\"]}]')",
    "INSERT INTO skill_news (organization, changed_in) SELECT id, 1 FROM organizations WHERE is_default",
];

#[tokio::test]
async fn secrets_and_skills_are_those_of_the_copy_and_published_again() {
    if ON_POSTGRES {
        return;
    }
    let stack = Stack::start().await;
    for statement in SKILL {
        stack.sql(statement).await;
    }
    let stack = Stack::resume(stack.stop().await, NOON).await;
    let before = stack.manifest().await.skills;
    assert_eq!(before.len(), 1);
    backup(&Database::InFolder, stack.folder.path(), &stack.folder.path().join("copy")).await.unwrap();
    for table in ["DELETE FROM skills", "DELETE FROM secrets", "DELETE FROM edge_keys"] {
        stack.sql(table).await;
    }
    let (_, stack) = put_back(stack.kill().await, false).await;
    assert_eq!(stack.manifest().await.skills, before);
    let boxes = "SELECT hex(sealed) FROM secret_boxes b JOIN edge_keys k ON k.id = b.edge_key";
    assert_eq!(stack.text(boxes).await, "0A0B");
}

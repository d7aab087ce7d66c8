//! Members, invitations and roles: who may what to whom, and what ends when somebody leaves.

use reqwest::Method;
use serde_json::json;

use super::people::{PASSWORD, Person, unique};
use crate::stack::{Answer, Stack};

async fn set_role(stack: &Stack, by: &Person, organization: &str, user: &Person, role: &str) -> Answer {
    let path = format!("/v1/organizations/{organization}/members/{}", user.id);
    stack.by(&by.token, Method::PATCH, &path, Some(json!({ "role": role }))).await
}

async fn remove(stack: &Stack, by: &Person, organization: &str, user: &Person) -> Answer {
    let path = format!("/v1/organizations/{organization}/members/{}", user.id);
    stack.by(&by.token, Method::DELETE, &path, None).await
}

#[tokio::test]
async fn an_organisation_keeps_an_owner() {
    let stack = Stack::start().await;
    let acme = stack.organization("acme").await;
    let (ada, bob) = (stack.person(&acme, "owner").await, stack.person(&acme, "owner").await);
    assert_eq!(set_role(&stack, &ada, &acme, &bob, "viewer").await.status, 200);
    let alone = set_role(&stack, &ada, &acme, &ada, "admin").await;
    assert_eq!((alone.status, alone.json()["code"].as_str()), (409, Some("last_owner")));
    let alone = remove(&stack, &ada, &acme, &ada).await;
    assert_eq!((alone.status, alone.json()["code"].as_str()), (409, Some("last_owner")));
    let by_root = stack.delete(&format!("/v1/organizations/{acme}/members/{}", ada.id)).await;
    assert_eq!(by_root.status, 409);
    assert_eq!(set_role(&stack, &ada, &acme, &bob, "owner").await.status, 200);
    assert_eq!(set_role(&stack, &ada, &acme, &ada, "member").await.json()["role"], "member");
    assert_eq!(set_role(&stack, &ada, &acme, &bob, "member").await.status, 403, "they are an owner no more");
}

#[tokio::test]
async fn owners_who_remove_each_other_at_once_leave_one() {
    let stack = Stack::start().await;
    for _ in 0..8 {
        let acme = stack.organization("acme").await;
        let (ada, bob) = (stack.person(&acme, "owner").await, stack.person(&acme, "owner").await);
        let (one, two) = tokio::join!(remove(&stack, &ada, &acme, &bob), remove(&stack, &bob, &acme, &ada));
        let done = [one.status, two.status].iter().filter(|status| **status == 204).count();
        assert_eq!(done, 1, "{} {}", one.status, two.status);
        let left = stack.get(&format!("/v1/organizations/{acme}/members")).await.json();
        assert_eq!(left["data"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn whoever_leaves_takes_their_personal_tokens_along_and_no_service() {
    let stack = Stack::start().await;
    let (acme, other) = (stack.organization("acme").await, stack.organization("other").await);
    let (ada, bob) = (stack.person(&acme, "owner").await, stack.person(&acme, "admin").await);
    stack.join(&other, &bob.id, "admin").await;
    let elsewhere = stack.token(&other, Some(&bob.id), "keys:read", None).await;
    let service = json!({ "name": "ci", "kind": "service", "scopes": ["keys:read"] });
    let service = stack.by(&bob.token, Method::POST, "/v1/tokens", Some(service)).await.json();
    let service = service["token"].as_str().unwrap().to_owned();
    let status = async |token: &str| stack.by(token, Method::GET, "/v1/keys", None).await.status;
    assert_eq!((status(&bob.token).await, status(&elsewhere).await, status(&service).await), (200, 200, 200));
    assert_eq!(remove(&stack, &ada, &acme, &bob).await.status, 204);
    assert_eq!((status(&bob.token).await, status(&elsewhere).await, status(&service).await), (401, 200, 200));
    assert_eq!(remove(&stack, &ada, &acme, &bob).await.status, 404);
    // Coming back does not bring the token back.
    stack.join(&acme, &bob.id, "admin").await;
    assert_eq!(status(&bob.token).await, 401);
}

/// What a viewer may, and inviting.
const AS_A_VIEWER: [&str; 7] =
    ["keys:read", "members:read", "members:write", "organizations:read", "policy:read", "secrets:read", "skills:read"];

#[tokio::test]
async fn nobody_comes_back_by_a_link_they_kept() {
    let stack = Stack::start().await;
    let acme = stack.organization("acme").await;
    let ada = stack.person(&acme, "owner").await;
    let path = format!("/v1/organizations/{acme}/invitations");
    let invitation = json!({ "role": "viewer", "email": "grace@example.com" });
    let kept = async |token: &str| {
        let made = stack.by(token, Method::POST, &path, Some(invitation.clone())).await;
        assert_eq!(made.status, 201, "{}", made.json());
        made.json()["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
    };
    let (removed, demoted) = (stack.person(&acme, "admin").await, stack.person(&acme, "admin").await);
    let service = json!({ "name": "ci", "kind": "service", "scopes": AS_A_VIEWER });
    let service = stack.by(&ada.token, Method::POST, "/v1/tokens", Some(service)).await.json();
    let text = service["token"].as_str().unwrap();
    let links = [kept(&removed.token).await, kept(&demoted.token).await, kept(text).await, kept(&ada.token).await];
    assert_eq!(remove(&stack, &ada, &acme, &removed).await.status, 204);
    assert_eq!(set_role(&stack, &ada, &acme, &demoted, "viewer").await.status, 200);
    let path = format!("/v1/tokens/{}", service["id"].as_str().unwrap());
    assert_eq!(stack.by(&ada.token, Method::DELETE, &path, None).await.status, 200);
    for (link, status) in links.iter().zip([404, 404, 404, 201]) {
        let answer = stack.accept(link, "grace@example.com", PASSWORD).await;
        assert_eq!(answer.status, status, "{}", answer.json());
    }
}

#[tokio::test]
async fn a_role_is_what_its_personal_tokens_can() {
    let stack = Stack::start().await;
    let acme = stack.organization("acme").await;
    let (ada, bob) = (stack.person(&acme, "owner").await, stack.person(&acme, "admin").await);
    let key = json!({ "name": "x", "environment": "live" });
    for (role, makes, lists) in [("member", 201, 200), ("viewer", 403, 200), ("admin", 201, 200)] {
        assert_eq!(set_role(&stack, &ada, &acme, &bob, role).await.status, 200);
        assert_eq!(stack.by(&bob.token, Method::POST, "/v1/keys", Some(key.clone())).await.status, makes, "{role}");
        assert_eq!(stack.by(&bob.token, Method::GET, "/v1/keys", None).await.status, lists, "{role}");
    }
    let narrow = stack.token(&acme, Some(&ada.id), "members:write members:read", None).await;
    let path = format!("/v1/organizations/{acme}/invitations");
    for role in ["owner", "admin", "member", "viewer"] {
        let made =
            stack.by(&narrow, Method::POST, &path, Some(json!({ "role": role, "email": "eve@example.com" }))).await;
        assert_eq!(made.status, 403, "{role} may more than this token");
    }
}

#[tokio::test]
async fn an_invitation_works_once_for_whom_it_is_for_and_for_a_week() {
    let stack = Stack::start().await;
    let acme = stack.organization("acme").await;
    let link = stack.invite(&acme, "admin", "Ada@Example.com").await;
    for (email, password, status, what) in [
        ("bob@example.com", PASSWORD, 422, "/email"),
        ("ada@example.com", "short", 422, "/password"),
        ("ada@example.com", "aaaaaaaaaaaaaaaaa", 422, "/password"),
        ("ada@example.com", PASSWORD, 201, ""),
        ("ada@example.com", PASSWORD, 404, ""),
    ] {
        let answer = stack.accept(&link, email, password).await;
        assert_eq!(answer.status, status, "{email} {password}: {}", answer.json());
        assert_eq!(answer.json()["pointer"].as_str().unwrap_or_default(), what, "{email} {password}");
    }
    let members = stack.get(&format!("/v1/organizations/{acme}/members")).await.json();
    assert_eq!(
        (&members["data"][0]["email"], &members["data"][0]["role"]),
        (&json!("ada@example.com"), &json!("admin"))
    );
    let again = stack
        .post(&format!("/v1/organizations/{acme}/invitations"), json!({ "role": "viewer", "email": "ada@example.com" }))
        .await;
    assert_eq!((again.status, again.json()["code"].as_str()), (409, Some("already_member")));

    let old = stack.invite(&acme, "viewer", "eve@example.com").await;
    stack.pass(7 * 24 * 60 * 60);
    assert_eq!(stack.accept(&old, "eve@example.com", PASSWORD).await.status, 404);

    stack.invite(&acme, "viewer", "bob@example.com").await;
    let withdrawn = stack.invite(&acme, "viewer", "eve@example.com").await;
    let listed = stack.get(&format!("/v1/organizations/{acme}/invitations")).await.json();
    let all = listed["data"].as_array().unwrap();
    assert_eq!(all.len(), 3, "{listed}");
    for it in all {
        let path = format!("/v1/organizations/{acme}/invitations/{}", it["id"].as_str().unwrap());
        assert_eq!(stack.delete(&path).await.status, 200);
    }
    assert_eq!(stack.accept(&withdrawn, "eve@example.com", PASSWORD).await.status, 404);
}

#[tokio::test]
async fn who_is_known_joins_with_the_password_they_have() {
    let stack = Stack::start().await;
    let (acme, other) = (stack.organization("acme").await, stack.organization("other").await);
    let first = stack.invite(&acme, "owner", "ada@example.com").await;
    let made = stack.accept(&first, "Ada@Example.com", PASSWORD).await;
    assert_eq!((made.status, made.json()["membership"]["role"].as_str()), (201, Some("owner")));
    let second = stack.invite(&other, "viewer", "ada@example.com").await;
    let third = stack.invite(&other, "owner", "ada@example.com").await;
    let wrong = stack.accept(&second, "ada@example.com", "another password entirely").await;
    assert_eq!((wrong.status, wrong.json()["code"].as_str()), (403, Some("wrong_password")));
    let joined = stack.accept(&second, "ada@example.com", PASSWORD).await.json();
    assert_eq!(
        (&joined["user"]["id"], &joined["membership"]["organization"]),
        (&made.json()["user"]["id"], &json!(other))
    );
    assert_eq!(stack.accept(&third, "ada@example.com", PASSWORD).await.json()["code"], "already_member");
}

#[tokio::test]
async fn nobody_chooses_the_address_they_are_known_by() {
    let stack = Stack::start().await;
    let acme = stack.organization("acme").await;
    let path = format!("/v1/organizations/{acme}/invitations");
    assert_eq!(stack.post(&path, json!({ "role": "viewer" })).await.status, 400);
    assert_eq!(stack.post(&path, json!({ "role": "viewer", "email": "" })).await.json()["pointer"], "/email");
    let link = stack.invite(&acme, "viewer", "ada@example.com").await;
    stack.sql("UPDATE invitations SET email = NULL WHERE NOT is_first").await;
    let open = stack.accept(&link, "ceo@example.com", PASSWORD).await;
    assert_eq!(open.status, 404, "as earlier versions made them: {}", open.json());
}

#[tokio::test]
async fn an_address_that_somebody_else_took_is_free_again_once_they_are_removed() {
    let stack = Stack::start().await;
    let (acme, other) = (stack.organization("acme").await, stack.organization("other").await);
    let bob = "bob@example.com";
    let eve = stack.accept(&stack.invite(&acme, "viewer", bob).await, bob, PASSWORD).await;
    assert_eq!(eve.status, 201);
    let link = stack.invite(&other, "member", bob).await;
    let own = "a password of his own";
    assert_eq!(stack.accept(&link, bob, own).await.json()["code"], "wrong_password", "hers opens something");
    let path = format!("/v1/organizations/{acme}/members/{}", eve.json()["user"]["id"].as_str().unwrap());
    assert_eq!(stack.delete(&path).await.status, 204);
    let joined = stack.accept(&link, bob, own).await;
    assert_eq!(joined.status, 201, "{}", joined.json());
    let again = stack.invite(&acme, "viewer", bob).await;
    assert_eq!(stack.accept(&again, bob, PASSWORD).await.json()["code"], "wrong_password");
    assert_eq!(stack.accept(&again, bob, own).await.status, 201);
    let log = stack.get("/v1/audit?action=user.password_changed").await.json();
    assert_eq!(log["data"][0]["detail"], json!({ "by": "invitation" }), "{log}");
}

#[tokio::test]
async fn one_link_and_many_who_want_it_make_one_member() {
    let stack = Stack::start().await;
    let acme = stack.organization("acme").await;
    let link = stack.invite(&acme, "member", "ada@example.com").await;
    let all = (0..6).map(|_| stack.accept(&link, "ada@example.com", PASSWORD));
    let all = futures_util::future::join_all(all).await;
    let mut statuses: Vec<_> = all.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 404, 404, 404, 404, 404]);
}

#[tokio::test]
async fn whoever_tries_too_often_is_told_when_to_come_back() {
    use portcullis_control::{Limits, Rate};
    use std::num::NonZeroU32;
    use std::time::Duration;
    let rate = Rate { burst: NonZeroU32::new(3).unwrap(), every: Duration::from_secs(3600) };
    let limits = Limits { sign_ins_by_address: rate, ..Limits::default() };
    let stack = Stack::begin(tempfile::tempdir().unwrap(), crate::stack::NOON, limits, &[]).await;
    stack.manifest().await;
    let acme = stack.organization("acme").await;
    let link = stack.invite(&acme, "member", "ada@example.com").await;
    for status in [422, 422, 422, 429] {
        let answer = stack.accept(&link, "ada@example.com", "short").await;
        assert_eq!(answer.status, status);
        if status == 429 {
            assert_eq!(answer.json()["code"], "too_many_requests");
            assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0);
        }
    }
}

#[tokio::test]
async fn lists_come_in_pages() {
    let stack = Stack::start().await;
    let acme = stack.organization("acme").await;
    let mut people = Vec::new();
    for _ in 0..5 {
        people.push(stack.person(&acme, "viewer").await.id);
        stack.invite(&acme, "viewer", &format!("{}@example.com", unique())).await;
        stack.token(&acme, None, "", None).await;
    }
    for (path, total) in [
        (format!("/v1/organizations/{acme}/members?"), 5),
        (format!("/v1/organizations/{acme}/invitations?"), 5),
        (format!("/v1/tokens?organization={acme}&"), 10),
    ] {
        let mut found = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = stack.get(&format!("{path}limit=2{cursor}")).await.json();
            let data = page["data"].as_array().unwrap();
            assert!((1..=2).contains(&data.len()), "{path}");
            found.extend(data.iter().map(|it| it.get("id").or(it.get("user")).unwrap().as_str().unwrap().to_owned()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let mut distinct = found.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!((found.len(), distinct.len()), (total, total), "{path}");
        for wrong in ["limit=0", "limit=1001", "cursor=nonsense", "order=down"] {
            let status = stack.get(&format!("{path}{wrong}")).await.status;
            assert!(status == 422 || status == 400, "{path}{wrong}: {status}");
        }
    }
}

#[tokio::test]
async fn whoever_makes_an_organisation_owns_it() {
    let stack = Stack::start().await;
    let home = stack.default_organization().await;
    let ada = stack.person(&home, "admin").await;
    let made = stack.by(&ada.token, Method::POST, "/v1/organizations", Some(json!({ "name": "new" }))).await.json();
    let members = stack.get(&format!("/v1/organizations/{}/members", made["id"].as_str().unwrap())).await.json();
    assert_eq!((&members["data"][0]["user"], &members["data"][0]["role"]), (&json!(ada.id), &json!("owner")));
    let all = stack.by(&ada.token, Method::GET, "/v1/organizations", None).await.json();
    assert_eq!(all["data"].as_array().unwrap().len(), 2, "an operator sees that the others are there");
    let suspended = json!({ "state": "suspended" });
    let path = format!("/v1/organizations/{}", made["id"].as_str().unwrap());
    assert_eq!(stack.by(&ada.token, Method::PATCH, &path, Some(suspended)).await.status, 200);
    let inside = stack.by(&ada.token, Method::GET, &format!("{path}/members"), None).await;
    assert_eq!(inside.status, 404, "but not what is in them");
}

#[tokio::test]
async fn what_is_theirs_goes_with_whoever_is_removed_and_edges_hear_of_it() {
    let stack = Stack::start().await;
    let acme = stack.organization("acme").await;
    let (ada, bob) = (stack.person(&acme, "owner").await, stack.person(&acme, "member").await);
    stack
        .sql(
            "INSERT INTO secrets (id, organization, owner, name, description, revision, created_at, replaced_at, changed_in) \
             SELECT 'sec_0000000000000001', organization, user_id, 'token', '', 1, 1, 1, 1 FROM memberships WHERE role = 'member'",
        )
        .await;
    let version = stack.manifest().await.version;
    assert_eq!(remove(&stack, &ada, &acme, &bob).await.status, 204);
    assert_eq!(stack.text("SELECT CAST(COUNT(*) AS TEXT) FROM secrets").await, "0");
    assert!(stack.manifest().await.version > version);
    let log = stack.get("/v1/audit?action=member.removed").await.json();
    assert_eq!(log["data"][0]["detail"], json!({ "role": "member", "secrets": 1 }), "{log}");
}

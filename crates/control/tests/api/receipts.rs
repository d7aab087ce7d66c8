//! Receipts: where a change is enforced and how fast the slowest edge was.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::browser::shown;
use crate::stack::Stack;

const SOON: Duration = Duration::from_secs(10);

async fn report(stack: &Stack, edge: &str, vm: &str, version: u64) {
    let answer = stack.report(json!({ "edge": edge, "vm": vm, "applied_version": version })).await;
    assert_eq!(answer.status, 204);
}

async fn change(stack: &Stack) -> u64 {
    stack.post("/v1/keys", json!({ "name": "till", "environment": "live" })).await.version()
}

async fn receipt(stack: &Stack, version: u64) -> Value {
    let answer = stack.get(&format!("/v1/receipts/{version}")).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    answer.json()
}

#[tokio::test]
async fn a_receipt_says_how_many_edges_enforce_a_change_and_how_fast_the_slowest_was() {
    let stack = Stack::start().await;
    let first = stack.manifest().await.version;
    let version = change(&stack).await;
    assert_eq!(
        receipt(&stack, version).await,
        json!({
            "version": version, "changed_at": "2026-01-15T12:00:00Z", "edges": 0, "enforced": 0, "silent": 0,
            "slowest_ms": null, "complete": false, "text": "no edge has reported yet", "detail": [],
        })
    );
    for vm in ["a", "b"] {
        report(&stack, "edge-1", vm, first).await;
        report(&stack, "edge-2", vm, first).await;
    }
    let version = change(&stack).await;
    for (pass, edge, vm, text) in [
        (100, "edge-1", "a", "enforced on 0 of 2 edges"),
        (40, "edge-1", "b", "enforced on 1 of 2 edges, slowest 140 ms"),
        (0, "edge-1", "b", "enforced on 1 of 2 edges, slowest 140 ms"),
        (60, "edge-2", "b", "enforced on 1 of 2 edges, slowest 140 ms"),
        (1900, "edge-2", "a", "enforced on 2 of 2 edges, slowest 2.1 s"),
    ] {
        stack.pass_millis(pass);
        report(&stack, edge, vm, version).await;
        assert_eq!(receipt(&stack, version).await["text"], text);
    }
    let done = receipt(&stack, version).await;
    assert_eq!((&done["complete"], &done["slowest_ms"]), (&json!(true), &json!(2100)));
    assert_eq!(
        done["detail"],
        json!([
            { "edge": "edge-1", "enforced": true, "silent": false, "ms": 140 },
            { "edge": "edge-2", "enforced": true, "silent": false, "ms": 2100 },
        ])
    );
    report(&stack, "edge-3", "a", version).await;
    assert_eq!(receipt(&stack, version).await["text"], "enforced on 3 of 3 edges, slowest 2.1 s", "it started later");

    let next = change(&stack).await;
    stack.pass(61);
    report(&stack, "edge-1", "a", next).await;
    let text = receipt(&stack, next).await["text"].clone();
    assert_eq!(text, "enforced on 1 of 1 edge, slowest 1 min; 2 silent: edge-2, edge-3");
    let old = receipt(&stack, version).await;
    assert_eq!((&old["text"], &old["complete"]), (&json!("enforced on 1 of 1 edge, slowest 100 ms"), &json!(true)));
}

#[tokio::test]
async fn a_receipt_is_waited_for() {
    let stack = Stack::start().await;
    let version = change(&stack).await;
    report(&stack, "edge-1", "a", version).await;
    let next = change(&stack).await;
    let path = format!("/v1/receipts/{next}?wait=30");
    let waited = async { tokio::join!(stack.get(&path), report(&stack, "edge-1", "a", next)) };
    let (answer, ()) = timeout(SOON, waited).await.unwrap();
    assert_eq!(answer.json()["complete"], true);
    let never = change(&stack).await;
    let answer = stack.get(&format!("/v1/receipts/{never}?wait=1")).await.json();
    assert_eq!((&answer["complete"], &answer["text"]), (&json!(false), &json!("enforced on 0 of 1 edge")));
}

#[tokio::test]
async fn each_caller_waits_for_so_many_at_once_and_keeps_nobody_else_waiting() {
    use futures_util::StreamExt as _;
    use futures_util::stream::FuturesUnordered;
    let stack = Stack::start().await;
    let home = stack.default_organization().await;
    let person = stack.person(&home, "viewer").await;
    let another = stack.token(&home, Some(&person.id), "keys:read", None).await;
    report(&stack, "edge-1", "a", change(&stack).await).await;
    let version = change(&stack).await;
    let path = format!("/v1/receipts/{version}?wait=30");
    let tokens = [&person.token, &another, &person.token].into_iter().cycle().take(9);
    let mut waiting: FuturesUnordered<_> = tokens.map(|token| stack.by(token, Method::GET, &path, None)).collect();
    let refused = timeout(SOON, waiting.next()).await.unwrap().unwrap();
    assert_eq!((refused.status, refused.header("retry-after")), (429, "1"), "{}", refused.json());
    assert_eq!(refused.json()["code"], "too_many_requests");
    let at_once = format!("/v1/receipts/{version}");
    let others = async {
        assert_eq!(stack.by(&person.token, Method::GET, &at_once, None).await.status, 200, "it does not wait");
        let service = stack.token(&home, None, "keys:read", None).await;
        let theirs = stack.by(&service, Method::GET, &format!("{at_once}?wait=1"), None).await;
        assert_eq!(theirs.status, 200, "somebody else has their own");
        report(&stack, "edge-1", "a", version).await;
    };
    let answers = async { tokio::join!(others, waiting.by_ref().collect::<Vec<_>>()).1 };
    let answers = timeout(SOON, answers).await.unwrap();
    assert!(answers.len() == 8 && answers.iter().all(|it| it.status == 200));
    assert_eq!(stack.by(&person.token, Method::GET, &path, None).await.status, 200, "there is room again");
}

#[tokio::test]
async fn what_another_replica_heard_ends_the_wait_too() {
    let stack = Stack::start().await;
    let version = change(&stack).await;
    report(&stack, "edge-1", "a", version - 1).await;
    let path = format!("/v1/receipts/{version}?wait=30");
    let elsewhere = async {
        assert_eq!(receipt(&stack, version).await["enforced"], 0);
        stack.sql("INSERT INTO edge_versions SELECT edge, vm, applied_version + 1, reported_at_ms FROM edge_vms").await;
        stack.sql("UPDATE edge_vms SET applied_version = applied_version + 1").await;
    };
    let (answer, ()) = timeout(SOON, async { tokio::join!(stack.get(&path), elsewhere) }).await.unwrap();
    assert_eq!(answer.json()["text"], "enforced on 1 of 1 edge, slowest 0 ms");
}

#[tokio::test]
async fn receipts_that_make_no_sense_are_refused() {
    let stack = Stack::start().await;
    let version = change(&stack).await;
    for (path, status) in [
        ("/v1/receipts/3".to_owned(), 404),
        ("/v1/receipts/x".to_owned(), 404),
        (format!("/v1/receipts/{}", version + 1), 404),
        (format!("/v1/receipts/{version}?wait=31"), 422),
        (format!("/v1/receipts/{version}?wait=-1"), 400),
        (format!("/v1/receipts/{version}?what=1"), 400),
    ] {
        assert_eq!(stack.get(&path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn an_organisation_sees_where_its_own_changes_are_enforced_and_no_edge_by_name() {
    let stack = Stack::start().await;
    let (mine, theirs) = (stack.organization("mine").await, stack.organization("theirs").await);
    let (owner, home) = (stack.person(&mine, "owner").await, stack.default_organization().await);
    let (operator, idle) = (stack.person(&home, "viewer").await, stack.token(&mine, None, "keys:write", None).await);
    report(&stack, "edge-1", "a", stack.manifest().await.version).await;
    report(&stack, "edge-2", "a", stack.manifest().await.version).await;
    stack.pass(61);
    let version = async |organization: &str| {
        let key = json!({ "name": "till", "environment": "live", "organization": organization });
        stack.post("/v1/keys", key).await.version()
    };
    let (own, others) = (version(&mine).await, version(&theirs).await);
    let operators = version(&home).await;
    report(&stack, "edge-1", "a", operators).await;
    let (named, nameless) = ("; 1 silent: edge-2", "; 1 silent");
    for (token, version, expected) in [
        (&stack.admin, own, Ok((named, 2))),
        (&stack.admin, others, Ok((named, 2))),
        (&owner.token, own, Ok((nameless, 0))),
        (&owner.token, others, Err(404)),
        (&owner.token, operators, Err(404)),
        (&operator.token, operators, Ok((named, 2))),
        (&operator.token, own, Err(404)),
        (&idle, own, Err(403)),
    ] {
        let answer = stack.by(token, Method::GET, &format!("/v1/receipts/{version}"), None).await;
        let receipt = answer.json();
        let seen = match answer.status {
            200 => Ok((
                receipt["text"].as_str().unwrap().trim_start_matches(|c| c != ';'),
                receipt["detail"].as_array().unwrap().len(),
            )),
            status => Err(status),
        };
        assert_eq!(seen, expected, "{version}: {receipt}");
    }
}

#[tokio::test]
async fn whoever_may_suspend_an_organisation_sees_where_it_is_suspended() {
    let stack = Stack::start().await;
    let (home, theirs) = (stack.default_organization().await, stack.organization("theirs").await);
    let (admin, viewer) = (stack.person(&home, "admin").await, stack.person(&home, "viewer").await);
    let (owner, stranger) = (stack.person(&theirs, "owner").await, stack.organization("mine").await);
    let stranger = stack.person(&stranger, "owner").await;
    let bare = stack.token(&home, None, "organizations:write", None).await;
    report(&stack, "edge-1", "a", stack.manifest().await.version).await;
    let path = format!("/v1/organizations/{theirs}");
    for state in ["suspended", "active"] {
        let changed = stack.by(&admin.token, Method::PATCH, &path, Some(json!({ "state": state }))).await;
        let version = changed.version();
        report(&stack, "edge-1", "a", version).await;
        for (token, status) in
            [(&admin.token, 200), (&bare, 200), (&owner.token, 200), (&viewer.token, 404), (&stranger.token, 404)]
        {
            let answer = stack.by(token, Method::GET, &format!("/v1/receipts/{version}"), None).await;
            assert_eq!(answer.status, status, "{state}: {}", answer.json());
            let text = "enforced on 1 of 1 edge, slowest 0 ms";
            assert!(status != 200 || answer.json()["text"] == text, "{}", answer.json());
        }
    }
    let key = json!({ "name": "till", "environment": "live", "organization": theirs });
    let version = stack.post("/v1/keys", key).await.version();
    for (token, status) in [(&admin.token, 404), (&bare, 404), (&owner.token, 200)] {
        let answer = stack.by(token, Method::GET, &format!("/v1/receipts/{version}"), None).await;
        assert_eq!(answer.status, status, "what is in it is not the operator's: {}", answer.json());
    }
}

#[tokio::test]
async fn the_page_of_organisations_shows_where_one_is_suspended() {
    let stack = Stack::start().await;
    let (home, theirs) = (stack.default_organization().await, stack.organization("theirs").await);
    let owner = stack.browser(&home, "owner").await;
    for (what, text) in [("suspend", "The organisation is suspended."), ("resume", "The organisation is active again.")]
    {
        let page = owner.go(&format!("/organizations/{theirs}/{what}"), &[]).await.text();
        assert!(page.contains(text), "{page}");
        assert_eq!(shown(&page, "receipt-text"), "no edge has reported yet");
    }
}

//! What keys did: told by edges in numbered batches, added up for those who ask.

use portcullis_control::backup::{Restore, backup, restore};
use portcullis_control::{Clock, Database};
use reqwest::Method;
use serde_json::{Value, json};

use super::metrics::value;
use crate::stack::{NOON, ON_POSTGRES, Stack};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// One batch of VM `vm`: `usage`, and as many requests of the edge.
pub(crate) fn batch(vm: &str, seq: u64, allowed: u64, usage: Value) -> Value {
    json!({
        "edge": "e", "vm": vm, "boot": "00000000000000b0", "seq": seq, "applied_version": 1, "allowed": allowed,
        "usage": usage,
    })
}

pub(crate) fn entry(key: &str, hour: u64, route: &str, allowed: u64) -> Value {
    json!({ "hour": hour, "key": key, "route": route, "allowed": allowed, "cost": 2 * allowed, "last": hour })
}

pub(crate) async fn key(stack: &Stack) -> String {
    stack.key("till").await["id"].as_str().unwrap().to_owned()
}

pub(crate) async fn tell(stack: &Stack, report: Value) {
    let answer = stack.report(report).await;
    assert_eq!(answer.status, 204, "{}", answer.json());
}

/// `allowed/cost/denied` of each row, with what it tells apart before it.
pub(crate) async fn usage(stack: &Stack, query: &str) -> String {
    let answer = stack.get(&format!("/v1/usage?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.json());
    rows(&answer.json())
}

fn rows(list: &Value) -> String {
    let row = |row: &Value| {
        let parts = ["hour", "day", "organization", "environment", "key", "route", "reason"];
        let parts: String = parts.iter().filter_map(|it| Some(format!("{} ", row[*it].as_str()?))).collect();
        format!("{parts}{}/{}/{}", row["allowed"], row["cost"], row["denied"])
    };
    list["data"].as_array().unwrap().iter().map(row).collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn a_batch_counts_once_however_often_and_in_whatever_order_it_comes() {
    let stack = Stack::start().await;
    let id = key(&stack).await;
    let full = |vm: &str, seq: u64| {
        let mut report = batch(vm, seq, 1, json!([entry(&id, NOON, "GET /a", 1)]));
        report["denied"] = json!({ "no_rule": 1 });
        report["samples"] = json!([{ "key": &id, "kind": "retiring", "method": "GET", "count": 1 }]);
        report["denials"] = json!([{ "at": NOON, "reason": "no_rule", "method": "GET", "key": &id }]);
        report
    };
    for (sent, applied) in [
        (vec![("a", 1)], 1),
        (vec![("a", 1), ("a", 1)], 1),
        (vec![("b", 1), ("a", 2), ("b", 1), ("a", 1)], 3),
        (vec![("c", 7), ("b", 3), ("c", 6), ("b", 2), ("c", 7)], 5),
    ] {
        for (vm, seq) in &sent {
            tell(&stack, full(vm, *seq)).await;
        }
        assert_eq!(usage(&stack, "").await, format!("{applied}/{}/0", 2 * applied), "{sent:?}");
        let edge = stack.get("/v1/edges").await.json()["data"][0].clone();
        assert_eq!((&edge["allowed"], &edge["denied_total"]), (&json!(applied), &json!(applied)), "{sent:?}");
        let seen = stack.get(&format!("/v1/keys/{id}/observations")).await.json();
        assert_eq!(seen["totals"]["count"], applied, "{sent:?}");
        let denials = stack.get("/v1/denials").await.json();
        assert_eq!(denials["data"].as_array().unwrap().len(), applied, "{sent:?}");
        assert_eq!(stack.get("/v1/traffic").await.json()["allowed"], applied, "{sent:?}");
    }
    for (outcome, number) in [("applied", 5.0), ("repeated", 7.0)] {
        let series = format!("portcullis_report_batches_total{{outcome=\"{outcome}\"}}");
        assert_eq!(value(&stack, &series).await, Some(number), "{outcome}");
    }
}

#[tokio::test]
async fn a_batch_that_comes_many_times_at_once_counts_once() {
    let stack = Stack::start().await;
    let id = key(&stack).await;
    for seq in 1..=5 {
        let report = |vm: u64| stack.report(batch(&vm.to_string(), seq, 1, json!([entry(&id, NOON, "GET /a", 1)])));
        let answers = futures_util::future::join_all((0..40).map(|number| report(number % 8))).await;
        assert!(answers.iter().all(|answer| answer.status == 204));
        assert_eq!(usage(&stack, "").await, format!("{}/{}/0", 8 * seq, 16 * seq));
    }
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_kill() {
    let mut stack = Stack::start().await;
    let id = key(&stack).await;
    for seq in 1..=5 {
        tell(&stack, batch("a", seq, 1, json!([entry(&id, NOON, "GET /a", 1)]))).await;
        stack = Stack::resume(stack.kill().await, NOON + seq).await;
        tell(&stack, batch("a", seq, 1, json!([entry(&id, NOON, "GET /a", 1)]))).await;
        assert_eq!(usage(&stack, "").await, format!("{seq}/{}/0", 2 * seq));
    }
}

#[tokio::test]
async fn a_restored_copy_goes_on_from_where_edges_are() {
    if ON_POSTGRES {
        return;
    }
    let stack = Stack::start().await;
    let id = key(&stack).await;
    let report = |seq: u64| batch("a", seq, 1, json!([entry(&id, NOON, "GET /a", 1)]));
    tell(&stack, report(1)).await;
    let copy = stack.folder.path().join("copy");
    backup(&Database::InFolder, stack.folder.path(), &copy).await.unwrap();
    tell(&stack, report(2)).await;
    let folder = stack.kill().await;
    let what = Restore { from: &copy, revoke_tokens: false };
    restore(&Database::InFolder, folder.path(), what, &Clock::from_millis(|| NOON * 1000)).await.unwrap();
    let stack = Stack::resume(folder, NOON).await;
    for (seq, sum) in [(1, "1/2/0"), (3, "2/4/0"), (3, "2/4/0"), (4, "3/6/0")] {
        tell(&stack, report(seq)).await;
        assert_eq!(usage(&stack, "").await, sum, "{seq}");
    }
}

#[tokio::test]
async fn edges_that_number_nothing_are_heard_as_before() {
    let stack = Stack::start().await;
    let id = key(&stack).await;
    let report = json!({
        "edge": "old", "vm": "1", "applied_version": 1, "allowed": 1, "usage": [entry(&id, NOON, "GET /a", 1)],
    });
    for _ in 0..2 {
        tell(&stack, report.clone()).await;
    }
    assert_eq!(usage(&stack, "").await, "2/4/0", "nothing says that it came before");
    assert_eq!(stack.get("/v1/edges").await.json()["data"][0]["allowed"], 2);
    for (boot, status) in [(json!(""), 422), (json!("x".repeat(129)), 422), (json!("b\n"), 422), (json!("b"), 204)] {
        let mut report = batch("a", 1, 1, json!([]));
        report["boot"] = boot.clone();
        assert_eq!(stack.report(report).await.status, status, "{boot}");
    }
}

#[tokio::test]
async fn requests_are_counted_in_their_hour_and_day() {
    let stack = Stack::start().await;
    let id = key(&stack).await;
    stack.pass(40 * DAY);
    let now = NOON + 40 * DAY;
    let hours = [
        now,                 // 12:00
        now + 3 * HOUR,      // the future: now
        now - 1,             // 11:00
        now - 12 * HOUR,     // 00:00
        now - 12 * HOUR - 1, // 23:00 the day before
        now - 35 * DAY,      // the oldest that is kept
        now - 36 * DAY,      // older
        0,
    ];
    let entries: Vec<_> = hours.iter().map(|hour| entry(&id, *hour, "GET /a", 1)).collect();
    tell(&stack, batch("a", 1, 8, json!(entries))).await;
    assert_eq!(
        usage(&stack, "by=hour&from=2026-01-01").await,
        "2026-01-20T12:00:00Z 3/6/0, 2026-02-23T23:00:00Z 1/2/0, 2026-02-24T00:00:00Z 1/2/0, \
         2026-02-24T11:00:00Z 1/2/0, 2026-02-24T12:00:00Z 2/4/0"
    );
    for (query, expected) in [
        ("by=day", "2026-02-23 1/2/0, 2026-02-24 4/8/0"),
        ("by=day&from=2026-01-01", "2026-01-20 3/6/0, 2026-02-23 1/2/0, 2026-02-24 4/8/0"),
        ("by=day&to=2026-02-24", "2026-02-23 1/2/0"),
        ("from=2026-02-24", "4/8/0"),
        ("from=2026-02-24T00:30:00Z&to=2026-02-24T11:30:00Z", "2/4/0"),
        ("from=2026-02-24T00:00:00Z&to=2026-02-24T00:00:01Z", "1/2/0"),
        ("from=2025-02-24&to=2025-03-01", "0/0/0"),
        ("by=key&from=2025-02-24&to=2025-03-01", ""),
    ] {
        assert_eq!(usage(&stack, query).await, expected, "{query}");
    }
    let list = stack.get("/v1/usage?from=2026-02-24T00:30:00Z&to=2026-02-24T11:30:00Z").await.json();
    assert_eq!((&list["from"], &list["to"]), (&json!("2026-02-24T00:00:00Z"), &json!("2026-02-24T12:00:00Z")));
    let used = &stack.get(&format!("/v1/keys/{id}")).await.json()["last_used"];
    assert_eq!(used, "2026-02-24T12:00:00Z", "and the key was last used then, not in the future");
}

#[tokio::test]
async fn what_makes_no_sense_is_left_out_and_counted() {
    let stack = Stack::start().await;
    let id = key(&stack).await;
    let denied = json!({ "hour": NOON, "key": &id, "denied": { "no_rule": 5, "Not A Name": 2, "of_a_newer_edge": 1 } });
    let secret = entry(&id, NOON, "GET /v1/sk_live_0123456789/x\n", 1);
    let usage_told = json!([
        denied, secret, entry("key_0000000000000000", NOON, "GET /a", 70), entry("sk_live_0123456789", NOON, "GET /a", 7),
        { "hour": NOON, "key": &id, "allowed": u64::MAX, "cost": u64::MAX, "route": "x".repeat(5000) },
        { "hour": "noon", "key": &id, "allowed": 1 }, { "of": "the future" }, null,
    ]);
    tell(&stack, batch("a", 1, 1, usage_told)).await;
    let most = u64::from(u32::MAX);
    assert_eq!(
        usage(&stack, "by=route,reason").await,
        format!(
            " no_rule 0/0/5,  of_a_newer_edge 0/0/1,  other 0/0/2, GET /v1/***/x  1/2/0, other  {most}/{}/0",
            most << 16
        )
    );
    for (series, number) in
        [("portcullis_usage_unknown_keys_total", 77.0), ("portcullis_report_entries_unread_total{part=\"usage\"}", 3.0)]
    {
        assert_eq!(value(&stack, series).await, Some(number), "{series}");
    }
}

#[tokio::test]
async fn rules_beyond_so_many_are_counted_together() {
    let stack = Stack::start().await;
    let id = key(&stack).await;
    let entries: Vec<_> = (0..2100).map(|number| entry(&id, NOON, &format!("GET /{number}"), 1)).collect();
    tell(&stack, batch("a", 1, 1, json!(entries))).await;
    assert_eq!(usage(&stack, "route=other").await, "100/200/0");
    assert_eq!(usage(&stack, "").await, "2100/4200/0");
}

#[tokio::test]
async fn usage_is_for_those_whose_keys_they_are() {
    let stack = Stack::start().await;
    let [acme, other] = [stack.organization("acme").await, stack.organization("other").await];
    let mut keys = Vec::new();
    for (organization, allowed) in [(&acme, 1), (&acme, 2), (&other, 5)] {
        let body = json!({ "name": "till", "environment": "test", "organization": organization });
        let id = stack.post("/v1/keys", body).await.json()["id"].as_str().unwrap().to_owned();
        let told =
            json!([entry(&id, NOON, "GET /a", allowed), { "hour": NOON, "key": &id, "denied": { "no_rule": 1 } }]);
        tell(&stack, batch(&id, 1, 1, told)).await;
        keys.push(id);
    }
    let viewer = stack.person(&acme, "viewer").await.token;
    let billing = stack.token(&acme, None, "keys:read", None).await;
    let no_keys = stack.token(&acme, None, "members:read audit:read", None).await;
    let ask = async |token: &str, query: &str| {
        let answer = stack.by(token, Method::GET, &format!("/v1/usage?{query}"), None).await;
        if answer.status == 200 { rows(&answer.json()) } else { answer.status.to_string() }
    };
    for (token, query, expected) in [
        (&stack.admin, String::new(), "8/16/3".to_owned()),
        (&stack.admin, "by=organization&sort=requests".to_owned(), format!("{other} 5/10/1, {acme} 3/6/2")),
        (&viewer, String::new(), "3/6/2".to_owned()),
        (&billing, "by=organization,environment".to_owned(), format!("{acme} test 3/6/2")),
        (&billing, "by=key&sort=requests&limit=1".to_owned(), format!("{} 2/4/1", keys[1])),
        (&billing, "by=day,reason".to_owned(), "2026-01-15  3/6/0, 2026-01-15 no_rule 0/0/2".to_owned()),
        (&viewer, format!("key={}", keys[0]), "1/2/1".to_owned()),
        (&viewer, format!("key={}", keys[2]), "404".to_owned()),
        (&stack.admin, format!("key={}&organization={acme}", keys[2]), "404".to_owned()),
        (&viewer, format!("organization={acme}"), "3/6/2".to_owned()),
        (&viewer, format!("organization={other}"), "422".to_owned()),
        (&no_keys, String::new(), "403".to_owned()),
    ] {
        assert_eq!(ask(token, &query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn questions_that_make_no_sense_are_refused() {
    let stack = Stack::start().await;
    for (query, pointer) in [
        ("limit=0", "/limit"),
        ("limit=1001", "/limit"),
        ("cursor=x", "/cursor"),
        ("by=key&sort=requests&cursor=5b5d", "/cursor"),
        ("by=minute", "/by"),
        ("by=hour,day", "/by"),
        ("by=total,key", "/by"),
        ("from=yesterday", "/from"),
        ("from=2026-01-15&to=2026-01-15", "/to"),
        ("key=till", "/key"),
        ("organization=acme", "/organization"),
        ("organization=org_0000000000000000", "/organization"),
        ("environment=%00", "/environment"),
        ("route=%00", "/route"),
    ] {
        for route in ["/v1/usage", "/v1/usage/export"] {
            let answer = stack.get(&format!("{route}?{query}")).await;
            // The export has neither pages nor an order of its own.
            let is_known = route == "/v1/usage" || !["/limit", "/cursor"].contains(&pointer);
            let expected = if is_known { (422, json!(pointer)) } else { (400, Value::Null) };
            assert_eq!((answer.status, answer.json()["pointer"].clone()), expected, "{route}?{query}");
        }
    }
}

#[tokio::test]
async fn all_of_it_is_read_in_pages_and_exported_in_one() {
    let stack = Stack::start().await;
    let id = key(&stack).await;
    let rule = |number: u64| format!("=HYPERLINK(\"{number:04}\"),");
    let entries: Vec<_> = (0..1200).map(|number| entry(&id, NOON - number % 3 * DAY, &rule(number), 1)).collect();
    tell(&stack, batch("a", 1, 1200, json!(entries))).await;
    let (mut listed, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = stack.get(&format!("/v1/usage?by=day,route&limit=500{cursor}")).await.json();
        listed.extend(page["data"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(listed.len(), 1200);
    let lines = stack.get("/v1/usage/export?by=day,route&format=jsonl").await;
    assert_eq!((lines.status, lines.header("content-type")), (200, "application/jsonl"));
    let lines: Vec<Value> =
        lines.bytes.split(|it| *it == b'\n').filter_map(|it| serde_json::from_slice(it).ok()).collect();
    assert_eq!(lines, listed);
    let table = stack.get("/v1/usage/export?by=route,day").await;
    assert_eq!(table.header("content-disposition"), "attachment; filename=\"usage.csv\"");
    assert!(table.header("content-type").starts_with("text/csv"));
    let text = String::from_utf8(table.bytes).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("day,route,allowed,cost,denied"));
    assert_eq!(lines.next(), Some("2026-01-13,\"'=HYPERLINK(\"\"0002\"\"),\",1,2,0"));
    assert_eq!(lines.count(), 1199);
    let total = stack.get("/v1/usage/export").await;
    assert_eq!(String::from_utf8(total.bytes).unwrap(), "allowed,cost,denied\n1200,2400,0\n");
}

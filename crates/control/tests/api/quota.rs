//! Plans, top-ups and the ledger of leases, over HTTP.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::{Answer, NOON, Stack};

const BOOT: &str = "00000000000000a1";
const DAY: u64 = 86_400;

/// An organisation with a plan of so many tokens.
async fn metered(stack: &Stack, limit: u64) -> String {
    let plan = stack.post("/v1/plans", json!({ "name": format!("p{limit}"), "limit": limit })).await;
    assert_eq!(plan.status, 201, "{}", plan.json());
    let made = stack.post("/v1/organizations", json!({ "name": "acme", "plan": format!("p{limit}") })).await;
    assert_eq!(made.status, 201, "{}", made.json());
    made.json()["id"].as_str().unwrap().to_owned()
}

async fn ask(stack: &Stack, body: Value) -> Answer {
    stack.send(Method::POST, "/edge/v1/leases", Some(&stack.edge), Some(body.to_string().as_bytes())).await
}

/// One call about one meter.
async fn call(stack: &Stack, boot: &str, revision: u64, mut meter: Value) -> Value {
    meter["revision"] = json!(revision);
    let answer = ask(stack, json!({ "edge": "e", "boot": boot, "meters": [meter] })).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    answer.json()
}

fn meter(subject: &str, period: u64, numbers: [u64; 4]) -> Value {
    let [granted, spent, returned, want] = numbers;
    json!({ "subject": subject, "period": period, "granted": granted, "spent": spent, "returned": returned, "want": want })
}

async fn standing(stack: &Stack, organization: &str) -> [u64; 5] {
    let quota = stack.get(&format!("/v1/quota?organization={organization}")).await.json();
    ["limit", "used", "in_doubt", "held", "remaining"].map(|name| quota["meter"][name].as_u64().unwrap())
}

#[tokio::test]
async fn tokens_are_granted_spent_and_given_back() {
    let stack = Stack::start().await;
    let org = metered(&stack, 1000).await;
    let floors = json!({ "edge": "e", "boot": BOOT, "floors": { "version": 0 } });
    let answer = ask(&stack, floors).await.json();
    assert_eq!(answer["floors"]["version"], json!(stack.manifest().await.version));
    let grant = &answer["grants"][0];
    assert_eq!((grant["subject"].as_str(), grant["granted"].as_u64()), (Some(org.as_str()), Some(5)), "{answer}");
    assert_eq!(grant["ends"].as_u64().unwrap() - grant["period"].as_u64().unwrap(), 30 * DAY);
    let period = grant["period"].as_u64().unwrap();
    let grant = call(&stack, BOOT, 2, meter(&org, period, [5, 0, 0, 100])).await["grants"][0].clone();
    assert_eq!((grant["granted"].as_u64(), grant["state"].as_str()), (Some(16), Some("granted")), "{grant}");
    assert_eq!(standing(&stack, &org).await, [1000, 0, 0, 16, 1000]);
    call(&stack, BOOT, 3, meter(&org, period, [16, 4, 0, 0])).await;
    assert_eq!(standing(&stack, &org).await, [1000, 4, 0, 12, 996]);
    call(&stack, BOOT, 4, meter(&org, period, [16, 4, 12, 0])).await;
    assert_eq!(standing(&stack, &org).await, [1000, 4, 0, 0, 996]);
}

#[tokio::test]
async fn who_does_not_call_any_more_leaves_its_tokens_in_doubt_until_it_does() {
    let stack = Stack::start().await;
    let org = metered(&stack, 100).await;
    let made = call(&stack, BOOT, 1, meter(&org, NOON, [0, 0, 0, 1])).await;
    let period = made["grants"][0]["period"].as_u64().unwrap();
    assert_eq!(standing(&stack, &org).await, [100, 0, 0, 1, 100]);
    stack.pass(71);
    let other = call(&stack, "00000000000000b2", 1, meter(&org, period, [0, 0, 0, 1])).await;
    assert_eq!(other["grants"][0]["granted"], json!(1));
    assert_eq!(standing(&stack, &org).await, [100, 0, 1, 1, 99]);
    call(&stack, BOOT, 2, meter(&org, period, [1, 0, 1, 0])).await;
    assert_eq!(standing(&stack, &org).await, [100, 0, 0, 1, 100]);
}

#[tokio::test]
async fn the_last_tokens_are_called_in_from_those_who_hold_them() {
    let stack = Stack::start().await;
    let org = metered(&stack, 2).await;
    let (one, other) = (BOOT, "00000000000000b2");
    let period = call(&stack, one, 1, meter(&org, 0, [0, 0, 0, 2])).await["grants"][0]["period"].as_u64().unwrap();
    let mut both = meter(&org, period, [1, 0, 0, 2]);
    both["least"] = json!(2);
    call(&stack, one, 2, both).await;
    let busy = call(&stack, other, 1, meter(&org, period, [0, 0, 0, 1])).await;
    assert_eq!((&busy["grants"][0]["state"], &busy["grants"][0]["retry_after"]), (&json!("busy"), &json!(1)), "{busy}");
    let told = ask(&stack, json!({ "edge": "e", "boot": one })).await.json();
    assert_eq!(told["recall"], json!([org]));
    call(&stack, one, 4, meter(&org, period, [2, 1, 1, 0])).await;
    let granted = call(&stack, other, 2, meter(&org, period, [0, 0, 0, 1])).await;
    assert_eq!(granted["grants"][0]["granted"], json!(1), "{granted}");
    call(&stack, other, 3, meter(&org, period, [1, 1, 0, 0])).await;
    let done = call(&stack, one, 5, meter(&org, period, [2, 1, 1, 1])).await;
    assert_eq!(done["grants"][0]["state"], json!("exhausted"), "{done}");
    let topped = stack.post(&format!("/v1/organizations/{org}/top-ups"), json!({ "tokens": 5, "note": "sorry" })).await;
    assert_eq!(topped.status, 201, "{}", topped.json());
    let more = call(&stack, one, 6, meter(&org, period, [2, 1, 1, 1])).await;
    assert_eq!((&more["grants"][0]["granted"], &more["grants"][0]["limit"]), (&json!(3), &json!(7)), "{more}");
    let listed = stack.get(&format!("/v1/organizations/{org}/top-ups")).await.json();
    assert_eq!((&listed["data"][0]["tokens"], &listed["data"][0]["note"]), (&json!(5), &json!("sorry")));
}

#[tokio::test]
async fn an_edge_that_is_to_stop_gives_everything_back() {
    let stack = Stack::start().await;
    let org = metered(&stack, 1000).await;
    let period = call(&stack, BOOT, 1, meter(&org, 0, [0, 0, 0, 5])).await["grants"][0]["period"].as_u64().unwrap();
    let body = json!({ "edge": "e" }).to_string();
    let drain = stack.send(Method::POST, "/edge/v1/drain", Some(&stack.edge), Some(body.as_bytes()));
    let give_back = async {
        while ask(&stack, json!({ "edge": "e", "boot": BOOT })).await.json()["drain"] != json!(true) {}
        let answer = call(&stack, BOOT, 2, meter(&org, period, [5, 2, 3, 5])).await;
        assert_eq!((&answer["grants"][0]["granted"], &answer["drain"]), (&json!(5), &json!(true)), "{answer}");
    };
    let (drained, ()) = tokio::join!(drain, give_back);
    assert_eq!(drained.json(), json!({ "processes": 1, "outstanding": 0, "in_doubt": 0 }));
    assert_eq!(standing(&stack, &org).await, [1000, 2, 0, 0, 998]);
}

async fn drain(stack: &Stack, edge: &str) -> Answer {
    let body = json!({ "edge": edge }).to_string();
    stack.send(Method::POST, "/edge/v1/drain", Some(&stack.edge), Some(body.as_bytes())).await
}

#[tokio::test]
async fn what_processes_held_that_are_gone_is_not_waited_for() {
    let stack = Stack::start().await;
    let org = metered(&stack, 1000).await;
    let period = call(&stack, BOOT, 1, meter(&org, 0, [0, 0, 0, 5])).await["grants"][0]["period"].as_u64().unwrap();
    let killed = async {
        while ask(&stack, json!({ "edge": "e", "boot": BOOT })).await.json()["drain"] != json!(true) {}
        stack.pass(71);
    };
    let (drained, ()) = tokio::join!(drain(&stack, "e"), killed);
    assert_eq!(drained.json(), json!({ "processes": 1, "outstanding": 0, "in_doubt": 5 }));
    let other = "00000000000000b2";
    call(&stack, other, 1, meter(&org, period, [0, 0, 0, 1])).await;
    call(&stack, other, 2, meter(&org, period, [1, 1, 0, 0])).await;
    assert_eq!(drain(&stack, "e").await.json(), json!({ "processes": 1, "outstanding": 0, "in_doubt": 5 }));
    stack.pass(71);
    assert_eq!(drain(&stack, "e").await.json(), json!({ "processes": 0, "outstanding": 0, "in_doubt": 5 }));
    stack.pass(30 * DAY);
    assert_eq!(drain(&stack, "e").await.json(), json!({ "processes": 0, "outstanding": 0, "in_doubt": 0 }));
}

#[tokio::test]
async fn an_edge_that_nobody_heard_of_is_not_drained() {
    let stack = Stack::start().await;
    let refused = async |edge: &str| {
        let answer = drain(&stack, edge).await;
        assert_eq!((answer.status, &answer.json()["code"]), (404, &json!("not_found")), "{}", answer.json());
        answer.json()["detail"].as_str().unwrap().to_owned()
    };
    assert_eq!(refused("edge-9").await, "there is no edge `edge-9`\nhint: no edge reports");
    for number in 1..=2 {
        let report = json!({ "edge": format!("edge-{number}"), "vm": "0", "applied_version": 1 });
        assert_eq!(stack.report(report).await.status, 204);
    }
    assert_eq!(refused("edge-9").await, "there is no edge `edge-9`\nhint: those that report are `edge-1`, `edge-2`");
    let nothing = json!({ "processes": 0, "outstanding": 0, "in_doubt": 0 });
    assert_eq!(drain(&stack, "edge-1").await.json(), nothing, "it has no quota");
    for number in 3..=12 {
        let report = json!({ "edge": format!("edge-{number}"), "vm": "0", "applied_version": 1 });
        assert_eq!(stack.report(report).await.status, 204);
    }
    assert!(refused("edge-99").await.contains("of 12 that report the first are `edge-1`, `edge-10`, "));
}

#[tokio::test]
async fn senseless_calls_are_refused() {
    let stack = Stack::start().await;
    let meters: Vec<_> = (0..4097).map(|_| meter("org_0000000000000000", 0, [0; 4])).collect();
    for (change, pointer) in [
        (json!({ "edge": "" }), "/edge"),
        (json!({ "boot": "x" }), "/boot"),
        (json!({ "boot": "00000000000000A1" }), "/boot"),
        (json!({ "meters": meters }), "/meters"),
    ] {
        let mut body = json!({ "edge": "e", "boot": BOOT });
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = ask(&stack, body).await;
        assert_eq!((answer.status, answer.json()["pointer"].as_str()), (422, Some(pointer)));
    }
    let unknown = call(&stack, BOOT, 1, meter("org_0000000000000000", 0, [0, 0, 0, 1])).await;
    assert_eq!(unknown["unmetered"], json!(["org_0000000000000000"]));
    let nobody = call(&stack, BOOT, 2, meter("everybody", 0, [0, 0, 0, 1])).await;
    assert_eq!((&nobody["unmetered"], &nobody["grants"]), (&Value::Null, &json!([])));
}

#[tokio::test]
async fn plans() {
    let stack = Stack::start().await;
    let rate = json!({ "requests": 10, "seconds": 1, "burst": 20 });
    for (body, status, member, value) in [
        (json!({ "name": "pro", "limit": 7, "period": "month", "rate": rate }), 201, "rate", rate.clone()),
        (json!({ "name": "pro" }), 409, "pointer", json!("/name")),
        (json!({ "name": "Pro" }), 422, "pointer", json!("/name")),
        (json!({ "name": "none" }), 422, "pointer", json!("/name")),
        (json!({ "name": "" }), 422, "pointer", json!("/name")),
        (json!({ "name": "x", "display_name": "" }), 422, "pointer", json!("/display_name")),
        (json!({ "name": "x", "limit": u64::MAX }), 422, "pointer", json!("/limit")),
        (json!({ "name": "x", "limit": -1 }), 400, "pointer", Value::Null),
        (json!({ "name": "x", "period": "week" }), 400, "pointer", Value::Null),
        (json!({ "name": "x", "rate": { "requests": 0, "seconds": 1, "burst": 1 } }), 422, "pointer", json!("/rate")),
        (json!({ "name": "z", "rate": { "requests": 10, "seconds": 1, "burst": 0 } }), 422, "pointer", json!("/rate")),
        (json!({ "name": "z", "rate": { "requests": 10, "secs": 1 } }), 400, "pointer", Value::Null),
        (
            json!({ "name": "z", "rate": { "requests": 10, "seconds": 1 } }),
            201,
            "rate",
            json!({ "requests": 10, "seconds": 1, "burst": 10 }),
        ),
        (json!({ "name": "x", "default": true }), 201, "default", json!(true)),
        (json!({ "name": "y", "default": true }), 201, "default", json!(true)),
    ] {
        let answer = stack.post("/v1/plans", body.clone()).await;
        assert_eq!((answer.status, &answer.json()[member]), (status, &value), "{body} {}", answer.json());
    }
    assert_eq!(stack.get("/v1/plans/x").await.json()["default"], json!(false), "there is one default");
    let made = stack.post("/v1/organizations", json!({ "name": "acme" })).await.json();
    assert_eq!((&made["plan"], &made["time_zone"]), (&json!("y"), &json!("UTC")));
    let path = format!("/v1/organizations/{}", made["id"].as_str().unwrap());
    for (body, status, member, value) in [
        (json!({ "plan": "pro" }), 200, "plan", json!("pro")),
        (json!({ "plan": "gone" }), 422, "pointer", json!("/plan")),
        (json!({ "time_zone": "Europe/Berlin" }), 200, "time_zone", json!("Europe/Berlin")),
        (json!({ "time_zone": "europe/berlin" }), 422, "pointer", json!("/time_zone")),
        (json!({ "time_zone": "Berlin" }), 422, "pointer", json!("/time_zone")),
        (json!({ "time_zone": null }), 422, "pointer", json!("/time_zone")),
    ] {
        let answer = stack.patch(&path, body.clone()).await;
        assert_eq!((answer.status, &answer.json()[member]), (status, &value), "{body} {}", answer.json());
    }
    let hint = stack.patch(&path, json!({ "time_zone": "Berlin" })).await.json();
    assert!(hint["detail"].as_str().unwrap().contains("did you mean `Europe/Berlin`?"), "{hint}");
    let refused = stack.delete("/v1/plans/pro").await;
    assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("plan_in_use")));
    assert_eq!(stack.patch(&path, json!({ "plan": null })).await.json()["plan"], Value::Null);
    let refused = stack.post(&format!("{path}/top-ups"), json!({ "tokens": 1 })).await;
    assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("not_metered")));
    for tokens in [0, 9_000_000_000_000_000_000_u64] {
        let refused = stack.post(&format!("{path}/top-ups"), json!({ "tokens": tokens })).await.json();
        let detail = refused["detail"].as_str().unwrap();
        assert!(refused["pointer"] == "/tokens" && detail.starts_with("expected 1 to "), "{refused}");
        assert!(!detail.contains("null"), "{refused}");
    }
    assert_eq!(stack.delete("/v1/plans/pro").await.status, 200);
    assert_eq!(stack.delete("/v1/plans/pro").await.status, 404);
    let changed = stack.patch("/v1/plans/free", json!({ "limit": null, "lost_leases": "returned" })).await.json();
    assert_eq!((&changed["limit"], &changed["lost_leases"]), (&Value::Null, &json!("returned")));
}

#[tokio::test]
async fn a_rotated_key_goes_on_with_what_is_left() {
    let stack = Stack::start().await;
    let quota = json!({ "limit": 100, "period": "day" });
    let made = stack.post("/v1/keys", json!({ "name": "till", "environment": "live", "quota": quota })).await.json();
    let first = made["id"].as_str().unwrap().to_owned();
    assert_eq!(made["quota"], quota);
    let period = call(&stack, BOOT, 1, meter(&first, 0, [0, 0, 0, 1])).await["grants"][0]["period"].as_u64().unwrap();
    call(&stack, BOOT, 2, meter(&first, period, [1, 1, 0, 0])).await;
    let mut id = first.clone();
    for _ in 0..2 {
        let rotated = stack.post(&format!("/v1/keys/{id}/rotate"), json!({ "overlap_seconds": 60 })).await.json();
        id = rotated["id"].as_str().unwrap().to_owned();
    }
    let raised = stack.patch(&format!("/v1/keys/{id}"), json!({ "quota": { "limit": 200, "period": "day" } })).await;
    assert_eq!(raised.status, 200, "{}", raised.json());
    let quota = stack.get(&format!("/v1/quota?key={id}")).await.json();
    assert_eq!((&quota["subject"], &quota["meter"]["limit"]), (&json!(first), &json!(200)), "{quota}");
    assert_eq!((&quota["meter"]["used"], &quota["meter"]["remaining"]), (&json!(1), &json!(199)), "{quota}");
}

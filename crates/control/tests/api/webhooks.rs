//! Webhooks: a real server receives, verifies, refuses and is silent.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use crate::stack::{NOON, Stack, eventually};

/// Somebody's server, and what it heard.
#[derive(Clone)]
struct Receiver {
    url: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    status: Arc<Mutex<StatusCode>>,
}

#[derive(Clone, Debug)]
struct Heard {
    headers: HeaderMap,
    body: String,
}

impl Heard {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Receiver {
    async fn start(status: StatusCode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?from=test", listener.local_addr().unwrap());
        let it = Self { url, heard: Arc::default(), status: Arc::new(Mutex::new(status)) };
        let routes = axum::Router::new().fallback(hear).with_state(it.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        it
    }

    fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    fn answer(&self, status: StatusCode) {
        *self.status.lock().unwrap() = status;
    }
}

async fn hear(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let body = String::from_utf8(body.to_vec()).unwrap();
    receiver.heard.lock().unwrap().push(Heard { headers, body });
    let status = *receiver.status.lock().unwrap();
    (status, [("location", receiver.url.replace("hook", "elsewhere"))], "x".repeat(100_000))
}

/// A webhook: its path and secret.
async fn webhook(stack: &Stack, url: &str) -> (String, String) {
    let made = stack.post("/v1/webhooks", json!({ "url": url })).await;
    assert_eq!(made.status, 201, "{}", made.json());
    let made = made.json();
    (format!("/v1/webhooks/{}", made["id"].as_str().unwrap()), made["secret"].as_str().unwrap().to_owned())
}

async fn test(stack: &Stack, path: &str) -> String {
    let sent = stack.post(&format!("{path}/test"), json!({})).await;
    assert_eq!((sent.status, sent.json()["status"].as_str()), (202, Some("pending")), "{}", sent.json());
    sent.json()["id"].as_str().unwrap().to_owned()
}

async fn last(stack: &Stack, path: &str) -> Value {
    stack.get(&format!("{path}/deliveries")).await.json()["data"][0].clone()
}

async fn reaches(stack: &Stack, path: &str, member: &str, value: Value) -> Value {
    eventually(&format!("{member} {value}"), async || last(stack, path).await[member] == value).await;
    last(stack, path).await
}

/// As the specification has it, written down once more: `v1,` and HMAC-SHA-256 (RFC 2104) in base64.
fn signature(secret: &str, heard: &Heard) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let pad = |byte: u8| (0..64).map(|at| key.get(at).unwrap_or(&0) ^ byte).collect::<Vec<_>>();
    let text = format!("{}.{}.{}", heard.header("webhook-id"), heard.header("webhook-timestamp"), heard.body);
    let inner = Sha256::digest([pad(0x36), text.into_bytes()].concat());
    format!("v1,{}", STANDARD.encode(Sha256::digest([pad(0x5c), inner.to_vec()].concat())))
}

#[tokio::test]
async fn a_message_arrives_signed_as_the_specification_says() {
    let (stack, receiver) = (Stack::start().await, Receiver::start(StatusCode::NO_CONTENT).await);
    let (path, secret) = webhook(&stack, &receiver.url).await;
    let id = test(&stack, &path).await;
    let delivered = reaches(&stack, &path, "status", json!("delivered")).await;
    assert_eq!(
        (&delivered["attempts"], &delivered["last_status"], &delivered["next_attempt_at"]),
        (&json!(1), &json!(204), &Value::Null)
    );
    let heard = receiver.heard();
    assert_eq!(heard.len(), 1);
    let heard = &heard[0];
    assert_eq!(heard.header("webhook-id"), id);
    assert_eq!(heard.header("webhook-timestamp"), NOON.to_string());
    assert_eq!(heard.header("webhook-signature"), signature(&secret, heard));
    assert_eq!(heard.header("content-type"), "application/json");
    assert_eq!(delivered["body"], heard.body);
    let body: Value = serde_json::from_str(&heard.body).unwrap();
    let organization = stack.default_organization().await;
    assert_eq!(
        body,
        json!({
            "type": "webhook.test",
            "timestamp": "2026-01-15T12:00:00Z",
            "data": { "webhook": path.rsplit('/').next().unwrap(), "organization": organization },
        })
    );
    let shown = stack.get(&path).await.json();
    assert_eq!(shown["secret"], Value::Null, "it is shown once");
    let (_, another) = webhook(&stack, &receiver.url).await;
    assert_ne!(signature(&another, heard), signature(&secret, heard));
}

#[tokio::test]
async fn what_does_not_arrive_is_sent_again_until_it_is_given_up() {
    let (stack, receiver) = (Stack::start().await, Receiver::start(StatusCode::INTERNAL_SERVER_ERROR).await);
    let (path, secret) = webhook(&stack, &receiver.url).await;
    let id = test(&stack, &path).await;
    for (attempts, wait) in [(1, 5), (2, 30), (3, 120), (4, 600), (5, 3600), (6, 21_600), (7, 86_400)] {
        let failed = reaches(&stack, &path, "attempts", json!(attempts)).await;
        assert_eq!(failed["status"], "pending");
        assert_eq!(failed["last_error"], "answered with status 500");
        let at: jiff::Timestamp = failed["next_attempt_at"].as_str().unwrap().parse().unwrap();
        let waits = u64::try_from(at.as_second()).unwrap() - stack.now();
        assert!((wait..=wait * 6 / 5).contains(&waits), "after {attempts} attempts: {waits} s");
        stack.pass(wait * 6 / 5 + 1);
    }
    let given_up = reaches(&stack, &path, "status", json!("given_up")).await;
    assert_eq!((&given_up["attempts"], &given_up["next_attempt_at"]), (&json!(8), &Value::Null));
    let noted = stack.get("/v1/audit?action=webhook.given_up").await.json();
    assert_eq!(
        (&noted["data"][0]["detail"]["delivery"], &noted["data"][0]["actor"]["kind"]),
        (&json!(id), &json!("system"))
    );
    let metrics = String::from_utf8(stack.get("/metrics").await.bytes).unwrap();
    for line in ["{outcome=\"given_up\"} 1", "{outcome=\"failed\"} 7"] {
        assert!(metrics.contains(&format!("portcullis_webhook_attempts_total{line}")), "{metrics}");
    }
    assert!(metrics.contains("portcullis_webhook_deliveries_pending 0"), "{metrics}");
    receiver.answer(StatusCode::OK);
    let again = stack.post(&format!("{path}/deliveries/{id}/retry"), json!({})).await;
    assert_eq!((again.status, again.json()["status"].as_str()), (202, Some("pending")));
    assert_eq!(reaches(&stack, &path, "status", json!("delivered")).await["attempts"], 1);
    let heard = receiver.heard();
    assert_eq!(heard.len(), 9);
    assert!(heard.iter().all(|it| it.header("webhook-id") == id), "whoever receives knows that it is the same");
    assert!(heard.iter().all(|it| it.header("webhook-signature") == signature(&secret, it)), "each is signed anew");
}

#[tokio::test]
async fn whoever_subscribed_hears_of_a_quota_s_parts() {
    let (stack, own) = (Stack::start().await, Receiver::start(StatusCode::OK).await);
    let (operator, other) = (Receiver::start(StatusCode::OK).await, Receiver::start(StatusCode::OK).await);
    let (acme, evil) = (stack.organization("acme").await, stack.organization("evil").await);
    let home = stack.default_organization().await;
    let mut secrets = Vec::new();
    for (receiver, organization, event) in [
        (&own, &acme, "quota.threshold"),
        (&operator, &home, "quota.threshold.all"),
        (&other, &home, "quota.threshold"),
        (&other, &evil, "quota.threshold"),
    ] {
        let body = json!({ "url": receiver.url, "organization": organization, "events": [event] });
        secrets.push(stack.post("/v1/webhooks", body).await.json()["secret"].as_str().unwrap().to_owned());
    }
    for percent in [50, 80] {
        stack
            .run(format!(
                "INSERT INTO quota_events (subject, organization, period_start, period_end, percent, quota_limit, used, \
                 at_ms) VALUES ('{acme}', '{acme}', {NOON}, {}, {percent}, 30000, 15001, {})",
                NOON + 86_400,
                NOON * 1000 + 7
            ))
            .await;
    }
    for (receiver, secret) in [(&own, &secrets[0]), (&operator, &secrets[1])] {
        eventually("both parts", async || receiver.heard().len() == 2).await;
        for heard in receiver.heard() {
            assert_eq!(heard.header("webhook-signature"), signature(secret, &heard));
            let body: Value = serde_json::from_str(&heard.body).unwrap();
            let percent = body["data"]["percent"].clone();
            assert!([50, 80].contains(&percent.as_u64().unwrap()));
            let data = json!({
                "organization": acme, "subject": acme, "percent": percent, "limit": 30000, "used": 15001,
                "period_start": "2026-01-15T12:00:00Z", "period_end": "2026-01-16T12:00:00Z",
            });
            let whole = json!({ "type": "quota.threshold", "timestamp": "2026-01-15T12:00:00Z", "data": data });
            assert_eq!(body, whole);
        }
    }
    assert_eq!(other.heard().len(), 0, "it is nobody else's");
}

#[tokio::test]
async fn redirects_are_answers() {
    let (stack, receiver) = (Stack::start().await, Receiver::start(StatusCode::FOUND).await);
    let (path, _) = webhook(&stack, &receiver.url).await;
    test(&stack, &path).await;
    let failed = reaches(&stack, &path, "attempts", json!(1)).await;
    assert_eq!(failed["last_error"], "answered with status 302: redirects are not followed");
    assert_eq!((failed["last_status"].as_u64(), receiver.heard().len()), (Some(302), 1));
}

#[tokio::test]
async fn a_message_outlives_the_control_plane() {
    let (stack, receiver) = (Stack::start().await, Receiver::start(StatusCode::BAD_GATEWAY).await);
    let (path, _) = webhook(&stack, &receiver.url).await;
    let id = test(&stack, &path).await;
    reaches(&stack, &path, "attempts", json!(1)).await;
    receiver.answer(StatusCode::OK);
    let now = stack.now();
    let stack = Stack::resume(stack.stop().await, now + 60).await;
    let delivered = reaches(&stack, &path, "status", json!("delivered")).await;
    assert_eq!((delivered["id"].as_str(), delivered["attempts"].as_u64()), (Some(&*id), Some(2)));
}

#[tokio::test]
async fn a_server_that_never_answers_keeps_no_other_webhook_waiting() {
    let (stack, receiver) = (Stack::start().await, Receiver::start(StatusCode::OK).await);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (stuck, _) = webhook(&stack, &format!("http://{}/", silent.local_addr().unwrap())).await;
    for _ in 0..10 {
        test(&stack, &stuck).await;
    }
    let (path, _) = webhook(&stack, &receiver.url).await;
    test(&stack, &path).await;
    reaches(&stack, &path, "status", json!("delivered")).await;
    let waiting = stack.get(&format!("{stuck}/deliveries")).await.json();
    assert!(waiting["data"].as_array().unwrap().iter().all(|it| it["status"] == "pending"));
}

#[tokio::test]
async fn an_organisation_whose_servers_never_answer_keeps_no_other_s_messages_waiting() {
    let (stack, receiver) = (Stack::start().await, Receiver::start(StatusCode::OK).await);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let acme = stack.organization("acme").await;
    for _ in 0..20 {
        let body = json!({ "url": format!("http://{}/", silent.local_addr().unwrap()), "organization": acme });
        let made = stack.post("/v1/webhooks", body).await.json();
        let path = format!("/v1/webhooks/{}", made["id"].as_str().unwrap());
        for _ in 0..10 {
            test(&stack, &path).await;
        }
    }
    // Theirs are due before it, and for longer than anybody waits here.
    stack.pass(1);
    let (path, _) = webhook(&stack, &receiver.url).await;
    test(&stack, &path).await;
    reaches(&stack, &path, "status", json!("delivered")).await;
}

#[tokio::test]
async fn so_many_messages_that_were_asked_for_wait_for_a_webhook() {
    let (stack, receiver) = (Stack::start().await, Receiver::start(StatusCode::OK).await);
    let (path, _) = webhook(&stack, &receiver.url).await;
    let arrived = test(&stack, &path).await;
    reaches(&stack, &path, "status", json!("delivered")).await;
    receiver.answer(StatusCode::BAD_GATEWAY);
    let mut waits = String::new();
    for _ in 0..10 {
        waits = test(&stack, &path).await;
    }
    let retry = |id: &str| format!("{path}/deliveries/{id}/retry");
    for path in [format!("{path}/test"), retry(&arrived)] {
        let refused = stack.post(&path, json!({})).await;
        assert_eq!((refused.status, refused.json()["code"].as_str()), (429, Some("too_many_requests")), "{path}");
        assert!(refused.headers.contains_key("retry-after"), "{path}");
        assert!(refused.json()["detail"].as_str().unwrap().contains("messages wait"), "{}", refused.json());
    }
    assert_eq!(stack.post(&retry(&waits), json!({})).await.status, 202, "it waits already");
    let (other, _) = webhook(&stack, &receiver.url).await;
    test(&stack, &other).await;
    receiver.answer(StatusCode::OK);
    eventually("they arrive", async || {
        // Not once: an attempt that is under way fails later, and waits from then on.
        stack.pass(1);
        let sent = stack.get(&format!("{path}/deliveries")).await.json();
        sent["data"].as_array().unwrap().iter().all(|it| it["status"] == "delivered")
    })
    .await;
    test(&stack, &path).await;
}

#[tokio::test]
async fn a_disabled_webhook_is_told_nothing_until_it_is_enabled() {
    let (stack, receiver) = (Stack::start().await, Receiver::start(StatusCode::BAD_GATEWAY).await);
    let (path, _) = webhook(&stack, &receiver.url).await;
    test(&stack, &path).await;
    reaches(&stack, &path, "attempts", json!(1)).await;
    let disabled = stack.patch(&path, json!({ "enabled": false })).await;
    assert_eq!((disabled.status, disabled.json()["enabled"].as_bool()), (200, Some(false)));
    assert_eq!(stack.post(&format!("{path}/test"), json!({})).await.status, 422);
    stack.pass(60);
    receiver.answer(StatusCode::OK);
    let other = Receiver::start(StatusCode::OK).await;
    let (beside, _) = webhook(&stack, &other.url).await;
    test(&stack, &beside).await;
    reaches(&stack, &beside, "status", json!("delivered")).await;
    assert_eq!(receiver.heard().len(), 1, "it is due, and disabled");
    assert_eq!(stack.patch(&path, json!({ "enabled": true })).await.status, 200);
    reaches(&stack, &path, "status", json!("delivered")).await;
    assert_eq!(stack.delete(&path).await.status, 204);
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(stack.admin(method, &path, None).await.status, 404);
    }
}

#[tokio::test]
async fn urls_lead_no_further_than_the_operator_allows() {
    let stack = Stack::strict_about_webhooks().await;
    for (url, words) in [
        ("http://hooks.example.com/", "only with --webhook-allow-http"),
        ("https://ada:secret@hooks.example.com/", "no user name and no password"),
        ("https://127.0.0.1/", "it leads to 127.0.0.1, a loopback address"),
        ("https://0x7f000001/", "it leads to 127.0.0.1, a loopback address"),
        ("https://[::ffff:10.0.0.1]/", "it leads to ::ffff:10.0.0.1, a private address"),
        ("https://169.254.169.254/latest/meta-data", "a link-local address"),
        ("https://localhost/x", "`localhost` is a loopback name"),
        ("https://a.localhost/x", "`a.localhost` is a loopback name"),
        ("gopher://hooks.example.com/", "begins with `https://`"),
        ("hooks.example.com", "expected a URL such as"),
    ] {
        let refused = stack.post("/v1/webhooks", json!({ "url": url })).await;
        assert_eq!((refused.status, refused.json()["pointer"].as_str()), (422, Some("/url")), "{url}");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(words) && !detail.contains("secret"), "{url}: {detail}");
    }
}

#[tokio::test]
async fn a_name_is_looked_at_when_it_is_connected_to() {
    let (stack, receiver) = (Stack::strict_about_webhooks().await, Receiver::start(StatusCode::OK).await);
    // Names are not looked up when a webhook is made: what they resolve to then says nothing about later.
    let (path, _) = webhook(&stack, "https://nobody.invalid:8443/").await;
    test(&stack, &path).await;
    let failed = reaches(&stack, &path, "attempts", json!(1)).await;
    let error = failed["last_error"].as_str().unwrap();
    assert!(error.starts_with("its name cannot be looked up, or leads to"), "{error}");
    assert!(!error.contains("127.") && !error.contains("::1"), "which address is nobody's business: {error}");
    // What was allowed when it was made, and is not now.
    stack.run(format!("UPDATE webhooks SET url = '{}'", receiver.url)).await;
    // Newest first: of two of the same second, either may be.
    stack.pass(1);
    test(&stack, &path).await;
    let failed = reaches(&stack, &path, "attempts", json!(1)).await;
    assert!(failed["last_error"].as_str().unwrap().contains("https://"), "{failed}");
    assert_eq!(receiver.heard().len(), 0);
}

#[tokio::test]
async fn what_is_sent_about_webhooks_is_read_carefully() {
    let stack = Stack::start().await;
    let acme = stack.organization("acme").await;
    for (body, pointer) in [
        (json!({ "url": "https://a.example", "events": [] }), "/events"),
        (json!({ "url": "https://a.example", "events": ["quota.threshold", "quota"] }), "/events/1"),
        (json!({ "url": "https://a.example", "events": ["quota.threshold.all"], "organization": acme }), "/events/0"),
        (json!({ "url": "" }), "/url"),
    ] {
        let refused = stack.post("/v1/webhooks", body.clone()).await;
        assert_eq!((refused.status, refused.json()["pointer"].as_str()), (422, Some(pointer)), "{body}");
    }
    let (path, _) = webhook(&stack, "https://a.example").await;
    for body in
        [json!({ "url": null }), json!({ "events": null }), json!({ "enabled": null }), json!({ "secret": "x" })]
    {
        assert!([400, 422].contains(&stack.patch(&path, body.clone()).await.status), "{body}");
    }
    let events = json!(["quota.threshold.all", "quota.threshold"]);
    let changed = stack.patch(&path, json!({ "url": "https://b.example/x", "events": events })).await.json();
    assert_eq!(changed["url"], "https://b.example/x");
    assert_eq!(changed["events"], json!(["quota.threshold", "quota.threshold.all"]));
    for _ in 1..20 {
        webhook(&stack, "https://a.example").await;
    }
    assert_eq!(stack.post("/v1/webhooks", json!({ "url": "https://a.example" })).await.status, 422, "too many");
    let noted = stack.get("/v1/audit?action=webhook").await.json();
    assert_eq!(noted["data"].as_array().unwrap().len(), 21);
    assert_eq!(noted["data"][20]["target"]["name"], "a.example", "its path may be a secret");
}

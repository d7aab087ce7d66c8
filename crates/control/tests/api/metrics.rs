//! What Prometheus is told.

use reqwest::Method;
use serde_json::json;

use crate::stack::{Stack, eventually};

/// The value of one series.
pub(crate) async fn value(stack: &Stack, series: &str) -> Option<f64> {
    let answer = stack.get("/metrics").await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    let text = String::from_utf8(answer.bytes).unwrap();
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

#[tokio::test]
async fn metrics_are_for_those_who_may_read_them() {
    let stack = Stack::start().await;
    assert_eq!(stack.send(Method::GET, "/metrics", None, None).await.status, 401);
    assert_eq!(stack.send(Method::GET, "/metrics", Some(&stack.edge), None).await.status, 401);
    let answer = stack.get("/metrics").await;
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    let text = String::from_utf8(answer.bytes).unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    for line in text.lines() {
        assert!(line.starts_with('#') || line.starts_with("portcullis_"), "{line}");
    }
}

#[tokio::test]
async fn what_happens_is_counted_and_what_is_can_be_read() {
    let stack = Stack::start().await;
    let made = stack.key("till").await;
    stack.get(&format!("/v1/keys/{}", made["id"].as_str().unwrap())).await;
    stack.get("/v1/keys/key_nonsense").await;
    stack.get("/v1/nowhere/sk_live_012345678901234567890123").await;
    stack.send(Method::from_bytes(b"BREW").unwrap(), "/v1/keys", Some(&stack.admin), None).await;
    let route = r#"portcullis_http_requests_total{route="/v1/keys/{id}",method="GET",status="#;
    let published = stack.manifest().await;
    for (series, expected) in [
        (format!(r#"{route}"200"}}"#), 1.0),
        (format!(r#"{route}"404"}}"#), 1.0),
        (r#"portcullis_http_requests_total{route="none",method="GET",status="404"}"#.to_owned(), 1.0),
        (r#"portcullis_http_requests_total{route="/v1/keys",method="other",status="405"}"#.to_owned(), 1.0),
        (r#"portcullis_http_request_duration_seconds_count{route="/v1/keys/{id}",method="GET"}"#.to_owned(), 2.0),
        (r#"portcullis_audit_entries_total{action="key.created"}"#.to_owned(), 1.0),
        ("portcullis_bundle_keys".to_owned(), 1.0),
        ("portcullis_bundle_version".to_owned(), published.version as f64),
        ("portcullis_stored_version".to_owned(), published.version as f64),
        ("portcullis_publish_lag_seconds".to_owned(), 0.0),
        ("portcullis_database_up".to_owned(), 1.0),
        (r#"portcullis_edges{state="reporting"}"#.to_owned(), 0.0),
        (format!(r#"portcullis_build_info{{version="{}"}}"#, env!("CARGO_PKG_VERSION")), 1.0),
    ] {
        assert_eq!(value(&stack, &series).await, Some(expected), "{series}");
    }
    assert!(value(&stack, r#"portcullis_publishes_total{outcome="published"}"#).await.unwrap() >= 2.0);
    assert!(value(&stack, "portcullis_bundle_size_bytes").await.unwrap() > 100.0);
    assert!(value(&stack, r#"portcullis_database_connections_max{pool="writes"}"#).await.unwrap() >= 1.0);

    let report = json!({ "edge": "e1", "vm": "1", "applied_version": 1, "bundle_age_seconds": 0 }).to_string();
    stack.send(Method::POST, "/edge/v1/report", Some(&stack.edge), Some(report.as_bytes())).await;
    let reporting = r#"portcullis_edges{state="reporting"}"#;
    eventually("the edge is counted", async || value(&stack, reporting).await == Some(1.0)).await;
    stack.pass(30);
    assert_eq!(value(&stack, "portcullis_edge_lag_seconds").await, Some(30.0), "it has not the key yet");
}

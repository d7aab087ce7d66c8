//! How often somebody may ask.

use std::num::NonZeroU32;
use std::time::Duration;

use portcullis_control::{Limits, Rate};
use reqwest::Method;

use super::people::Person;
use super::stack::{NOON, Stack};

#[tokio::test]
async fn each_caller_has_their_own_count_and_edges_have_none() {
    let rate = |burst| Some(Rate { burst: NonZeroU32::new(burst).unwrap(), every: Duration::from_secs(3600) });
    let limits = Limits { requests_by_caller: rate(40), requests_by_stranger: rate(2), ..Limits::default() };
    let stack = Stack::begin(tempfile::tempdir().unwrap(), NOON, limits, &[]).await;
    stack.manifest().await;
    let home = stack.default_organization().await;
    let Person { token, .. } = stack.person(&home, "member").await;
    let mut statuses = Vec::new();
    let last = loop {
        let answer = stack.get("/v1/status").await;
        statuses.push(answer.status);
        if answer.status != 200 {
            break answer;
        }
        assert!(statuses.len() < 41, "{statuses:?}");
        assert_eq!(answer.header("ratelimit-policy"), "\"caller\";q=40;w=144000");
        assert!(answer.header("ratelimit").starts_with("\"caller\";r="), "{}", answer.header("ratelimit"));
    };
    assert_eq!((last.status, last.json()["code"].as_str()), (429, Some("too_many_requests")));
    assert_eq!(last.header("content-type"), "application/problem+json");
    let wait: u64 = last.header("retry-after").parse().unwrap();
    assert!((1..=3600).contains(&wait), "{wait}");
    assert_eq!(last.header("ratelimit"), format!("\"caller\";r=0;t={wait}"));

    assert_eq!(stack.by(&token, Method::GET, "/v1/status", None).await.status, 200, "others go on");
    let stranger = async || stack.send(Method::GET, "/v1/status", Some("pct_nobody"), None).await.status;
    assert_eq!([stranger().await, stranger().await, stranger().await], [401, 401, 429]);
    assert_eq!(stack.send(Method::GET, "/v1/openapi.json", None, None).await.status, 429);
    assert_eq!(stack.by(&token, Method::GET, "/v1/status", None).await.status, 200, "whoever is known is no stranger");
    for _ in 0..50 {
        assert_eq!(stack.edge_get("/edge/v1/manifest").await.status, 200);
        assert_eq!(stack.send(Method::GET, "/healthz", None, None).await.status, 200);
    }
}

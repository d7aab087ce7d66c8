//! How far a grant goes: how often it is refreshed, for how long, as far as its app still may, and who sees it.

use portcullis_engine::KeyStatus;
use serde_json::json;

use super::apps::stack;
use super::grants::{Flow, Tokens, error, published};

#[tokio::test]
async fn a_grant_is_refreshed_so_often_and_no_oftener() {
    let stack = stack().await;
    let flow = Flow::start(&stack, json!({})).await;
    let first = flow.granted(&["skills:*"]).await;
    let mut last = first.refresh.clone();
    for number in 1..=20 {
        let answer = flow.refresh(&last, &[]).await;
        assert_eq!(answer.status, 200, "{number}: {}", answer.json());
        last = Tokens::of(&answer).refresh;
    }
    let refused = flow.refresh(&last, &[]).await;
    assert_eq!((refused.status, error(&refused).as_str()), (429, "temporarily_unavailable"));
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=30).contains(&seconds), "{seconds}");
    assert!(flow.is_active(&last).await, "it is not used up");
    let other = flow.granted(&["skills:*"]).await;
    assert_eq!(flow.refresh(&other.refresh, &[]).await.status, 200, "each grant by itself");
    assert_eq!(
        error(&flow.refresh(&first.refresh, &[]).await),
        "invalid_grant",
        "a used one ends the grant all the same"
    );
    assert_eq!(published(&stack, &first.grant).await, Some(KeyStatus::Revoked));
}

//! Kept answers.

use futures_util::future::join_all;

use super::Fixture;
use crate::store::{Claim, Claimed};

fn claim(name: u8, request: u8, now_ms: u64) -> Claim {
    let (running_until_ms, expires_ms) = (now_ms + 100, now_ms + 1000);
    Claim { name: [name; 32], request: [request; 32], now_ms, running_until_ms, expires_ms }
}

pub(super) async fn an_answer_is_kept_for_its_request_until_it_expires(it: Fixture) {
    let claimed = async |name, request, now_ms| it.store.claim_answer(&claim(name, request, now_ms)).await.unwrap();
    assert_eq!(claimed(1, 1, 0).await, Claimed::New);
    assert_eq!(claimed(1, 1, 99).await, Claimed::Running);
    assert_eq!(claimed(1, 2, 99).await, Claimed::Other);
    assert_eq!(claimed(2, 2, 99).await, Claimed::New);
    assert_eq!(claimed(1, 1, 100).await, Claimed::New, "whoever had it has died");
    it.store.keep_answer([1; 32], b"first").await.unwrap();
    it.store.keep_answer([1; 32], b"second").await.unwrap();
    it.store.forget_answer([1; 32]).await.unwrap();
    assert_eq!(claimed(1, 1, 300).await, Claimed::Answered(b"first".to_vec()), "what is kept stays");
    assert_eq!(claimed(1, 2, 300).await, Claimed::Other);
    it.store.forget_answer([2; 32]).await.unwrap();
    assert_eq!(claimed(2, 3, 301).await, Claimed::New);
    assert_eq!(claimed(1, 2, 1100).await, Claimed::New, "a day has passed");
}

pub(super) async fn of_many_who_claim_a_name_one_has_it(it: Fixture) {
    let one = |_| {
        let store = it.store.clone();
        async move { store.claim_answer(&claim(1, 1, 0)).await.unwrap() }
    };
    let claimed = join_all((0..8).map(one).map(tokio::spawn).collect::<Vec<_>>()).await;
    let claimed: Vec<_> = claimed.into_iter().map(|done| done.unwrap()).collect();
    assert_eq!(claimed.iter().filter(|it| **it == Claimed::New).count(), 1, "{claimed:?}");
    assert_eq!(claimed.iter().filter(|it| **it == Claimed::Running).count(), 7, "{claimed:?}");
}

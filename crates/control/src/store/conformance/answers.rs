//! Answers that are kept so that a request can be sent again.

use futures_util::future::join_all;

use super::Fixture;
use super::rows::NOW;
use crate::store::{Claim, Claimed};

const NOW_MS: u64 = NOW * 1000;

fn claim(name: u8, request: u8, now_ms: u64) -> Claim {
    let now_ms = NOW_MS + now_ms;
    Claim { name: [name; 32], request: [request; 32], now_ms, running_until_ms: now_ms + 10, expires_ms: now_ms + 100 }
}

pub(super) async fn a_name_is_taken_by_one_request_and_its_answer_kept(it: Fixture) {
    let ask = async |name, request, now_ms| it.store.claim_answer(&claim(name, request, now_ms)).await.unwrap();
    assert_eq!(ask(1, 1, 0).await, Claimed::New);
    assert_eq!((ask(1, 1, 9).await, ask(1, 2, 9).await), (Claimed::Running, Claimed::Other));
    assert_eq!(ask(2, 1, 9).await, Claimed::New);
    it.store.keep_answer([1; 32], b"sealed").await.unwrap();
    it.store.keep_answer([1; 32], b"later").await.unwrap();
    it.store.forget_answer([1; 32]).await.unwrap();
    assert_eq!(ask(1, 1, 99).await, Claimed::Answered(b"sealed".to_vec()));
    assert_eq!(ask(1, 2, 99).await, Claimed::Other);
    assert_eq!(ask(1, 2, 100).await, Claimed::New, "kept no longer");
    it.store.forget_answer([1; 32]).await.unwrap();
    assert_eq!(ask(1, 3, 100).await, Claimed::New, "it came to nothing");
    assert_eq!(ask(1, 4, 110).await, Claimed::New, "whoever had it will not answer any more");
    assert_eq!(it.store.version().await.unwrap(), 0);
}

pub(super) async fn of_many_that_want_a_name_one_gets_it(it: Fixture) {
    for number in 10..60 {
        // Each takes others' expired ones away, too.
        it.store.claim_answer(&claim(number, 1, 0)).await.unwrap();
    }
    let asking = (0..8).map(|_| {
        let store = it.store.clone();
        tokio::spawn(async move { store.claim_answer(&claim(1, 1, 100)).await.unwrap() })
    });
    let answers = join_all(asking.collect::<Vec<_>>()).await;
    assert_eq!(answers.into_iter().filter(|it| *it.as_ref().unwrap() == Claimed::New).count(), 1);
}

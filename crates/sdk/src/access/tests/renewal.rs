//! Many callers, one exchange; a successor in time; an old token while the server is down.

use std::time::{Duration, Instant};

use super::*;
use crate::access::answer::Minted;
use crate::access::memory::{Look, Memory};
use crate::access::token::AccessToken;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_callers_make_one_exchange() {
    let (server, source, _) = start(&[minted("t1", 900), minted("t2", 900)]).await;
    server.close();
    let ask = |source: TokenSource| tokio::spawn(async move { text(&source).await });
    let callers: Vec<_> = (0..100).map(|_| ask(source.clone())).collect();
    server.wait_seen(1).await;
    server.open();
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap(), "t1");
    }
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn renewal_begins_at_the_buffer() {
    for (lifetime, buffer, age, renewed) in [
        (900_000, 60_000, 839_999, false),
        (900_000, 60_000, 840_000, true),
        (900_000, 0, 899_999, false),
        (60_000, 60_000, 29_999, false),
        (60_000, 60_000, 30_000, true),
        (1000, 60_000, 499, false),
        (900_000, 5_000_000, 449_999, false),
        (900_000, 5_000_000, 450_000, true),
    ] {
        let [lifetime, buffer, age] = [lifetime, buffer, age].map(Duration::from_millis);
        let (mut memory, asked_at) = (Memory::new(buffer), Instant::now());
        memory.store(&Minted { token: AccessToken::parse("t1", None).unwrap(), lifetime }, asked_at);
        assert!(
            matches!(memory.look(asked_at + age), Look::Good { renew, .. } if renew == renewed),
            "{lifetime:?} {age:?}"
        );
        assert!(matches!(memory.look(asked_at + lifetime), Look::Nothing), "{lifetime:?}");
    }
}

#[tokio::test]
async fn nobody_waits_for_a_successor() {
    let (server, source, clock) = start(&[minted("t1", 900), minted("t2", 900)]).await;
    assert_eq!(text(&source).await.unwrap(), "t1");
    server.close();
    clock.advance(Duration::from_secs(840));
    for _ in 0..10 {
        assert_eq!(text(&source).await.unwrap(), "t1");
    }
    server.wait_seen(2).await;
    assert_eq!(text(&source).await.unwrap(), "t1");
    server.open();
    until_token(&source, "t2").await;
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_lifetime_counts_from_before_the_request() {
    let clock = Arc::new(Manual::default());
    let slow = Arc::clone(&clock);
    let script = [minted("t1", 100), minted("t2", 100)];
    let server = Server::start_with(&script, move || slow.advance(Duration::from_secs(40))).await;
    // No renewal ahead, or it would come first.
    let source = builder(&server, &clock).token_refresh_buffer(Duration::ZERO).build().unwrap();
    assert_eq!(text(&source).await.unwrap(), "t1");
    clock.advance(Duration::from_secs(59));
    assert_eq!(text(&source).await.unwrap(), "t1");
    clock.advance(Duration::from_secs(1));
    assert_eq!(text(&source).await.unwrap(), "t2");
}

#[tokio::test]
async fn while_the_server_is_down_the_old_token_serves_until_it_ends() {
    let (server, source, clock) = start(&[minted("t1", 900), refused("server_error", 500)]).await;
    let begin = clock.now();
    assert_eq!(text(&source).await.unwrap(), "t1");
    clock.advance(Duration::from_secs(850));
    assert_eq!(text(&source).await.unwrap(), "t1");
    server.wait_seen(3).await;
    while source.is_exchanging() {
        tokio::task::yield_now().await;
    }
    assert!(clock.now() < begin + Duration::from_secs(900));
    let asked = server.seen().len();
    assert_eq!(text(&source).await.unwrap(), "t1");
    assert!(!source.is_exchanging() && server.seen().len() == asked, "no attempt right after one that failed");
    clock.advance(Duration::from_secs(30));
    assert!(matches!(text(&source).await, Err(TokenError::Unavailable { cause, .. }) if cause == "status 500"));
    server.script(&[minted("t2", 900)]);
    assert_eq!(text(&source).await.unwrap(), "t2");
}

#[tokio::test]
async fn only_the_current_token_is_forgotten() {
    let (server, source, clock) = start(&[minted("t1", 900), minted("t2", 900), minted("t3", 900)]).await;
    let first = source.token().await.unwrap();
    clock.advance(Duration::from_secs(5));
    assert!(source.invalidate(&first));
    assert!(source.invalidate(&first), "another caller is told to try again as well");
    assert_eq!(text(&source).await.unwrap(), "t2");
    assert!(source.invalidate(&first));
    assert_eq!(text(&source).await.unwrap(), "t2");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_token_that_was_asked_for_a_moment_ago_is_not_forgotten() {
    for (lifetime, took, age, forgotten) in [
        (900, 0, 0, false),
        (900, 0, 4999, false),
        (900, 0, 5000, true),
        (900, 4000, 4999, false),
        (900, 5000, 5000, true),
        (2, 0, 1999, false),
        // It has ended.
        (2, 0, 2000, true),
    ] {
        let clock = Arc::new(Manual::default());
        let (slow, begin) = (Arc::clone(&clock), clock.now());
        let script = [minted("t1", lifetime), minted("t2", 900)];
        let server = Server::start_with(&script, move || slow.advance(Duration::from_millis(took))).await;
        let source = builder(&server, &clock).token_refresh_buffer(Duration::ZERO).build().unwrap();
        let first = source.token().await.unwrap();
        clock.advance(begin + Duration::from_millis(age) - clock.now());
        assert_eq!(source.invalidate(&first), forgotten, "{lifetime} {took} {age}");
        let wanted = if forgotten { "t2" } else { "t1" };
        assert_eq!(text(&source).await.unwrap(), wanted, "{lifetime} {took} {age}");
        assert_eq!(server.seen().len(), 1 + usize::from(forgotten), "{lifetime} {took} {age}");
    }
}

#[tokio::test]
async fn a_dropped_caller_strands_nobody() {
    let (server, source, _) = start(&[minted("t1", 900)]).await;
    server.close();
    let ask = |source: TokenSource| tokio::spawn(async move { text(&source).await });
    let first = ask(source.clone());
    server.wait_seen(1).await;
    let second = ask(source.clone());
    tokio::task::yield_now().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    server.open();
    assert_eq!(second.await.unwrap().unwrap(), "t1");
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_runtime_that_ended_strands_nobody() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let servers = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (server, source, _) = servers.block_on(start(&[minted("t1", 900), minted("t2", 900)]));
    server.close();
    let first = runtime();
    first.block_on(async {
        let asked = source.clone();
        tokio::spawn(async move { text(&asked).await });
        server.wait_seen(1).await;
    });
    let second = runtime();
    let waiting = second.spawn({
        let source = source.clone();
        async move { text(&source).await }
    });
    second.block_on(tokio::task::yield_now());
    drop(first);
    server.open();
    assert_eq!(second.block_on(waiting).unwrap().unwrap(), "t2");
    assert_eq!(server.seen().len(), 2);
}

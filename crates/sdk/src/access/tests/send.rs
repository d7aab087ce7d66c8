//! Requests with a token: once more after `invalid_token`, unless the token is new, and never with a body that is used up.

use reqwest::{Body, Client, RequestBuilder};

use super::*;
use crate::SendError;

/// What is sent.
#[derive(Clone, Copy, Debug)]
enum With {
    Nothing,
    Text,
    /// Another answer's body: it can be read once.
    Stream,
}

async fn request(http: &Client, url: &str, with: With) -> RequestBuilder {
    // A caller's own authorisation gives way.
    let request = http.post(url).header("authorization", "Basic old");
    match with {
        With::Nothing => request,
        With::Text => request.body("ab"),
        With::Stream => {
            let source = Server::start(&[Reply::json(200, "ab")]).await;
            request.body(Body::from(http.get(&source.url).send().await.unwrap()))
        }
    }
}

/// A request with a token that was asked for so many milliseconds ago.
async fn check(script: &[Reply], with: With, age: u64, status: u16, tokens: &[&str]) {
    let (auth, source, clock) = start(&[minted("t1", 900), minted("t2", 900), minted("t3", 900)]).await;
    let (api, http) = (Server::start(script).await, client());
    source.token().await.unwrap();
    clock.advance(Duration::from_millis(age));
    let response = source.send(request(&http, &api.url, with).await).await.unwrap();
    assert_eq!(response.status().as_u16(), status, "{script:?} {with:?} {age}");
    let seen = api.seen();
    assert_eq!(authorizations(&seen), tokens, "{script:?} {with:?} {age}");
    assert_eq!(auth.seen().len(), tokens.len(), "{script:?} {with:?} {age}");
    assert!(seen.iter().all(|it| it.contains("ab\r\n") || it.ends_with("ab") || matches!(with, With::Nothing)));
}

fn client() -> Client {
    crate::client::http_builder(false).build().unwrap()
}

/// What requests were authorised with, without `Bearer`.
fn authorizations(seen: &[String]) -> Vec<&str> {
    let values = seen.iter().flat_map(|it| it.lines().filter_map(|line| line.strip_prefix("authorization: ")));
    values.map(|value| value.strip_prefix("Bearer ").unwrap_or(value)).collect()
}

fn says(status: u16, challenge: &str) -> Reply {
    Reply::status(status).header(&format!("www-authenticate: {challenge}"))
}

fn expired() -> Reply {
    says(401, r#"Bearer realm="x", error="invalid_token""#)
}

#[tokio::test]
async fn requests() {
    let fine = || Reply::status(200);
    check(&[fine()], With::Text, 5000, 200, &["t1"]).await;
    check(&[expired(), fine()], With::Nothing, 5000, 200, &["t1", "t2"]).await;
    check(&[expired(), fine()], With::Text, 5000, 200, &["t1", "t2"]).await;
    check(&[expired(), expired(), fine()], With::Text, 5000, 401, &["t1", "t2"]).await;
    check(&[expired(), fine()], With::Stream, 5000, 401, &["t1"]).await;
    check(&[expired(), fine()], With::Text, 0, 401, &["t1"]).await;
    check(&[expired(), fine()], With::Text, 4999, 401, &["t1"]).await;
    check(&[says(401, "Bearer error=invalid_token"), fine()], With::Text, 5000, 200, &["t1", "t2"]).await;
    check(&[says(401, "Bearer"), fine()], With::Text, 5000, 401, &["t1"]).await;
    check(&[says(401, r#"Bearer error="insufficient_scope""#), fine()], With::Text, 5000, 401, &["t1"]).await;
    check(&[says(403, r#"Bearer error="invalid_token""#), fine()], With::Text, 5000, 403, &["t1"]).await;
}

#[tokio::test]
async fn an_api_that_refuses_every_token_makes_no_storm_of_exchanges() {
    let (auth, source, clock) = start(&[minted("t1", 900), minted("t2", 900), minted("t3", 900)]).await;
    let (api, http) = (Server::start(&[expired()]).await, client());
    for (exchanges, requests) in [(1, 10), (2, 21), (3, 32)] {
        for _ in 0..10 {
            assert_eq!(source.send(http.get(&api.url)).await.unwrap().status(), 401);
        }
        assert_eq!((auth.seen().len(), api.seen().len()), (exchanges, requests));
        clock.advance(Duration::from_secs(5));
    }
}

#[tokio::test]
async fn a_request_whose_token_was_replaced_meanwhile_is_repeated_with_the_newer_one() {
    let (auth, source, clock) = start(&[minted("t1", 900), minted("t2", 900), minted("t3", 900)]).await;
    let (api, http) = (Server::start(&[expired(), Reply::status(200)]).await, client());
    let first = source.token().await.unwrap();
    clock.advance(Duration::from_secs(5));
    api.close();
    let (theirs, request) = (source.clone(), http.get(&api.url));
    let waiting = tokio::spawn(async move { theirs.send(request).await.unwrap().status() });
    api.wait_seen(1).await;
    source.invalidate(&first);
    assert_eq!(text(&source).await.unwrap(), "t2");
    api.open();
    assert_eq!(waiting.await.unwrap(), 200);
    assert_eq!(authorizations(&api.seen()), ["t1", "t2"]);
    assert_eq!(auth.seen().len(), 2);
}

#[tokio::test]
async fn a_credential_that_was_revoked_is_told_so_after_the_api_refused_its_token() {
    let (_auth, source, clock) = start(&[minted("t1", 900), refused("invalid_client", 401)]).await;
    let (api, http) = (Server::start(&[expired()]).await, client());
    source.token().await.unwrap();
    clock.advance(Duration::from_secs(5));
    let error = source.send(http.get(&api.url)).await.unwrap_err();
    assert!(
        matches!(&error, SendError::Token(TokenError::Refused { code, .. }) if code == "invalid_client"),
        "{error}"
    );
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let (_auth, source, _) = start(&[refused("invalid_client", 401)]).await;
    let api = Server::start(&[Reply::status(200)]).await;
    let error = source.send(client().get(&api.url)).await.unwrap_err();
    assert!(matches!(error, SendError::Token(TokenError::Refused { .. })), "{error}");
    assert!(api.seen().is_empty());
}

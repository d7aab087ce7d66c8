//! Requests with a token: once more after `invalid_token`, never with a body that is used up.

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

async fn check(script: &[Reply], with: With, status: u16, tokens: &[&str]) {
    let (_auth, source, _) = start(&[minted("t1", 900), minted("t2", 900), minted("t3", 900)]).await;
    let (api, http) = (Server::start(script).await, crate::client::http_builder(false).build().unwrap());
    let response = source.send(request(&http, &api.url, with).await).await.unwrap();
    assert_eq!(response.status().as_u16(), status, "{script:?} {with:?}");
    let seen = api.seen();
    let authorizations = seen.iter().flat_map(|it| it.lines().filter_map(|line| line.strip_prefix("authorization: ")));
    let wanted: Vec<_> = tokens.iter().map(|token| format!("Bearer {token}")).collect();
    assert_eq!(authorizations.collect::<Vec<_>>(), wanted, "{script:?} {with:?}");
    assert!(seen.iter().all(|it| it.contains("ab\r\n") || it.ends_with("ab") || matches!(with, With::Nothing)));
}

#[tokio::test]
async fn requests() {
    let says = |status, challenge: &str| Reply::status(status).header(&format!("www-authenticate: {challenge}"));
    let expired = || says(401, r#"Bearer realm="x", error="invalid_token""#);
    let fine = || Reply::status(200);
    check(&[fine()], With::Text, 200, &["t1"]).await;
    check(&[expired(), fine()], With::Nothing, 200, &["t1", "t2"]).await;
    check(&[expired(), fine()], With::Text, 200, &["t1", "t2"]).await;
    check(&[expired(), expired(), fine()], With::Text, 401, &["t1", "t2"]).await;
    check(&[expired(), fine()], With::Stream, 401, &["t1"]).await;
    check(&[says(401, "Bearer error=invalid_token"), fine()], With::Text, 200, &["t1", "t2"]).await;
    check(&[says(401, "Bearer"), fine()], With::Text, 401, &["t1"]).await;
    check(&[says(401, r#"Bearer error="insufficient_scope""#), fine()], With::Text, 401, &["t1"]).await;
    check(&[says(403, r#"Bearer error="invalid_token""#), fine()], With::Text, 403, &["t1"]).await;
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let (_auth, source, _) = start(&[refused("invalid_client", 401)]).await;
    let api = Server::start(&[Reply::status(200)]).await;
    let http = crate::client::http_builder(false).build().unwrap();
    let error = source.send(http.get(&api.url)).await.unwrap_err();
    assert!(matches!(error, SendError::Token(TokenError::Refused { .. })), "{error}");
    assert!(api.seen().is_empty());
}

//! One exchange: what is asked, how often, and what is made of the answers.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

#[tokio::test]
async fn what_is_asked() {
    let (server, clock) = (Server::start(&[minted("t1", 900)]).await, Arc::default());
    let plain = builder(&server, &clock);
    let narrow = plain.clone().scopes(["a:read", "b:*"]).resource("https://api.example.com/?a=b");
    for (builder, body) in [
        (plain, "grant_type=client_credentials&org_id=org_1"),
        (
            narrow,
            "grant_type=client_credentials&org_id=org_1&scope=a%3Aread+b%3A*\
             &resource=https%3A%2F%2Fapi.example.com%2F%3Fa%3Db",
        ),
    ] {
        text(&builder.build().unwrap()).await.unwrap();
        let seen = server.seen().pop().unwrap();
        assert!(seen.starts_with("POST /oauth/token HTTP/1.1\r\n"), "{seen}");
        assert!(seen.contains("content-type: application/x-www-form-urlencoded\r\n"), "{seen}");
        assert!(seen.ends_with(&format!("\r\n\r\n{body}")), "{seen}");
        let basic = seen.lines().find_map(|line| line.strip_prefix("authorization: Basic ")).unwrap();
        assert_eq!(STANDARD.decode(basic).unwrap(), b"key_1:secret_a%2Bb%2Fc%3Ad%25e%26f");
    }
}

#[tokio::test]
async fn a_base_path_stays() {
    let server = Server::start(&[minted("t1", 900)]).await;
    let source = TokenSource::new(credentials(&format!("{}/auth/", server.url))).unwrap();
    text(&source).await.unwrap();
    assert!(server.seen()[0].starts_with("POST /auth/oauth/token "));
}

/// What a script leads to: how many requests, which pauses, and the error if there is no token.
async fn check(script: &[Reply], requests: usize, slept: &[u128], error: Option<&str>) {
    let (server, source, clock) = start(script).await;
    let result = text(&source).await;
    match (result, error) {
        (Ok(token), None) => assert_eq!(token, "t1"),
        (Err(found), Some(wanted)) => assert!(found.to_string().contains(wanted), "{found} is not {wanted}"),
        (result, error) => panic!("{script:?}: {result:?}, not {error:?}"),
    }
    assert_eq!((server.seen().len(), clock.slept().as_slice()), (requests, slept), "{script:?}");
}

#[tokio::test]
async fn attempts() {
    let good = || minted("t1", 900);
    let busy = |status, after: &str| Reply::status(status).header(&format!("retry-after: {after}"));
    let dated = busy(429, "Sat, 01 Jan 2000 00:00:09 GMT").header("date: Sat, 01 Jan 2000 00:00:00 GMT");
    check(&[Reply::status(503), good()], 2, &[100], None).await;
    check(&[Reply::status(0), Reply::status(500), Reply::status(502), good()], 4, &[100, 200, 400], None).await;
    check(&[busy(429, "7"), good()], 2, &[7100], None).await;
    check(&[busy(503, "0"), good()], 2, &[100], None).await;
    check(&[dated, good()], 2, &[9100], None).await;
    check(&[busy(429, "soon"), good()], 2, &[100], None).await;
    check(&[busy(429, "3600")], 1, &[], Some("status 429")).await;
    check(&[refused("invalid_client", 401)], 1, &[], Some("invalid_client\nhint: is the secret")).await;
    check(&[refused("invalid_scope", 400)], 1, &[], Some("invalid_scope\nhint: ask for scopes")).await;
    let described = Reply::json(400, r#"{"error":"invalid_scope","error_description":"no such\u001b scope"}"#);
    check(&[described], 1, &[], Some("invalid_scope (no such scope)")).await;
    check(&[Reply::status(404)], 1, &[], Some("unexpected answer with status 404")).await;
    check(&[Reply::status(302).header("location: /elsewhere")], 1, &[], Some("status 302")).await;
    for body in [
        "<html>",
        &"[".repeat(5000),
        r#"{"access_token":"t1","token_type":"Bearer"}"#,
        r#"{"access_token":"t1","token_type":"Bearer","expires_in":0}"#,
        r#"{"access_token":"t1","token_type":"Bearer","expires_in":"900"}"#,
        r#"{"access_token":"t1","token_type":"mac","expires_in":900}"#,
        r#"{"access_token":"a b","token_type":"Bearer","expires_in":900}"#,
        r#"{"access_token":"","token_type":"Bearer","expires_in":900}"#,
    ] {
        check(&[Reply::json(200, body)], 1, &[], Some("no bearer token")).await;
    }
}

#[tokio::test]
async fn attempts_end_at_the_deadline() {
    let (server, clock) = (Server::start(&[Reply::status(503)]).await, Arc::default());
    let source = builder(&server, &clock).deadline(Duration::from_secs(20)).build().unwrap();
    assert!(matches!(text(&source).await, Err(TokenError::Unavailable { .. })));
    let slept = clock.slept();
    assert_eq!(server.seen().len(), slept.len() + 1);
    assert!((15_000..=20_000).contains(&slept.iter().sum::<u128>()), "{slept:?}");
    assert!(slept.iter().all(|it| *it <= 5000), "{slept:?}");
}

#[tokio::test]
async fn a_refusal_is_remembered_for_a_moment() {
    let busy = Reply::status(429).header("retry-after: 60");
    for (reply, remembered) in [(refused("invalid_client", 401), 5), (Reply::status(404), 5), (busy, 60)] {
        let (server, source, clock) = start(&[reply, minted("t1", 900)]).await;
        let almost = Duration::from_millis(remembered * 1000 - 100);
        for age in [Duration::ZERO, almost] {
            clock.advance(age);
            text(&source).await.unwrap_err();
            assert_eq!(server.seen().len(), 1);
        }
        clock.advance(Duration::from_millis(100));
        assert_eq!(text(&source).await.unwrap(), "t1");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_for_what_it_is() {
    let clock = Arc::new(Manual::default());
    let nobody = TokenSource::builder(credentials("http://127.0.0.1:1")).clock(Clock::Manual(clock)).build().unwrap();
    let error = text(&nobody).await.unwrap_err().to_string();
    assert!(error.to_lowercase().contains("refused") && error.contains("hint: is the control plane up"), "{error}");
}

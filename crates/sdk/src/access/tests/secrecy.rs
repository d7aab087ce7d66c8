//! No secret and no token where somebody could find it by accident.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

const TOKEN: &str = "eyJ.hidden.token";
const FORM: &str = "secret_a%2Bb%2Fc%3Ad%25e%26f";

fn basic() -> String {
    STANDARD.encode(format!("key_1:{FORM}"))
}

fn check(shown: &str) {
    for word in [SECRET, FORM, TOKEN, &basic()] {
        assert!(!shown.contains(word), "{shown} has {word}");
    }
}

#[tokio::test]
async fn nothing_shows_it() {
    let (_server, source, clock) = start(&[minted(TOKEN, 900)]).await;
    let token = source.token().await.unwrap();
    assert_eq!(token.expose(), TOKEN);
    let credentials = credentials("http://127.0.0.1:1");
    let builder = TokenSource::builder(credentials.clone()).clock(Clock::Manual(clock));
    for shown in [
        format!("{token:?} {token:#?}"),
        format!("{:?}", token.header()),
        format!("{credentials:?} {credentials:#?}"),
        format!("{source:?} {source:#?}"),
        format!("{builder:?} {builder:#?}"),
        format!("{:?}", TokenSource::builder(credentials).build()),
    ] {
        check(&shown);
    }
}

#[tokio::test]
async fn no_error_holds_it() {
    let told = |text: &str| {
        Reply::json(401, &format!(r#"{{"error":"invalid_client","error_description":"you sent {text}"}}"#))
    };
    for reply in [
        told(SECRET),
        told(&basic()),
        refused(SECRET, 401),
        Reply::json(400, SECRET),
        Reply::json(500, SECRET),
        Reply::json(200, &format!(r#"{{"access_token":"{TOKEN}"}}"#)),
        Reply::status(0),
        Reply::status(302).header(&format!("location: /{}", basic())),
    ] {
        let (_server, source, _) = start(&[reply]).await;
        let error = source.token().await.unwrap_err();
        check(&format!("{error} {error:?} {error:#?}"));
    }
}

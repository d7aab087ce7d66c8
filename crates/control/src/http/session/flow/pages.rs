//! Who reaches which page, and what comes with it.

use axum::body::Body;
use axum::extract::Request;
use axum::http::Method;
use axum::http::header::{LOCATION, SET_COOKIE};

use super::{Desk, PASSWORD, pair};

#[tokio::test]
async fn signing_in_by_the_form_leads_back_to_the_page_that_was_asked_for() {
    let desk = Desk::with_ada(None).await;
    for (method, path, expected) in [
        (Method::GET, "/", "/sign-in"),
        (Method::GET, "/nowhere?a=b", "/sign-in?next=/nowhere%3Fa%3Db"),
        (Method::POST, "/echo", "/sign-in"),
    ] {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let answer = desk.send(request).await;
        assert_eq!((answer.status, answer.header(LOCATION)), (303, expected), "{path}");
    }
    let wrong = desk.sign_in("wrong horse", "/nowhere").await;
    assert_eq!((wrong.status, wrong.header(SET_COOKIE)), (403, ""));
    let right = desk.sign_in(PASSWORD, "/nowhere").await;
    assert_eq!((right.status, right.header(LOCATION)), (303, "/nowhere"));
    let set = right.header(SET_COOKIE);
    assert!(set.starts_with("portcullis_session=pcs_"), "{set}");
    assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000"), "{set}");
    let page = desk.get("/", &right.cookie()).await;
    assert!(page.status == 200 && page.text.starts_with("Ada ada@example.com "), "{}", page.text);
    assert_eq!(desk.sign_in(PASSWORD, "//evil.example").await.header(LOCATION), "/");
    assert_ne!(desk.sign_in(PASSWORD, "/").await.cookie(), right.cookie(), "each time another");
}

#[tokio::test]
async fn over_https_cookies_are_for_https_alone() {
    let desk = Desk::with_ada(Some("https://control.test")).await;
    let page = desk.get("/sign-in", "").await;
    assert!(page.header(SET_COOKIE).starts_with("__Host-portcullis_visit=pcv_"), "{}", page.header(SET_COOKIE));
    assert!(page.header(SET_COOKIE).ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"));
    assert_eq!(page.header("strict-transport-security"), "max-age=31536000");
    let cookie = desk.start().await.cookie;
    let text = cookie.expose();
    assert!(desk.is_signed_in(&format!("__Host-portcullis_session={text}")).await);
    assert!(!desk.is_signed_in(&format!("portcullis_session={text}")).await, "anybody may have set that one");
}

#[tokio::test]
async fn every_page_says_what_a_browser_may_do_with_it() {
    let desk = Desk::with_ada(None).await;
    let cookie = pair(&desk.start().await);
    for (path, cookie) in [("/sign-in", ""), ("/", cookie.as_str()), ("/", ""), ("/nowhere", cookie.as_str())] {
        let answer = desk.get(path, cookie).await;
        let policy = answer.header("content-security-policy");
        assert_eq!(answer.header("strict-transport-security"), "", "{path}: it came over plain http");
        assert!(policy.starts_with("default-src 'none'; ") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("-inline") && !policy.contains("-eval"), "{policy}");
        for (name, value) in
            [("x-content-type-options", "nosniff"), ("referrer-policy", "same-origin"), ("cache-control", "no-store")]
        {
            assert_eq!(answer.header(name), value, "{path} {name}");
        }
    }
}

#[tokio::test]
async fn a_cookie_opens_pages_alone_and_a_token_anything_else() {
    let desk = Desk::with_ada(None).await;
    let cookie = pair(&desk.start().await);
    assert_eq!(desk.get("/v1/me", &cookie).await.status, 401);
    let admin = format!("Bearer {}", desk.app.admin_token.expose());
    for (path, status) in [("/v1/me", 200), ("/", 303)] {
        let request = Request::get(path).header("authorization", &admin).body(Body::empty()).unwrap();
        assert_eq!(desk.send(request).await.status, status, "{path}");
    }
}

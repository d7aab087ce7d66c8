//! Forms that are ours, and forms that are not.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{COOKIE, HOST, SET_COOKIE};

use super::{ADA, Desk, PASSWORD, pair};

#[tokio::test]
async fn a_form_is_taken_from_our_own_page_alone() {
    let desk = Desk::with_ada(None).await;
    let (ada, other) = (desk.start().await, desk.start().await);
    let (csrf, others) = (ada.cookie.csrf(), other.cookie.csrf());
    let urlencoded = Some("application/x-www-form-urlencoded");
    for (csrf, kind, origin, site, status) in [
        (csrf.expose(), urlencoded, Some("http://control.test"), Some("same-origin"), 200),
        (csrf.expose(), urlencoded, None, None, 200),
        (csrf.expose(), urlencoded, Some("http://evil.test"), None, 403),
        (csrf.expose(), urlencoded, Some("null"), None, 403),
        (csrf.expose(), urlencoded, Some("http://control.test.evil.test"), None, 403),
        (csrf.expose(), urlencoded, None, Some("cross-site"), 403),
        (csrf.expose(), urlencoded, Some("http://control.test"), Some("same-site"), 403),
        (others.expose(), urlencoded, Some("http://control.test"), Some("same-origin"), 403),
        ("", urlencoded, Some("http://control.test"), Some("same-origin"), 403),
        (csrf.expose(), Some("text/plain"), Some("http://control.test"), Some("same-origin"), 415),
        (csrf.expose(), None, Some("http://control.test"), Some("same-origin"), 415),
    ] {
        let mut request = Request::post("/echo").header(COOKIE, pair(&ada)).header(HOST, "control.test");
        for (name, value) in [("content-type", kind), ("origin", origin), ("sec-fetch-site", site)] {
            request = value.into_iter().fold(request, |request, value| request.header(name, value));
        }
        let body = format!("text=hello&csrf={csrf}");
        let answer = desk.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.status, status, "{kind:?} {origin:?} {site:?}: {}", answer.text);
        assert_eq!(answer.text == "hello", status == 200);
    }
}

#[tokio::test]
async fn nobody_is_signed_in_by_a_form_of_somebody_elses() {
    let desk = Desk::with_ada(None).await;
    let (mine, theirs) = (desk.get("/sign-in", "").await, desk.get("/sign-in", "").await);
    assert_eq!(desk.get("/sign-in", &mine.cookie()).await.header(SET_COOKIE), "", "one that is there is kept");
    let form = |csrf: &str| format!("csrf={csrf}&email={ADA}&password={}", PASSWORD.replace(' ', "+"));
    for (cookie, body, status) in [
        (String::new(), form(&mine.text), 403),
        (theirs.cookie(), form(&mine.text), 403),
        ("portcullis_visit=pcv_x".to_owned(), form(&mine.text), 403),
        (mine.cookie(), form(""), 403),
        (mine.cookie(), form(&mine.text), 303),
    ] {
        assert_eq!(desk.post("/sign-in", &cookie, &body).await.status, status, "{cookie}");
    }
}

//! A fake service outside: it wants its own credential, in whatever place, and tells who it takes the caller for.
//!
//! Its body holds no credential, as a real service's does not; `x-echo` makes it echo one in its headers, as a careless one might.
//! Invariant: where some credentials are good, it never answers 200 without one.

use axum::Json;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{Arrivals, Side, text};

/// The parameter in which it takes a credential.
const PARAMETER: &str = "appid";

pub(super) fn app(arrivals: Arrivals) -> Router {
    Router::new().fallback(answer).with_state(arrivals)
}

async fn answer(State(arrivals): State<Arrivals>, request: Request) -> Response {
    arrivals.count(&request);
    let credentials = credentials(&request);
    let none = String::new();
    let named = credentials.iter().chain([&none]).find_map(|it| Some((it, arrivals.name_of(it)?)));
    let Some((credential, name)) = named else {
        return (
            StatusCode::UNAUTHORIZED,
            Json(json!({ "side": Side::Service.name(), "error": "no good credential" })),
        )
            .into_response();
    };
    let names: Vec<&str> = request.headers().keys().map(HeaderName::as_str).collect();
    let body = json!({
        "side": Side::Service.name(),
        "as": name,
        "method": request.method().as_str(),
        "path": request.uri().path(),
        "parameters": parameters(&request).map(|(name, _)| name).collect::<Vec<_>>(),
        "host": text(request.headers(), "host"),
        "names": names,
    });
    let mut response = Json(body).into_response();
    if request.headers().contains_key("x-echo") {
        echo(response.headers_mut(), credential, &request);
    }
    response
}

/// Whatever may be one: a header, a parameter, a user's password.
fn credentials(request: &Request) -> Vec<String> {
    let mut found: Vec<String> = parameters(request).filter(|(name, _)| *name == PARAMETER).map(|it| it.1).collect();
    let authorization = text(request.headers(), "authorization");
    found.extend(authorization.strip_prefix("Bearer ").map(str::to_owned));
    let basic = authorization.strip_prefix("Basic ").and_then(|it| STANDARD.decode(it).ok());
    found.extend(basic.and_then(|it| String::from_utf8(it).ok()));
    found.push(text(request.headers(), "x-api-key"));
    found.retain(|it| !it.is_empty());
    found
}

fn parameters(request: &Request) -> impl Iterator<Item = (&str, String)> {
    let pieces = request.uri().query().unwrap_or_default().split('&').filter(|piece| !piece.is_empty());
    pieces.map(|piece| piece.split_once('=').unwrap_or((piece, ""))).map(|(name, value)| (name, unescaped(value)))
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digits = || Some([rest.clone().next()?, rest.clone().nth(1)?]);
        let escaped = (byte == b'%').then(digits).flatten().and_then(|it| String::from_utf8(it.to_vec()).ok());
        match escaped.and_then(|it| u8::from_str_radix(&it, 16).ok()) {
            Some(escaped) => {
                bytes.push(escaped);
                rest.nth(1);
            }
            None => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// In headers that services really send.
fn echo(headers: &mut HeaderMap, credential: &str, request: &Request) {
    let target = request.uri().to_string();
    let all = [
        ("x-credential", credential.to_owned()),
        ("location", format!("https://example.com{target}")),
        ("set-cookie", format!("session={credential}; HttpOnly")),
        ("set-cookie", "theme=dark".to_owned()),
        ("x-authorization", text(request.headers(), "authorization")),
    ];
    for (name, value) in all {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
}

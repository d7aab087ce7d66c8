//! What callers send is read whole before any of it is looked into: no more than they may send, and in time.
//!
//! Invariant: whoever may not do what takes much to say is told so before they say it.

use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Request};
use axum::http::header::EXPECT;
use axum::http::{Method, StatusCode};
use futures_util::StreamExt as _;
use tokio::time::timeout;

use super::failure::Failure;
use crate::access::Permission;
use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;

/// Of anyone: an e-mail address, a name and a password fit many times.
pub(super) const LITTLE: usize = 16 * 1024;
/// Of known callers: a batch of a thousand keys with restrictions fits.
pub(super) const MUCH: usize = 4 * 1024 * 1024;

/// Fails if it is about many things at once and the caller may do that to none of them.
pub(super) fn may_send(request: &Request) -> Result<(), Failure> {
    let wanted = match request.uri().path() {
        "/v1/keys:batch" | "/v1/keys:import" | "/keys/import" => Permission::KeysWrite,
        "/v1/policy" | "/policy/publish" => Permission::PolicyWrite,
        _ => return Ok(()),
    };
    match request.extensions().get::<Caller>().filter(|_| request.method() == Method::POST) {
        Some(caller) if !caller.permissions.has(wanted) => Err(Error::Forbidden(wanted).into()),
        _ => Ok(()),
    }
}

/// Passes over what a refused caller goes on to send: whoever is cut off while they send does not read why. Who asks first
/// is answered first.
pub(super) async fn pass_over(app: &App, request: &mut Request) {
    if request.headers().contains_key(EXPECT) {
        return;
    }
    let mut pieces = std::mem::take(request.body_mut()).into_data_stream();
    let all = async {
        let mut length = 0;
        while let Some(Ok(piece)) = pieces.next().await {
            length += piece.len();
            if length > MUCH {
                break;
            }
        }
    };
    let _ = timeout(app.limits.body_within, all).await;
}

/// Puts the whole body in the place of one that is still on its way.
pub(super) async fn whole(app: &App, request: &mut Request, most: usize) -> Result<(), Failure> {
    let (parts, body) = std::mem::take(request).into_parts();
    let mut sent = Request::from_parts(parts.clone(), body);
    DefaultBodyLimit::max(most).apply(&mut sent);
    let late = |_| Failure::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", "the body did not arrive in time");
    let read = timeout(app.limits.body_within, Bytes::from_request(sent, app)).await;
    let bytes = read.map_err(late).and_then(|read| read.map_err(|rejection| unreadable(&rejection, most)));
    *request = Request::from_parts(parts, Body::empty());
    DefaultBodyLimit::max(most).apply(request);
    *request.body_mut() = Body::from(bytes?);
    Ok(())
}

fn unreadable(rejection: &BytesRejection, most: usize) -> Failure {
    let size = if most < MUCH { "16 KiB" } else { "4 MiB" };
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let detail = format!("the body is larger than {size}");
            Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
        }
        _ => Failure::new(StatusCode::BAD_REQUEST, "malformed_request", "the body could not be read"),
    }
}

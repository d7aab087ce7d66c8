//! What callers send is read whole before any of it is looked into: no more than they may send, and in time.
//!
//! Invariants: whoever may not do what takes much is told so before they say it; only what takes much is read as if it
//! did; of known callers no more is read at once than there is [`Room`] for.

mod room;

use axum::body::{Body, BodyDataStream, HttpBody as _};
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::EXPECT;
use axum::http::{Method, StatusCode};
use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout_at};

use super::failure::Failure;
use crate::access::Permission::{self, KeysWrite, PolicyRead, PolicyWrite};
use crate::app::App;
use crate::caller::Caller;
pub(super) use room::{Place, Room};

/// Of anyone: an e-mail address, a name and a password fit many times.
const LITTLE: usize = 16 * 1024;
/// Of known callers: one key with all its restrictions fits.
const SOME: usize = 256 * 1024;
/// Of known callers, where there is much to say: a batch of a thousand keys with restrictions fits, and any policy.
const MUCH: usize = 4 * 1024 * 1024;
/// So much of what is refused is passed over.
const PASSED_OVER: usize = 2 * MUCH;

/// What there is much to say to, by POST, and what a caller must be allowed for it.
const MUCH_TO_SAY: &[(&str, Option<Permission>)] = &[
    ("/edge/v1/report", None),
    ("/edge/v1/leases", None),
    ("/v1/keys:batch", Some(KeysWrite)),
    ("/v1/keys:import", Some(KeysWrite)),
    ("/keys/import", Some(KeysWrite)),
    ("/v1/policy", Some(PolicyWrite)),
    ("/v1/policy:check", Some(PolicyRead)),
    ("/policy/preview", Some(PolicyWrite)),
    ("/policy/publish", Some(PolicyWrite)),
];

/// Puts the whole body in the place of one that is still on its way. It takes its place until it is dealt with.
pub(super) async fn whole(app: &App, request: &mut Request, is_known: bool) -> Result<Option<Place>, Failure> {
    let end = Instant::now() + app.limits.body_within;
    let admitted = admit(app, request, is_known);
    let mut pieces = std::mem::take(request.body_mut()).into_data_stream();
    let read = match admitted {
        Ok((most, place)) => {
            let read = timeout_at(end, read(&mut pieces, most)).await;
            read.unwrap_or_else(|_| Err(late())).map(|bytes| (most, place, bytes))
        }
        // Who asks first is answered first.
        Err(refused) if request.headers().contains_key(EXPECT) => return Err(refused),
        Err(refused) => Err(refused),
    };
    match read {
        Ok((most, place, bytes)) => {
            DefaultBodyLimit::max(most).apply(request);
            *request.body_mut() = Body::from(bytes);
            Ok(place)
        }
        Err(refused) => {
            let _ = timeout_at(end, pass_over(&mut pieces)).await;
            Err(refused)
        }
    }
}

/// How much may be sent, and the place for it. What strangers send is so little that their connections bound it.
fn admit(app: &App, request: &Request, is_known: bool) -> Result<(usize, Option<Place>), Failure> {
    let caller = request.extensions().get::<Caller>();
    let is_here = |path: &str| path == request.uri().path() && request.method() == Method::POST;
    let much = MUCH_TO_SAY.iter().find(|(path, _)| is_here(path));
    if let (Some((_, Some(wanted))), Some(caller)) = (much, caller) {
        caller.require(*wanted)?;
    }
    let most = match (is_known, much) {
        (false, _) => LITTLE,
        (true, None) => SOME,
        (true, Some(_)) => MUCH,
    };
    let length = request.body().size_hint().upper().map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    if length.is_some_and(|length| length > most) {
        return Err(too_large(most));
    }
    let take = || app.rates.room.take(caller, length.unwrap_or(most));
    Ok((most, is_known.then(take).transpose()?))
}

async fn read(pieces: &mut BodyDataStream, most: usize) -> Result<Vec<u8>, Failure> {
    let mut whole = Vec::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| unreadable())?;
        if whole.len() + piece.len() > most {
            return Err(too_large(most));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole)
}

/// Passes over what a refused caller goes on to send: whoever is cut off while they send does not read why.
async fn pass_over(pieces: &mut BodyDataStream) {
    let mut length = 0;
    while let Some(Ok(piece)) = pieces.next().await {
        length += piece.len();
        if length > PASSED_OVER {
            break;
        }
    }
}

fn late() -> Failure {
    Failure::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", "the body did not arrive in time")
}

fn unreadable() -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, "malformed_request", "the body could not be read")
}

fn too_large(most: usize) -> Failure {
    let detail = format!("the body is larger than {} KiB, which is the most here", most / 1024);
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_much_to_say_to_routes_that_there_are() {
        let routes = crate::http::routes();
        for (path, _) in MUCH_TO_SAY {
            assert!(routes.iter().any(|route| route.method == "POST" && route.path == *path), "{path}");
        }
    }
}

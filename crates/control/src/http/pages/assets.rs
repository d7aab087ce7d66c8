//! `GET /assets/{name}`: files in the binary. With their digest in the address they may be kept for ever.

use axum::extract::Query;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::http::body::Segment;
use crate::http::failure::Failure;
use crate::pages::assets;

const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// To be asked for again each time, and not sent again.
const ASK: &str = "no-cache";

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    v: String,
}

pub(super) async fn show(Segment(name): Segment, uri: Uri, headers: HeaderMap) -> Result<Response, Failure> {
    let asset = assets::find(&name).ok_or_else(|| Failure::not_found("there is no such file"))?;
    let etag = format!("\"{}\"", asset.digest);
    let named = Query::try_from_uri(&uri).is_ok_and(|Query(wanted): Query<Wanted>| wanted.v == asset.digest);
    let kept = [(CACHE_CONTROL, if named { FOR_EVER } else { ASK }.to_owned()), (ETAG, etag.clone())];
    if headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, kept).into_response());
    }
    Ok((kept, [(CONTENT_TYPE, asset.content_type)], asset.body).into_response())
}

/// Where browsers look without being told.
pub(super) async fn favicon() -> Redirect {
    Redirect::permanent("/assets/favicon.svg")
}

//! Reading what callers send and writing what they get back.
//!
//! Invariants: an error about a body never quotes what looks like a key; one about a body that may hold a secret's value quotes
//! nothing of it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use portcullis_api::VERSION_HEADER;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::failure::Failure;
use crate::app::{App, Committed};

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        read(request, app).await.and_then(|bytes| parse(app, &bytes)).map(Self)
    }
}

/// A JSON body that may hold what nobody may see: if it cannot be read, nothing of it is said again.
pub(super) struct Unquoted<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<App> for Unquoted<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        let bytes = read(request, app).await?;
        let is_object = bytes.trim_ascii_start().first() == Some(&b'{');
        if !is_object {
            return Err(malformed(app, "body", "expected an object"));
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|error| malformed(app, "body", &without_quotes(&error)))
    }
}

/// What serde says, without anything that was sent.
fn without_quotes(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        Category::Data => {
            "a member is missing, unknown, there twice, or not of the type that is described in `/v1/openapi.json`"
        }
        Category::Eof => "it ends too early",
        Category::Syntax | Category::Io => "it is not JSON",
    };
    format!("{what}, at line {} column {}", error.line(), error.column())
}

/// A JSON body; none at all is an empty object.
pub(super) struct OptionalBody<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<App> for OptionalBody<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        let bytes = read(request, app).await?;
        parse(app, if bytes.is_empty() { b"{}" } else { &bytes }).map(Self)
    }
}

/// A body that can be written as JSON or as a table.
pub(super) enum Table<T> {
    /// JSON.
    Json(T),
    /// `text/csv` (RFC 4180), not looked into yet.
    Csv(Bytes),
}

impl<T: DeserializeOwned> FromRequest<App> for Table<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        let is_csv = kind.eq_ignore_ascii_case("text/csv");
        let bytes = read(request, app).await?;
        if is_csv { Ok(Self::Csv(bytes)) } else { parse(app, &bytes).map(Self::Json) }
    }
}

/// All of a body, which is here since the gate let the request pass.
pub(super) async fn read(request: Request, app: &App) -> Result<Bytes, Failure> {
    let unreadable = |_| Failure::new(StatusCode::BAD_REQUEST, "malformed_request", "the body could not be read");
    Bytes::from_request(request, app).await.map_err(unreadable)
}

fn parse<T: DeserializeOwned>(app: &App, bytes: &[u8]) -> Result<T, Failure> {
    // serde would take an array for an object, its members in their order.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(malformed(app, "body", "expected an object, got an array"));
    }
    serde_json::from_slice(bytes).map_err(|error| malformed(app, "body", &error.to_string()))
}

/// The one parameter of a path. What is no text names nothing.
pub(super) struct Segment(pub(super) String);

impl FromRequestParts<App> for Segment {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let segment = Path::from_request_parts(parts, app).await;
        segment.map(|Path(text)| Self(text)).map_err(|_| Failure::not_found("there is no such path"))
    }
}

/// The two parameters of a path.
pub(super) struct Segments(pub(super) String, pub(super) String);

impl FromRequestParts<App> for Segments {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let segments = Path::from_request_parts(parts, app).await;
        segments.map(|Path((one, two))| Self(one, two)).map_err(|_| Failure::not_found("there is no such path"))
    }
}

/// The parameters of a query.
pub(super) struct Parameters<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Parameters<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let query = Query::from_request_parts(parts, app).await;
        let Query(parameters) =
            query.map_err(|rejection: QueryRejection| malformed(app, "query", &rejection.body_text()))?;
        Ok(Self(parameters))
    }
}

pub(super) fn malformed(app: &App, what: &str, message: &str) -> Failure {
    let detail = if app.policy().spots_secret_in(message) {
        format!("the {what} cannot be read: it holds what looks like a key where none belongs")
    } else {
        format!("the {what} cannot be read: {message}")
    };
    Failure::new(StatusCode::BAD_REQUEST, "malformed_request", detail)
}

/// The answer to a write: what was done, and the version that edges can fetch it in.
pub(super) struct Written<T>(pub(super) StatusCode, pub(super) Committed<T>);

impl<T: Serialize> IntoResponse for Written<T> {
    fn into_response(self) -> Response {
        let Self(status, committed) = self;
        let version = HeaderValue::from(committed.version);
        (status, [(VERSION_HEADER, version)], Json(committed.value)).into_response()
    }
}

//! Failures of pages, for people: the same that programs get as a problem.
//!
//! Invariant: it tells no more than the problem would.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::Html;
use super::desk::Desk;
use super::problems::sentence;
use crate::app::App;
use crate::http::failure::Failure;
use crate::http::session::SignedIn;
use crate::pages::gate::Gate;
use crate::pages::message::{ErrorPage, ErrorText, GateError};
use crate::pages::shell::Section;

/// Writes the failure of a response, if it is one, as a page; headers set on the way stay.
pub(in crate::http) async fn failed(
    app: &App,
    signed_in: Option<SignedIn>,
    request_id: Option<String>,
    mut response: Response,
) -> Response {
    let Some(failure) = response.extensions_mut().remove::<Failure>() else { return response };
    let error = text(&failure, request_id);
    let desk = match signed_in {
        Some(signed_in) => Desk::of(app, signed_in).await.ok(),
        None => None,
    };
    let title = error.title.clone();
    let page = match desk {
        Some(desk) => {
            Html(failure.status, ErrorPage { shell: desk.shell(title, Section::None), error }).into_response()
        }
        None => {
            let shell = Gate { title, csrf: String::new(), notice: None };
            Html(failure.status, GateError { shell, error }).into_response()
        }
    };
    let (parts, body) = page.into_parts();
    response.headers_mut().extend(parts.headers);
    *response.body_mut() = body;
    response
}

fn text(failure: &Failure, request_id: Option<String>) -> ErrorText {
    let (detail, hint) = match failure.detail.split_once("\nhint: ") {
        Some((detail, hint)) => (detail, Some(sentence(hint))),
        None => (failure.detail.as_str(), None),
    };
    let is_stray = failure.code == "app_not_recognised";
    ErrorText {
        status: failure.status.as_u16(),
        title: if is_stray { "This app cannot send you here" } else { title(failure.status) }.to_owned(),
        detail: sentence(detail),
        hint,
        request_id,
        is_stray,
    }
}

fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::FORBIDDEN => "That is not for you to do",
        StatusCode::NOT_FOUND => "There is nothing here",
        StatusCode::METHOD_NOT_ALLOWED => "This page is not asked like that",
        StatusCode::CONFLICT => "That is not possible now",
        StatusCode::PRECONDITION_FAILED => "Somebody else changed it meanwhile",
        StatusCode::TOO_MANY_REQUESTS => "Too many attempts",
        StatusCode::SERVICE_UNAVAILABLE => "Not yet",
        status if status.is_client_error() => "That could not be read",
        _ => "Something went wrong here",
    }
}

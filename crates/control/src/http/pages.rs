//! The dashboard's handlers: parse a form, call the domain, show a page or go on to one. REST calls the same functions.
//!
//! How a handler is built:
//!
//! - It takes [`Desk`]: who is signed in (`desk.by` is the caller for domain functions), what surrounds their pages
//!   (`desk.shell(title, section)`), and the notice that the last redirect asked for.
//! - It answers with [`Html`], or after a form with `done(path, Done::…, version)`, a 303 whose notice and receipt the next
//!   page shows. Only words of [`Done`] can come out of an address.
//! - It fails with `Failure`, or with a domain error by `?`: `auth::gate` writes both as a page ([`failed`]).
//! - A form that cannot be accepted comes back with 422 (`Html::again`) and what [`beside`] made of the error.
//!
//! Invariant: a handler writes no secret but the one that its page is there to show once.

mod assets;
mod desk;
mod done;
mod failed;
mod problems;

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::failure::Failure;
use super::routes::Routes;
pub(super) use failed::failed;

/// Every page.
pub(super) fn register(routes: Routes) -> Routes {
    routes.get("/assets/{name}", assets::show).get("/favicon.ico", assets::favicon)
}

/// A page, with its status.
struct Html<T>(StatusCode, T);

impl<T> Html<T> {
    fn ok(page: T) -> Self {
        Self(StatusCode::OK, page)
    }

    /// A form that comes back, because something in it is wrong.
    fn again(page: T) -> Self {
        Self(StatusCode::UNPROCESSABLE_ENTITY, page)
    }
}

impl<T: Template> IntoResponse for Html<T> {
    fn into_response(self) -> Response {
        let Self(status, page) = self;
        match page.render() {
            Ok(html) => (status, [(CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response(),
            Err(error) => {
                tracing::error!(%error, "a page could not be written");
                Failure::internal().into_response()
            }
        }
    }
}

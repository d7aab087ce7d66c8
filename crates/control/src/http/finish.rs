//! What is begun is finished: a request that changes something runs to its end, whether or not its caller still waits.
//!
//! A caller who hangs up makes the server drop the request. Between storing and publishing that would leave a
//! revocation in the database and the key working at every edge.

use axum::extract::Request;
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::failure::Failure;

pub(super) async fn finish(request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    // A task ends when it is done or panics, not when nobody waits for it.
    tokio::spawn(next.run(request)).await.unwrap_or_else(|_| Failure::internal().into_response())
}

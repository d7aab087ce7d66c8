//! `/v1/explain`.

use axum::Json;
use axum::extract::State;
use portcullis_api::explain::{Explain, Explanation};

use super::auth::By;
use super::body::Body;
use super::failure::Failure;
use crate::app::App;
use crate::explain;

/// How a request with that key would be decided, check by check.
#[utoipa::path(post, path = "/v1/explain", tag = "explain", request_body = Explain,
    responses((status = 200, description = "the decision and its checks", body = Explanation)))]
pub(super) async fn explain(
    State(app): State<App>,
    By(by): By,
    Body(request): Body<Explain>,
) -> Result<Json<Explanation>, Failure> {
    Ok(Json(explain::explain(&app, &by, &request).await?))
}

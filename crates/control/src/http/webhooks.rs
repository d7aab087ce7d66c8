//! `/v1/webhooks`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use portcullis_api::webhooks::ListWebhooks;
use portcullis_api::{CreateWebhook, CreatedWebhook, Delivery, Page, UpdateWebhook, Webhook, WhichPage};

use super::auth::By;
use super::body::{Body, Parameters, Segment, Segments};
use super::failure::Failure;
use crate::app::App;
use crate::webhooks;

/// Webhooks, newest first.
#[utoipa::path(get, path = "/v1/webhooks", tag = "webhooks", params(ListWebhooks),
    responses((status = 200, description = "one page of webhooks", body = Page<Webhook>)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    Parameters(query): Parameters<ListWebhooks>,
) -> Result<Json<Page<Webhook>>, Failure> {
    let _listing = app.listings.turn(&by).await;
    Ok(Json(webhooks::list(&app, &by, &query).await?))
}

/// Makes a webhook. What its messages are signed with is shown this once.
#[utoipa::path(post, path = "/v1/webhooks", tag = "webhooks", request_body = CreateWebhook,
    responses((status = 201, description = "the webhook", body = CreatedWebhook)))]
pub(super) async fn create(
    State(app): State<App>,
    By(by): By,
    Body(request): Body<CreateWebhook>,
) -> Result<(StatusCode, Json<CreatedWebhook>), Failure> {
    Ok((StatusCode::CREATED, Json(webhooks::create(&app, &by, &request).await?)))
}

/// One webhook.
#[utoipa::path(get, path = "/v1/webhooks/{id}", tag = "webhooks",
    responses((status = 200, description = "the webhook", body = Webhook)))]
pub(super) async fn show(State(app): State<App>, By(by): By, Segment(id): Segment) -> Result<Json<Webhook>, Failure> {
    Ok(Json(webhooks::show(&app, &by, &id).await?))
}

/// Changes where messages go, what of, and whether at all.
#[utoipa::path(patch, path = "/v1/webhooks/{id}", tag = "webhooks", request_body = UpdateWebhook,
    responses((status = 200, description = "the webhook", body = Webhook)))]
pub(super) async fn update(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
    Body(request): Body<UpdateWebhook>,
) -> Result<Json<Webhook>, Failure> {
    Ok(Json(webhooks::update(&app, &by, &id, &request).await?))
}

/// Removes a webhook and what it was sent. Messages that did not arrive yet never will.
#[utoipa::path(delete, path = "/v1/webhooks/{id}", tag = "webhooks",
    responses((status = 204, description = "it is gone")))]
pub(super) async fn remove(State(app): State<App>, By(by): By, Segment(id): Segment) -> Result<StatusCode, Failure> {
    webhooks::remove(&app, &by, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a message of the type `webhook.test`, in the background: its delivery says what became of it.
#[utoipa::path(post, path = "/v1/webhooks/{id}/test", tag = "webhooks",
    responses((status = 202, description = "the delivery, which is to be sent", body = Delivery)))]
pub(super) async fn test(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
) -> Result<(StatusCode, Json<Delivery>), Failure> {
    Ok((StatusCode::ACCEPTED, Json(webhooks::test(&app, &by, &id).await?)))
}

/// What a webhook was sent, newest first, kept for 30 days.
#[utoipa::path(get, path = "/v1/webhooks/{id}/deliveries", tag = "webhooks", params(WhichPage),
    responses((status = 200, description = "one page of deliveries", body = Page<Delivery>)))]
pub(super) async fn deliveries(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
    Parameters(query): Parameters<WhichPage>,
) -> Result<Json<Page<Delivery>>, Failure> {
    let _listing = app.listings.turn(&by).await;
    Ok(Json(webhooks::deliveries(&app, &by, &id, &query).await?))
}

/// Sends a message again, whether it arrived or not, with the same `webhook-id`.
#[utoipa::path(post, path = "/v1/webhooks/{id}/deliveries/{delivery}/retry", tag = "webhooks",
    responses((status = 202, description = "the delivery, which is to be sent", body = Delivery)))]
pub(super) async fn retry(
    State(app): State<App>,
    By(by): By,
    Segments(id, delivery): Segments,
) -> Result<(StatusCode, Json<Delivery>), Failure> {
    Ok((StatusCode::ACCEPTED, Json(webhooks::retry(&app, &by, &id, &delivery).await?)))
}

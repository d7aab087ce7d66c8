//! `/v1/keys`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use portcullis_api::keys::{CreateKeys, FindKey, ImportKeys, ListKeys, StartTrial};
use portcullis_api::{CreateKey, CreatedKey, Data, Key, KeyList, RotateKey, UpdateKey};

use super::auth::By;
use super::body::{Body, OptionalBody, Parameters, Segment, Table, Written};
use super::failure::Failure;
use crate::app::App;
use crate::keys;

pub(super) async fn create(
    State(app): State<App>,
    By(by): By,
    Body(request): Body<CreateKey>,
) -> Result<Written<CreatedKey>, Failure> {
    Ok(Written(StatusCode::CREATED, keys::create(&app, &by, request).await?))
}

pub(super) async fn create_batch(
    State(app): State<App>,
    By(by): By,
    Body(request): Body<CreateKeys>,
) -> Result<Written<Data<CreatedKey>>, Failure> {
    let created = keys::create_batch(&app, &by, request).await?;
    Ok(Written(StatusCode::CREATED, created.map(|data, _| Data { data })))
}

pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    Parameters(query): Parameters<ListKeys>,
) -> Result<Json<KeyList>, Failure> {
    let _listing = app.listings.acquire().await;
    Ok(Json(keys::list(&app, &by, query).await?))
}

pub(super) async fn show(State(app): State<App>, By(by): By, Segment(id): Segment) -> Result<Json<Key>, Failure> {
    Ok(Json(keys::show(&app, &by, &id).await?))
}

pub(super) async fn update(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
    Body(request): Body<UpdateKey>,
) -> Result<Written<Key>, Failure> {
    Ok(Written(StatusCode::OK, keys::update(&app, &by, &id, &request).await?))
}

pub(super) async fn rotate(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
    OptionalBody(request): OptionalBody<RotateKey>,
) -> Result<Written<CreatedKey>, Failure> {
    Ok(Written(StatusCode::CREATED, keys::rotate(&app, &by, &id, &request).await?))
}

pub(super) async fn revoke(State(app): State<App>, By(by): By, Segment(id): Segment) -> Result<Written<Key>, Failure> {
    Ok(Written(StatusCode::OK, keys::revoke(&app, &by, &id).await?))
}

pub(super) async fn find(
    State(app): State<App>,
    By(by): By,
    Body(request): Body<FindKey>,
) -> Result<Json<Key>, Failure> {
    Ok(Json(keys::find(&app, &by, &request).await?))
}

pub(super) async fn import(
    State(app): State<App>,
    By(by): By,
    table: Table<ImportKeys>,
) -> Result<Written<Data<Key>>, Failure> {
    let imported = match table {
        Table::Json(request) => keys::import(&app, &by, &request).await?,
        Table::Csv(text) => keys::import_csv(&app, &by, &text).await?,
    };
    Ok(Written(StatusCode::CREATED, imported.map(|data, _| Data { data })))
}

pub(super) async fn start_trial(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
    Body(request): Body<StartTrial>,
) -> Result<Written<Key>, Failure> {
    Ok(Written(StatusCode::OK, keys::start_trial(&app, &by, &id, &request).await?))
}

pub(super) async fn end_trial(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
) -> Result<Written<Key>, Failure> {
    Ok(Written(StatusCode::OK, keys::end_trial(&app, &by, &id).await?))
}

pub(super) async fn enforce_trial(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
) -> Result<Written<Key>, Failure> {
    Ok(Written(StatusCode::OK, keys::enforce_trial(&app, &by, &id).await?))
}
